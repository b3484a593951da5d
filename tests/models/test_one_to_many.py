"""One-to-many: where the vector goes in, teacher forcing and its schedules, writing, learning."""

from __future__ import annotations

import itertools

import pytest
import torch
from tests.models.learning import filled, learn, loss_of, written

from recur.messages import InputError
from recur.models import OneToMany, decoder
from recur.models import teacher_forcing as schedules
from recur.models.fronts import Cells
from recur.models.one_to_many import CONDITIONS

TARGETS = filled([[1, 2, 3], [0, 4, 2, 6], [5]])


@pytest.fixture(params=CONDITIONS)
def condition(request):
    return request.param


def model_of(condition="both", **options):
    options = {"inputs": 6, "vocabulary": 7, "units": 4, "layers": 2} | options
    return OneToMany(condition=condition, **options).double()


def looking(**options):
    """It asks the four cells of a picture of three numbers each."""
    front = Cells(torch.nn.Identity(), (3, 2, 2), 5)
    options = {"attention": "additive", "vocabulary": 7, "units": 4} | options
    return OneToMany(front=front, **options).double()


def seen():
    return torch.randn(3, 3, 2, 2, dtype=torch.float64)


def vectors():
    return torch.randn(3, 2, 3, dtype=torch.float64)


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_what_is_computed(condition, cell):
    """Step by step with torch's own cells, one layer, one row at a time."""
    model = model_of(condition, cell=cell, layers=1)
    inner = model.decoder
    width = inner.recurrent.input_size
    plain = {"rnn": torch.nn.RNNCell, "lstm": torch.nn.LSTMCell}[cell](width, 4).double()
    plain.load_state_dict(
        {name.removesuffix("_l0"): w for name, w in inner.recurrent.state_dict().items()}
    )
    x = vectors()
    scores = model(x, TARGETS)
    assert scores.shape == (3, 4, 7)
    for row, length in enumerate([3, 4, 1]):
        vector = x[row].flatten()
        state = torch.zeros(2, 4, dtype=torch.float64)
        if condition != "input":
            state = torch.tanh(model.begin(vector)).view(-1, 4)
        for t in range(length):
            read = inner.embedding.weight[TARGETS[row, t - 1]] if t else inner.start
            if condition != "state":
                read = torch.cat([read, vector])
            if cell == "lstm":
                state = torch.stack(plain(read[None], (state[:1], state[1:])))[:, 0]
            else:
                state = plain(read[None], state[:1])
            torch.testing.assert_close(scores[row, t], inner.head(state[0]))


@pytest.mark.parametrize("feeding", [False, True])
def test_what_is_computed_with_attention(feeding):
    model = looking(cell="rnn", condition="both", input_feeding=feeding)
    inner = model.decoder
    plain = torch.nn.RNNCell(inner.recurrent.input_size, 4).double()
    plain.load_state_dict(
        {name.removesuffix("_l0"): w for name, w in inner.recurrent.state_dict().items()}
    )
    x = seen()
    scores, weights = model(x, TARGETS), model.align(x, TARGETS)
    assert weights.shape == (3, 4, 4)
    for row, length in enumerate([3, 4, 1]):
        cells = model.seen(x)[row]
        state, fed = torch.tanh(model.begin(cells.mean(dim=0))), torch.zeros(4).double()
        for t in range(length):
            read = inner.embedding.weight[TARGETS[row, t - 1]] if t else inner.start
            parts = [read, cells.mean(dim=0), *([fed] if feeding else [])]
            state = plain(torch.cat(parts)[None], state[None])[0]
            ask = inner.attention
            both = ask.query(state) + ask.key(cells)
            looked = ask.score(both.tanh())[:, 0].softmax(dim=0)
            fed = inner.combine(torch.cat([looked @ cells, state])).tanh()
            torch.testing.assert_close(weights[row, t], looked)
            torch.testing.assert_close(scores[row, t], inner.head(fed))


@pytest.mark.parametrize("how", [{}, {"search": "beam", "width": 4}])
def test_it_learns_to_say_what_is_where(how):
    """Which of three things lies in each cell, row by row; each word looks at its own."""
    model = looking(vocabulary=4, units=16, end=3, condition="state", attention="multiplicative")
    targets = torch.tensor([[*each, 3] for each in itertools.product(range(3), repeat=4)])
    things = torch.nn.functional.one_hot(targets[:, :4], 3).double()
    pictures = things.transpose(1, 2).unflatten(2, (2, 2))
    learn(lambda rows: model(pictures[rows], targets[rows]), model, targets, steps=300)
    assert written(model.generate(pictures, max_steps=5, **how)) == targets[:, :4].tolist()
    looked = model.align(pictures, targets)[:, :4].mean(dim=0)
    assert looked.argmax(dim=1).tolist() == [0, 1, 2, 3]


def test_what_the_front_gave_is_dropped_only_while_training():
    model = looking(front_dropout=0.5)
    x = seen()
    assert not torch.equal(model(x, TARGETS), model(x, TARGETS))
    model.eval()
    assert torch.equal(model(x, TARGETS), model(x, TARGETS))


def test_always_the_true_tokens_is_what_the_loop_does_too():
    model = model_of()
    x = vectors()
    whole = model(x, TARGETS)
    model.decoder.teacher_forcing = 1 - 1e-12  # the loop, which never draws its own
    torch.testing.assert_close(model(x, TARGETS), whole)


def test_never_the_true_tokens_is_what_greedy_writes():
    model = model_of(teacher_forcing=0.0)
    x = vectors()
    found = model.generate(x, max_steps=4)
    full = torch.randint(0, 7, (3, 4))
    scores = model(x, full)
    assert torch.equal(scores.argmax(-1), found.tokens)
    log_probs = scores.log_softmax(-1).gather(2, found.tokens.unsqueeze(2)).sum((1, 2))
    torch.testing.assert_close(log_probs, found.scores)
    # In evaluation mode the true ones are read.
    model.eval()
    other = model(x, full)
    model.decoder.teacher_forcing = 1.0
    assert torch.equal(model(x, full), other)


def test_half_of_the_time_is_between():
    model = model_of(teacher_forcing=0.5, vocabulary=50, units=16)
    x = torch.randn(200, 6, dtype=torch.float64)
    targets = torch.randint(0, 50, (200, 2))
    own, true = (_with_ratio(model, ratio, x, targets)[:, 1] for ratio in (0.0, 1.0))
    drawn = _with_ratio(model, 0.5, x, targets)[:, 1]
    as_own = (drawn - own).abs().amax(-1) < 1e-9
    as_true = (drawn - true).abs().amax(-1) < 1e-9
    assert (as_own | as_true).all()
    assert 60 < as_true.sum() < 140  # six standard deviations


def _with_ratio(model, ratio, x, targets):
    model.decoder.teacher_forcing = ratio
    return model(x, targets)


def test_a_schedule_counts_the_batches_learnt_from():
    asked = []

    def schedule(n):
        asked.append(n)
        return 1.0

    model = model_of(teacher_forcing=schedule)
    model(vectors(), TARGETS)
    model(vectors(), TARGETS)
    model.eval()
    model(vectors(), TARGETS)
    model.generate(vectors(), max_steps=2)
    assert asked == [0, 1]
    other = model_of(teacher_forcing=schedule)
    other.load_state_dict(model.state_dict())
    other(vectors(), TARGETS)
    assert asked == [0, 1, 2]


def test_the_schedules():
    linear = schedules.linear_decay(10, last=0.2)
    assert [linear(n) for n in (0, 5, 10, 99)] == pytest.approx([1, 0.6, 0.2, 0.2])
    exponential = schedules.exponential_decay(0.5)
    assert [exponential(n) for n in (0, 1, 3, 10_000)] == pytest.approx([1, 0.5, 0.125, 0])
    sigmoid = schedules.inverse_sigmoid_decay(10)
    assert [sigmoid(n) for n in (0, 23.02585, 10_000)] == pytest.approx([10 / 11, 0.5, 0])
    for schedule in (linear, exponential, sigmoid):
        ratios = [schedule(n) for n in range(100)]
        assert all(0 <= b <= a <= 1 for a, b in itertools.pairwise(ratios))


@pytest.mark.parametrize("how", [{}, {"search": "beam", "width": 4}])
@pytest.mark.parametrize("residual", [False, True])
def test_it_learns_to_count_down(condition, how, residual):
    """A number, as a vector, starts the sequence from it down to 1; 0 ends it."""
    model = OneToMany(
        inputs=6, vocabulary=7, end=0, condition=condition, units=16, layers=2, residual=residual
    )
    numbers = torch.eye(6)
    targets = filled([[*range(n, 0, -1), 0] for n in range(1, 7)])
    learn(lambda rows: model(numbers[rows], targets[rows]), model, targets, steps=100)
    want = [list(range(n, 0, -1)) for n in range(1, 7)]
    assert written(model.generate(numbers, max_steps=9, **how)) == want
    assert loss_of(model(numbers, targets), targets) < 0.1


@pytest.mark.parametrize("search", ["greedy", "beam", "sample"])
def test_scores_are_those_of_teacher_forcing(condition, search):
    model = model_of(condition, end=0)
    x = vectors()
    how = {"beam": {"width": 3}}.get(search, {})
    found = model.generate(x, max_steps=6, search=search, **how)
    tokens, scores = found.tokens, found.scores
    if search != "beam":
        tokens, scores = tokens.unsqueeze(1), scores.unsqueeze(1)
    lengths = found.lengths.reshape(3, -1)
    for row, w in itertools.product(range(3), range(tokens.shape[1])):
        said = tokens[row, w, : lengths[row, w]].tolist()
        said += [0] if len(said) < 6 else []
        log_probs = model(x[row : row + 1], torch.tensor([said])).log_softmax(-1)[0]
        want = sum(log_probs[t, token].item() for t, token in enumerate(said))
        assert scores[row, w].item() == pytest.approx(want)


def test_a_beam_of_one_is_greedy(condition):
    model = model_of(condition, end=0, units=8)
    x = torch.randn(20, 6, dtype=torch.float64)
    greedy = model.generate(x, max_steps=6)
    beam = model.generate(x, max_steps=6, search="beam", width=1)
    assert written(beam) == written(greedy)


def test_dropout_only_while_training():
    model = model_of(dropout=0.5)
    x = vectors()
    assert not torch.equal(model(x, TARGETS), model(x, TARGETS))
    model.eval()
    assert torch.equal(model(x, TARGETS), model(x, TARGETS))


def test_the_first_token_is_none_of_the_vocabulary():
    assert decoder.START < 0


BAD = {
    "condition": (
        lambda: model_of("stat"),
        "condition must be state, input or both; got 'stat'. Did you mean 'state'?",
    ),
    "ratio": (
        lambda: model_of(teacher_forcing=1.5),
        "teacher_forcing must be a ratio from 0 to 1; got 1.5.",
    ),
    "schedule": (
        lambda: model_of(teacher_forcing=lambda n: 2.0)(vectors(), TARGETS),
        "what a schedule gives must be a ratio from 0 to 1; got 2.0.",
    ),
    "linear": (
        lambda: schedules.linear_decay(0),
        "batches must be a whole number of at least 1; got 0.",
    ),
    "exponential": (
        lambda: schedules.exponential_decay(1.0),
        "k must be above 0 and below 1; got 1.0.",
    ),
    "sigmoid": (
        lambda: schedules.inverse_sigmoid_decay(0.5),
        "k must be a number of at least 1; got 0.5.",
    ),
    "tied": (
        lambda: model_of(embedding=3, tied=True),
        "the embedding of tied weights must be of 4 units; got 3.",
    ),
    "vector": (
        lambda: model_of()(torch.zeros(2, 5), TARGETS),
        "x must be (batch, ...) with 6 numbers each; got the shape (2, 5).",
    ),
    "nothing to ask": (
        lambda: model_of(attention="dot"),
        "attention must be None without a front; got dot. Give a front whose steps can be asked, "
        "such as Cells.",
    ),
    "no attention": (
        lambda: model_of().align(vectors(), TARGETS),
        "attention must be there, to be looked at; got None.",
    ),
    "no cells": (
        lambda: Cells(torch.nn.Unflatten(1, (3, 1)), (3, 2, 2)),
        "what the network gives must be (N, E) or (N, E, h, w); got the shape (1, 3, 1, 2, 2).",
    ),
    "other pictures": (
        lambda: looking()(torch.zeros(2, 3, 4, 4), TARGETS[:2]),
        "x must be pictures (batch, time, 3, 2, 2); got the shape (2, 1, 3, 4, 4).",
    ),
    "no targets": (
        lambda: model_of()(vectors()),
        "A model that writes is trained and measured on targets; without them it writes by "
        "model.eval().generate(x, max_steps=N), for the same x.",
    ),
    "targets beyond": (
        lambda: model_of()(vectors(), TARGETS.where(TARGETS != 6, 7)),
        "targets must be class numbers from 0 to 6; got 7. Fill up rows with -100.",
    ),
    "search": (
        lambda: model_of().generate(vectors(), max_steps=2, search="beam"),
        "The search 'beam' needs the argument 'width'.",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence(case):
    call, sentence = BAD[case]
    with pytest.raises(InputError) as caught:
        call()
    assert str(caught.value) == sentence
