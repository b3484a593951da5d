"""Which inputs mattered: the axioms, and cases where the answer is known."""

from __future__ import annotations

import io

import pytest
import torch
from torch import nn

from recur import FailedError, InputError, ManyToMany, ManyToOne, plots
from recur.diagnostics import Attribution, integrated_gradients, occlusion

METHODS = [integrated_gradients, occlusion]


class Weighed(nn.Module):
    """A linear model: what each step adds is its product with the weights."""

    def __init__(self):
        super().__init__()
        self.weights = nn.Parameter(torch.randn(6, 3, 2).double())

    def forward(self, x):
        return torch.einsum("bte,teo->bo", x, self.weights)


@pytest.mark.parametrize("method", METHODS)
def test_of_a_linear_model_both_give_its_terms(method):
    model, x = Weighed(), torch.randn(6, 3).double()
    for output in (0, 1):
        found = method(model, x, output=output)
        terms = (x * model.weights[..., output]).sum(dim=1)
        assert found.values == pytest.approx(terms.tolist())
        assert found.score == pytest.approx(terms.sum().item())
        assert found.baseline == 0


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("pooling", ["last", "attention"])
def test_integrated_gradients_sum_to_the_difference_of_the_scores(cell, pooling):
    model = ManyToOne(
        vocabulary=20, outputs=3, cell=cell, units=8, pooling=pooling, bidirectional=True
    ).double()
    x = torch.randint(0, 20, (12,))
    found = integrated_gradients(model, x)
    scores = model(x.unsqueeze(0))[0]
    assert found.score == pytest.approx(scores.max().item())
    assert found.output == scores.argmax()
    assert abs(found.score - found.baseline) > 1e-3
    assert abs(found.error) < 1e-6
    assert abs(integrated_gradients(model, x, steps=1).error) > 1e-6  # the integral is needed


def test_a_baseline_of_ones_own_is_where_it_starts():
    model = ManyToOne(inputs=2, outputs=1, cell="gru").double()
    x, start = torch.randn(5, 2).double(), torch.randn(5, 2).double()
    found = integrated_gradients(model, x, baseline=start)
    assert found.baseline == pytest.approx(model(start.unsqueeze(0)).item())
    assert abs(found.error) < 1e-6
    assert integrated_gradients(model, x, baseline=x).values == pytest.approx([0] * 5)


def test_occlusion_is_the_fall_of_the_score_without_a_step(monkeypatch):
    from recur.diagnostics import attribution

    model = ManyToOne(inputs=2, outputs=1, cell="lstm").double()
    x = torch.randn(5, 2).double()
    expected = []
    for t in range(5):
        without = x.clone()
        without[t] = 0
        expected.append((model(x.unsqueeze(0)) - model(without.unsqueeze(0))).item())
    assert occlusion(model, x).values == pytest.approx(expected)
    whole = integrated_gradients(model, x).values
    monkeypatch.setattr(attribution, "AT_ONCE", 11)  # two rows of five steps at once
    assert occlusion(model, x).values == pytest.approx(expected)
    assert integrated_gradients(model, x).values == pytest.approx(whole)


@pytest.mark.parametrize("method", METHODS)
def test_of_an_output_for_every_step_one_is_explained_the_last_by_itself(method):
    model = ManyToMany(vocabulary=9, outputs=4).double()
    x = torch.randint(0, 9, (7,))
    scores = model(x[None])[0, :, 2].tolist()
    assert method(model, x, output=2).score == pytest.approx(scores[-1])
    assert method(model, x, output=2, at=3).score == pytest.approx(scores[3])
    with pytest.raises(InputError, match="at must be a step from -7 to 6; got 7"):
        method(model, x, at=7)


@pytest.mark.parametrize("method", METHODS)
def test_the_model_is_left_as_it_was(method):
    model = ManyToOne(vocabulary=9, outputs=1, dropout=0.5)
    x = torch.randint(0, 9, (7,))
    first, again = method(model, x), method(model, x)
    assert first.values == again.values
    assert model.training
    assert torch.is_grad_enabled()
    assert not model.embedding._forward_hooks
    assert all(p.grad is None for p in model.parameters())


def test_words_colours_and_pictures(tmp_path):
    from rich.console import Console

    model = ManyToOne(vocabulary=9, outputs=1)
    words = ["what", "a", "[bold]", "$film"]
    found = integrated_gradients(model, [1, 2, 3, 4], labels=words, names=["good"])
    lines = str(found).splitlines()
    assert lines[0].startswith("good: ")
    assert "by integrated gradients" in lines[0]
    assert {line.split()[0] for line in lines[1:]} == set(words)
    console = Console(record=True, force_terminal=True, color_system="truecolor", width=80)
    console.print(found)
    assert console.export_text(clear=False).split() == words
    assert "\x1b[" in console.export_text(styles=True)
    assert plots.save(found.plot(), tmp_path / "a.png").stat().st_size > 1000
    assert found.to_json()["steps"][0] == ["what", found.values[0]]


def attributed(values, **given):
    labels = tuple(f"word{n}" for n in range(len(values)))
    facts = {"score": 1.0, "baseline": 0.0, "output": 0, "name": "good"}
    return Attribution("occlusion", tuple(values), labels, **facts, **given)


def test_words_are_marked_where_there_are_no_colours(monkeypatch):
    from rich.console import Console

    found = attributed([3.0, -2.5, 1.0, -0.7, 0.1])
    marked = "++word0++ --word1-- +word2+ -word3- word4"
    assert found.marked() == marked

    def printed(**given):
        console = Console(record=True, width=80, file=io.StringIO(), **given)
        console.print(found)
        return console.export_text(styles=True).strip()

    assert printed(force_terminal=False) == marked
    monkeypatch.setenv("NO_COLOR", "1")
    assert printed(force_terminal=True) == marked
    monkeypatch.delenv("NO_COLOR")
    in_colour = printed(force_terminal=True, color_system="truecolor")
    assert "48;2;0;114;178mword0" in in_colour  # on blue
    assert " word4" in in_colour  # on whatever the terminal has
    assert attributed([]).marked() == ""
    assert attributed([0.0]).marked() == "word0"


def test_a_text_is_drawn_with_its_words(tmp_path):
    def size(many, **given):
        values = [(-1) ** n * n / many for n in range(many)]
        return attributed(values, **given).plot().get_size_inches()

    assert size(300, prose=True)[1] > size(3, prose=True)[1]
    assert size(90_000, prose=True)[1] < 30  # of a very long one the beginning
    drawn = attributed([1.0, -2.0], prose=True).plot()
    assert {"word0", "word1"} <= {text.get_text() for text in drawn.texts}
    assert plots.save(drawn, tmp_path / "a.png").stat().st_size > 1000
    for values, words in (((), ()), ((1.0,), ("a", "b"))):
        with pytest.raises(InputError, match="must be"):
            plots.marked_words(values, words)


@pytest.mark.parametrize("method", METHODS)
def test_nothing_is_said_of_steps_that_are_not_told(method):
    torch.manual_seed(0)
    model = ManyToOne(vocabulary=9, outputs=1, cell="gru").eval()
    x = torch.randint(0, 9, (7,))
    found = method(model, x, labels=list("abcdefg"), told=[False, *[True] * 5, False])
    assert found.labels == tuple("bcdef")
    vectors = model.embedding(x)
    vectors[1:-1] = 0
    head = ManyToOne(inputs=32, outputs=1, cell="gru").eval()
    head.load_state_dict({k: v for k, v in model.state_dict().items() if "embedding" not in k})
    assert found.baseline == pytest.approx(head(vectors[None]).item(), abs=1e-6)
    if method is integrated_gradients:
        assert abs(found.error) < 1e-4
    with pytest.raises(InputError, match="told must be one for each of 7 steps; got 2"):
        method(model, x, told=[True, False])


@pytest.mark.parametrize("method", METHODS)
def test_bad_input_gets_a_sentence(method):
    model = ManyToOne(vocabulary=9, outputs=2)
    for x in (torch.randint(0, 9, (2, 3)), torch.randn(3), torch.zeros(0, dtype=torch.long)):
        with pytest.raises(InputError, match="of at least one step"):
            method(model, x)
    with pytest.raises(InputError, match="output must be from 0 to 1; got 2"):
        method(model, [1, 2], output=2)
    with pytest.raises(InputError, match="labels must be one for each of 2 steps; got 1"):
        method(model, [1, 2], labels=["a"])
    with pytest.raises(InputError, match="names must be one for each of 2 outputs"):
        method(model, [1, 2], names=["a"])
    with pytest.raises(InputError, match="token ids must be between 0 and 8"):
        method(model, [1, 9])
    assert not model.embedding._forward_hooks
    assert torch.is_grad_enabled()
    with pytest.raises(InputError, match="steps must be at least 1"):
        integrated_gradients(model, [1], steps=0)


@pytest.mark.parametrize("method", [integrated_gradients, occlusion])
def test_of_weights_that_are_not_finite_nothing_can_be_said(method):
    model = ManyToOne(inputs=2, outputs=1, units=3)
    torch.nn.init.constant_(model.head.weight, float("nan"))
    with pytest.raises(
        FailedError, match=r"^Which steps mattered cannot be said: the score is nan"
    ):
        method(model, torch.ones(4, 2))


def test_the_opposite_of_a_score_is_the_other_class():
    model = ManyToOne(inputs=2, outputs=1, units=3)
    found = integrated_gradients(model, torch.ones(4, 2), names=["yes"])
    other = found.opposite("no")
    assert (other.score, other.baseline, other.name) == (-found.score, -found.baseline, "no")
    assert other.values == tuple(-value for value in found.values)
    assert other.error == pytest.approx(-found.error)
