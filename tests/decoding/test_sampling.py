"""Sampling: what is kept, how often each token is drawn, and bad arguments."""

from __future__ import annotations

import pytest
import torch
from tests.decoding.chains import Chain

from recur.decoding import decode, greedy_search, narrowed, sample
from recur.messages import FailedError, InputError

P = torch.tensor([0.1, 0.4, 0.05, 0.3, 0.15])


def constant(probabilities):
    return lambda state, token: (probabilities.log().expand(len(token), -1), state)


def drawn(probabilities=P, n=20_000, **options):
    """How often each token is drawn."""
    found = sample(
        constant(probabilities), None, torch.zeros(n, dtype=torch.long), max_steps=1, **options
    )
    return torch.bincount(found.tokens[:, 0], minlength=len(probabilities)) / n


def normal(p):
    return p / p.sum()


@pytest.mark.parametrize(
    ("options", "want"),
    [
        ({}, P),
        ({"temperature": 0.5}, normal(P**2)),
        ({"temperature": 2.0}, normal(P**0.5)),
        ({"top_k": 1}, normal(P * torch.tensor([0, 1, 0, 0, 0]))),
        ({"top_k": 3}, normal(P * torch.tensor([0, 1, 0, 1, 1]))),
        ({"top_k": 50}, P),
        ({"top_p": 0.3}, normal(P * torch.tensor([0, 1, 0, 0, 0]))),
        ({"top_p": 0.69}, normal(P * torch.tensor([0, 1, 0, 1, 0]))),
        ({"top_p": 0.71}, normal(P * torch.tensor([0, 1, 0, 1, 1]))),
        ({"top_p": 1.0}, P),
        ({"min_p": 0.3}, normal(P * torch.tensor([0, 1, 0, 1, 1]))),
        ({"min_p": 0.3, "top_k": 2}, normal(P * torch.tensor([0, 1, 0, 1, 0]))),
        ({"min_p": 0.0}, P),
        # 0.4, 0.3 and 0.15 of 0.85: the first two are 0.82 of it.
        ({"top_k": 3, "top_p": 0.8}, normal(P * torch.tensor([0, 1, 0, 1, 0]))),
        # Squares: 0.16 of 0.295, then 0.09: together 0.85.
        ({"temperature": 0.5, "top_p": 0.8}, normal(P**2 * torch.tensor([0, 1, 0, 1, 0]))),
    ],
)
def test_what_is_drawn_and_how_often(options, want):
    kept = narrowed(P.log(), **options).exp()
    torch.testing.assert_close(kept, want, atol=1e-6, rtol=1e-5)
    often = drawn(**options)
    # Five standard deviations of a share of 20,000.
    assert ((often - want).abs() <= 5 * (want * (1 - want) / 20_000).sqrt()).all()


def test_of_equals_no_more_are_kept_than_asked_for():
    equal = torch.zeros(2, 8)
    assert (narrowed(equal, top_k=3) > -torch.inf).sum(-1).tolist() == [3, 3]
    assert (narrowed(equal, top_p=0.5) > -torch.inf).sum(-1).tolist() == [4, 4]


def test_narrowing_changes_nothing_it_was_given():
    given = P.log()
    narrowed(given, top_k=2, top_p=0.5, temperature=0.5)
    assert torch.equal(given, P.log())


def test_a_single_candidate_is_greedy():
    chain = Chain(batch=3, seed=1)
    greedy = greedy_search(chain.step, *chain.start(), max_steps=4, end=0)
    for options in ({"top_k": 1}, {"top_p": 1e-9}, {"temperature": 1e-4}):
        found = sample(chain.step, *chain.start(), max_steps=4, end=0, **options)
        assert torch.equal(found.tokens, greedy.tokens)
        assert torch.equal(found.lengths, greedy.lengths)
        torch.testing.assert_close(found.scores, greedy.scores)


def test_scores_are_the_models_own():
    chain = Chain(batch=3, seed=1)
    found = sample(chain.step, *chain.start(), max_steps=4, temperature=3.0, top_k=2)
    for row in range(3):
        assert found.scores[row].item() == pytest.approx(
            chain.score(row, found.tokens[row].tolist())
        )


def test_a_generator_makes_it_repeatable():
    def once(seed):
        generator = torch.Generator().manual_seed(seed)
        start = torch.zeros(50, dtype=torch.long)
        return sample(constant(P), None, start, max_steps=9, generator=generator).tokens

    assert torch.equal(once(1), once(1))
    assert not torch.equal(once(1), once(2))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"temperature": 0}, "temperature must be a number above 0; got 0."),
        ({"temperature": -1.0}, "temperature must be a number above 0; got -1.0."),
        ({"temperature": "hot"}, "temperature must be a number above 0; got 'hot'."),
        ({"top_k": 0}, "top_k must be a whole number of at least 1; got 0."),
        ({"top_k": True}, "top_k must be a whole number of at least 1; got True."),
        ({"top_p": 0}, "top_p must be above 0 and at most 1; got 0."),
        ({"min_p": 1.1}, "min_p must be from 0 to 1; got 1.1."),
        ({"top_p": 1.1}, "top_p must be above 0 and at most 1; got 1.1."),
        ({"top_p": float("nan")}, "top_p must be above 0 and at most 1; got nan."),
    ],
)
def test_bad_arguments_are_one_sentence(options, sentence):
    for call in (lambda: drawn(**options), lambda: narrowed(P, **options)):
        with pytest.raises(InputError) as caught:
            call()
        assert str(caught.value) == sentence


@pytest.mark.parametrize("penalty", [0.5, float("inf"), float("nan")])
def test_a_penalty_that_is_none_is_one_sentence(penalty):
    with pytest.raises(InputError, match="repetition_penalty must be at least 1, and finite; got"):
        drawn(repetition_penalty=penalty)


def test_a_model_that_gives_nan_is_said():
    with pytest.raises(FailedError, match=r"not numbers \(NaN\)"):
        drawn(torch.full((3,), torch.nan), n=4)


@pytest.mark.parametrize("search", [sample, greedy_search])
def test_a_model_that_lets_nothing_follow_is_said(search):
    step, start = constant(torch.zeros(3)), torch.zeros(2, dtype=torch.long)
    with pytest.raises(FailedError, match="-inf for every token"):
        search(step, None, start, max_steps=2)


@pytest.mark.parametrize("top_p", [1e-9, 1e-46, 1e-300])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_however_small_top_p_is_the_likeliest_is_kept(dtype, top_p):
    kept = narrowed(P.log().to(dtype), top_p=top_p)
    assert kept.exp().tolist() == [0, 1, 0, 0, 0]
    found = sample(constant(P.to(dtype)), None, torch.zeros(5).long(), max_steps=3, top_p=top_p)
    assert (found.tokens == 1).all()


@pytest.mark.parametrize("top_p", [1.0, 1 - 1e-12])
@pytest.mark.parametrize("size", [5, 50_000])
def test_all_of_the_probability_is_all_tokens(size, top_p):
    torch.manual_seed(0)
    log_probs = torch.log_softmax(3 * torch.randn(4, size), dim=-1)
    assert (narrowed(log_probs, top_p=top_p) > -torch.inf).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_drawn_as_often_as_single(dtype):
    p = torch.full((2000,), 1 / 2000)
    p[:1000] *= 1.5
    p[1000:] *= 0.5
    log_probs = p.log().to(dtype)
    exact = log_probs.double().softmax(-1)[:1000].sum().item()
    step = lambda state, token: (log_probs.expand(len(token), -1), state)  # noqa: E731
    found = sample(step, None, torch.zeros(4000, dtype=torch.long), max_steps=1)
    often = (found.tokens < 1000).double().mean().item()
    assert often == pytest.approx(exact, abs=5 * (exact * (1 - exact) / 4000) ** 0.5)
    cut = narrowed(log_probs, top_p=0.5)
    assert (cut > -torch.inf).sum().item() == pytest.approx(0.5 / 0.75 * 1000, rel=0.02)


@pytest.mark.parametrize("temperature", [1e-300, 1e-38, 1.0, 1e300])
def test_tokens_that_cannot_follow_never_do(temperature):
    p = torch.tensor([0.0, 0.7, 0.0, 0.3])
    found = drawn(p, n=2000, temperature=temperature, top_k=3)
    assert found[0] == found[2] == 0
    narrow = narrowed(p.log(), temperature=temperature)
    assert not narrow.isnan().any()


def test_however_cold_the_likeliest_token_is_drawn():
    """Divided by so little, log-probabilities are beyond all numbers."""
    table = torch.tensor([[0.1, 0.2, 0.7]])
    for temperature in (1e-30, 1e-300):
        narrow = narrowed(table.log(), temperature=temperature)
        assert narrow.exp().tolist() == [[0, 0, 1]]


def test_a_generator_that_is_none():
    with pytest.raises(InputError) as caught:
        sample(constant(P), None, torch.zeros(1, dtype=torch.long), max_steps=1, generator=3)
    assert str(caught.value) == "generator must be a torch.Generator or None; got 3."


def test_what_was_written_is_less_likely_to_be_written_again():
    found = sample(
        constant(P), None, torch.ones(20_000, dtype=torch.long), max_steps=2, repetition_penalty=2.0
    )
    first, second = found.tokens.T
    assert torch.bincount(first).argmax() == 1  # the token before the first one counts not
    often = torch.bincount(second[first == 1], minlength=5) / (first == 1).sum()
    want = normal(P.where(torch.arange(5) != 1, P**2))
    assert ((often - want).abs() <= 5 * (want * (1 - want) / 5_000).sqrt()).all()
    endless = sample(
        constant(P), None, torch.zeros(9, dtype=torch.long), max_steps=5, repetition_penalty=1e9
    )
    assert all(len(set(row)) == 5 for row in endless.tokens.tolist())


@pytest.mark.parametrize("search", ["greedy", "sample"])
def test_what_is_written_is_told_and_can_be_enough(search):
    told = []

    def tell(token):
        told.append(token.tolist())
        return len(told) == 3

    start = torch.zeros(2, dtype=torch.long)
    found = decode(search, constant(P), None, start, max_steps=9, tell=tell)
    assert found.tokens.T.tolist() == told
    assert found.lengths.tolist() == [3, 3]
