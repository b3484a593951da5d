"""Data in three parts: to learn from, to choose the best epoch by, and to test on.

Every dataset and every file of a user's own comes as `Splits`; what a source does not set apart is
cut off by a rule, which decides what may not stand on both sides (the same text, speaker, time).
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from recur.messages import InputError, count, must

Rows = Sequence[int] | NDArray[np.int64]

ORDER = 113
"""Seeds the order of mixed rows. No option: the first N are the same ones for every seed."""


class Records(Protocol):
    """Raw examples, before anything is fitted to them.

    Attributes:
        noun: what one of them is called: "text", "piece".
    """

    noun: str

    def __len__(self) -> int:
        """How many there are."""

    def take(self, rows: Rows) -> Self:
        """Those at `rows`, in that order."""


R = TypeVar("R", bound=Records)
Rule = Callable[[R, float], tuple[R, R]]
"""`(records, share) -> (kept, held out)`."""


@dataclass(frozen=True)
class Splits(Generic[R]):
    """Records in three parts.

    Attributes:
        train: to learn from.
        validation: to choose the best epoch by; None where none are set apart.
        test: to test on; None where none are set apart.
        about: what they are, in a line.
        notes: what must be said wherever a score on them is shown.
    """

    train: R
    validation: R | None = None
    test: R | None = None
    about: str = ""
    notes: tuple[str, ...] = ()

    def noted(self, *notes: str) -> Self:
        """The same, with more to say."""
        return dataclasses.replace(self, notes=(*self.notes, *notes))

    def mixed(self) -> Self:
        """The training and test parts in an order that nothing rules, the same one every time."""
        return dataclasses.replace(
            self, train=mixed(self.train), test=None if self.test is None else mixed(self.test)
        )

    def limited(self, limit: int | None) -> Self:
        """The first `limit` records of each part, and a note where the test part is cut."""
        if limit is None:
            return self
        validation = None if self.validation is None else _first(self.validation, limit)
        test = None if self.test is None else _first(self.test, limit)
        train = _first(self.train, limit)
        cut = dataclasses.replace(self, train=train, validation=validation, test=test)
        if test is None or self.test is None or len(test) == len(self.test):
            return cut
        return cut.noted(f"Only {count(len(test), test.noun)} were tested on (limit).")

    def tested_on(self, share: float, rule: Rule[R]) -> Self:
        """With a test part: the source's own, or a share held out by the rule, which is said.

        Raises:
            InputError: if a part would be empty.
        """
        if self.test is not None and len(self.test):
            return self
        kept, held = rule(self.train, share)
        self._enough(held, kept)
        what = f"{count(len(held), held.noun)} of {self.about}, held out from training"
        return dataclasses.replace(self, train=kept, test=held).noted(f"Tested on {what}.")

    def validated_on(self, share: float, rule: Rule[R]) -> Self:
        """With a validation part: the source's own, or a share held out by the rule.

        Raises:
            InputError: if a part would be empty.
        """
        if self.validation is not None and len(self.validation):
            return self
        kept, held = rule(self.train, share)
        self._enough(held, kept)
        return dataclasses.replace(self, train=kept, validation=held)

    def _enough(self, *parts: R) -> None:
        if not all(map(len, parts)):
            noun = self.train.noun
            expected = f"enough to learn from, to validate and to test on: 3 {noun}s at least"
            raise InputError(must(self.about, expected, count(len(self.train), noun), "Add more."))


def at_the_end(records: R, share: float) -> tuple[R, R]:
    """The last share of the records; one at least, and not all if there are two."""
    held = min(max(round(share * len(records)), 1), len(records) - 1)
    kept = max(len(records) - held, 0)
    return records.take(range(kept)), records.take(range(kept, len(records)))


def mixed(records: R) -> R:
    """All records in an order that nothing rules, the same one every time."""
    return records.take(np.random.default_rng(ORDER).permutation(len(records)))


def by_label(
    of: Callable[[R], Sequence[Hashable]], same: Callable[[R], Sequence[Hashable]] | None = None
) -> Rule[R]:
    """The rule that holds out the same share of every label, always the same rows.

    Each part is in a fixed random order, since many files are sorted by label.

    Args:
        of: gives each record's label.
        same: gives what no two parts may share, such as the text: what is held out was never seen.
    """

    def rule(records: R, share: float) -> tuple[R, R]:
        labels = list(of(records))
        kept, held = hold_out(list(same(records)) if same else None, labels, share)
        return records.take(kept), records.take(held)

    return rule


def by_group(of: Callable[[R], Sequence[Hashable]]) -> Rule[R]:
    """The rule that holds out whole groups (speakers, writers, people, documents).

    Groups are drawn in a fixed random order until the share is reached; no group stands on both
    sides.

    Args:
        of: gives each record's group.
    """

    def rule(records: R, share: float) -> tuple[R, R]:
        groups = list(of(records))
        sizes = Counter(groups)
        names = sorted(sizes, key=str)
        if len(names) < 2:
            got = f"all {count(len(records), records.noun)} of {names[0]!r}" if names else "none"
            expected = f"{records.noun}s of two groups at least"
            raise InputError(must("data that are held out by group", expected, got, "Add others."))
        drawn = np.random.default_rng(ORDER).permutation(len(names)).tolist()
        held: set[Hashable] = set()
        for number in drawn[:-1]:
            if held and sum(sizes[name] for name in held) >= share * len(groups):
                break
            held.add(names[number])
        rows = [row for row, group in enumerate(groups) if group in held]
        rest = [row for row, group in enumerate(groups) if group not in held]
        return records.take(rest), records.take(rows)

    return rule


def by_time(of: Callable[[R], NDArray[Any] | None]) -> Rule[R]:
    """The rule that holds out what came last.

    Args:
        of: gives each record's time, or None where the records lie in the order of time already.
    """

    def rule(records: R, share: float) -> tuple[R, R]:
        times = of(records)
        ordered = records if times is None else records.take(np.argsort(times, kind="stable"))
        return at_the_end(ordered, share)

    return rule


def hold_out(
    same: list[Any] | None, labels: list[Any], share: float, seed: int = 0
) -> tuple[list[int], list[int]]:
    """Splits rows into (kept, held out), the same share of every label, always the same rows.

    What is the same (a text that occurs twice) is not divided between the two. The rows of each
    part are in a fixed random order.
    """
    rows = np.random.default_rng(seed).permutation(len(labels)).tolist()
    keys = list(range(len(labels))) if same is None else same
    times = Counter(keys)
    left = {label: round(number * share) for label, number in Counter(labels).items()}
    held_keys: dict[Any, bool] = {}
    kept: list[int] = []
    held: list[int] = []
    for row in rows:
        key, label = keys[row], labels[row]
        if key not in held_keys:
            held_keys[key] = left[label] >= times[key]
            left[label] -= times[key] * held_keys[key]
        (held if held_keys[key] else kept).append(row)
    return kept, held


def _first(records: R, limit: int) -> R:
    return records if len(records) <= limit else records.take(range(limit))
