"""What was read, checked against what a class declares."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, NotRequired, TypedDict

import numpy as np
import pytest
from numpy.typing import NDArray

from recur import schema
from recur.messages import InputError


@dataclasses.dataclass(frozen=True)
class Inner:
    names: tuple[str, ...]
    limit: float | None = None


@dataclasses.dataclass(frozen=True)
class Outer:
    number: int
    inner: Inner
    values: NDArray[np.float64]
    times: NDArray[np.datetime64] | None
    table: dict[str, list[float]]
    either: str | list[str] = ""

    def __post_init__(self) -> None:
        if self.number > 9:
            raise InputError("number is too large.")


class Loose(TypedDict):
    on: bool
    rest: NotRequired[Any]


RIGHT: dict[str, Any] = {
    "number": 3,
    "inner": {"names": ["a"], "limit": 1},
    "values": [[1, 2.5], [3, 4]],
    "times": ["2026-11-28", "2026-11-29T01"],
    "table": {"x": [1]},
    "unknown": 1,
}


def test_both_ways():
    found = schema.read(Outer, RIGHT, "it")
    assert (found.number, found.inner) == (3, Inner(("a",), 1.0))
    assert found.values.tolist() == [[1, 2.5], [3, 4]]
    assert found.times is not None
    assert found.times.dtype == "datetime64[s]"
    assert found.table == {"x": [1.0]}
    assert type(found.table["x"][0]) is float
    assert schema.read(Loose, {"on": True, "more": 1}, "it") == {"on": True}
    assert schema.read(Outer, {**RIGHT, "either": ["b"], "times": None}, "it").either == ["b"]
    fine = schema.read(Outer, {**RIGHT, "times": ["2026-11-28T12:00:00.123456"]}, "it").times
    assert fine is not None
    assert str(fine[0]) == "2026-11-28T12:00:00.123456"


class Own:
    """A class that writes and reads itself."""

    def __init__(self, word: str) -> None:
        self.word = word

    def to_json(self) -> dict[str, Any]:
        return {"word": self.word}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Own:
        return cls(stored["word"])


@dataclasses.dataclass(frozen=True)
class Whole:
    own: Own
    inner: Inner
    several: tuple[Inner, ...]
    by_name: dict[str, list[Inner]]
    numbers: NDArray[np.float64]
    times: NDArray[np.datetime64]
    nothing: float | None = None


def test_what_is_written_is_read_again():
    inner = Inner(("a", "b"), 0.5)
    times = np.array(["2026-11-28T12:00:00", "2026-11-29T00:00:00"], dtype="datetime64[s]")
    numbers = np.array([[1.0, 0.1], [1e-300, -3.0]])
    whole = Whole(Own("x"), inner, (inner, Inner(())), {"n": [inner]}, numbers, times)
    stored = json.loads(json.dumps(schema.written(whole), allow_nan=False))
    assert stored["own"] == {"word": "x"}
    assert stored["inner"] == {"names": ["a", "b"], "limit": 0.5}
    assert stored["times"] == ["2026-11-28T12:00:00", "2026-11-29T00:00:00"]
    again = schema.read(Whole, stored, "it")
    assert again.own.word == "x"
    for name in ("inner", "several", "by_name", "nothing"):
        assert getattr(again, name) == getattr(whole, name)
    assert np.array_equal(again.numbers, numbers)
    assert np.array_equal(again.times, times)
    assert again.times.dtype == times.dtype
    assert schema.written(again) == schema.written(whole)


@pytest.mark.parametrize("value", ["a", 1, 2.5, True, None, ["a", 1], {"a": [None, {"b": 1.5}]}])
def test_what_json_holds_is_written_as_it_is(value):
    assert schema.written(value) == value


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"number": True}, "number of it must be a whole number; got True."),
        ({"number": 1.0}, "number of it must be a whole number; got 1.0."),
        ({"number": 2**70}, "number of it must be at most 9,223,372,036,854,775,807; got"),
        ({"number": 10}, "number is too large."),
        ({"inner": {}}, "inner of it must be an object with names; got {}."),
        ({"inner": {"names": "ab"}}, "names of inner of it must be a list; got 'ab'."),
        ({"inner": {"names": ["a", 1]}}, "names of inner of it must be text; got 1."),
        ({"inner": {"names": [], "limit": "1"}}, "limit of inner of it must be a number; got '1'."),
        ({"values": [1, "2"]}, "item 2 of values of it must be a number; got '2'."),
        ({"values": [[1], [2, 3]]}, "values of it must be rows of one length"),
        ({"values": [float("nan")]}, "values of it must be finite numbers"),
        ({"values": [[[1]]]}, "item 1 of row 1 of values of it must be a number; got [1]."),
        ({"times": ["yesterday"]}, "times of it must be times such as"),
        ({"times": ["NaT"]}, "times of it must be times; got one that is none."),
        ({"table": {"x": 1}}, "item 1 of table of it must be a list; got 1."),
        ({"either": 1}, "either of it must be text or a list; got 1."),
    ],
)
def test_the_part_that_is_wrong_is_named(change, sentence):
    with pytest.raises(InputError) as caught:
        schema.read(Outer, {**RIGHT, **change}, "it")
    assert sentence in str(caught.value)
