"""Greedy and beam search: against all sequences there are, and bad arguments."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.decoding.chains import Chain, penalised, sequences, without

from recur.decoding import beam_search, greedy_search
from recur.messages import FailedError, InputError

ENDS = [None, 0, 2]


@pytest.fixture(params=ENDS, ids=lambda end: f"end {end}")
def end(request):
    return request.param


def best_of(chain, row, end, penalty, vocabulary, steps):
    scored = [
        (penalised(chain.score(row, tokens), len(tokens), penalty), without(tokens, end))
        for tokens in sequences(vocabulary, end, steps)
    ]
    return sorted(scored, reverse=True)


@pytest.mark.parametrize("penalty", [0.0, 0.6, 3.0])
@pytest.mark.parametrize("seed", range(4))
def test_a_wide_beam_finds_what_a_search_through_everything_finds(end, penalty, seed):
    vocabulary, steps = 3, 4
    chain = Chain(vocabulary=vocabulary, steps=steps, seed=seed)
    found = beam_search(
        chain.step,
        *chain.start(),
        width=vocabulary**steps,
        max_steps=steps,
        end=end,
        length_penalty=penalty,
    )
    for row in range(chain.batch):
        want = best_of(chain, row, end, penalty, vocabulary, steps)
        for w, (score, tokens) in enumerate(want):
            assert found.scores[row, w].item() == pytest.approx(score)
            length = found.lengths[row, w]
            assert found.tokens[row, w, :length].tolist() == tokens
            assert (found.tokens[row, w, length:] == (end or 0)).all()
        # There are no others.
        assert (found.scores[row, len(want) :] == -torch.inf).all()
        assert (found.lengths[row, len(want) :] == 0).all()


@pytest.mark.parametrize("run", [1, 2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_no_run_of_tokens_stands_twice(run, seed):
    chain = Chain(vocabulary=3, steps=5, seed=seed)
    how = {"max_steps": 5, "end": 0, "no_repeat": run}
    found = beam_search(chain.step, *chain.start(), width=3**5, **how)
    for row in range(chain.batch):
        want = [
            tokens
            for _, tokens in best_of(chain, row, 0, 0.0, 3, 5)
            if len({tuple(tokens[n : n + run]) for n in range(len(tokens) - run + 1)})
            == max(len(tokens) - run + 1, 0)
        ]
        there = (found.scores[row] > -torch.inf).sum()
        pairs = zip(found.tokens[row, :there].tolist(), found.lengths[row].tolist(), strict=False)
        assert [tokens[:length] for tokens, length in pairs] == want


@given(st.integers(0, 10_000), st.sampled_from(ENDS), st.floats(0, 2), st.integers(1, 5))
def test_a_beam_of_one_is_greedy(seed, end, penalty, steps):
    chain = Chain(batch=3, vocabulary=4, steps=steps, seed=seed, sharpness=1.0)
    greedy = greedy_search(chain.step, *chain.start(), max_steps=steps, end=end)
    beam = beam_search(
        chain.step, *chain.start(), width=1, max_steps=steps, end=end, length_penalty=penalty
    )
    assert torch.equal(beam.tokens[:, 0], greedy.tokens)
    assert torch.equal(beam.lengths[:, 0], greedy.lengths)
    ended = greedy.lengths < steps if end is not None else 0
    cost = ((5 + greedy.lengths + ended) / 6) ** penalty
    torch.testing.assert_close(beam.scores[:, 0] * cost, greedy.scores, check_dtype=False)


def test_greedy_takes_the_likeliest_token_each_time(end):
    chain = Chain(batch=3, steps=5, seed=3)
    found = greedy_search(chain.step, *chain.start(), max_steps=5, end=end)
    for row in range(3):
        tokens = []
        while len(tokens) < 5 and (not tokens or tokens[-1] != end):
            tokens.append(max(range(3), key=lambda v: chain.score(row, [*tokens, v])))
        assert found.scores[row].item() == pytest.approx(chain.score(row, tokens))
        length = found.lengths[row]
        assert found.tokens[row, :length].tolist() == without(tokens, end)
        assert (found.tokens[row, length:] == (end or 0)).all()


def test_a_wider_beam_finds_nothing_less_likely(end):
    for seed in range(10):
        chain = Chain(seed=seed, sharpness=1.0)
        wide, wider = (
            beam_search(chain.step, *chain.start(), width=w, max_steps=4, end=end).scores[:, 0]
            for w in (2, 81)
        )
        assert (wider >= wide - 1e-12).all()


def test_a_row_does_not_depend_on_its_neighbours(end):
    chain = Chain(batch=4, seed=5)
    together = beam_search(chain.step, *chain.start(), width=3, max_steps=4, end=end)
    for row in range(4):
        alone = Chain(batch=4, seed=5)
        alone.table, alone.batch = alone.table[row : row + 1], 1
        found = beam_search(alone.step, *alone.start(), width=3, max_steps=4, end=end)
        torch.testing.assert_close(found.scores[0], together.scores[row])
        width = found.tokens.shape[-1]
        assert torch.equal(found.tokens[0], together.tokens[row, :, :width])


def test_a_greater_penalty_makes_sequences_longer():
    # Ending at once is the likeliest; two tokens and the end are as long as may be.
    table = torch.tensor([0.4, 0.35, 0.25]).log()

    def step(state, token):
        return table.expand(len(token), 3), state

    start = torch.zeros(1, dtype=torch.long)
    lengths = [
        beam_search(step, None, start, width=30, max_steps=3, end=0, length_penalty=penalty)
        .lengths[0, 0]
        .item()
        for penalty in (0.0, 20.0)
    ]
    assert lengths == [0, 2]


def test_the_search_stops_when_all_have_ended():
    calls = []

    def step(state, token):
        calls.append(len(token))
        return torch.tensor([0.0, -torch.inf]).expand(len(token), 2), state

    start = torch.zeros(3, dtype=torch.long)
    found = greedy_search(step, None, start, max_steps=50, end=0)
    assert (found.tokens.shape, found.lengths.tolist(), calls) == ((3, 0), [0, 0, 0], [3])
    found = beam_search(step, None, start, width=4, max_steps=50, end=0)
    assert (found.tokens.shape, calls) == ((3, 4, 0), [3, 12])
    assert found.scores[:, 0].tolist() == [0, 0, 0]
    assert (found.scores[:, 1:] == -torch.inf).all()


def test_no_rows(end):
    start = torch.zeros(0, dtype=torch.long)
    chain = Chain(batch=0)
    assert greedy_search(chain.step, None, start, max_steps=4, end=end).tokens.shape == (0, 0)
    found = beam_search(chain.step, None, start, width=2, max_steps=4, end=end)
    assert found.tokens.shape == (0, 2, 0)
    assert found.scores.shape == found.lengths.shape == (0, 2)


BAD = {
    "width of 0": (beam_search, {"width": 0}, "width must be a whole number of at least 1; got 0."),
    "width of a half": (
        beam_search,
        {"width": 1.5},
        "width must be a whole number of at least 1; got 1.5.",
    ),
    "negative penalty": (
        beam_search,
        {"length_penalty": -1.0},
        "length_penalty must be a number of at least 0; got -1.0.",
    ),
    "penalty of NaN": (
        beam_search,
        {"length_penalty": float("nan")},
        "length_penalty must be a number of at least 0; got nan.",
    ),
    "no steps": (
        greedy_search,
        {"max_steps": 0},
        "max_steps must be a whole number of at least 1; got 0.",
    ),
    "end below 0": (
        greedy_search,
        {"end": -1},
        "end must be a whole number of at least 0; got -1.",
    ),
    "end beyond the vocabulary": (
        greedy_search,
        {"end": 3},
        "end must be below 3, the vocabulary; got 3.",
    ),
    "start of numbers": (
        beam_search,
        {"start": torch.zeros(2)},
        "start must be a tensor of token ids, one for each sequence; got torch.float32 of the "
        "shape (2,).",
    ),
    "start of two axes": (
        greedy_search,
        {"start": torch.zeros(2, 1, dtype=torch.long)},
        "start must be a tensor of token ids, one for each sequence; got torch.int64 of the shape "
        "(2, 1).",
    ),
    "start in a list": (
        greedy_search,
        {"start": [0, 0]},
        "start must be a tensor of token ids, one for each sequence; got list.",
    ),
    "a step of three axes": (
        greedy_search,
        {"step": lambda state, token: (torch.zeros(2, 1, 3), state)},
        "a step's log-probabilities must be of the shape (2, vocabulary); got (2, 1, 3).",
    ),
    "a start of flags": (
        greedy_search,
        {"start": torch.tensor([True, False])},
        "start must be a tensor of token ids, one for each sequence; got torch.bool of the shape "
        "(2,).",
    ),
    "a step without a state": (
        greedy_search,
        {"step": lambda state, token: torch.zeros(3, 4)},
        "what a step gives must be (log-probabilities, state); got Tensor.",
    ),
    "a step of a list": (
        greedy_search,
        {"step": lambda state, token: ([[0.0]], state)},
        "what a step gives must be (log-probabilities, state); got tuple.",
    ),
    "a vocabulary of 0": (
        beam_search,
        {"step": lambda state, token: (torch.zeros(4, 0), state)},
        "a step's log-probabilities must be of the shape (4, vocabulary); got (4, 0).",
    ),
    "scores as they come": (
        greedy_search,
        {"step": lambda state, token: (torch.ones(2, 3), state)},
        "log_probs must be logarithms of probabilities; got 2.0. Apply log_softmax to a model's "
        "scores first.",
    ),
    "scores as they come, in a beam": (
        beam_search,
        {"step": lambda state, token: (torch.ones(4, 3), state)},
        "log_probs must be logarithms of probabilities; got 2.0. Apply log_softmax to a model's "
        "scores first.",
    ),
}


def test_numbers_of_numpy_will_do():
    """Widths and steps often come out of an array."""
    chain = Chain()
    state, start = chain.start()
    two = np.int64(2)
    found = beam_search(chain.step, state, start, width=two, max_steps=two)
    same = beam_search(chain.step, state, start, width=2, max_steps=2)
    assert torch.equal(found.tokens, same.tokens)


@pytest.mark.parametrize("case", BAD)
def test_bad_arguments_are_one_sentence(case):
    search, options, sentence = BAD[case]
    chain = Chain()
    state, start = chain.start()
    given = {"step": chain.step, "state": state, "start": start, "max_steps": 2}
    if search is beam_search:
        given["width"] = 2
    with pytest.raises(InputError) as caught:
        search(**given | options)
    assert str(caught.value) == sentence


@pytest.mark.parametrize("search", [greedy_search, beam_search])
def test_a_model_that_gives_nan_is_said(search):
    options = {"width": 2} if search is beam_search else {}
    with pytest.raises(FailedError, match=r"not numbers \(NaN\)"):
        search(
            lambda state, token: (torch.full((len(token), 3), torch.nan), state),
            None,
            torch.zeros(2, dtype=torch.long),
            max_steps=3,
            **options,
        )


def test_half_precision_adds_up_in_single():
    """In bfloat16, -256 and a half is -256: from there on every continuation would be alike."""
    table = torch.tensor([[0.45, 0.55]]).log().bfloat16()
    step = lambda state, token: (table.expand(len(token), -1), state)  # noqa: E731
    start = torch.zeros(1, dtype=torch.long)
    for search, how in ((greedy_search, {}), (beam_search, {"width": 2})):
        found = search(step, None, start, max_steps=600, **how)
        assert (found.tokens[..., :600].reshape(-1, 600)[0] == 1).all()
        assert found.scores.flatten()[0].item() == pytest.approx(600 * table[0, 1].item(), rel=1e-4)
