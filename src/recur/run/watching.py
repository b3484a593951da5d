"""A run that judges rows as they come on a stream, and goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

from torch import Tensor

from recur import files, schema
from recur.data.arriving import Arrived, Parser, lines
from recur.files import PathLike
from recur.messages import InputError, count
from recur.run import directory
from recur.run.run import Run
from recur.tasks.answers import Answer
from recur.tasks.watcher import Unread, Watcher
from recur.training.interrupt import Interrupt, StoppedAtOnce

SAVED_EVERY = 10.0
"""Seconds, where rows come."""


def watch(run: Run, handle: int, *, state: PathLike | None = None) -> Iterator[list[Answer]]:
    """Judges rows as they come: answers for all that waited, in order, one for each row.

    The first line names the columns (CSV), or every line is a JSON object. A row that cannot be
    read has a sentence in its place, and the next ones are judged.

    Args:
        run: the run.
        handle: the number of an open file or pipe, such as `sys.stdin.fileno()`.
        state: a file for what is remembered: gone on with where it is there, written every ten
            seconds and at the end, whole or not at all.

    Raises:
        InputError: if the task judges no rows as they come, the columns are not those of the run,
            or the state is another run's.
        KeyboardInterrupt: after Ctrl-C or a signal to end; the state is saved.
    """
    watcher = run.task.watcher(run.trained)
    kept = None if state is None else _Kept(run, files.path_of(state))
    header, before = list[str](), 0
    if kept is not None:
        tensors, header, before = kept.read()
        watcher.go_on(tensors)
    parser, rows = Parser(watcher.names, header), 0
    written, saved = 0, time.monotonic()
    with Interrupt() as stop:
        for waiting in lines(handle, lambda: not stop.asked):
            if waiting:
                found = _judged(watcher, parser.rows(waiting))
                yield found
                rows += len(found)
            due = rows > written and time.monotonic() - saved > SAVED_EVERY
            if kept is not None and due:
                kept.write(watcher.state(), parser.header, before + rows)
                written, saved = rows, time.monotonic()
        if kept is not None:
            kept.write(watcher.state(), parser.header, before + rows)
    if stop.asked:
        where = f" The state is saved in {state}." if state is not None else ""
        raise StoppedAtOnce(f"Stopped after {count(rows, 'row')}.{where}", stop.asked)


def _judged(watcher: Watcher, arrived: Arrived) -> list[Answer]:
    """An answer for each line, in order."""
    judged, wrong = iter(watcher.judge(arrived.rows)), arrived.wrong
    return [
        Unread(f"line {number}", wrong[number]) if number in wrong else next(judged)
        for number in arrived.order
    ]


class _Kept:
    """The file of a state: tensors, and whose they are."""

    def __init__(self, run: Run, path: Path) -> None:
        self.path = path
        weights = files.read_bytes(run.path / directory.MODEL)
        self.whose = hashlib.sha256(weights).hexdigest()

    def read(self) -> tuple[dict[str, Tensor], list[str], int]:
        """The tensors, the header of the lines, and how many rows there were; none of a new one."""
        if not os.path.lexists(self.path):
            return {}, [], 0
        tensors, said = files.read_tensors(self.path)
        if said.get("run") != self.whose:
            raise InputError(f"{self.path} is the state of another run. Name another file (state).")
        with directory.damaged(self.path):
            header = schema.read(list[str], files.parse_json(said["header"], "its header"), "it")
            return dict(tensors), header, int(said["rows"])

    def write(self, tensors: dict[str, Tensor], header: list[str], rows: int) -> None:
        """Whole or not at all."""
        said = {"run": self.whose, "header": json.dumps(header), "rows": str(rows)}
        files.write_tensors(self.path, tensors, said)
