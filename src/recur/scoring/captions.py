"""Captions: BLEU of one to four words, and CIDEr, each against several references."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from recur.messages import FailedError
from recur.scoring.scores import Scores, package, version
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


def cider(answers: Sequence[str], references: Sequence[Sequence[str]]) -> Scores:
    """CIDEr of captions, as the COCO captions' own program computes it, from 0 to 10.

    R. Vedantam, C. Zitnick and D. Parikh, "CIDEr: consensus-based image description evaluation",
    arXiv:1411.5726: the likeness of the words and of two, three and four words in a row, each
    weighed by how few pictures it is said of; so it depends on all references, and of one picture
    alone it is 0. Captions are lower-cased and cut into words by sacrebleu's tokenizer 13a, since
    the program's own one needs Java; marks are left out, as it does.

    Args:
        answers: N captions.
        references: for each, one or several.

    Returns:
        "cider".

    Raises:
        InputError: no captions, not as many on both sides, or one without any reference.
        FailedError: pycocoevalcap or sacrebleu is not installed.
    """
    by_coco = package("pycocoevalcap.cider.cider").Cider()
    words = package("sacrebleu.tokenizers.tokenizer_13a").Tokenizer13a()
    by_place(answers, references)  # what is wrong with them is said there

    def cut(text: str) -> str:
        return " ".join(each for each in words(text.lower()).split() if each[0].isalnum())

    said = {n: [cut(text)] for n, text in enumerate(answers)}
    meant = {n: [cut(text) for text in some] for n, some in enumerate(references)}
    any_words = any(text for some in meant.values() for text in some)
    found = by_coco.compute_score(meant, said)[0] if any_words else 0.0
    return Scores({"cider": found}, f"CIDEr|case:lc|tok:13a|{version('pycocoevalcap')}")


def beside(
    answers: Sequence[str], others: Mapping[str, Sequence[str]], references: Sequence[Sequence[str]]
) -> tuple[dict[str, float], tuple[str, ...]]:
    """BLEU-1 to 4 and CIDEr of answers, and BLEU-4 and CIDEr of others by their names.

    Args:
        answers: N captions.
        others: as many, by a name that is put behind that of the score: "bleu4_nearest".
        references: for each, one or several.

    Returns:
        the scores, and how they were computed; where CIDEr's package is missing it says so.

    Raises:
        InputError, FailedError: as `bleu`.
    """
    found = bleu(answers, references)
    values = dict(found)
    values |= {f"bleu4_{n}": bleu(some, references)["bleu4"] for n, some in others.items()}
    try:
        of_all = {
            f"cider{n}": cider(some, references)
            for n, some in {"": answers, **{f"_{n}": each for n, each in others.items()}}.items()
        }
    except FailedError as error:
        return values, (found.how["bleu4"], f"CIDEr is not measured. {error}")
    values |= {name: each["cider"] for name, each in of_all.items()}
    return values, (found.how["bleu4"], of_all["cider"].how["cider"])
