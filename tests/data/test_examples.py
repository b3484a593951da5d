"""Examples that are read when they are asked for: the same numbers, whoever reads them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from recur import training
from recur.data.examples import Examples, Lazy
from recur.data.sequences import Sequences
from recur.data.targets import IGNORED
from recur.messages import InputError
from recur.models import ManyToOne
from recur.training.call import caller

N = 24
LENGTHS = np.random.default_rng(0).integers(2, 7, N)
ROWS = [np.random.default_rng(n).normal(size=(size, 2)) for n, size in enumerate(LENGTHS)]
LABELS = np.arange(N) % 2


def read(index, chance):
    x = ROWS[index] if chance is None else ROWS[index] + chance.normal(size=ROWS[index].shape)
    return x.astype(np.float32), LABELS[index]


def read_x(index, chance):
    return read(index, chance)[:1]


def lazy(**given):
    return Lazy(N, read, **{"lengths": LENGTHS, **given})


def same(first, second):
    names = ("x", "lengths", "y")
    return all(torch.equal(getattr(first, name), getattr(second, name)) for name in names)


def test_they_are_examples_and_what_the_same_ones_in_memory_are():
    memory = Sequences([row.astype(np.float32) for row in ROWS], LABELS)
    for examples in (lazy(), lazy(lengths=None), Lazy(N, read_x, y=LABELS)):
        assert isinstance(examples, Examples)
        assert len(examples) == N
        assert same(examples.batch([3, 0, 7]), memory.batch([3, 0, 7]))
        for index in (5, -1):
            for one, other in zip(examples[index], memory[index], strict=True):
                assert torch.equal(one, other)
    assert isinstance(memory, Examples)
    assert lazy().lengths.tolist() == LENGTHS.tolist()
    assert lazy().y is None
    assert Lazy(N, read_x, y=LABELS).y.tolist() == LABELS.tolist()


@pytest.mark.parametrize("augment", [False, True])
def test_the_number_of_workers_changes_no_number(augment):
    found = []
    for workers in (0, 1, 3):
        torch.manual_seed(7)
        examples = lazy(augment=augment, workers=workers)
        found.append([examples.batch(rows) for rows in (range(9), range(5, 20), range(9))])
    for others in found[1:]:
        assert all(same(one, other) for one, other in zip(found[0], others, strict=True))
    first, _, again = found[0]
    assert same(first, again) == (not augment)  # each time another chance


def test_another_seed_draws_others():
    drawn = []
    for seed in (0, 0, 1):
        torch.manual_seed(7)
        drawn.append(lazy(augment=True, seed=seed).batch(range(4)))
    assert same(drawn[0], drawn[1])
    assert not same(drawn[0], drawn[2])


def test_targets_of_their_own_length():
    examples = Lazy(3, lambda n, _: (ROWS[n], np.arange(n + 1)), aligned=False)
    assert examples.batch([2, 0]).y.tolist() == [[0, 1, 2], [0, IGNORED, IGNORED]]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"lengths": [1, 2]}, "lengths must be one for each of 24 examples; got 2"),
        ({"y": [1]}, "y must be one for each of 24 examples; got 1"),
        ({"workers": -1}, "workers must be"),
    ],
)
def test_numbers_that_do_not_fit_get_a_sentence(given, sentence):
    with pytest.raises(InputError, match=sentence):
        lazy(**given)
    with pytest.raises(IndexError, match=r"between -24 and 23; got 24"):
        lazy()[24]


def model():
    torch.manual_seed(1)
    return ManyToOne(inputs=2, outputs=1, units=3)


GIVEN = {
    "loss": "binary_crossentropy_with_logits",
    "epochs": 2,
    "batch_size": 4,
    "seed": 0,
    "progress": False,
}


@pytest.mark.parametrize("workers", [0, 3])
def test_a_training_that_goes_on_in_the_middle_of_an_epoch_draws_what_it_would_have(
    workers, tmp_path, monkeypatch
):
    whole = model()
    training.fit(whole, lazy(augment=True), **GIVEN)
    step, done = torch.optim.Adam.step, []

    def interrupted(self, *args, **kwargs):
        done.append(1)
        if len(done) == 9:  # the third of six batches of the second epoch
            raise KeyboardInterrupt
        return step(self, *args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(torch.optim.Adam, "step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            training.fit(model(), lazy(augment=True, workers=workers), checkpoint=tmp_path, **GIVEN)
    resumed = model()
    training.fit(
        resumed, lazy(augment=True, workers=workers), checkpoint=tmp_path, resume=True, **GIVEN
    )
    for one, other in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, other)


class Told(nn.Module):
    """Reads a number beside each sequence."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, x, lengths=None, speaker=None):
        return x.sum(1) * self.weight + speaker


def test_what_is_read_beside_the_sequences_reaches_the_forward():
    rows = [np.array([1.0, 2.0]), np.array([3.0]), np.array([4.0, 5.0, 6.0])]
    examples = Sequences(rows, also={"speaker": np.array([10.0, 20.0, 30.0])})
    batch = examples.subset([2, 0]).batch([0, 1])
    assert batch.also["speaker"].tolist() == [30.0, 10.0]
    assert caller(Told())(batch).tolist() == [45.0, 13.0]
    assert training.predict(Told(), examples, batch_size=2).tolist() == [13.0, 23.0, 45.0]


def test_what_is_beside_may_be_as_unequal_as_the_sequences():
    examples = Sequences(
        [[1, 2], [3]], [[5], [6, 7, 8]], also={"marks": [[1, 2, 3], [4]]}, aligned=False
    )
    batch = examples.batch([0, 1])
    assert batch.y.tolist() == [[5, IGNORED, IGNORED], [6, 7, 8]]
    assert batch.also["marks"].tolist() == [[1, 2, 3], [4, 0, 0]]
    with pytest.raises(InputError, match=r"marks must be as long as x \(2 sequences\); got 1 exam"):
        Sequences([[1, 2], [3]], also={"marks": [[1]]})
    with pytest.raises(InputError, match="the targets y of sequence 0 must be one for each"):
        Sequences([[1, 2], [3]], [[5], [6, 7, 8]])


def test_numbers_of_lengths_of_their_own_end_with_nan():
    """Nothing else says where they end; 0 would be a number like others."""
    y = [np.ones((n + 1, 2), dtype=np.float32) for n in range(3)]
    examples = Lazy(3, lambda n, _: (ROWS[n], y[n]), aligned=False)
    known = examples.batch([0, 2]).y.isfinite().all(dim=-1)
    assert known.tolist() == [[True, False, False], [True, True, True]]


def test_targets_of_several_outputs_go_by_their_names():
    def read(row, chance):
        steps = row + 1
        return np.zeros((steps, 2), np.float32), {"label": row, "tag": np.arange(steps)}

    batch = Lazy(3, read).batch([2, 0])
    assert batch.y["label"].tolist() == [2, 0]
    assert batch.y["tag"].tolist() == [[0, 1, 2], [0, IGNORED, IGNORED]]
    assert batch.lengths.tolist() == [3, 1]
