"""Emissions: what is drawn and how likely it was; the loop that writes with any of them."""

from __future__ import annotations

import math

import pytest
import torch
from tests.decoding.chains import Chain

import recur
from recur.data.sequences import Sequences
from recur.decoding import Bits, Mixture, Tokens, sample, write
from recur.messages import FailedError, InputError
from recur.models import ManyToMany

DOUBLE = torch.float64
EMISSIONS = {
    "tokens": Tokens(5),
    "tokens, as they come": Tokens(5, temperature=0),
    "bits": Bits(4, temperature=0.5),
    "mixture": Mixture(3, bias=0.5),
}


def chance(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("name", EMISSIONS)
def test_what_every_one_promises(name):
    emission = EMISSIONS[name]
    scores = torch.randn(2, 3, emission.size, dtype=DOUBLE, generator=chance())
    for value in (emission.sample(scores, chance()), emission.likeliest(scores)):
        assert value.shape[:2] == (2, 3)
        found = emission.log_likelihood(scores, value)
        assert found.shape == (2, 3)
        for row in range(2):  # each row by itself
            alone = emission.log_likelihood(scores[row, 1], value[row, 1])
            torch.testing.assert_close(found[row, 1], alone)
    again = emission.sample(scores, chance())
    assert torch.equal(again, emission.sample(scores, chance()))
    with pytest.raises(
        InputError, match=rf"^scores must be \(\.\.\., {emission.size}\); got the s"
    ):
        emission.likeliest(scores[..., 1:])


def test_tokens_are_drawn_as_sample_draws_them():
    scores = torch.randn(40, 5, generator=chance())
    for how in ({}, {"temperature": 0.5}, {"top_k": 2}, {"top_p": 0.6}):
        found = Tokens(5, **how).sample(scores, chance(1))
        other = sample(
            lambda state, token: (scores.log_softmax(-1), state),
            None,
            torch.zeros(40, dtype=torch.long),
            max_steps=1,
            generator=chance(1),
            **how,
        )
        assert torch.equal(found, other.tokens[:, 0])
    log_probs = scores.log_softmax(-1)
    found = Tokens(5).log_likelihood(scores, torch.arange(40) % 5)
    torch.testing.assert_close(found, log_probs[torch.arange(40), torch.arange(40) % 5])


def test_bits_are_drawn_each_by_itself():
    scores = torch.tensor([-2.0, 0.0, 1.0]).expand(20_000, 3)
    for temperature in (1.0, 0.5):
        often = Bits(3, temperature).sample(scores, chance()).double().mean(0)
        want = (scores[0].double() / temperature).sigmoid()
        assert ((often - want).abs() <= 5 * (want * (1 - want) / 20_000).sqrt()).all()
    assert Bits(3, 0.0).sample(scores[0]).tolist() == [False, False, True]
    value = torch.tensor([True, False, True])
    p = scores[0].sigmoid()
    want = (p[0] * (1 - p[1]) * p[2]).log()
    torch.testing.assert_close(Bits(3).log_likelihood(scores[0], value), want)


def gaussians(scores, m):
    """Torch's own mixture, and the probability that a stroke ends."""
    pi, mu1, mu2, s1, s2, rho = (scores[n * m : (n + 1) * m] for n in range(6))
    s1, s2, rho = s1.exp(), s2.exp(), rho.tanh()
    cross = rho * s1 * s2
    covariance = torch.stack([torch.stack([s1**2, cross]), torch.stack([cross, s2**2])])
    each = torch.distributions.MultivariateNormal(
        torch.stack([mu1, mu2], dim=-1), covariance.permute(2, 0, 1)
    )
    weights = torch.distributions.Categorical(logits=pi)
    return torch.distributions.MixtureSameFamily(weights, each), scores[-1].sigmoid()


def test_the_density_of_a_mixture():
    torch.manual_seed(0)
    scores = torch.randn(4, 19, dtype=DOUBLE)
    value = torch.randn(4, 3, dtype=DOUBLE)
    value[:, 2] = torch.tensor([0, 1, 1, 0])
    found = Mixture(3).log_likelihood(scores, value)
    for row in range(4):
        of_point, ends = gaussians(scores[row], 3)
        want = of_point.log_prob(value[row, :2]) + (ends if value[row, 2] else 1 - ends).log()
        torch.testing.assert_close(found[row], want)


def test_the_mean_of_a_mixture():
    """That of torch's own mixture."""
    scores = torch.randn(4, 19, dtype=DOUBLE)
    expected = torch.stack([gaussians(each, 3)[0].mean for each in scores])
    torch.testing.assert_close(Mixture(3).mean(scores), expected)


def test_points_are_drawn_by_the_mixture():
    torch.manual_seed(2)
    scores = torch.randn(19, dtype=DOUBLE)
    drawn = Mixture(3).sample(scores.expand(50_000, 19), chance())
    of_point, ends = gaussians(scores, 3)
    torch.testing.assert_close(drawn[:, :2].mean(0), of_point.mean, atol=0.05, rtol=0.05)
    torch.testing.assert_close(drawn[:, :2].var(0), of_point.variance, atol=0.1, rtol=0.1)
    assert set(drawn[:, 2].unique().tolist()) == {0, 1}
    assert drawn[:, 2].mean().item() == pytest.approx(ends.item(), abs=0.01)
    one = torch.zeros(7, dtype=DOUBLE)
    one[5] = 1.5  # the correlation of one Gaussian
    drawn = Mixture(1).sample(one.expand(50_000, 7), chance())
    assert torch.corrcoef(drawn[:, :2].T)[0, 1].item() == pytest.approx(math.tanh(1.5), abs=0.01)


def test_a_bias_makes_samples_surer():
    scores = torch.zeros(13, dtype=DOUBLE)
    scores[0], scores[2:6] = 1.0, torch.tensor([5.0, -5, 5, -5])
    scores = scores.expand(20_000, 13)
    usual, sure = (Mixture(2, bias=b).sample(scores, chance())[:, :2] for b in (0.0, 1.0))
    near = [(each - 5).square().sum(1) < 30 for each in (usual, sure)]
    assert usual[near[0]].std(0).tolist() == pytest.approx([1, 1], abs=0.05)
    assert sure[near[1]].std(0).tolist() == pytest.approx([1 / math.e] * 2, abs=0.05)
    shares = [each.double().mean().item() for each in near]
    expected = [1 / (1 + math.exp(-1)), 1 / (1 + math.exp(-2))]
    assert shares == pytest.approx(expected, abs=0.02)
    # How likely a point was does not depend on it.
    value = torch.ones(20_000, 3, dtype=DOUBLE)
    for emission in (Mixture(2), Mixture(2, bias=3.0)):
        found = emission.log_likelihood(scores, value)
        torch.testing.assert_close(found, Mixture(2).log_likelihood(scores, value))
    assert Mixture(2).likeliest(scores[0]).tolist() == [5, 5, 0]


def test_mixtures_far_out_stay_numbers():
    """Correlations that round to 1, deviations that round to 0."""
    scores = torch.zeros(3, 7)
    scores[0, 5], scores[1, 5], scores[2, 3:5] = 12.0, -12.0, -200.0
    scores.requires_grad_()
    loss = Mixture(1).loss(scores, torch.tensor([[0.1, 0.1, 1.0]]).expand(3, 3))
    loss.backward()
    assert loss.isfinite()
    assert scores.grad.isfinite().all()
    assert Mixture(1).sample(scores).isfinite().all()


def test_the_loss_is_the_mean_of_the_points_that_count():
    scores = torch.randn(2, 4, 13, dtype=DOUBLE, requires_grad=True)
    targets = torch.rand(2, 4, 3, dtype=DOUBLE)
    targets[..., 2] = 1.0
    mixture = Mixture(2)
    each = -mixture.log_likelihood(scores, targets).detach()
    torch.testing.assert_close(mixture.loss(scores, targets), each.mean())
    targets[0, 3, 0] = torch.nan
    targets[1, 2:] = -100
    loss = mixture.loss(scores, targets)
    want = torch.cat([each[0, :3], each[1, :2]]).mean()
    torch.testing.assert_close(loss, want)
    loss.backward()
    assert scores.grad.isfinite().all()
    assert not scores.grad[0, 3].any()
    none = mixture.loss(scores, torch.full_like(targets, torch.nan))
    assert none.item() == 0
    none.backward()


def test_a_pen_is_learnt_and_goes_on():
    """Strokes of one step to the right and one up, in turns; each second one ends a stroke."""
    steps = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]]).repeat(8, 1)
    rows = [steps[n % 2 : 9 + n % 5] for n in range(40)]
    torch.manual_seed(0)
    noisy = [row + torch.tensor([0.02, 0.02, 0]) * torch.randn(len(row), 3) for row in rows]
    mixture = Mixture(2)
    model = ManyToMany(inputs=3, outputs=mixture.size, cell="gru", units=16)
    data = Sequences([row[:-1] for row in noisy], [row[1:] for row in noisy])
    history = recur.fit(
        model, data, loss=mixture.loss, epochs=30, learning_rate=0.03, seed=0, progress=False
    )
    assert history.loss[-1] < history.loss[0] - 2
    model.eval()
    with torch.no_grad():
        scores, state = model(steps[None, :4], return_state=True)

    def step(state, point):
        scores, state = model(point.unsqueeze(1), state=state, return_state=True)
        return scores[:, -1], state

    found = write(step, state, scores[:, -1], Mixture(2, bias=2.0), max_steps=6, generator=chance())
    torch.testing.assert_close(found.values[0, :, :2], steps[:6, :2], atol=0.4, rtol=0)
    ends = mixture.likeliest(model(steps[None])[0])[1:-1, 2]
    assert torch.equal(ends, steps[2:, 2])
    total = sum(
        mixture.log_likelihood(scores[0, -1], point)
        for scores, point in zip(
            (model(torch.cat([steps[:4], found.values[0, :n]])[None]) for n in range(6)),
            found.values[0],
            strict=True,
        )
    )
    assert found.scores.item() == pytest.approx(total.item(), abs=1e-3)


def test_a_row_ends_where_it_says_and_counts_no_more():
    chain = Chain(batch=2, steps=6)
    state, start = chain.start()
    first, state = chain.step(state, start)
    found = write(
        chain.step,
        state,
        first,
        Tokens(3),
        max_steps=6,
        generator=chance(3),
        ends=lambda token: token == 2,
    )
    other = sample(chain.step, *chain.start(), max_steps=6, end=2, generator=chance(3))
    for row in range(2):
        tokens = found.values[row, : found.lengths[row]].tolist()
        assert found.scores[row].item() == pytest.approx(chain.score(row, tokens))
        assert other.tokens[row, : other.lengths[row]].tolist() == [t for t in tokens if t != 2]
        assert other.scores[row] == found.scores[row]


def test_nothing_is_written_from_what_is_no_number():
    with pytest.raises(FailedError, match="log-probabilities are not numbers"):
        write(lambda s, v: (v, s), None, torch.full((1, 2), torch.nan), Bits(2), max_steps=1)
    none = write(lambda s, v: (v, s), None, torch.zeros(0, 2), Bits(2), max_steps=3)
    assert (len(none.values), len(none.scores)) == (0, 0)


BAD = {
    "temperature": (lambda: Bits(3, -1.0), "temperature must be a number of at least 0; got -1.0."),
    "no bits": (lambda: Bits(0), "bits must be a whole number of at least 1; got 0."),
    "top_k": (lambda: Tokens(3, top_k=0), "top_k must be a whole number of at least 1; got 0."),
    "bias": (lambda: Mixture(3, bias=-1), "bias must be a number of at least 0; got -1."),
    "points": (
        lambda: Mixture(1).loss(torch.zeros(2, 7), torch.zeros(2, 2)),
        "points must be of the shape (2, 3); got (2, 2).",
    ),
    "set bits": (
        lambda: Bits(3).log_likelihood(torch.zeros(2, 3), torch.zeros(3)),
        "bits must be of the scores' shape (2, 3); got (3,).",
    ),
    "chance": (
        lambda: write(
            lambda s, v: (v, s), None, torch.zeros(1, 2), Bits(2), max_steps=1, generator=3
        ),
        "generator must be a torch.Generator or None; got 3.",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_sentence(name):
    call, sentence = BAD[name]
    with pytest.raises(InputError) as caught:
        call()
    assert str(caught.value) == sentence
