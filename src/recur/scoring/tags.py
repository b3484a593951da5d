"""Tags of words: how many are right, and which spans, as seqeval and CoNLL's own script count."""

from __future__ import annotations

from collections.abc import Sequence

from recur.messages import InputError, must
from recur.scoring.scores import Scores, check_pairs, package, unwarned, version

Tags = Sequence[Sequence[str]]


def accuracy(answers: Tags, references: Tags) -> Scores:
    """The share of words, and of sentences, whose tags are right.

    Args:
        answers: the tags of the words of N sentences.
        references: the same.

    Returns:
        "accuracy", "sentences" (all words right), and "words", how many there are.

    Raises:
        InputError: no words, or not as many on both sides.
    """
    _check(answers, references)
    right = [
        [said == meant for said, meant in zip(a, b, strict=True)]
        for a, b in zip(answers, references, strict=True)
    ]
    words = sum(map(len, right))
    found = {
        "accuracy": sum(map(sum, right)) / words,
        "sentences": sum(map(all, right)) / len(right),
        "words": words,
    }
    return Scores(found, "every word counts once, punctuation too")


def entities(answers: Tags, references: Tags, *, scheme: str | None = None) -> Scores:
    """Precision, recall and F1 of spans: right are those whose ends and kind are both right.

    E. F. Tjong Kim Sang and F. De Meulder, "Introduction to the CoNLL-2003 shared task".

    Args:
        answers: tags of the words of N sentences, such as "B-PER", "I-PER" and "O".
        references: the same.
        scheme: "IOB1", "IOB2", "IOE1", "IOE2", "IOBES" or "BILOU", and then only spans that are
            well formed in it count; None: as CoNLL's script takes them, whatever the scheme.

    Returns:
        "precision", "recall" and "f1" over all spans, "f1_KIND" of each kind, and "spans", how
        many the references have.

    Raises:
        InputError: no words, not as many on both sides, or an unknown scheme.
        FailedError: seqeval is not installed.
    """
    _check(answers, references)
    metrics, schemes = package("seqeval.metrics"), package("seqeval.scheme")
    options = {}
    if scheme is not None:
        known = ("IOB1", "IOB2", "IOE1", "IOE2", "IOBES", "BILOU")
        if scheme not in known:
            raise InputError(must("scheme", f"None or one of {', '.join(known)}", repr(scheme)))
        options = {"mode": "strict", "scheme": getattr(schemes, scheme)}
    both = [list(map(list, references)), list(map(list, answers))]
    how = f"{version('seqeval')}, {scheme or 'spans as in conlleval'}, micro average"
    with unwarned():
        if not any(tag != "O" for side in both for tags in side for tag in tags):
            return Scores({"precision": 0, "recall": 0, "f1": 0, "spans": 0}, how)
        table = metrics.classification_report(*both, output_dict=True, zero_division=0, **options)
    whole = table["micro avg"]
    found = {"precision": whole["precision"], "recall": whole["recall"], "f1": whole["f1-score"]}
    kinds = [name for name in table if not name.endswith(" avg")]
    found |= {f"f1_{kind}": table[kind]["f1-score"] for kind in kinds}
    return Scores({**found, "spans": whole["support"]}, how)


def _check(answers: Tags, references: Tags) -> None:
    check_pairs(answers, references)
    for number, (said, meant) in enumerate(zip(answers, references, strict=True)):
        if len(said) != len(meant):
            expected = f"as many as its words, {len(meant)}"
            raise InputError(must(f"the tags of sentence {number}", expected, len(said)))
    if not any(map(len, references)):
        raise InputError(must("the sentences", "of at least one word", "none"))
