"""Tables of JSON objects: a line for each row, or a list of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from recur import files
from recur.messages import InputError, must

LINES = (".jsonl", ".ndjson")
ENDINGS = (*LINES, ".json")
_EXAMPLE = 'a list of objects, such as [{"text": "good", "label": 1}], or one in each line'


class Objects(NamedTuple):
    """The columns of objects; a name that an object lacks is None there.

    Attributes:
        columns: by name, in the order in which the names are met.
        rows: the numbers of the rows: of a file of lines, the lines.
    """

    columns: dict[str, list[Any]]
    rows: list[int]


def parse_objects(text: str, name: str, ending: str) -> Objects:
    """Reads JSON lines, or from a file whose name ends in .json also a list of objects.

    An object within one becomes columns with a point in their names: {"user": {"age": 3}} is the
    column "user.age".

    Args:
        text: the text of the file.
        name: what messages call it.
        ending: of the file's name.

    Raises:
        InputError: if it is damaged, or holds something else than objects.
    """
    listed = ending not in LINES and text.lstrip().startswith("[")
    rows = [
        (number, _flat(_object(row, what, listed), what))
        for number, row, what in (_listed(text, name) if listed else _lines(text, name))
    ]
    header = dict.fromkeys(column for _, row in rows for column in row)
    columns = {column: [row.get(column) for _, row in rows] for column in header}
    return Objects(columns, [number for number, _ in rows])


def _lines(text: str, name: str) -> Iterator[tuple[int, Any, str]]:
    # Not splitlines(): JSON texts may hold other line separators, such as U+2028, as they are.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            what = f"line {number} of {name}"
            yield number, files.parse_json(line, what, finite=False), what


def _listed(text: str, name: str) -> Iterator[tuple[int, Any, str]]:
    for number, row in enumerate(files.parse_json(text, name, finite=False), start=1):
        yield number, row, f"item {number} of {name}"


def _object(row: Any, what: str, listed: bool) -> dict[str, Any]:
    if isinstance(row, dict):
        return row
    todo = f"A table in JSON is {_EXAMPLE}." if listed else ""
    raise InputError(must(what, "a JSON object", type(row).__name__, todo))


def _flat(row: Mapping[str, Any], what: str) -> dict[str, Any]:
    if not any(isinstance(value, dict) for value in row.values()):
        return dict(row)
    flat: dict[str, Any] = {}
    for column, value in row.items():
        inner = _flat(value, what) if isinstance(value, dict) else None
        parts = {column: value} if inner is None else {f"{column}.{n}": v for n, v in inner.items()}
        twice = next((name for name in parts if name in flat), None)
        if twice is not None:
            raise InputError(must(f"the names in {what}", "different ones", repr(twice)))
        flat.update(parts)
    return flat
