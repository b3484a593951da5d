"""Options of tasks whose data are pairs of texts: one is read, the other one written."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

from recur import training
from recur.data.numbering import END_FIRST
from recur.data.records.pairs import Pairs, lines_of, sources_in
from recur.data.tables import is_table
from recur.tasks.options import TableData, option
from recur.tasks.task import Task, Trained, content_of

SHARE = 0.1
"""Of pairs without parts of their own, for testing, and of the rest for validation."""
RISE_AND_FALL = {"schedule": "cosine", "warmup": 0.05}
"""How the step size goes with `decay`: it rises in the first twentieth of a training."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class PairedData(TableData):
    """How pairs of a user's own are read, and what share of them is held out."""

    target: str = option(
        "",
        "the file of what is to be written, line by line, where data is one of texts",
        reads=True,
        file=True,
    )
    source_column: str = option(
        "", "the column of the texts in a table (default: the first)", reads=True
    )
    target_column: str = option(
        "", "the column of what is to be written (default: the second)", reads=True
    )
    validation_split: float | None = option(
        None,
        f"share of the rest held out for validation (default: the part that is set apart, or "
        f"{SHARE})",
        above=0.0,
        below=1.0,
    )
    test_split: float | None = option(
        None,
        f"share held out for testing (default: the part that is set apart, or {SHARE})",
        above=0.0,
        below=1.0,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.target:  # a run may be opened from another folder
            path = os.path.abspath(os.path.expanduser(self.target))
            object.__setattr__(self, "target", path)


def texts_in(file: str, options: PairedData) -> list[str]:
    """The texts of a file: its lines, or the column of a table that is read as in training.

    Raises:
        InputError: if it cannot be read, or a table has no such column.
    """
    if file == "-" or not is_table(file):
        return lines_of(content_of(file))
    given = {"delimiter": options.delimiter, "encoding": options.encoding}
    return sources_in(file, options.source_column, **given)


def written(
    task: Task[Any, Any, Any, Any],
    trained: Trained[Any, Any],
    records: Pairs,
    *,
    length: int,
    search: dict[str, Any],
) -> dict[int, list[int]]:
    """What the model writes for each text that is not blank, by its row: numbers of pieces."""
    rows = [row for row, text in enumerate(records.sources) if text.strip()]
    if not rows:
        return {}
    asked = Pairs([records.sources[row] for row in rows], [])
    examples: Any = task.encode(asked, trained.options, trained.preprocessing)
    never = [END_FIRST.unknown]
    found = training.write(trained.model, examples, max_steps=length, never=never, **search)
    return dict(zip(rows, found, strict=True))
