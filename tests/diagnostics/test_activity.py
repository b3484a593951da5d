"""States, gates and attention: what is recorded is what the model did."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from recur import EncoderDecoder, InputError, ManyToOne, plots
from recur.diagnostics import activity, attention

SEQUENCES = [torch.randn(n, 2).double() for n in (4, 6, 3)]


def test_states_are_the_layers_outputs():
    model = ManyToOne(inputs=2, outputs=1, cell="gru", units=5, bidirectional=True).double()
    padded = nn.utils.rnn.pad_sequence(SEQUENCES, batch_first=True)
    outputs = model.recurrent
    outputs.return_sequences = True
    expected = outputs(padded, lengths=[4, 6, 3]).detach()
    for row, length in enumerate((4, 6, 3)):
        forwards, backwards = activity(model, SEQUENCES, row=row)
        both = np.concatenate([forwards.states["h"], backwards.states["h"]], axis=1)
        assert both.shape == (length, 10)
        assert np.allclose(both, expected[row, :length])
    assert backwards.name == "recurrent, backwards"


def test_gates_and_states_fulfil_the_equations():
    gru = ManyToOne(inputs=2, outputs=1, cell="gru", units=5).double()
    (seen,) = activity(gru, SEQUENCES, row=1)
    h, z, n = seen.states["h"], seen.gates["z"], seen.gates["n"]
    assert np.allclose(h[1:], (1 - z[1:]) * n[1:] + z[1:] * h[:-1])
    lstm = ManyToOne(inputs=2, outputs=1, cell="lstm", units=5).double()
    (seen,) = activity(lstm, SEQUENCES, row=1)
    i, f, g, o = (seen.gates[name] for name in "ifgo")
    c, h = seen.states["c"], seen.states["h"]
    assert np.allclose(c[1:], f[1:] * c[:-1] + i[1:] * g[1:])
    assert np.allclose(h, o * np.tanh(c))
    (seen,) = activity(ManyToOne(inputs=2, outputs=1), [x.float() for x in SEQUENCES])
    assert seen.gates == {}


def test_activity_is_drawn_with_words(tmp_path):
    model = ManyToOne(vocabulary=9, outputs=1, cell="lstm", units=5)
    (seen,) = activity(model, torch.tensor([[1, 2, 3]]))
    figure = seen.plot(["a", "b", "$c"])
    assert [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()] == [
        f"{name}: unit"
        for name in ("h", "c", "input gate", "forget gate", "candidate", "output gate")
    ]
    assert plots.save(figure, tmp_path / "a.png").stat().st_size > 1000
    assert "3 steps, 5 units" in str(seen)


def test_attention_pooling_is_one_question():
    model = ManyToOne(inputs=2, outputs=1, pooling="attention").double()
    (seen,) = attention(model, SEQUENCES, row=2)
    assert seen.weights.shape == (1, 3)
    assert seen.weights.sum() == pytest.approx(1)
    pooled = model.recurrent(SEQUENCES[2].unsqueeze(0))
    assert np.allclose(seen.weights, model.attention.weights(pooled).detach())
    assert model.training
    assert not model.attention._forward_hooks


@pytest.mark.parametrize("feeding", [False, True])
def test_attention_of_a_decoder_has_a_row_for_each_step(feeding, tmp_path):
    model = EncoderDecoder(vocabulary=8, source_vocabulary=8, units=4, input_feeding=feeding)
    x = [torch.randint(1, 8, (n,)) for n in (5, 3)]
    y = torch.randint(1, 8, (2, 4))
    (seen,) = attention(model, (x, y), row=1)
    assert seen.weights.shape == (4, 3)
    assert seen.weights.sum(axis=1) == pytest.approx([1] * 4)
    figure = seen.plot(list("abc"), list("wxyz"))
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()] == list("wxyz")
    assert plots.save(figure, tmp_path / "a.png").stat().st_size > 1000


def test_bad_input_gets_a_sentence():
    model = ManyToOne(inputs=2, outputs=1).double()
    with pytest.raises(InputError, match="row must be from 0 to 2; got 3"):
        activity(model, SEQUENCES, row=3)
    with pytest.raises(InputError, match="one with attention; got none"):
        attention(model, SEQUENCES)
    with pytest.raises(InputError, match="row must be from 0 to 2; got -1"):
        attention(model, SEQUENCES, row=-1)
