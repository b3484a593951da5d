"""What was heard or read: errors of words and of characters, as jiwer counts them."""

from __future__ import annotations

from collections.abc import Sequence

from recur.scoring.scores import Scores, check_pairs, package, version

KINDS = ("substitutions", "deletions", "insertions")


def error_rates(answers: Sequence[str], references: Sequence[str]) -> Scores:
    """Word and character error rate of a whole set, with what they count.

    The fewest substitutions, deletions and insertions that make the references the answers, over
    the words (characters) of all references. Case and punctuation count as they stand; words are
    what spaces divide, of characters spaces count too.

    Args:
        answers: N texts.
        references: N texts.

    Returns:
        "wer", "cer", "words" and "characters" of the references, the errors of each kind as
        "word_substitutions", "character_insertions", ..., and "right", the share of texts without
        any error.

    Raises:
        InputError: no texts, or not as many on both sides.
        FailedError: jiwer is not installed.
    """
    jiwer = package("jiwer")
    check_pairs(answers, references)
    said, meant = _spaced(answers), _spaced(references)
    by_word, by_character = jiwer.process_words(meant, said), jiwer.process_characters(meant, said)
    found = {"wer": by_word.wer, "cer": by_character.cer}
    for noun, counted in (("word", by_word), ("character", by_character)):
        found[f"{noun}s"] = counted.hits + counted.substitutions + counted.deletions
        found |= {f"{noun}_{kind}": getattr(counted, kind) for kind in KINDS}
    right = sum(a == b for a, b in zip(said, meant, strict=True))
    found["right"] = right / len(meant)
    return Scores(found, f"{version('jiwer')}, case and punctuation as they stand")


def characters(answers: Sequence[str], references: Sequence[str]) -> tuple[list[str], list[str]]:
    """Which character was read in the place of which, where texts are aligned as errors count.

    Args:
        answers: N texts.
        references: N texts.

    Returns:
        the characters of the answers, and those of the references in their places; inserted and
        deleted ones have none.

    Raises:
        InputError: no texts, or not as many on both sides.
        FailedError: jiwer is not installed.
    """
    jiwer = package("jiwer")
    check_pairs(answers, references)
    said, meant = _spaced(answers), _spaced(references)
    read: list[str] = []
    true: list[str] = []
    found = jiwer.process_characters(meant, said)
    for text, reference, parts in zip(said, meant, found.alignments, strict=True):
        for part in parts:
            if part.type in ("equal", "substitute"):
                read += text[part.hyp_start_idx : part.hyp_end_idx]
                true += reference[part.ref_start_idx : part.ref_end_idx]
    return read, true


def _spaced(texts: Sequence[str]) -> list[str]:
    """Without spaces at the ends, which jiwer takes for characters."""
    return [" ".join(text.split()) for text in texts]
