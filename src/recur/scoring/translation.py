"""Translations: BLEU and chrF of a whole set, as sacrebleu computes them.

K. Papineni et al., ACL 2002; M. Popović, WMT 2015; M. Post, "A call for clarity in reporting BLEU
scores", arXiv:1804.08771: what is compared are detokenised sentences, and the signature tells the
rest.
"""

from __future__ import annotations

from collections.abc import Sequence

from recur.messages import InputError, must
from recur.scoring.scores import Scores, check_pairs, package


def bleu_and_chrf(
    answers: Sequence[str],
    references: Sequence[str] | Sequence[Sequence[str]],
    *,
    tokenize: str = "13a",
) -> Scores:
    """BLEU and chrF2, cased and of lower-cased text, from 0 to 100.

    Args:
        answers: N sentences, not split into tokens.
        references: N sentences, or for each several.
        tokenize: how sacrebleu splits them for BLEU: "13a", "intl", "zh", "ja-mecab", "char", ...

    Returns:
        "bleu", "chrf", "bleu_lowercase" and "chrf_lowercase", with sacrebleu's signatures.

    Raises:
        InputError: no sentences, not as many on both sides, or one without any reference.
        FailedError: sacrebleu is not installed.
    """
    metrics = package("sacrebleu.metrics")
    streams = by_place(answers, references)
    found, how = {}, {}
    for suffix, lower in (("", False), ("_lowercase", True)):
        for name, metric in (
            ("bleu", metrics.BLEU(lowercase=lower, tokenize=tokenize)),
            ("chrf", metrics.CHRF(lowercase=lower)),
        ):
            result = metric.corpus_score(list(answers), streams)
            found[name + suffix] = result.score
            how[name + suffix] = f"{result.name}|{metric.get_signature()}"
    return Scores(found, how)


def by_place(
    answers: Sequence[str], references: Sequence[str] | Sequence[Sequence[str]]
) -> list[list[str | None]]:
    """References as sacrebleu takes them: all first ones, all second ones, ...; None where none is.

    Raises:
        InputError: no sentences, not as many on both sides, or one without any reference.
    """
    check_pairs(answers, references)
    known = [[each] if isinstance(each, str) else list(each) for each in references]
    bare = [number for number, each in enumerate(known) if not each]
    if bare:
        raise InputError(must("references", "at least one for each answer", f"none of {bare[0]}"))
    places = range(max(map(len, known)))
    return [[each[n] if n < len(each) else None for each in known] for n in places]
