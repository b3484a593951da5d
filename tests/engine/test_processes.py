"""What a long-lived program does: thousands of calls, several threads, forked processes."""

from __future__ import annotations

import gc
import multiprocessing
import os
import platform
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader, Dataset

import recur
from recur.engine.cpu import library

KINDS = ("RNN", "LSTM", "GRU")
STATM = Path("/proc/self/statm")
# Newer Pythons warn of any fork of a process that has threads: what is tested here.
forking = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]


def learn(layer, x, lengths=None):
    """A step of training; the loss and every gradient."""
    layer.zero_grad()
    y, state = layer(x, lengths=lengths)
    loss = y.square().sum() + sum(
        s.sum() for s in (state if isinstance(state, tuple) else (state,))
    )
    loss.backward()
    return [loss.detach(), *(w.grad.clone() for w in layer.parameters())]


def resident() -> int:
    """The bytes of memory that this process holds."""
    gc.collect()
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not STATM.exists(), reason="the system does not tell a process its memory")
def test_memory_does_not_grow_over_ten_thousand_calls():
    layers = [getattr(recur, kind)(5, 8, bidirectional=kind == "GRU") for kind in KINDS]
    shapes = [torch.randn(time, rows, 5) for time, rows in ((4, 3), (7, 2), (1, 5))]

    def calls(count):
        for i in range(count // 2):
            layer, x = layers[i % 3], shapes[i // 3 % 3]
            learn(layer, x, lengths=[x.shape[0]] * (x.shape[1] - 1) + [i % 2])
            with torch.no_grad():
                layer(x)

    calls(1_000)
    before = resident()
    calls(10_000)
    # A single float kept of each call would be 40 kB; pages come and go by the hundred.
    assert resident() - before < 2**20


FREED = """
import resource, torch, recur
embedding, layer, head = recur.Embedding(10_000, 32), recur.RNN(32, 32), torch.nn.Linear(32, 1)
optimizer = torch.optim.Adam([*embedding.parameters(), *layer.parameters(), *head.parameters()])
tokens = torch.randint(10_000, (500, 32))
def steps(count):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(count):
        optimizer.zero_grad()
        head(layer(embedding(tokens))[0][-1]).sum().backward()
        optimizer.step()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) // count
steps(20)
print(steps(20))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is about glibc's malloc")
@pytest.mark.skipif(not library.runnable(), reason="the compiled engine is not built")
def test_a_step_of_training_takes_no_new_pages():
    """What it frees stays for the next one; 900 pages were given back and taken again before."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    assert int(subprocess.check_output([sys.executable, "-c", FREED], env=plain)) < 100


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("kind", KINDS)
def test_callers_side_by_side_get_what_each_gets_alone(kind):
    layers = [getattr(recur, kind)(5, 9, num_layers=2) for _ in range(3)]
    given = [torch.randn(12, 6, 5) for _ in layers]
    alone = [learn(layer, x) for layer, x in zip(layers, given, strict=True)]
    together: list[list] = [[] for _ in layers]
    begin = threading.Barrier(len(layers))

    def call(i):
        begin.wait()
        together[i].extend(learn(layers[i], given[i]) for _ in range(20))

    callers = [threading.Thread(target=call, args=(i,)) for i in range(len(layers))]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    for want, several in zip(alone, together, strict=True):
        assert len(several) == 20
        for got in several:
            assert all(torch.equal(a, b) for a, b in zip(got, want, strict=True))


@pytest.mark.usefixtures("two_threads")
def test_one_layer_called_by_several_threads():
    layer, x = recur.LSTM(5, 9), torch.randn(12, 6, 5)
    with torch.no_grad():
        want, _ = layer(x)
    found = []

    def call():
        with torch.no_grad():
            found.extend(layer(x)[0] for _ in range(20))

    callers = [threading.Thread(target=call) for _ in range(3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(found) == 60
    assert all(torch.equal(y, want) for y in found)


class Walked(Dataset):
    """A data set that runs a layer for each of its items, in whatever process loads them."""

    def __init__(self, kind):
        self.layer = getattr(recur, kind)(5, 9)
        self.x = torch.randn(6, 12, 4, 5)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return torch.stack([value.sum() for value in learn(self.layer, self.x[i])])


@pytest.mark.usefixtures("two_threads")
class TestForked:
    pytestmark = forking

    @pytest.mark.parametrize("kind", KINDS)
    def test_workers_of_a_loader_walk_as_their_parent_does(self, kind):
        data = Walked(kind)
        want = torch.stack([data[i] for i in range(len(data))])  # the parent's threads are at work
        loader = DataLoader(
            data, batch_size=1, num_workers=2, timeout=60, multiprocessing_context="fork"
        )
        found = []
        for item in loader:
            learn(data.layer, data.x[0])
            found.append(item[0])
        torch.testing.assert_close(torch.stack(found), want)

    def test_a_stream_goes_on_in_a_forked_process(self):
        stream, x = recur.Stream(recur.GRU(5, 9), 8), torch.randn(8, 5)
        stream(x)
        process = multiprocessing.get_context("fork").Process(target=stream, args=(x,))
        process.start()
        process.join(60)
        hangs = process.exitcode is None
        process.kill()
        assert not hangs

    @pytest.mark.skipif(not library.runnable(), reason="torch's own threads hang in a fork")
    def test_a_forked_process_does_not_wait_for_threads_that_did_not_come_along(self):
        """Where torch's own operators would: they count on the parent's OpenMP threads."""
        layer, x = recur.GRU(5, 9), torch.randn(12, 6, 5)
        want = learn(layer, x)

        def child(pipe):
            with torch.no_grad():
                y, _ = layer(x)
            pipe.send((y.sum().item(), str(recur.explain(layer))))

        context = multiprocessing.get_context("fork")
        here, there = context.Pipe()
        process = context.Process(target=child, args=(there,))
        process.start()
        answered = here.poll(60)
        if not answered:
            process.kill()
        process.join()
        assert answered, "the forked process hangs"
        total, explained = here.recv()
        assert total == pytest.approx(layer(x)[0].sum().item(), rel=1e-5)
        assert ", 1 threads)" in explained
        # And the parent has lost nothing.
        assert all(torch.equal(a, b) for a, b in zip(learn(layer, x), want, strict=True))
