"""`summary`: layers, output shapes, parameters, and the path of each recurrent layer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.training.problems import ragged, token_model
from torch import nn

import recur
from recur.messages import InputError
from recur.training import Summary, summary


def tutorial():
    return nn.Sequential(
        nn.Embedding(100, 32),
        recur.SimpleRNN(32, 32, batch_first=True, return_sequences=False),
        nn.Linear(32, 1),
        nn.Sigmoid(),
    )


def rows(found: Summary):
    return [(row.name, row.kind, row.output, row.parameters) for row in found.rows]


def test_layers_shapes_and_parameters():
    found = summary(tutorial(), np.ones((7, 500), dtype=np.int64))
    assert rows(found) == [
        ("0", "Embedding", "(batch, 500, 32)", 3200),
        ("1", "RNN", "(batch, 32)", 2112),
        ("2", "Linear", "(batch, 1)", 33),
        ("3", "Sigmoid", "(batch, 1)", 0),
    ]
    assert found.parameters == found.trainable == 5345


def test_the_path_of_each_recurrent_layer_is_the_one_that_explain_names():
    model = nn.Sequential(recur.LSTM(2, 3), nn.GRU(2, 3))
    found = summary(model)
    assert found.paths == str(recur.explain(model))
    lines = found.paths.splitlines()
    assert lines[0].startswith("0 (LSTM): ")
    assert "torch.nn's own" in lines[1]


def test_as_text():
    text = str(summary(tutorial(), np.ones((7, 500), dtype=np.int64))).splitlines()
    assert text[0].split() == ["Layer", "(type)", "Output", "shape", "Parameters"]
    assert text[2].split() == ["0", "(Embedding)", "(batch,", "500,", "32)", "3,200"]
    assert len({len(line) for line in text[:6]}) == 1
    assert text[-2] == "Parameters: 5,345 (5,345 trainable)"
    assert text[-1].startswith("1 (RNN): ")


def test_without_data_layers_say_what_they_know():
    assert [row.output for row in summary(tutorial()).rows] == [
        "(..., 32)",
        "(..., 32)",
        "(..., 1)",
        "?",
    ]
    both = recur.LSTM(4, 8, proj_size=3, bidirectional=True)
    assert rows(summary(both))[0][:3] == ("the model", "LSTM", "(..., 6)")


def test_data_of_unequal_length():
    x, _ = ragged()
    x = x[:2]
    found = {row.name: row.output for row in summary(token_model(), x).rows}
    longest = max(map(len, x))
    assert found["embedding"] == f"(batch, {longest}, 4)"
    assert found["input_dropout"] == f"(batch, {longest}, 4)"
    assert found["head"] == "(batch, 1)"


def test_a_layer_used_twice_is_shown_where_it_comes_first():
    twice = nn.Dropout()
    found = summary(nn.Sequential(twice, nn.Linear(2, 3), twice), torch.zeros(4, 2))
    assert [(row.name, row.output) for row in found.rows] == [
        ("0", "(batch, 2)"),
        ("1", "(batch, 3)"),
    ]


def test_the_order_is_that_of_the_data():
    class Backwards(nn.Module):
        def __init__(self):
            super().__init__()
            self.last = nn.Linear(4, 1)
            self.never = nn.Linear(1, 1)
            self.first = nn.Linear(2, 4)

        def forward(self, x):
            return self.last(self.first(x))

    found = summary(Backwards(), torch.zeros(3, 2))
    assert [row.name for row in found.rows] == ["first", "last", "never"]
    assert found.rows[2].output == "(..., 1)"


def test_frozen_shared_and_own_weights():
    class Whole(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(5))
            self.a = nn.Linear(2, 2)
            self.b = nn.Linear(2, 2)
            self.b.weight = self.a.weight
            self.b.bias.requires_grad_(False)

        def forward(self, x):
            return self.b(self.a(x))

    found = summary(Whole(), torch.zeros(3, 2))
    assert (found.parameters, found.trainable) == (5 + 4 + 2 + 2, 5 + 4 + 2)
    assert {row.name: row.parameters for row in found.rows} == {"a": 6, "b": 6, "the model": 5}


def test_time_first_and_states_as_outputs():
    model = nn.Sequential(recur.RNN(2, 3))  # (outputs, state), time first

    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = recur.RNN(2, 3)

        def forward(self, x):
            return self.layer(x.transpose(0, 1))[0][-1]

    assert summary(Last(), torch.zeros(9, 5, 2)).rows[0].output == "(5, batch, 3)"
    with pytest.raises(InputError, match="return a tensor; got tuple"):
        summary(model, torch.zeros(9, 5, 2))


def test_the_model_is_left_as_it_was():
    model = token_model(dropout=0.5)
    before = torch.get_rng_state()
    summary(model, ragged()[0])
    assert model.training
    assert torch.equal(torch.get_rng_state(), before)
    assert not any(module._forward_hooks for module in model.modules())
