"""Summaries: ROUGE, as the package rouge-score counts it, and the lead that they have to beat.

C.-Y. Lin, "ROUGE: a package for automatic evaluation of summaries", 2004.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from recur.messages import whole
from recur.scoring.scores import Scores, check_pairs, package, version

KINDS = ("rouge1", "rouge2", "rougeL")
TRIED = 25
"""Lengths of a lead that are tried at most."""
MOST = 500
"""Texts that they are tried on at most, the first ones."""


def rouge(
    answers: Sequence[str],
    references: Sequence[str],
    *,
    kinds: Sequence[str] = KINDS,
    stemming: bool = False,
) -> Scores:
    """ROUGE-1, 2 and L: the F measures of words, pairs and the longest common subsequence.

    Args:
        answers: N summaries.
        references: N summaries.
        kinds: which of them.
        stemming: take words by their Porter stems, as the scores of most papers do for English.

    Returns:
        "rouge1", "rouge2" and "rougeL" from 0 to 1, the means over the summaries.

    Raises:
        InputError: no summaries, or not as many on both sides.
        FailedError: rouge-score is not installed.
    """
    check_pairs(answers, references)
    scorer = package("rouge_score.rouge_scorer").RougeScorer(list(kinds), use_stemmer=stemming)
    each = [scorer.score(b, a) for a, b in zip(answers, references, strict=True)]
    found = {kind: sum(one[kind].fmeasure for one in each) / len(each) for kind in kinds}
    stems = "Porter stems" if stemming else "no stemming"
    return Scores(found, f"{version('rouge_score')}, F measure, {stems}")


class Lead:
    """The first words of each text: what every summary has to beat.

    Args:
        words: how many.

    Raises:
        InputError: less than one.
    """

    def __init__(self, words: int) -> None:
        self.words = whole("words of a lead", words)

    @classmethod
    def fit(cls, sources: Sequence[str], references: Sequence[str]) -> Self:
        """Finds the length with the best ROUGE-1, from 1 to four times that of the summaries.

        Args:
            sources: N texts, none of which is tested on.
            references: their summaries.

        Raises:
            InputError: no texts, or not as many on both sides.
            FailedError: rouge-score is not installed.
        """
        check_pairs(sources, references)
        sources, references = sources[:MOST], references[:MOST]
        mean = sum(len(each.split()) for each in references) / len(references)
        most = max(round(4 * mean), 1)
        tried = range(1, most + 1, -(-most // TRIED))
        return max(map(cls, tried), key=lambda lead: lead.worth(sources, references))

    def worth(self, sources: Sequence[str], references: Sequence[str]) -> float:
        """ROUGE-1 of the leads of texts."""
        return rouge(self.answers(sources), references, kinds=("rouge1",))["rouge1"]

    def answers(self, sources: Sequence[str]) -> list[str]:
        """The first words of each text."""
        return [" ".join(text.split()[: self.words]) for text in sources]
