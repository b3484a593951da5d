"""The arguments that recur's layers have beyond torch.nn's, checked in one place."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypedDict

from recur.cells import Cell
from recur.layers.initial import RECURRENT
from recur.messages import InputError, must, one_of

MERGES = ("concat", "sum", "mean", "mul")


class Own(TypedDict, total=False):
    """Of every recurrent layer, keyword-only; see `recur.layers.Recurrent`."""

    return_sequences: bool | None
    return_state: bool
    return_gates: bool
    merge: str
    recurrent_init: str | None
    checkpoint_every: int
    input_dropout: float
    locked_dropout: bool
    recurrent_dropout: float
    weight_drop: float
    zoneout: float | tuple[float, ...]
    layer_norm: bool
    clip_gradient: float


class OwnGRU(Own, total=False):
    """Of a GRU."""

    chrono: int | None
    reset_after: bool


class OwnLSTM(Own, total=False):
    """Of an LSTM."""

    forget_bias: float | None
    chrono: int | None
    peepholes: bool
    coupled: bool
    clip_cell: float


class OwnSLSTM(Own, total=False):
    """Of an sLSTM."""

    heads: int


@dataclass(frozen=True)
class Arguments:
    """All of them, with the defaults that leave a layer as torch's is.

    Raises:
        InputError: a value that is not allowed.
    """

    return_sequences: bool | None = field(default=None, metadata={"words": "True, False or None"})
    return_state: bool = False
    return_gates: bool = False
    merge: str = "concat"
    recurrent_init: str | None = None
    checkpoint_every: int = field(default=0, metadata={"least": 0})
    input_dropout: float = field(default=0.0, metadata={"share": True})
    locked_dropout: bool = False
    recurrent_dropout: float = field(default=0.0, metadata={"share": True})
    weight_drop: float = field(default=0.0, metadata={"share": True})
    zoneout: float | tuple[float, ...] = 0.0
    layer_norm: bool = False
    clip_gradient: float = field(default=0.0, metadata={"limit": True})
    chrono: int | None = field(default=None, metadata={"least": 2})
    reset_after: bool = True
    forget_bias: float | None = field(default=None, metadata={"number": True})
    peepholes: bool = False
    coupled: bool = False
    clip_cell: float = field(default=0.0, metadata={"limit": True})
    heads: int = field(default=1, metadata={"least": 1})

    def __post_init__(self) -> None:
        for each in fields(self):
            _check(each.name, getattr(self, each.name), each.default, each.metadata)
        if self.recurrent_init is not None:
            one_of("recurrent_init", self.recurrent_init, RECURRENT)
        one_of("merge", self.merge, MERGES)

    def changed(self) -> dict[str, Any]:
        """Those that differ from their defaults."""
        return {
            each.name: getattr(self, each.name)
            for each in fields(self)
            if repr(getattr(self, each.name)) != repr(each.default)
        }

    def zoneouts(self, cell: Cell) -> tuple[float, ...]:
        """The share of each state.

        Raises:
            InputError: no such shares.
        """
        given = self.zoneout if isinstance(self.zoneout, tuple | list) else (self.zoneout,)
        shares = tuple(given)
        if len(shares) == 1:
            shares = (shares[0],) * len(cell.states)
        if len(shares) != len(cell.states) or not all(map(_is_share, shares)):
            names = ", ".join(cell.states)
            expected = f"a number from 0 to below 1, or one for each of the states {names}"
            raise InputError(must("zoneout", expected, repr(self.zoneout)))
        return shares if any(shares) else ()


def of(allowed: type, given: Mapping[str, Any], layer: str) -> Arguments:
    """Checks what a layer is given.

    Raises:
        TypeError: a name that the layer does not have.
        ValueError: `proj_size`, in torch's words.
        InputError: a value that is not allowed.
    """
    if "proj_size" in given:
        raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
    for name in given:
        if name not in allowed.__annotations__ and name not in Own.__annotations__:
            raise TypeError(f"{layer}.__init__() got an unexpected keyword argument {name!r}")
    made = Arguments(**given)
    return DEFAULTS if made == DEFAULTS else made


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_share(value: Any) -> bool:
    return _is_number(value) and 0 <= value < 1


def _check(name: str, value: Any, default: Any, rules: Any) -> None:
    # Strict: a 0 that were not seen as False would quietly give another layout of the result.
    if value is default:
        return
    expected = None
    if "share" in rules:
        expected = None if _is_share(value) else "a number from 0 to below 1"
    elif "limit" in rules:
        expected = None if _is_number(value) and value >= 0 else "a number, 0 for no limit"
    elif "number" in rules:
        expected = None if _is_number(value) else "a number"
    elif "least" in rules:
        least = rules["least"]
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole:
            expected = f"a whole number, {least} or more"
        elif value < least:
            raise InputError(must(name, f"{least} or more", value))
    elif "words" in rules:
        expected = None if isinstance(value, bool) else rules["words"]
    elif isinstance(default, bool):
        expected = None if isinstance(value, bool) else "True or False"
    if expected is not None:
        raise InputError(must(name, expected, repr(value)))


DEFAULTS = Arguments()
