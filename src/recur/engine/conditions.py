"""Conditions as rows: what is declined in general, for a table, and why in one case, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple


class Condition(NamedTuple):
    """One thing that is declined."""

    about: str  # in general, as a line of a table
    reason: Callable[[Any], str | None]  # of a case, in words; None where it does not apply


def declined(conditions: Iterable[Condition], case: Any) -> str | None:
    """The reason of the first condition that applies to the case; None where none does."""
    for condition in conditions:
        reason = condition.reason(case)
        if reason is not None:
            return reason
    return None
