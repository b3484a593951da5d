"""Data in three parts: to learn from, to choose the best epoch by, and to test on.

Every dataset and every file of a user's own comes as `Splits`; what a source does not set apart is
cut off by a rule, which decides what may not stand on both sides (the same text, speaker, time).
"""

from __future__ import annotations

import abc
import dataclasses
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from recur.messages import InputError, count, must

Rows = Sequence[int] | NDArray[np.int64]

ORDER = 113
"""Seeds the order of mixed rows. No option: the first N are the same ones for every seed."""


class Records(abc.ABC):
    """Raw examples, before anything is fitted to them.

    Attributes:
        noun: what one of them is called: "text", "piece".
    """

    noun: ClassVar[str]

    @abc.abstractmethod
    def __len__(self) -> int:
        """How many there are."""

    @abc.abstractmethod
    def take(self, rows: Rows) -> Self:
        """Those at `rows`, in that order."""

    def first(self, limit: int) -> Self:
        """The first ones: all, where they are no more."""
        return self if len(self) <= limit else self.take(range(limit))


R = TypeVar("R", bound=Records)
Rule = Callable[[R, float], tuple[R, R]]
"""`(records, share) -> (kept, held out)`."""


class TooFewError(InputError):
    """Records of which no example can be made; who knows which they are says so by `of`."""

    def __init__(self, expected: str, got: str, todo: str = "", what: str = "the data") -> None:
        super().__init__(must(what, expected, got, todo))
        self.words = expected, got, todo

    def of(self, what: str) -> Self:
        """The same of records that have a name."""
        return type(self)(*self.words, what)


@dataclass(frozen=True)
class Splits(Generic[R]):
    """Records in three parts.

    Attributes:
        train: to learn from.
        validation: to choose the best epoch by; None where none are set apart.
        test: to test on; None where none are set apart.
        about: what they are, in a line.
        notes: what must be said wherever a score on them is shown.
        cut: the parts that a rule cut off: "validation", "test"; others the source set apart.
    """

    train: R
    validation: R | None = None
    test: R | None = None
    about: str = ""
    notes: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()

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
        validation = None if self.validation is None else self.validation.first(limit)
        test = None if self.test is None else self.test.first(limit)
        train = self.train.first(limit)
        cut = dataclasses.replace(self, train=train, validation=validation, test=test)
        if (train, validation, test) == (self.train, self.validation, self.test):
            return self
        return cut.noted(f"Only the beginning of each part was used (limit {limit:,}).")

    def parted(
        self,
        how: Parting[R],
        *,
        test: float | None = None,
        validation: float | None = None,
        limit: int | None = None,
    ) -> Self:
        """With all three parts: those that the source sets apart, the others cut off.

        Args:
            how: the rules.
            test: the share held out for testing; None: that of the rules.
            validation: the share of the rest held out for validation; None: that of the rules.
            limit: records of each part at most.

        Raises:
            InputError: if a part would be empty.
        """
        tested = self.tested_on(how.test_share if test is None else test, how.test)
        cut = (tested.mixed() if how.mixes else tested).limited(limit)
        share = how.validation_share if validation is None else validation
        done = cut.validated_on(share, how.validation)
        done._enough("Add more." if limit is None else "Add more, or raise limit.")
        if tested is self:
            return done
        return dataclasses.replace(
            done, notes=(*self.notes, done._said(), *done.notes[len(self.notes) :])
        )

    def tested_on(self, share: float, rule: Rule[R]) -> Self:
        """With a test part: the source's own, or a share held out by the rule."""
        if self.test is not None and len(self.test):
            return self
        kept, held = rule(self.train, share)
        return dataclasses.replace(self, train=kept, test=held, cut=(*self.cut, "test"))

    def _said(self) -> str:
        """What a test part is that was held out, and how many it has after a limit."""
        assert self.test is not None
        what = f"{count(len(self.test), self.test.noun)} of {self.about}, held out from training"
        return f"Tested on {what}."

    def validated_on(self, share: float, rule: Rule[R]) -> Self:
        """With a validation part: the source's own, or a share held out by the rule."""
        if self.validation is not None and len(self.validation):
            return self
        kept, held = rule(self.train, share)
        cut = (*self.cut, "validation")
        return dataclasses.replace(self, train=kept, validation=held, cut=cut)

    def _enough(self, todo: str) -> None:
        parts = (self.train, self.validation, self.test)
        sizes = [0 if part is None else len(part) for part in parts]
        if not all(sizes):
            noun = self.train.noun
            expected, got = (
                "enough to learn from, to validate and to test on",
                count(sum(sizes), noun),
            )
            if sum(sizes) < len(sizes):
                expected += f": 3 {noun}s at least"
            else:  # so few of each label that none of them is held out
                got += ", {:,}, {:,} and {:,} of them".format(*sizes)
            raise InputError(must(self.about, expected, got, todo))


@dataclass(frozen=True)
class Parting(Generic[R]):
    """How records are cut into parts where their source sets none apart.

    Attributes:
        test: the rule that holds out a test part.
        validation: the rule that holds out a validation part of the rest.
        test_share: which share, where the user names none.
        validation_share: so for the validation part.
        mixes: the records are put into a fixed random order before the first ones are taken
            (limit) and a validation part is cut off.
    """

    test: Rule[R]
    validation: Rule[R]
    test_share: float = 0.2
    validation_share: float = 0.2
    mixes: bool = False


def at_the_end(records: R, share: float) -> tuple[R, R]:
    """The last share of the records; one at least, and not all if there are two."""
    held = max(min(max(round(share * len(records)), 1), len(records) - 1), 0)
    kept = len(records) - held
    return records.take(range(kept)), records.take(range(kept, len(records)))


def mixed(records: R) -> R:
    """All records in an order that nothing rules, the same one every time."""
    return records.take(np.random.default_rng(ORDER).permutation(len(records)))


def by_label(
    of: Callable[[R], Sequence[Hashable]],
    same: Callable[[R], Sequence[Hashable]] | None = None,
    *,
    least: int = 0,
) -> Rule[R]:
    """The rule that holds out the same share of every label, always the same rows.

    Each part is in a fixed random order, since many files are sorted by label.

    Args:
        of: gives each record's label.
        same: gives what no two parts may share, such as the text: what is held out was never seen.
        least: so many are held out of every label at least, but not all.
    """

    def rule(records: R, share: float) -> tuple[R, R]:
        labels = list(of(records))
        kept, held = hold_out(list(same(records)) if same else None, labels, share, least=least)
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


def by_group_or_label(
    group: Callable[[R], Sequence[Hashable]], label: Callable[[R], Sequence[Hashable]]
) -> Rule[R]:
    """The rule that holds out whole groups; where two are not known, a share of every label.

    Args:
        group: gives each record's group, or nothing where they are not known.
        label: gives each record's label.
    """
    groups, labels = by_group(group), by_label(label)

    def rule(records: R, share: float) -> tuple[R, R]:
        return (groups if len(set(group(records))) > 1 else labels)(records, share)

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
    same: list[Any] | None, labels: list[Any], share: float, seed: int = 0, *, least: int = 0
) -> tuple[list[int], list[int]]:
    """Splits rows into (kept, held out), the same share of every label, always the same rows.

    What is the same (a text that occurs twice) is not divided between the two. The rows of each
    part are in a fixed random order.
    """
    rows = np.random.default_rng(seed).permutation(len(labels)).tolist()
    keys = list(range(len(labels))) if same is None else same
    times = Counter(keys)
    left = {
        label: max(round(number * share), min(least, number - 1))
        for label, number in Counter(labels).items()
    }
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
