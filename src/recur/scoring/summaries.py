"""Summaries: ROUGE, as the package rouge-score counts it (C.-Y. Lin, 2004)."""

from __future__ import annotations

from collections.abc import Sequence

from recur.scoring.scores import Scores, check_pairs, package, version

KINDS = ("rouge1", "rouge2", "rougeL")


def rouge(answers: Sequence[str], references: Sequence[str], *, stemming: bool = False) -> Scores:
    """ROUGE-1, 2 and L: the F measures of words, pairs and the longest common subsequence.

    Args:
        answers: N summaries.
        references: N summaries.
        stemming: take words by their Porter stems, as the scores of most papers do for English.

    Returns:
        "rouge1", "rouge2" and "rougeL" from 0 to 1, the means over the summaries.

    Raises:
        InputError: no summaries, or not as many on both sides.
        FailedError: rouge-score is not installed.
    """
    check_pairs(answers, references)
    scorer = package("rouge_score.rouge_scorer").RougeScorer(list(KINDS), use_stemmer=stemming)
    each = [scorer.score(b, a) for a, b in zip(answers, references, strict=True)]
    found = {kind: sum(one[kind].fmeasure for one in each) / len(each) for kind in KINDS}
    stems = "Porter stems" if stemming else "no stemming"
    return Scores(found, f"{version('rouge_score')}, F measure, {stems}")
