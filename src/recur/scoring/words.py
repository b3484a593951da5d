"""What was heard or read: errors of words and of characters, as jiwer counts them."""

from __future__ import annotations

from collections.abc import Sequence

from recur.scoring.scores import Scores, check_pairs, package, version

NOTHING, SPACE = "(nothing)", "(space)"
"""What stands for a character that lacks, and for a space, where characters are classes."""
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


def character_pairs(
    answers: Sequence[str], references: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Which character was taken for which, by the alignment of the fewest errors.

    Args:
        answers: N texts.
        references: N texts.

    Returns:
        of each place the character of the answer and that of the reference; one that was left out
        or put in stands beside `NOTHING`.

    Raises:
        InputError: no texts, or not as many on both sides.
        FailedError: jiwer is not installed.
    """
    jiwer = package("jiwer")
    check_pairs(answers, references)
    said: list[str] = []
    meant: list[str] = []
    spaced = _spaced(answers), _spaced(references)
    found = jiwer.process_characters(spaced[1], spaced[0])
    for answer, reference, chunks in zip(*spaced, found.alignments, strict=True):
        for chunk in chunks:
            here = [*reference[chunk.ref_start_idx : chunk.ref_end_idx]]
            there = [*answer[chunk.hyp_start_idx : chunk.hyp_end_idx]]
            meant += here + [NOTHING] * (len(there) - len(here))
            said += there + [NOTHING] * (len(here) - len(there))
    return [SPACE if c == " " else c for c in said], [SPACE if c == " " else c for c in meant]


def _spaced(texts: Sequence[str]) -> list[str]:
    """Without spaces at the ends, which jiwer takes for characters."""
    return [" ".join(text.split()) for text in texts]
