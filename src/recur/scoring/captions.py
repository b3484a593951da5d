"""Captions: BLEU of one to four words, each against several references."""

from __future__ import annotations

from collections.abc import Sequence

from recur.scoring.scores import Scores, package
from recur.scoring.translation import by_place

LONGEST = 4


def bleu(answers: Sequence[str], references: Sequence[Sequence[str]]) -> Scores:
    """BLEU-1 to BLEU-4 of lower-cased captions, as sacrebleu computes them, from 0 to 100.

    Papers about captions print these four (X. Chen et al., arXiv:1504.00325), mostly without the
    punctuation, and by a tokenizer of their own: compare numbers of one signature only.

    Args:
        answers: N captions.
        references: for each, several.

    Returns:
        "bleu1" to "bleu4", with sacrebleu's signatures.

    Raises:
        InputError: no captions, not as many on both sides, or one without any reference.
        FailedError: sacrebleu is not installed.
    """
    metrics = package("sacrebleu.metrics")
    streams = by_place(answers, references)
    found, how = {}, {}
    for longest in range(1, LONGEST + 1):
        # Forced: sacrebleu warns of captions that end in " .", as those of data sets do.
        metric = metrics.BLEU(lowercase=True, max_ngram_order=longest, force=True)
        name = f"bleu{longest}"
        found[name] = metric.corpus_score(list(answers), streams).score
        how[name] = f"BLEU|words:{longest}|{metric.get_signature()}"
    return Scores(found, how)
