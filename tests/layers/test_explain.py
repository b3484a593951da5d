"""`recur.explain`: a line for each recurrent layer of a model, and the path that it takes."""

from __future__ import annotations

import pytest
import torch
from tests.engine.paths import PATHS, choosing, forced
from torch import nn

import recur


def model():
    return nn.ModuleDict(
        {
            "encoder": recur.LSTM(2, 3),
            "elsewhere": recur.LSTM(2, 3, device="meta"),
            "old": nn.GRU(3, 3),
            "head": nn.Linear(3, 1),
        }
    )


@pytest.mark.parametrize("path", PATHS[1:])
def test_each_layer_its_path_and_why(path):
    with forced(path):
        explanation = recur.explain(model())
    assert [name for name, _ in explanation.rows] == [
        "encoder (LSTM)",
        "elsewhere (LSTM)",
        "old (GRU)",
    ]
    encoder, elsewhere, old = (text for _, text in explanation.rows)
    variant = path.removeprefix("cpu-")
    assert encoder == f"cpu (compiled, {variant}, {torch.get_num_threads()} threads)"
    assert elsewhere.startswith("reference (a loop in plain PyTorch); not cpu: the weights are on")
    assert old == "torch.nn's own; recur.GRU takes its place with the same weights"
    assert str(explanation).splitlines() == [f"{n}: {t}" for n, t in explanation.rows]


def test_a_layer_alone_and_a_model_without_one():
    with forced("reference"):
        assert str(recur.explain(recur.GRU(2, 3))) == (
            "the model (GRU): reference (a loop in plain PyTorch)"
        )
    assert str(recur.explain(nn.Linear(2, 3))) == "There is no recurrent layer in this model."


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
def test_what_is_said_is_done(dtype, monkeypatch):
    """The walk takes the very path that the explanation names."""
    layer = recur.GRU(2, 3, dtype=dtype)
    ((_, said),) = recur.explain(layer).rows
    taken = []
    for path in choosing.PATHS:
        walk = path.scan
        monkeypatch.setattr(
            path,
            "scan",
            lambda *a, walk=walk, name=path.name, **k: taken.append(name) or walk(*a, **k),
        )
    layer(torch.zeros(4, 1, 2, dtype=dtype))
    assert taken == [said.partition(" ")[0]]


class Own(nn.LSTM):
    def permute_hidden(self, hx, permutation):
        return hx


def test_reasons_are_those_of_the_one_list():
    layers = nn.ModuleList([nn.LSTM(2, 3).half(), nn.GRU(2, 3, device="meta"), Own(2, 3)])
    layers.append(nn.GRUCell(2, 3))
    said = [text for _, text in recur.explain(layers).rows]
    assert said == [f"not recur's: {row.about}" for row in recur.accelerate(layers).rows]


def test_under_a_patch():
    layers = nn.ModuleList([nn.GRU(2, 3), nn.LSTM(2, 3).half()])
    with recur.patch(), forced(PATHS[-1]):
        said = [text for _, text in recur.explain(layers).rows]
    assert said[0] == "recur's loops, by recur.patch"
    assert said[1].startswith("torch.nn's own: the type is torch.float16, in which torch's own")


def test_what_a_patch_was_told_to_leave():
    with recur.patch(leave=["GRU"]):
        assert "the program asked for that" in str(recur.explain(nn.GRU(2, 3)))
