"""`fit`: what is trained, on what, what comes back, and which mistakes are named."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from tests.training.problems import (
    LOGITS,
    dense,
    line_model,
    numbers,
    ragged,
    ragged_data,
    same_bits,
    token_model,
    weights,
)
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

import recur
from recur.data.sequences import Sequences, collate
from recur.engine.cpu import library
from recur.messages import InputError
from recur.training import evaluate, fit

QUIET = {"progress": False, "seed": 3}


def by_hand(model, x, y, *, epochs, batch_size, rate, clip):
    """The loop that everyone writes, in the order of the data."""
    optimizer = torch.optim.Adam(model.parameters(), lr=rate, fused=True)
    for _ in range(epochs):
        for start in range(0, len(x), batch_size):
            optimizer.zero_grad()
            outputs = model(x[start : start + batch_size])
            wanted = y[start : start + batch_size].unsqueeze(1)
            nn.functional.binary_cross_entropy_with_logits(outputs, wanted).backward()
            if clip is not None:
                nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimizer.step()


@pytest.mark.parametrize("clip", [None, 0.1])
def test_weights_are_those_of_a_loop_written_by_hand(clip):
    x, y = dense()
    ours, theirs = line_model(), line_model()
    fit(ours, x, y, loss=LOGITS, epochs=3, batch_size=10, shuffle=False, learning_rate=0.1,
        clip_norm=clip, **QUIET)  # fmt: skip
    by_hand(theirs, x, y, epochs=3, batch_size=10, rate=0.1, clip=clip)
    for name, value in weights(theirs).items():
        torch.testing.assert_close(weights(ours)[name], value, rtol=1e-5, atol=1e-6)


def test_it_learns_and_the_history_says_so():
    x, y = ragged(200)
    history = fit(token_model(), x, y, loss=LOGITS, metrics=["accuracy"], epochs=12,
                  validation_split=0.2, learning_rate=0.02, **QUIET)  # fmt: skip
    assert history.accuracy[-1] > 0.9
    assert history.val_accuracy[-1] > 0.85
    assert history.loss[-1] < history.loss[0] / 2
    assert len(history.val_loss) == len(history) == 12


def test_the_columns_of_a_history():
    x, y = dense()
    history = fit(line_model(), x, y, loss=LOGITS, metrics=["accuracy", "mae"],
                  validation_data=(x, y), **QUIET)  # fmt: skip
    assert history.columns == [
        "loss", "accuracy", "mae", "val_loss", "val_accuracy", "val_mae",
        "gradient_norm", "gradient_norm_max", "learning_rate", "seconds",
    ]  # fmt: skip
    assert history.gradient_norm_max[0] >= history.gradient_norm[0] > 0
    assert history.learning_rate == [1e-3]


def test_loss_and_metrics_of_an_epoch_are_means_over_examples_not_batches():
    x, y = dense(10)
    model = line_model()
    history = fit(model, x, y, loss=LOGITS, metrics=["accuracy", "rmse"], batch_size=4,
                  optimizer=lambda p: torch.optim.SGD(p, lr=0.0), **QUIET)  # fmt: skip
    outputs = model(x).detach().squeeze(1)
    expected = nn.functional.binary_cross_entropy_with_logits(outputs, y)
    assert history.loss[0] == pytest.approx(expected.item(), rel=1e-6)
    assert history.accuracy[0] == pytest.approx(((outputs > 0) == (y > 0.5)).double().mean().item())
    assert history.rmse[0] == pytest.approx((outputs - y).square().mean().sqrt().item(), rel=1e-6)


def test_gradient_norm_is_that_before_clipping():
    x, y = dense()
    rows = {}
    for clip in (None, 1e-3):
        still = lambda p: torch.optim.SGD(p, lr=0.0)  # noqa: E731
        history = fit(line_model(), x, y, loss=LOGITS, optimizer=still, clip_norm=clip, **QUIET)
        rows[clip] = history.gradient_norm + history.gradient_norm_max
    assert rows[None] == rows[1e-3]
    assert rows[None][0] > 1e-3


def stream(x, y):
    class Stream(IterableDataset):
        def __iter__(self):
            return iter(zip(x, y, strict=True))

    return Stream()


class Items(torch.utils.data.Dataset):
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        return self.x[index], self.y[index]


KINDS = {
    "tensors": lambda x, y: (x, y),
    "arrays of float64": lambda x, y: (x.double().numpy(), y.double().numpy()),
    "tensors of float64": lambda x, y: (x.double(), y.double()),
    "a list": lambda x, y: (list(x.numpy()), y.tolist()),
    "Sequences": lambda x, y: (Sequences(x, y),),
    "a Dataset": lambda x, y: (TensorDataset(x, y),),
    "another Dataset": lambda x, y: (Items(x.tolist(), y.tolist()),),
    "a stream": lambda x, y: (stream(x, y),),
    "a DataLoader": lambda x, y: (DataLoader(TensorDataset(x, y), batch_size=32),),
    "a DataLoader of float64": lambda x, y: (
        DataLoader(TensorDataset(x.double(), y.double()), batch_size=32),
    ),
    "a DataLoader of batches": lambda x, y: (
        DataLoader(Sequences(x, y), batch_size=32, collate_fn=collate),
    ),
    "a DataLoader with lengths": lambda x, y: (
        DataLoader(TensorDataset(x, torch.full((len(x),), 2), y), batch_size=32),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_data_of_every_kind_train_the_same(kind):
    x, y = dense(70)
    expected, model = line_model(), line_model()
    fit(expected, x, y, loss=LOGITS, epochs=2, shuffle=False, **QUIET)
    fit(model, *KINDS[kind](x, y), loss=LOGITS, epochs=2, shuffle=False, **QUIET)
    assert same_bits(weights(model), weights(expected))


@pytest.mark.parametrize("kind", ["x and y", "three", "Sequences", "DataLoader"])
def test_validation_data_of_every_kind(kind):
    x, y = dense(20)
    kinds = {
        "x and y": (x, y),
        "three": (x, y, [2] * 20),
        "Sequences": Sequences(x, y),
        "DataLoader": DataLoader(TensorDataset(x, y), batch_size=7),
    }
    model = line_model()
    history = fit(model, x, y, loss=LOGITS, validation_data=kinds[kind], **QUIET)
    assert history.val_loss[0] == pytest.approx(evaluate(model, x, y, loss=LOGITS)["loss"])


def test_validation_split_is_the_last_part_and_never_trained_on():
    x, y = dense(50)
    whole, part = line_model(), line_model()
    history = fit(whole, x, y, loss=LOGITS, validation_split=0.2, epochs=2, **QUIET)
    expected = fit(part, x[:40], y[:40], loss=LOGITS, validation_data=(x[40:], y[40:]), epochs=2,
                   **QUIET)  # fmt: skip
    assert same_bits(weights(whole), weights(part))
    assert numbers(history) == numbers(expected)


def test_lengths_reach_the_model_and_padding_does_not_count():
    x, y = ragged()
    padded = torch.zeros(len(x), 30, dtype=torch.int64)
    for row, values in zip(padded, x, strict=True):
        row[: len(values)] = torch.from_numpy(values)
    lengths = [len(values) for values in x]
    apart, together = token_model(), token_model()
    a = fit(apart, x, y, loss=LOGITS, epochs=2, **QUIET)
    b = fit(together, padded, y, lengths=lengths, loss=LOGITS, epochs=2, **QUIET)
    assert a.loss == pytest.approx(b.loss, rel=1e-5)


def test_a_model_without_lengths_is_called_without_and_the_user_is_told():
    x, y = ragged()
    layers = recur.RNN(4, 4, batch_first=True, return_sequences=False)
    model = nn.Sequential(nn.Embedding(12, 4), layers, nn.Linear(4, 1))
    assert fit(model, x, y, loss=LOGITS, **QUIET).notes == [
        "The model's forward takes no `lengths`: padding is read as if it were data."
    ]
    assert fit(token_model(), x, y, loss=LOGITS, **QUIET).notes == []


def test_a_target_for_every_step():
    x = [np.eye(3, dtype=np.float32)[row % 3] for row, _ in zip(ragged()[0], range(30))]  # noqa: B905
    y = torch.full((30, 8), 2)  # beyond the lengths they must not count
    for row, values in zip(y, x, strict=True):
        row[: len(values)] = torch.from_numpy(values.argmax(1))

    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = recur.RNN(3, 8, batch_first=True, return_sequences=True)
            self.head = nn.Linear(8, 3)

        def forward(self, x, lengths=None):
            return self.head(self.layer(x, lengths=lengths))

    padded = torch.zeros(30, 8, 3)
    for row, values in zip(padded, x, strict=True):
        row[: len(values)] = torch.from_numpy(values)
    lengths = [len(values) for values in x]
    history = fit(Tagger(), padded, y, lengths=lengths, loss="cross_entropy",
                  metrics=["accuracy"], epochs=40, learning_rate=0.02, **QUIET)  # fmt: skip
    assert history.accuracy[-1] == 1.0


# Chance


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_same_seed_same_bits_whatever_was_drawn_before(cell):
    runs = []
    for before in (1, 2):
        model = token_model(dropout=0.4, cell=cell)
        torch.manual_seed(before)
        np.random.seed(before)
        history = fit(model, ragged_data(), loss=LOGITS, metrics=["accuracy"], epochs=3,
                      validation_data=ragged_data(20, 1), **QUIET)  # fmt: skip
        runs.append((weights(model), numbers(history)))
    assert same_bits(runs[0][0], runs[1][0])
    assert runs[0][1] == runs[1][1]


def test_another_seed_gives_other_numbers():
    losses = {
        fit(token_model(), ragged_data(), loss=LOGITS, seed=seed, progress=False).loss[0]
        for seed in range(3)
    }
    assert len(losses) == 3


def test_without_a_seed_torchs_random_state_decides():
    def loss(model):
        return fit(model, ragged_data(), loss=LOGITS, progress=False).loss

    models = [token_model() for _ in range(3)]
    torch.manual_seed(7)
    first, second = loss(models[0]), loss(models[1])
    torch.manual_seed(7)
    assert loss(models[2]) == first
    assert first != second


def test_the_random_states_outside_are_left_as_they_were():
    def drawn():
        return torch.rand(1).item(), np.random.rand(), random.random()

    model = token_model(dropout=0.5)
    torch.manual_seed(1), np.random.seed(1), random.seed(1)
    expected = drawn()
    torch.manual_seed(1), np.random.seed(1), random.seed(1)
    fit(model, ragged_data(), loss=LOGITS, **QUIET)
    assert drawn() == expected


def test_every_epoch_has_another_order_and_shuffle_false_has_none():
    class Watching(nn.Linear):
        def forward(self, x):
            self.seen = [*getattr(self, "seen", []), *x[:, 0].tolist()]
            return super().forward(x)

    x, y = dense(40)
    orders = {}
    for shuffle in (True, False):
        model = Watching(2, 1)
        fit(model, x, y, loss=LOGITS, epochs=2, batch_size=8, shuffle=shuffle, **QUIET)
        orders[shuffle] = model.seen[:40], model.seen[40:]
        assert sorted(model.seen[:40]) == sorted(x[:, 0].tolist())
    assert orders[False] == (x[:, 0].tolist(), x[:, 0].tolist())
    assert orders[True][0] != orders[True][1]


@pytest.mark.parametrize("own", [False, True])
def test_a_dataloader_shuffles_the_same_for_the_same_seed(own):
    def loader():
        generator = torch.Generator() if own else None
        if generator is not None:
            generator.seed()
        x, y = dense()
        data = TensorDataset(x, y)
        return DataLoader(data, batch_size=8, shuffle=True, generator=generator)

    runs = []
    for _ in range(2):
        model = line_model()
        torch.rand(1)
        fit(model, loader(), loss=LOGITS, epochs=2, **QUIET)
        runs.append(weights(model))
    assert same_bits(*runs)


# The best epoch


def rising(start=2):
    """A training whose validation loss is best in epoch `start`, then worse: steps too long."""
    x, y = torch.ones(4, 1), torch.full((4,), float(start))
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    # The gradient of the mean absolute error is -1: every step adds 1 to the weight.
    step = torch.optim.SGD(model.parameters(), lr=1.0)
    return model, {
        "x": x, "y": torch.full((4,), 100.0), "validation_data": (x, y), "loss": "mae",
        "optimizer": step, "batch_size": 4, "clip_norm": None, **QUIET,
    }  # fmt: skip


def test_early_stopping_waits_for_patience_epochs():
    model, given = rising()
    history = fit(model, **given, epochs=20, patience=3)
    assert history.val_loss == [1.0, 0.0, 1.0, 2.0, 3.0]
    assert "Stopped early: val_loss has not improved for 3 epochs" in history.notes[-1]
    assert "best was 0.0000 in epoch 2" in history.notes[-1]
    assert model.weight.item() == 5.0


def test_the_best_weights_come_back():
    model, given = rising()
    history = fit(model, **given, epochs=6, restore_best=True)
    assert len(history) == 6
    assert model.weight.item() == 2.0
    assert history.best_epoch() == 2


def test_the_monitored_column_decides():
    model, given = rising()
    history = fit(model, **given, epochs=6, monitor="loss", restore_best=True, patience=2)
    assert model.weight.item() == 6.0
    assert len(history) == 6


def test_an_accuracy_is_best_when_high():
    x, y = dense()
    history = fit(line_model(), x, y, loss=LOGITS, metrics=["accuracy"], monitor="val_accuracy",
                  validation_data=(x, y), epochs=30, learning_rate=0.1, patience=3,
                  restore_best=True, **QUIET)  # fmt: skip
    assert len(history) > 4
    assert max(history.val_accuracy) == history.val_accuracy[history.best_epoch("val_accuracy") - 1]


def test_on_epoch_is_called_with_each_row():
    seen = []
    x, y = dense()
    history = fit(line_model(), x, y, loss=LOGITS, epochs=3,
                  on_epoch=lambda epoch, row: seen.append((epoch, row)), **QUIET)  # fmt: skip
    assert seen == list(enumerate(history.rows, start=1))


def test_the_modes_of_a_model():
    """Dropout is on in training, off in validation."""

    class Watching(nn.Linear):
        modes = ()

        def forward(self, x):
            self.modes = (*self.modes, self.training)
            return super().forward(x)

    x, y = dense(8)
    model = Watching(2, 1)
    fit(model, x, y, loss=LOGITS, epochs=2, batch_size=8, validation_data=(x, y), **QUIET)
    assert model.modes == (True, False, True, False)


# Mistakes


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"epochs": 0}, "epochs must be a whole number of at least 1; got 0"),
        ({"batch_size": 2.5}, "batch_size must be a whole number of at least 1; got 2.5"),
        ({"patience": 0}, "patience must be a whole number of at least 1; got 0"),
        ({"clip_norm": -1}, "clip_norm must be above 0, or None not to clip; got -1"),
        ({"resume": True}, "resume needs checkpoint"),
        ({"seed": -1}, "seed must be a whole number of at least 0; got -1"),
        ({"seed": 0.5}, "seed must be a whole number of at least 0; got 0.5"),
        ({"loss": "mes"}, "Did you mean 'mse'"),
        ({"metrics": ["acuracy"]}, "Did you mean 'accuracy'"),
        ({"optimizer": "adamm"}, "Did you mean 'adam'"),
        ({"learning_rate": -1.0}, "learning_rate must be above 0"),
        ({"monitor": "los"}, "Did you mean 'loss'"),
        ({"monitor": "val_loss"}, "Give validation_data or validation_split"),
        ({"validation_split": 1.5}, "between 0 and 1; got 1.5"),
        ({"validation_split": 0.5, "validation_data": (1, 2)}, "not both"),
        ({"validation_data": (1, 2, 3, 4)}, r"\(x, y\) or \(x, y, lengths\); got 4 parts"),
        ({"y": None}, "There are no targets y"),
        ({"lengths": [9] * 48}, "at most 2; got 9 for sequence 0"),
    ],
)
def test_mistakes_get_one_sentence_before_any_step(given, sentence):
    x, y = dense()
    model = line_model()
    before = weights(model)
    with pytest.raises(InputError, match=sentence):
        fit(model, **{"x": x, "y": y, "loss": LOGITS, "progress": False, **given})
    assert same_bits(weights(model), before)


def test_wrong_numbers_are_named_all_at_once():
    x, y = dense()
    with pytest.raises(InputError, match=r"epochs.*batch_size.*clip_norm"):
        fit(line_model(), x, y, loss=LOGITS, epochs=0, batch_size=0, clip_norm=0)


def test_data_that_hold_their_targets():
    x, y = dense()
    pairs = TensorDataset(x, y)
    for data in (Sequences(x, y), pairs, DataLoader(pairs), stream(x, y)):
        with pytest.raises(InputError, match="leave y and lengths out"):
            fit(line_model(), data, y, loss=LOGITS)
    with pytest.raises(InputError, match="split the Dataset yourself"):
        fit(line_model(), pairs, loss=LOGITS, validation_split=0.5)
    with pytest.raises(InputError, match="DataLoader has its own"):
        fit(line_model(), DataLoader(pairs), loss=LOGITS, validation_split=0.5)


def test_a_loader_of_other_things():
    class Words(Items):
        def __getitem__(self, index):
            return {"x": self.x[index]}

    with pytest.raises(InputError, match=r"tensors: x, \(x, y\).*got \(dict\).*collate"):
        fit(line_model(), DataLoader(Words(*dense())), loss=LOGITS, progress=False)


def test_a_loader_without_batches():
    with pytest.raises(InputError, match="the data hold no batch"):
        fit(line_model(), stream([], []), loss=LOGITS, progress=False)


def test_labels_that_the_loss_does_not_know_are_found_wherever_they_are():
    x, y = dense(100)
    y[99] = 2
    model = line_model()
    before = weights(model)
    with pytest.raises(InputError, match=r"from 0 to 1; got 2\."):
        fit(model, x, y, loss=LOGITS, shuffle=False, progress=False)
    with pytest.raises(InputError, match="from 0 to 1, as the model has 2 outputs; got 2"):
        fit(line_model(2), x, y, loss="cross_entropy", shuffle=False, progress=False)
    assert same_bits(weights(model), before)


def test_a_model_that_returns_a_state_too():
    x = torch.randn(4, 3, 2)
    with pytest.raises(InputError, match=r"return a tensor; got tuple.*return_sequences"):
        fit(recur.RNN(2, 2, batch_first=True), x, torch.zeros(4, 2), loss="mse", progress=False)


def test_a_loss_that_hangs_on_no_weight():
    x, y = dense()
    with pytest.raises(InputError, match="depends on no weight"):
        fit(line_model(), x, y, loss=lambda o, t: (o.detach() - t).mean(), progress=False)


@pytest.mark.skipif(not library.runnable(), reason="the compiled engine is not built")
def test_beside_other_programs_the_same_bits(monkeypatch):
    """There a fused step takes one thread, and torch's number is as it was after it."""
    before, loaded = torch.get_num_threads(), library.library()
    weights, seen = [], []
    x, y = torch.randn(40, 5, 3), torch.randint(0, 2, (40,))
    step = torch.optim.Adam.step

    def watched(self, *given):
        seen.append(torch.get_num_threads())
        return step(self, *given)

    monkeypatch.setattr(torch.optim.Adam, "step", watched)
    try:
        torch.set_num_threads(2)
        for crowded in (False, True):
            loaded.set_crowded(crowded)
            torch.manual_seed(0)
            model = recur.ManyToOne(inputs=3, outputs=2, cell="gru", units=4)
            recur.fit(model, x, y, loss="cross_entropy", epochs=2, seed=0, progress=False)
            weights.append([w.detach().clone() for w in model.parameters()])
            assert torch.get_num_threads() == 2
    finally:
        loaded.set_crowded(None)
        torch.set_num_threads(before)
    assert all(torch.equal(a, b) for a, b in zip(*weights, strict=True))
    assert set(seen[: len(seen) // 2]) == {2}
    assert set(seen[len(seen) // 2 :]) == {1}
