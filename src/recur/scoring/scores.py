"""Numbers by name, each with how it was computed; and the packages that compute them."""

from __future__ import annotations

import contextlib
import importlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from recur.messages import FailedError, InputError, count, must


class Scores(dict[str, float]):
    """Scores by name: a dictionary, which also says how they were computed.

    Args:
        numbers: the scores.
        how: in words or as the package's signature, of all of them; or by the name of each.

    Attributes:
        how: by the name of the score.
    """

    def __init__(self, numbers: Mapping[str, float], how: str | Mapping[str, str]) -> None:
        super().__init__({name: float(number) for name, number in numbers.items()})
        self.how = dict.fromkeys(numbers, how) if isinstance(how, str) else dict(how)

    def __str__(self) -> str:
        wide = max(map(len, self), default=0)
        lines: list[str] = []
        last = ""
        for name, number in self.items():
            how = self.how[name]
            lines.append(f"{name:<{wide}}  {number:>10.5g}  {'' if how == last else how}".rstrip())
            last = how
        return "\n".join(lines)

    def __reduce__(self) -> tuple[Any, ...]:
        return Scores, (dict(self), self.how)


def package(name: str) -> Any:
    """A package that scores are computed with, or one of its modules.

    Raises:
        FailedError: if it is not installed; the text names the extra.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        lacking = name.partition(".")[0]
        extra = EXTRAS.get(lacking, "scores")
        raise FailedError(
            f"These scores need the package {DISTRIBUTIONS[lacking]}, which is not "
            f"installed. Install it with: pip install 'recur[{extra}]'"
        ) from error


DISTRIBUTIONS = {
    "jiwer": "jiwer",
    "pycocoevalcap": "pycocoevalcap",
    "rouge_score": "rouge-score",
    "sacrebleu": "sacrebleu",
    "scipy": "scipy",
    "seqeval": "seqeval",
    "sklearn": "scikit-learn",
}
EXTRAS = {"pycocoevalcap": "caption"}
"""Of a package that is not in the extra "scores"."""


def version(name: str) -> str:
    """A package and its version, as "jiwer 4.0.0"."""
    from importlib import metadata

    return f"{DISTRIBUTIONS[name]} {metadata.version(DISTRIBUTIONS[name])}"


def check_pairs(answers: Sequence[Any], references: Sequence[Any]) -> None:
    """Raises an InputError unless there is an answer for each of at least one reference."""
    if len(answers) != len(references) or not len(references):
        expected = f"one for each of {count(len(references), 'reference')}, one at least"
        raise InputError(must("answers", expected, count(len(answers), "answer")))


@contextlib.contextmanager
def unwarned() -> Iterator[None]:
    """Leaves out a package's warnings, about what its numbers say as well."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
