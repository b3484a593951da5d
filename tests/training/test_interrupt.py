"""Ctrl-C: in this process, and in a process of its own that a signal really reaches."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
import torch
from tests.training.problems import LOGITS, dense, line_model, same_bits, weights
from torch import nn

from recur import files
from recur.training import TrainingInterrupted, checkpoint, fit
from recur.training.interrupt import Interrupt, StoppedAtOnce

GIVEN = {"loss": LOGITS, "progress": False, "seed": 0, "batch_size": 8}


def interrupt(number=signal.SIGINT):
    os.kill(os.getpid(), number)


class Presses(nn.Linear):
    """Ctrl-C is pressed while it works on its third batch."""

    seen, number = 0, signal.SIGINT

    def forward(self, x):
        self.seen += 1
        if self.seen == 3:
            interrupt(self.number)
            time.sleep(0.01)  # a signal is delivered between two steps of Python
        return super().forward(x)


def test_the_batch_ends_and_the_user_learns_where_training_stands(tmp_path):
    x, y = dense(80)
    torch.manual_seed(0)
    model, expected = Presses(2, 1), line_model()
    with pytest.raises(TrainingInterrupted) as stopped:
        fit(model, x, y, **GIVEN, epochs=2, shuffle=False, checkpoint=tmp_path)
    fit(expected, x[:24], y[:24], **GIVEN, shuffle=False)
    assert same_bits(weights(model), weights(expected))
    error = stopped.value
    assert (error.epoch, error.batch, error.checkpoint) == (1, 3, tmp_path)
    assert len(error.history) == 0
    assert str(error) == (
        f"Training was stopped in epoch 1, after batch 3. The state is saved in {tmp_path}; call "
        "fit with resume=True to go on."
    )
    saved, _ = files.read_tensors(tmp_path / checkpoint.FILE)
    assert torch.equal(saved["model.weight"], model.weight)


def test_without_a_checkpoint_the_model_holds_what_was_learnt():
    x, y = dense(80)
    with pytest.raises(TrainingInterrupted, match="the only copy of what was learnt") as stopped:
        fit(Presses(2, 1), x, y, **GIVEN)
    assert stopped.value.checkpoint is None
    assert isinstance(stopped.value, KeyboardInterrupt)


def test_ctrl_c_after_the_last_batch_is_not_swallowed(tmp_path):
    x, y = dense(16)
    given = {**GIVEN, "epochs": 2, "checkpoint": tmp_path}
    with pytest.raises(TrainingInterrupted) as stopped:
        fit(line_model(), x, y, **given, on_epoch=lambda epoch, row: epoch == 2 and interrupt())
    assert (stopped.value.epoch, stopped.value.batch) == (2, 2)
    assert len(stopped.value.history) == 2
    assert len(fit(line_model(), x, y, **given, resume=True)) == 2


def test_a_second_ctrl_c_stops_at_once():
    class Stubborn(nn.Linear):
        reached = False

        def forward(self, x):
            interrupt()
            interrupt()
            time.sleep(0.01)
            self.reached = True
            return super().forward(x)

    model = Stubborn(2, 1)
    with pytest.raises(KeyboardInterrupt) as stopped:
        fit(model, *dense(), **GIVEN)
    assert not isinstance(stopped.value, TrainingInterrupted)
    assert not model.reached


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_a_second_one_while_saving_keeps_the_state_before(second, tmp_path, monkeypatch):
    given = {**GIVEN, "checkpoint": tmp_path}
    fit(line_model(), *dense(80), **given)
    before = (tmp_path / checkpoint.FILE).read_bytes()
    written = os.fsync

    def pressed(handle):
        interrupt(second)
        time.sleep(0.01)
        written(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", pressed)
        with pytest.raises(StoppedAtOnce, match="Stopped at once; what was saved") as stopped:
            fit(Presses(2, 1), *dense(80), **given, epochs=2, resume=True)
    assert stopped.value.signal == second
    assert [path.name for path in tmp_path.iterdir()] == [checkpoint.FILE]
    assert (tmp_path / checkpoint.FILE).read_bytes() == before
    assert len(fit(line_model(), *dense(80), **given, epochs=2, resume=True)) == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_end_saves_as_ctrl_c_does(number, tmp_path):
    model = Presses(2, 1)
    model.number = number
    with pytest.raises(TrainingInterrupted, match="state is saved") as stopped:
        fit(model, *dense(80), **GIVEN, checkpoint=tmp_path)
    assert (stopped.value.batch, stopped.value.signal) == (3, number)
    assert signal.getsignal(number) == signal.SIG_DFL


@pytest.mark.parametrize("plan", [signal.SIG_IGN, lambda *_: None], ids=["ignored", "handled"])
def test_a_program_with_plans_of_its_own_for_its_end_keeps_them(plan):
    before = signal.signal(signal.SIGTERM, plan)
    model = Presses(2, 1)
    model.number = signal.SIGTERM
    try:
        assert len(fit(model, *dense(80), **GIVEN)) == 1
        assert signal.getsignal(signal.SIGTERM) is plan
    finally:
        signal.signal(signal.SIGTERM, before)


def test_the_handler_is_put_back():
    before = signal.getsignal(signal.SIGINT)
    fit(line_model(), *dense(), **GIVEN)
    assert signal.getsignal(signal.SIGINT) is before
    with pytest.raises(TrainingInterrupted):
        fit(Presses(2, 1), *dense(), **GIVEN)
    assert signal.getsignal(signal.SIGINT) is before
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_ignored_signal_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert len(fit(Presses(2, 1), *dense(), **GIVEN)) == 1
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_training_in_another_thread_leaves_the_handler_alone():
    before, found = signal.getsignal(signal.SIGINT), []

    def train():
        with Interrupt():
            found.append(signal.getsignal(signal.SIGINT))
        found.append(fit(line_model(), *dense(), **GIVEN))

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert found[0] is before
    assert len(found[1]) == 1


PROGRAM = """
import sys, torch
import recur

torch.set_num_threads(1)
folder, how = sys.argv[1:]
generator = torch.Generator().manual_seed(0)
lengths = torch.randint(5, 60, (400,), generator=generator).tolist()
x = [torch.randint(1, 50, (length,), generator=generator) for length in lengths]
y = torch.tensor([float(row.float().mean() > 25) for row in x])

class Telling(torch.utils.data.Dataset):
    def __len__(self):
        return len(x)

    def __getitem__(self, index):
        if index == 0:
            print("under way", flush=True)
        return x[index], y[index]

def train(checkpoint, resume):
    torch.manual_seed(0)
    model = recur.ManyToOne(vocabulary=50, embedding=8, units=16, outputs=1, dropout=0.2)
    recur.fit(model, Telling(), loss="binary_crossentropy_with_logits", epochs=3, batch_size=4,
              seed=0, checkpoint=checkpoint, resume=resume, progress=False)
    print(*[p.detach().double().sum().item().hex() for p in model.parameters()])

try:
    train(folder, how == "resume")
except recur.TrainingInterrupted as stopped:
    print("stopped", stopped.epoch, stopped.batch, flush=True)
    sys.exit(130)
if how == "resume":
    train(None, False)
"""


def start(*arguments):
    command = [sys.executable, "-c", PROGRAM, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_sigint_to_a_real_process_and_on_from_there(tmp_path):
    stopped = start(tmp_path, "begin")
    for _ in range(2):  # until the second epoch has begun
        assert stopped.stdout.readline() == "under way\n"
    stopped.send_signal(signal.SIGINT)
    out, err = stopped.communicate(timeout=60)
    assert (stopped.returncode, err) == (130, "")
    word, epoch, batch = out.splitlines()[-1].split()
    assert (word, int(epoch) in (2, 3), 1 <= int(batch) <= 100) == ("stopped", True, True)

    resumed = start(tmp_path, "resume")
    out, err = resumed.communicate(timeout=120)
    assert (resumed.returncode, err) == (0, "")
    after, whole = [line for line in out.splitlines() if line != "under way"]
    assert after == whole
