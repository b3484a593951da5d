"""Dropout between layers: torch's own noise for the same seed, and the right amount of it."""

from __future__ import annotations

import pytest
import torch
from tests.engine.paths import PATHS, forced
from tests.layers.kinds import KINDS, ours, pair, tensors


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("form", ["batched", "unbatched"])
@pytest.mark.parametrize("batch_first", [False, True], ids=["time first", "batch first"])
@pytest.mark.parametrize("bidirectional", [False, True], ids=["one way", "both ways"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_drops_what_torch_drops(kind, bidirectional, batch_first, form, path):
    """On every path: which one is taken must not show in the noise."""
    options = {"bidirectional": bidirectional, "batch_first": batch_first}
    theirs, own = pair(kind, 3, 4, num_layers=3, dropout=0.5, **options)
    x = torch.randn(5, 6, 3)
    if form == "unbatched":
        x = x[0]
    results = []
    for layer in (theirs, own):
        torch.manual_seed(5)
        with forced(path):
            result = tensors(layer(x))
            gradients = torch.autograd.grad(result[0].square().sum(), list(layer.parameters()))
        results.append([*result, *gradients])
    for a, b in zip(results[1], results[0], strict=True):
        torch.testing.assert_close(a, b)
    torch.manual_seed(6)
    assert not torch.allclose(tensors(own(x))[0], results[1][0])


@pytest.mark.parametrize("dropout", [0.2, 0.7])
def test_as_much_is_dropped_as_was_asked_for(dropout):
    """A relu layer that hands its input on shows the noise: zeros, or the input scaled up."""
    layer = ours("rnn_relu", 1, 1, num_layers=2, dropout=dropout, bias=False)
    with torch.no_grad():
        for end in ("l0", "l1"):
            layer.get_parameter(f"weight_ih_{end}").fill_(1)
            layer.get_parameter(f"weight_hh_{end}").fill_(0)
    output, _ = layer(torch.ones(200, 50, 1))
    kept = output != 0
    torch.testing.assert_close(output[kept], torch.full_like(output[kept], 1 / (1 - dropout)))
    count = kept.numel()
    spread = (dropout * (1 - dropout) / count) ** 0.5
    assert abs(kept.float().mean().item() - (1 - dropout)) < 4 * spread
    # Independent from step to step and from row to row.
    for axis in (0, 1):
        a, b = kept.float().unflatten(axis, (-1, 2)).unbind(axis + 1)
        assert (
            abs(torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1])
            < 4 * (2 / count) ** 0.5
        )


def test_all_or_nothing():
    x = torch.randn(5, 2, 3)
    everything, own = pair("gru", 3, 4, num_layers=2, dropout=1.0)
    torch.testing.assert_close(tensors(own(x)), tensors(everything(x)))
    own.eval()
    everything.eval()
    torch.testing.assert_close(tensors(own(x)), tensors(everything(x)))


def test_lengths_and_packed_input_are_dropped_alike():
    """Nothing is dropped in the padding, and what remains of a row is scaled as anywhere."""
    layer = ours("rnn_relu", 1, 1, num_layers=2, dropout=0.5, bias=False)
    with torch.no_grad():
        for end in ("l0", "l1"):
            layer.get_parameter(f"weight_ih_{end}").fill_(1)
            layer.get_parameter(f"weight_hh_{end}").fill_(0)
    x = torch.ones(400, 3, 1)
    lengths = [400, 0, 200]
    output, _ = layer(x, lengths=lengths)
    packed = torch.nn.utils.rnn.pack_padded_sequence(
        x, torch.tensor([400, 1, 200]), enforce_sorted=False
    )
    from_packed, _ = layer(packed)
    for values in (output[:, 0], output[:200, 2], from_packed.data):
        assert set(values.unique().tolist()) == {0.0, 2.0}
        assert 0.35 < (values != 0).float().mean() < 0.65
    assert not output[:, 1].any()
    assert not output[200:, 2].any()
