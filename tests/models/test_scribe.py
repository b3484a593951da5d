"""Writing by hand: what is computed, padding, gradients, learning, writing, and bad input."""

from __future__ import annotations

import pytest
import torch

from recur.data.sequences import Sequences
from recur.messages import InputError
from recur.models.scribe import Scribe
from recur.training import fit

SMALL = {"vocabulary": 3, "units": 5, "components": 2, "gaussians": 2}
NAN = float("nan")


def points(rows=2, steps=6):
    made = torch.randn(rows, steps, 3, dtype=torch.float64)
    made[..., 2] = (made[..., 2] > 0.5).double()
    return made


def scribe(**given):
    torch.manual_seed(0)
    return Scribe(**{**SMALL, **given}).double()


TEXTS = torch.tensor([[0, 1, 2], [2, 1, 0]])


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_whole_paths_are_read_as_one_point_after_another(layers):
    model, y = scribe(layers=layers).eval(), points()
    scores = model(TEXTS, targets=y)
    text, _ = model._text(TEXTS, None)
    state, point = model._begin(text), torch.zeros(2, 3).double()
    for step in range(6):
        each, state = model._advance(point, state, text)
        torch.testing.assert_close(each, scores[:, step])
        point = y[:, step]


def test_each_layer_reads_the_point_the_window_and_the_layer_below():
    """Equations 52 and 53 of the paper, of the second point."""
    model, y = scribe().eval(), points()
    text = torch.nn.functional.one_hot(TEXTS, 3).double()
    seen, at, first, second = torch.zeros(2, 3).double(), torch.zeros(2, 2).double(), None, None
    before = torch.cat([torch.zeros(2, 1, 3).double(), y[:, :1]], dim=1)
    for step in range(2):
        read = torch.cat([before[:, step], seen], dim=-1)
        below, first = model.first(read[:, None], first)
        # Two empty places follow the text.
        seen, _, at = model.window(below[:, 0], at, torch.cat([text, torch.zeros(2, 2, 3)], dim=1))
        read = torch.cat([before[:, step], seen, below[:, 0]], dim=-1)
        above, second = model.upper[0](read[:, None], second)
    expected = model.head(torch.cat([below, above], dim=-1)[:, 0])
    torch.testing.assert_close(model(TEXTS, targets=y)[:, 1], expected)


def test_rows_know_nothing_of_padding_and_neighbours():
    model, y = scribe().eval(), points()
    y[1, 4:] = NAN
    both = model(TEXTS, [2, 3], y)
    assert (both[1, 4:] == 0).all()
    torch.testing.assert_close(model(TEXTS[:1, :2], targets=y[:1]), both[:1])
    torch.testing.assert_close(model(TEXTS[1:], targets=y[1:, :4]), both[1:, :4])
    where = model.align(TEXTS, y, [2, 3])
    assert where.shape == (2, 6, 3)
    assert (where.sum(dim=-1) <= 1 + 1e-9).all()
    torch.testing.assert_close(model.align(TEXTS[1:], y[1:, :4]), where[1:, :4])
    torch.testing.assert_close(model.align(TEXTS[:1, :2], y[:1]), where[:1, :, :2])


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_gradients_are_those_of_finite_differences(cell):
    model, y = scribe(cell=cell, units=2), points(steps=4)
    y[1, 3:] = NAN
    names = [name for name, _ in model.named_parameters()]
    given = [each.detach().clone().requires_grad_() for each in model.parameters()]

    def loss(*weights):
        scores = torch.func.functional_call(
            model, dict(zip(names, weights, strict=True)), (TEXTS,), {"targets": y}
        )
        return model.emission.loss(scores, y)

    assert torch.autograd.gradcheck(loss, given, fast_mode=True)


def test_it_learns_to_write_and_stops_at_the_end_of_the_text():
    """Letter 0 is a line down, letter 1 two steps across, with a gap after each."""
    forms = {0: [[0.0, -2.0, 1.0], [1.0, 2.0, 0.0]], 1: [[1.0, 0.0, 0.0], [1.0, 0.0, 1.0]]}
    torch.manual_seed(1)
    texts = [torch.randint(2, (n % 3 + 1,)).tolist() for n in range(48)]
    y = [torch.tensor([p for letter in text for p in forms[letter]]) for text in texts]
    noisy = [each + torch.tensor([0.05, 0.05, 0.0]) * torch.randn(len(each), 3) for each in y]
    model = Scribe(vocabulary=2, units=24, components=2, gaussians=2, pace=0.5)
    data = Sequences(texts, noisy, aligned=False)
    fit(
        model,
        data,
        loss=model.emission.loss,
        epochs=45,
        batch_size=16,
        learning_rate=0.02,
        seed=0,
        progress=False,
    )
    model.eval()
    asked = [[0, 1, 1], [1], [0, 0]]
    how = {"max_steps": 40, "bias": 5.0}
    written = model.generate(asked, generator=torch.Generator().manual_seed(0), **how)
    again = model.generate(asked, generator=torch.Generator().manual_seed(0), **how)
    torch.testing.assert_close(written.points, again.points)
    assert written.ended.all()
    for row, text in enumerate(asked):
        expected = torch.tensor([p for letter in text for p in forms[letter]])
        length = int(written.lengths[row])
        assert abs(length - len(expected)) <= 2
        same = min(length, len(expected))
        torch.testing.assert_close(written.points[row, :same], expected[:same], atol=0.3, rtol=0)
        of = written.weights[row, :same, : len(text)].argmax(dim=1)
        assert (of.diff() >= 0).all()
    cut = model.generate(asked, max_steps=3)
    assert cut.points.shape == (3, 3, 3)
    assert not cut.ended[0]


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda m: m(TEXTS), "trained and measured on targets"),
        (lambda m: m(TEXTS, targets=points()[..., :2]), r"points \(batch, time, 3\)"),
        (lambda m: m(TEXTS, targets=points(rows=3)), "a row for each of 2; got 3 rows"),
        (lambda m: m(TEXTS + 1, targets=points()), "token ids from 0 to 2; got 1 to 3"),
        (lambda m: m(TEXTS.double(), targets=points()), "token ids"),
        (lambda m: m(TEXTS, [4, 1], points()), "length"),
        (lambda m: m.generate(TEXTS, max_steps=0), "max_steps"),
        (lambda m: m.generate(TEXTS, max_steps=2, bias=-1.0), "bias"),
        (lambda m: scribe(bidirectional=True), "bidirectional is no option here"),
    ],
)
def test_what_does_not_fit_is_a_sentence(call, sentence):
    with pytest.raises(InputError, match=sentence):
        call(scribe())


def test_gaps_in_the_points_are_refused():
    y = points()
    y[0, 2] = NAN
    with pytest.raises(InputError, match="only at the ends of rows"):
        scribe()(TEXTS, targets=y)
