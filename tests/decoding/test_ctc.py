"""CTC: against all alignments there are, and against torch's loss."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from tests.decoding.chains import brute_force_ctc

from recur.decoding import CTCGreedyStream, ctc_align, ctc_beam_search, ctc_greedy_search
from recur.messages import FailedError, InputError


def random_log_probs(batch=2, time=5, classes=3, seed=0, sharpness=1.5):
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(batch, time, classes, generator=generator, dtype=torch.float64)
    return (sharpness * scores).log_softmax(-1)


@pytest.mark.parametrize("blank", [0, 1, 2])
@pytest.mark.parametrize("seed", range(3))
def test_a_wide_beam_counts_every_alignment(blank, seed):
    log_probs = random_log_probs(seed=seed)
    found = ctc_beam_search(log_probs, width=400, blank=blank)
    for row in range(2):
        want = brute_force_ctc(log_probs[row], blank)
        got = {
            tuple(found.tokens[row, w, : found.lengths[row, w]].tolist()): math.exp(score)
            for w, score in enumerate(found.scores[row].tolist())
            if score > -math.inf
        }
        assert got == pytest.approx(want)
        assert sum(got.values()) == pytest.approx(1)
        assert found.scores[row].tolist() == sorted(found.scores[row].tolist(), reverse=True)


@given(st.integers(0, 10_000), st.integers(1, 20))
def test_a_narrow_beam_promises_no_more_than_is_true(seed, width):
    log_probs = random_log_probs(batch=1, time=5, seed=seed)
    found = ctc_beam_search(log_probs, width=width)
    true = brute_force_ctc(log_probs[0])
    seen = set()
    for w in range(width):
        if found.scores[0, w] == -torch.inf:
            continue
        said = tuple(found.tokens[0, w, : found.lengths[0, w]].tolist())
        assert found.scores[0, w] <= math.log(true[said]) + 1e-9
        assert said not in seen
        seen.add(said)
    if width >= 10:
        best = found.tokens[0, 0, : found.lengths[0, 0]].tolist()
        assert true[tuple(best)] >= 0.8 * max(true.values())


@given(st.integers(0, 10_000), st.integers(0, 2))
def test_greedy_merges_and_drops(seed, blank):
    log_probs = random_log_probs(batch=3, time=7, seed=seed)
    found = ctc_greedy_search(log_probs, blank=blank)
    for row in range(3):
        path = log_probs[row].argmax(-1).tolist()
        merged = [c for i, c in enumerate(path) if not i or c != path[i - 1]]
        said = [c for c in merged if c != blank]
        length = found.lengths[row]
        assert found.tokens[row, :length].tolist() == said
        assert (found.tokens[row, length:] == blank).all()
        assert found.scores[row].item() == pytest.approx(log_probs[row].amax(-1).sum().item())


def test_the_likeliest_alignment_need_not_say_the_likeliest_sequence():
    # Two blanks are the likeliest alignment (0.36), but "a" is said by three others (0.64).
    log_probs = torch.tensor([[[0.6, 0.4], [0.6, 0.4]]]).log()
    assert ctc_greedy_search(log_probs).lengths.tolist() == [0]
    found = ctc_beam_search(log_probs, width=2)
    assert found.tokens.tolist() == [[[1], [0]]]
    assert found.lengths.tolist() == [[1, 0]]
    torch.testing.assert_close(found.scores.exp(), torch.tensor([[0.64, 0.36]]))


def test_scores_are_those_of_torchs_loss():
    log_probs = random_log_probs(batch=1, time=6, classes=4, seed=7)
    found = ctc_beam_search(log_probs, width=2000)
    for w in range(50):
        n = int(found.lengths[0, w])
        loss = F.ctc_loss(
            log_probs.transpose(0, 1), found.tokens[:, w, :n], [6], [n], reduction="sum"
        )
        assert found.scores[0, w].item() == pytest.approx(-loss.item())


@pytest.mark.parametrize("search", [ctc_greedy_search, ctc_beam_search])
def test_padding_is_not_looked_at(search):
    options = {"width": 4} if search is ctc_beam_search else {}
    log_probs = random_log_probs(batch=4, time=6, seed=2)
    lengths = [6, 3, 0, 1]
    for row, length in enumerate(lengths):
        log_probs[row, length:] = torch.nan
    together = search(log_probs, lengths, **options)
    for row, length in enumerate(lengths):
        alone = search(log_probs[row : row + 1, :length], **options)
        width = alone.tokens.shape[-1]
        assert torch.equal(together.tokens[row : row + 1, ..., :width], alone.tokens)
        assert torch.equal(together.lengths[row : row + 1], alone.lengths)
        torch.testing.assert_close(together.scores[row : row + 1], alone.scores)


def test_certain_alignments():
    # "aab-b" says "abb", "aabb-" says "ab".
    sure = torch.full((2, 5, 3), -torch.inf)
    for row, alignment in enumerate([[1, 1, 2, 0, 2], [1, 1, 2, 2, 0]]):
        sure[row, torch.arange(5), alignment] = 0.0
    for found in (ctc_greedy_search(sure), ctc_beam_search(sure, width=3)):
        tokens, lengths = found.tokens.view(2, -1, 3)[:, 0], found.lengths.view(2, -1)[:, 0]
        assert tokens.tolist() == [[1, 2, 2], [1, 2, 0]]
        assert lengths.tolist() == [3, 2]


def test_no_rows_and_no_steps():
    for shape in ((0, 5, 3), (2, 0, 3)):
        empty = torch.zeros(shape)
        assert ctc_greedy_search(empty).tokens.shape == (shape[0], 0)
        found = ctc_beam_search(empty, width=2)
        assert found.tokens.shape == (shape[0], 2, 0)
        assert (found.scores[:, 0] == 0).all()


BAD = {
    "scores": (
        {"log_probs": torch.ones(1, 2, 3)},
        "log_probs must be logarithms of probabilities; got 1.0. Apply log_softmax to a model's "
        "scores first.",
    ),
    "two axes": (
        {"log_probs": torch.zeros(2, 3)},
        "log_probs must be a tensor (batch, time, classes); got (2, 3).",
    ),
    "blank": ({"blank": 3}, "blank must be a class from 0 to 2; got 3."),
    "lengths": (
        {"lengths": [3, 7]},
        "lengths must be between 0 and 5, the steps of the padded input; got 7 in row 1. Check "
        "the lengths, and that batch_first matches the input.",
    ),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("search", [ctc_greedy_search, ctc_beam_search])
def test_bad_input_is_one_sentence(search, case):
    options, sentence = BAD[case]
    given = {"log_probs": random_log_probs()} | options
    if search is ctc_beam_search:
        given["width"] = 2
    with pytest.raises(InputError) as caught:
        search(**given)
    assert str(caught.value) == sentence


def test_where_no_alignment_is_possible():
    """Every class at every step has the probability 0: nothing is said, with a score of -inf."""
    found = ctc_beam_search(torch.full((1, 2, 3), -torch.inf), width=2)
    assert found.lengths.tolist() == [[0, 0]]
    assert found.scores.tolist() == [[-torch.inf] * 2]


def test_a_beam_of_0():
    with pytest.raises(InputError, match=r"^width must be a whole number of at least 1; got 0\."):
        ctc_beam_search(random_log_probs(), width=0)


def test_a_model_that_gives_nan_is_said():
    with pytest.raises(FailedError, match=r"not numbers \(NaN\)"):
        ctc_greedy_search(torch.full((1, 2, 3), torch.nan))


@pytest.mark.parametrize("seed", range(4))
def test_the_likeliest_alignment_of_a_sequence_is_found(seed):
    log_probs = random_log_probs(batch=1, time=6, seed=seed)[0]
    said = {}
    for path in itertools.product(range(3), repeat=6):
        labels = tuple(c for c, _ in itertools.groupby(path) if c)
        score = sum(float(log_probs[t, c]) for t, c in enumerate(path))
        if score > said.get(labels, (-math.inf,))[0]:
            said[labels] = (score, path)
    for labels in ((1,), (1, 2), (2, 2), (1, 2, 1), (1, 1, 1)):
        steps = ctc_align(log_probs, torch.tensor(labels))
        path, want, at = said[labels][1], [], 0
        for label, run in itertools.groupby(path):
            length = len(list(run))
            if label:
                want.append(max(range(at, at + length), key=lambda t: log_probs[t, label]))
            at += length
        assert steps == want


def test_what_cannot_be_aligned_is_refused():
    log_probs = random_log_probs(batch=1, time=2)[0]
    assert ctc_align(log_probs, []) == []
    with pytest.raises(InputError, match="what the steps can say"):
        ctc_align(log_probs, [1, 1])
    for labels in ([0], [3]):
        with pytest.raises(InputError, match="labels must be from 0 to 2"):
            ctc_align(log_probs, labels)
    with pytest.raises(InputError, match="log_probs"):
        ctc_align(log_probs[None], [1])


@pytest.mark.parametrize("blank", [0, 2])
@pytest.mark.parametrize("size", [1, 3, 20])
def test_steps_in_pieces_say_what_the_whole_says(blank, size):
    for seed in range(5):
        log_probs = random_log_probs(batch=1, time=20, seed=seed)
        whole, stream = ctc_greedy_search(log_probs, blank=blank), CTCGreedyStream(blank=blank)
        said = [each for at in range(0, 20, size) for each in stream(log_probs[0, at : at + size])]
        assert [label for label, _, _ in said] == whole.tokens[0].tolist()
        steps = [step for _, step, _ in said]
        assert steps == sorted(set(steps))
        for label, step, probability in said:
            assert log_probs[0, step].argmax() == label
            assert probability == pytest.approx(float(log_probs[0, step, label].exp()))
        assert stream.steps == 20
        assert stream(log_probs[0, :0]) == []
    with pytest.raises(FailedError):
        CTCGreedyStream()(torch.full((2, 3), torch.nan))
