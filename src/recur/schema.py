"""What was read from a file, checked against the types that a class declares; the one place for it.

A dataclass or a TypedDict says by its annotations what a file holds. `read` gives it back, or says
in a sentence which part is something else. Keys that the class does not know are left out: a newer
recur may write more. What the types cannot say is for the dataclass' `__post_init__`; what a file
of an older recur means where it names nothing is said by a class variable `before`.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from recur.messages import InputError, listed, must, shown

T = TypeVar("T")

LARGEST = 2**63 - 1
"""A whole number is at most this: what 64 bits hold."""

_WORDS = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
    type(None): "null",
    list: "a list",
    tuple: "a list",
    dict: "an object",
    np.ndarray: "a list of numbers or times",
}


def read(kind: type[T], stored: object, what: str) -> T:
    """Returns what was stored as the kind asked for.

    Args:
        kind: a dataclass, a TypedDict, or another type of those that annotations of them name:
            int, float, bool, str, None, lists, tuples of one type, dicts with text as keys, arrays
            of numbers or times (as lists), Any, alternatives of these, and, as a part, a class
            with a `from_json`, which reads itself.
        stored: the content of a JSON file, or a part of it.
        what: what the message calls it: the file's path.

    Raises:
        InputError: if it is something else; the text names the part, what it must be, and what is
            there.
    """
    found: T = _dataclass(kind, stored, what) if _is_one(kind) else _as(kind, stored, what)
    return found


def written(value: Any) -> Any:
    """Returns a value as JSON holds it, so that `read` gives it back.

    Args:
        value: of one of the types that `read` knows; an object with `to_json` says it itself.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {each.name: _written_part(getattr(value, each.name)) for each in fields}
    return _written_part(value)


def _written_part(value: Any) -> Any:
    if hasattr(value, "to_json"):
        return value.to_json()
    if isinstance(value, dict):
        return {name: _written_part(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        plain = all(type(each) in (str, int, float, bool) for each in value)
        return list(value) if plain else [_written_part(each) for each in value]
    if isinstance(value, np.ndarray):
        return (value.astype(str) if value.dtype.kind == "M" else value).tolist()
    return written(value) if dataclasses.is_dataclass(value) else value


def _as(hint: Any, value: Any, what: str) -> Any:
    if hint is Any:
        return value
    if typing.is_typeddict(hint):
        return _members(_fields(hint, set()), value, what)
    if hasattr(hint, "from_json"):
        return hint.from_json(_must_be(dict, value, what))
    if _is_one(hint):
        return _dataclass(hint, value, what)
    reader = _READERS.get(typing.get_origin(hint))
    if reader is not None:
        return reader(typing.get_args(hint), value, what)
    return _plain(hint, value, what)


def _is_one(hint: Any) -> bool:
    return dataclasses.is_dataclass(hint) and isinstance(hint, type)


def _dataclass(kind: Any, value: Any, what: str) -> Any:
    fields = dataclasses.fields(kind)
    hints = _fields(kind, {f.name for f in fields if _optional(f)})
    known = {f.name: hints[f.name] for f in fields}
    value = {**getattr(kind, "before", {}), **_must_be(dict, value, what)}
    return kind(**_members(known, value, what))


def _fields(kind: Any, optional: set[str]) -> dict[str, tuple[Any, bool]]:
    """Each name's type, and whether it must be there."""
    hints = typing.get_type_hints(kind, include_extras=True)
    found = {}
    for name, hint in hints.items():
        left_out = typing.get_origin(hint) is typing.NotRequired
        inner = typing.get_args(hint)[0] if left_out else hint
        found[name] = (inner, not left_out and name not in optional)
    return found


def _optional(field: dataclasses.Field[Any]) -> bool:
    missing = dataclasses.MISSING
    return field.default is not missing or field.default_factory is not missing


def _members(known: dict[str, tuple[Any, bool]], value: Any, what: str) -> dict[str, Any]:
    _must_be(dict, value, what)
    missing = [name for name, (_, needed) in known.items() if needed and name not in value]
    if missing:
        raise InputError(must(what, f"an object with {listed(missing, 'and')}", shown(value)))
    return {
        name: _as(hint, value[name], f"{name} of {what}")
        for name, (hint, _) in known.items()
        if name in value
    }


def _list(hints: tuple[Any, ...], value: Any, what: str) -> list[Any]:
    return _each(hints[0], _must_be(list, value, what), what)


def _tuple(hints: tuple[Any, ...], value: Any, what: str) -> tuple[Any, ...]:
    return tuple(_list(hints, value, what))


def _dict(hints: tuple[Any, ...], value: Any, what: str) -> dict[str, Any]:
    names = _must_be(dict, value, what)
    return dict(zip(names, _each(hints[1], names.values(), what), strict=True))


def _each(hint: Any, values: Iterable[Any], what: str) -> list[Any]:
    if hint is str:  # vocabularies are long
        return [value if type(value) is str else _plain(str, value, what) for value in values]
    return [_as(hint, each, f"item {n} of {what}") for n, each in enumerate(values, start=1)]


def _alternative(hints: tuple[Any, ...], value: Any, what: str) -> Any:
    if value is None and type(None) in hints:
        return None
    others = [hint for hint in hints if hint is not type(None)]
    if len(others) == 1:
        return _as(others[0], value, what)
    kinds = {typing.get_origin(hint) or hint: hint for hint in others}
    if type(value) not in kinds:
        raise InputError(must(what, listed(_WORDS[kind] for kind in kinds), shown(value)))
    return _as(kinds[type(value)], value, what)


def _array(hints: tuple[Any, ...], value: Any, what: str) -> NDArray[Any]:
    """Numbers, all of them finite, in one axis or two; or times, as text."""
    (kind,) = typing.get_args(hints[1])
    rows = _must_be(list, value, what)
    if kind is np.datetime64:
        _each(str, rows, what)
        return _times(rows, what)
    if rows and all(type(row) is list for row in rows):
        rows = [_each(float, row, f"row {n} of {what}") for n, row in enumerate(rows, start=1)]
        if len({len(row) for row in rows}) > 1:
            raise InputError(must(what, "rows of one length", "rows of several"))
    else:
        rows = _each(float, rows, what)
    numbers: NDArray[Any] = np.array(rows, dtype=kind)
    if not np.isfinite(numbers).all():
        raise InputError(must(what, "finite numbers", "others"))
    return numbers


def _times(texts: list[str], what: str) -> NDArray[Any]:
    """As fine as they are written, and no coarser than seconds."""
    try:
        times = np.array(texts, dtype="datetime64")
    except ValueError as error:
        raise InputError(must(what, "times such as 2026-11-28T12:00:00", str(error))) from error
    if np.isnat(times).any():
        raise InputError(must(what, "times", "one that is none"))
    fine = np.datetime_data(times.dtype)[0] in ("s", "ms", "us", "ns")
    return times if fine else times.astype("datetime64[s]")


def _plain(kind: type, value: Any, what: str) -> Any:
    if kind is float and type(value) is int:
        _must_fit(value, what)
        return float(value)
    _must_be(kind, value, what)
    if kind is int:
        _must_fit(value, what)
    return value


def _must_be(kind: type, value: Any, what: str) -> Any:
    if type(value) is not kind:  # True is no number
        raise InputError(must(what, _WORDS[kind], shown(value)))
    return value


def _must_fit(value: int, what: str) -> None:
    if abs(value) > LARGEST:
        raise InputError(must(what, f"at most {LARGEST:,}", shown(value)))


_READERS: dict[Any, Callable[[tuple[Any, ...], Any, str], Any]] = {
    list: _list,
    tuple: _tuple,
    dict: _dict,
    np.ndarray: _array,
    types.UnionType: _alternative,
    typing.Union: _alternative,
}
