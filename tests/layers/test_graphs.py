"""Graphs of models: a layer is one node of torch.fx, is traced, and says where it has no place."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

import recur

X = torch.linspace(-1, 1, 5 * 2 * 3).reshape(5, 2, 3)
LAYERS = {
    "rnn": lambda: recur.RNN(3, 4),
    "lstm": lambda: recur.LSTM(3, 4, 2, bidirectional=True),
    "gru": lambda: recur.GRU(3, 4),
    "projected": lambda: recur.LSTM(3, 4, proj_size=2),
    "peepholes": lambda: recur.LSTM(3, 4, peepholes=True),
    "layer_norm": lambda: recur.LSTM(3, 4, layer_norm=True, bidirectional=True),
    "reset before": lambda: recur.GRU(3, 4, reset_after=False),
    "indrnn": lambda: recur.IndRNN(3, 4),
    "mingru": lambda: recur.MinGRU(3, 4),
    "minlstm": lambda: recur.MinLSTM(3, 4),
    "slstm": lambda: recur.SLSTM(3, 4),
}


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(7, 3)
        self.parts = nn.ModuleList([nn.LSTM(3, 4), nn.GRU(4, 4)])
        self.out = nn.Linear(4, 2)

    def forward(self, tokens, hx):
        y, (h, c) = self.parts[0](self.words(tokens))
        y, _ = self.parts[1](y, h + hx)
        return self.out(y) + c.sum()


class OwnTracer(torch.fx.Tracer):
    """One that looks into everything."""

    def is_leaf_module(self, m, module_qualified_name):
        return isinstance(m, nn.Linear)


def traced(model, tracer):
    return torch.fx.GraphModule(model, tracer.trace(model))


@pytest.mark.parametrize("tracer", [torch.fx.Tracer, OwnTracer])
def test_a_layer_is_one_node_of_torch_fx(tracer):
    model = Tagger()
    plain = [(node.op, node.target) for node in torch.fx.symbolic_trace(model).graph.nodes]
    recur.accelerate(model)
    graph = traced(model, tracer())
    assert [(node.op, node.target) for node in graph.graph.nodes] == plain
    tokens = torch.tensor([[1, 2], [3, 4], [6, 0]])
    hx = torch.randn(1, 2, 4)
    assert torch.equal(graph(tokens, hx), model(tokens, hx))


def test_all_arguments_of_a_layer_are_in_its_node():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = recur.LSTM(3, 4, return_sequences=True)

        def forward(self, x, state, lengths, reset):
            return self.layer(x, state, lengths=lengths, reset=reset)

    model = Model()
    graph = torch.fx.symbolic_trace(model)
    state = (torch.randn(1, 2, 4), torch.randn(1, 2, 4))
    given = X, state, torch.tensor([5, 2]), torch.tensor([[False], [True]]).repeat(3, 2)[:5]
    assert torch.equal(graph(*given), model(*given))
    graph.graph.lint()


def test_a_state_alone_of_a_graph():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = recur.LSTM(3, 4, return_sequences=True)

        def forward(self, h, c):
            return self.layer(X, (h, c))

    model, state = Model(), (torch.randn(1, 2, 4), torch.randn(1, 2, 4))
    assert torch.equal(torch.fx.symbolic_trace(model)(*state), model(*state))


def test_a_layer_alone_is_not_looked_into():
    with pytest.raises(recur.InputError, match=r"look into a recur\.GRU\. Trace a module that"):
        torch.fx.symbolic_trace(recur.GRU(3, 4))
    words = recur.Embedding(7, 3)
    tokens = torch.tensor([3, 6])
    assert torch.equal(torch.fx.symbolic_trace(words)(tokens), words(tokens))


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("case", LAYERS)
def test_torch_jit_trace(case):
    layer = LAYERS[case]()
    graph = torch.jit.trace(layer, (X,))
    other = torch.randn(5, 2, 3, requires_grad=True)
    for mine, want in zip(_flat(graph(other)), _flat(layer(other)), strict=True):
        assert torch.equal(mine, want)
        a, b = (torch.autograd.grad(y.sum(), other, retain_graph=True) for y in (mine, want))
        torch.testing.assert_close(a, b)


def _flat(result):
    return [result] if isinstance(result, torch.Tensor) else [t for r in result for t in _flat(r)]


@pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")
@pytest.mark.parametrize("layer", [recur.LSTM(3, 4), recur.Embedding(3, 4)])
def test_torch_jit_script_is_told_what_does(layer):
    model = nn.Sequential(layer)
    with pytest.raises(recur.InputError, match=r"torch\.jit\.trace.*the same state_dict"):
        torch.jit.script(model)
    assert model[0] is layer


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:.*quantized tensor creation")
def test_quantization_says_what_it_leaves_out():
    model = nn.Sequential(recur.LSTM(3, 4))
    with pytest.warns(UserWarning, match=r"this recur\.LSTM stays as it is.*the same state_dict"):
        kept = torch.ao.quantization.quantize_dynamic(model, {nn.LSTM})
    assert isinstance(kept[0], recur.LSTM)
    copy.deepcopy(kept)
