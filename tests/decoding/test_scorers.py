"""What guides a search: against all sequences, each with all its alignments; what is refused."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from tests.decoding.chains import brute_force_ctc

from recur.decoding import Lexicon, NGrams, Together, ctc_beam_search
from recur.decoding import scorers as scorers_
from recur.messages import InputError

CLASSES = 4
TEXTS = [[1, 2, 1], [2, 2, 3], [1, 2], [3], [1, 2, 3, 1]]


def random_log_probs(seed, time=5, classes=CLASSES):
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(time, classes, generator=generator, dtype=torch.float64)
    return (1.5 * scores).log_softmax(-1)


def found(log_probs, **how):
    decoded = ctc_beam_search(log_probs[None], width=2000, **how)
    return {
        tuple(decoded.tokens[0, w, : decoded.lengths[0, w]].tolist()): float(score)
        for w, score in enumerate(decoded.scores[0])
        if score > -math.inf
    }


def allowed(sequence, words, within, free):
    """Whether free labels cut a sequence into nothing but words."""
    parts = [list(group) for inner, group in itertools.groupby(sequence, lambda c: c in within)]
    assert all(set(part) <= set(within) | set(free) for part in parts)
    return all(part in words for part in parts if part[0] in within)


@pytest.mark.parametrize("blank", [0, 2])
@pytest.mark.parametrize("seed", range(3))
def test_a_wide_beam_finds_what_all_alignments_and_the_scorers_say(seed, blank):
    labels = [c for c in range(CLASSES) if c != blank]
    texts = [[labels[c - 1] for c in text] for text in TEXTS]
    words = [texts[2], texts[3], [labels[0]]]
    within, free = set(labels[:1] + labels[1:2] + [texts[3][0]]), set()
    model = NGrams(texts, CLASSES, order=3, blank=blank)
    lexicon = Lexicon(words, CLASSES, within=within, blank=blank)
    log_probs = random_log_probs(seed)
    true = brute_force_ctc(log_probs, blank)
    guided = found(log_probs, blank=blank, scorer=Together([(model, 0.7)], bonus=0.4, blank=blank))
    want = {
        said: math.log(p) + 0.7 * model.log_probability(said) + 0.4 * len(said)
        for said, p in true.items()
    }
    assert guided == pytest.approx(want)
    both = Together([(lexicon, 1.0), (model, 0.7)], bonus=0.4, blank=blank)
    assert found(log_probs, blank=blank, scorer=both) == pytest.approx(
        {said: score for said, score in want.items() if allowed(said, words, within, free)}
    )


@pytest.mark.parametrize("seed", range(3))
def test_free_labels_stand_between_words(seed):
    words, within, free = [[1], [1, 2], [2, 2]], {1, 2}, {3}
    log_probs = random_log_probs(seed)
    got = found(log_probs, scorer=Lexicon(words, CLASSES, within=within))
    true = brute_force_ctc(log_probs)
    assert got == pytest.approx(
        {s: math.log(p) for s, p in true.items() if allowed(s, words, within, free)}
    )
    assert any(3 in said for said in got)


def test_labels_that_are_unlikely_begin_nothing():
    log_probs = random_log_probs(1, time=5)
    likely = log_probs.exp() >= 0.1
    got = found(log_probs, least=0.1)
    assert got
    assert len(got) < len(found(log_probs))
    for said in got:
        # Each of its labels was likely at a step of its own, in order.
        steps = iter(range(5))
        assert all(any(likely[t, label] for t in steps) for label in said)
    # Steps that say the blank alone are walked without a beam, and count all the same.
    sure = torch.tensor([[0.98, 0.01, 0.01], [0.1, 0.8, 0.1], [0.98, 0.01, 0.01]]).double().log()
    (best, score), *_ = found(sure, least=0.05).items()
    assert best == (1,)
    # Once begun, a label may also last: the alignments are -a-, -aa of those that begin at step 2.
    assert math.exp(score) == pytest.approx(0.98 * 0.8 * (0.98 + 0.01))


def test_shares_of_a_language_model_sum_to_one_and_follow_the_formula():
    model = NGrams(TEXTS, CLASSES, order=2)
    row = np.exp(model.scores(np.array([model.start()]))[0])
    assert row.sum() == pytest.approx(1)
    # At the beginning 1 three times, 2 and 3 once; below, all labels and ends are counted.
    counts = np.array([5, 5, 5, 3])  # the end, 1, 2, 3
    below = (counts + 4 * 0.25) / (counts.sum() + 4)
    np.testing.assert_allclose(row, (np.array([0, 3, 1, 1]) + 3 * below) / (5 + 3))
    every = [s for n in range(7) for s in itertools.product([1, 2, 3], repeat=n)]
    assert 0.9 < sum(math.exp(model.log_probability(s)) for s in every) < 1


def test_a_longer_memory_is_surer_of_what_it_has_seen():
    one, five = (NGrams(TEXTS, CLASSES, order=order) for order in (1, 5))
    assert five.log_probability(TEXTS[4]) > one.log_probability(TEXTS[4]) + 1


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(scorers_, "MOST_STATES", 3)
    monkeypatch.setattr("recur.decoding.ngrams.MOST_STATES", 3)
    monkeypatch.setattr("recur.decoding.lexicon.MOST_STATES", 3)
    model, lexicon = NGrams(TEXTS, CLASSES), Lexicon(TEXTS, CLASSES)
    for scorer in (model, lexicon):
        fresh = found(random_log_probs(4), scorer=scorer)
        assert len(scorer._table) > 3
        assert found(random_log_probs(4), scorer=scorer) == fresh
        scorer.start()
        assert len(scorer._table) == 1


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: NGrams([[1, 0]], 3), "sequences of a language model must be labels from 0 to 2"),
        (lambda: NGrams([[1, 3]], 3), "without the blank, 0; got"),
        (lambda: NGrams([[1]], 3, order=0), "order must be a whole number of at least 1"),
        (lambda: Lexicon([], 3), "a lexicon must be of one word at least; got none"),
        (lambda: Lexicon([[]], 3), "of one label at least; got an empty one"),
        (lambda: Lexicon([[1, 3]], 3), "the words of a lexicon must be of labels from 0 to 2"),
        (lambda: Lexicon([[1, 2]], 3, within=[1]), "the words of a lexicon must be"),
        (
            lambda: found(random_log_probs(0), scorer=NGrams([[1]], 3)),
            "scorer must be of the 4 classes of log_probs; got 3",
        ),
        (lambda: found(random_log_probs(0), least=1.0), "least must be from 0 to below 1; got 1.0"),
    ],
)
def test_what_is_refused(make, said):
    with pytest.raises(InputError, match=said):
        make()
