"""The options of a task: a dataclass whose fields say what they mean and what they allow.

Python and the command line read the same fields: `recur.train("sentiment", units=64)` and
`recur train sentiment --units 64` check the value with the same sentence.
"""

from __future__ import annotations

import dataclasses
import math
import operator
import os
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, Self

from recur.layers.initial import RECURRENT
from recur.messages import KIND_WORDS, InputError, did_you_mean, listed, must, one_of
from recur.models.deep import CELLS

OPTIMIZERS = ("adam", "adamw", "sgd", "rmsprop", "adagrad", "nadam")
MOST = 1_000_000_000
"""The greatest whole number that an option takes, where it does not say otherwise."""
INITIALISATIONS = ("uniform", *RECURRENT)


def option(
    default: Any,
    about: str,
    *,
    choices: tuple[str, ...] = (),
    least: float | None = None,
    most: float | None = None,
    above: float | None = None,
    below: float | None = None,
    reads: bool = False,
    file: bool = False,
) -> Any:
    """Returns a dataclass field for an option.

    Args:
        default: The value when none is given; its annotation says the type.
        about: One line for a person: what the option does.
        choices: The words it allows; empty for anything.
        least: The smallest value allowed.
        most: The greatest; of a whole number, a thousand million where nothing else is said.
        above: A bound that the value must exceed.
        below: A bound that the value must stay under.
        reads: It says how data are read and nothing of the model: `evaluate` takes it again for
            data of another form, and a user may change it in the config.json of a run.
        file: It names a file that belongs to the data: its content is kept an eye on as theirs is.
    """
    bounds = {"least": least, "most": most, "above": above, "below": below}
    return dataclasses.field(
        default=default,
        metadata={"about": about, "choices": choices, "reads": reads, "file": file, **bounds},
    )


def cell_option(default: str) -> Any:
    """Returns the field of the recurrent cell, with the task's own default."""
    return option(default, "the recurrent cell", choices=tuple(CELLS))


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Values of a task's options that were found to go well together, under a name.

    Attributes:
        about: one line for a person: what it is for, and what it reached.
        values: the options by name.
    """

    about: str
    values: Mapping[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Declared:
    """Options of any kind, each checked against what its field allows.

    Raises:
        InputError: if a value has the wrong type or is not allowed.
    """

    def __post_init__(self) -> None:
        for name, kind in kinds(type(self)).items():
            value = _converted(name, getattr(self, name), kind, optional(type(self), name))
            object.__setattr__(self, name, value)
            _check(name, value, type(self).__dataclass_fields__[name].metadata)

    def to_json(self) -> dict[str, Any]:
        """Returns the options as JSON, by name."""
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Answering(Declared):
    """How a task is to answer, asked for with each question: nothing, for most tasks."""

    @classmethod
    def of(cls, task: str, given: Mapping[str, Any]) -> Self:
        """Builds it from names and values.

        Raises:
            InputError: if the task knows no such name, or a value is not allowed.
        """
        for name in given:
            if name not in kinds(cls):
                known = listed(kinds(cls), "and") or "none"
                todo = did_you_mean(name, kinds(cls)) or f"It takes {known}."
                raise InputError(f"predict of {task} has no option {name!r}. {todo}")
        return cls(**given)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options(Declared):
    """What every task lets a user choose.

    Raises:
        InputError: if a value has the wrong type or is not allowed.
    """

    data: str = option("", "a file, or the name of a dataset")
    cell: str = cell_option("rnn")
    bidirectional: bool = option(False, "read each sequence in both directions")
    layers: int = option(1, "recurrent layers on top of one another", least=1, most=1000)
    units: int = option(32, "hidden units in each layer and direction", least=1)
    dropout: float = option(0.0, "share of values dropped in training", least=0.0, below=1.0)
    recurrent_init: str = option(
        "uniform", "how the recurrent matrix starts", choices=INITIALISATIONS
    )
    epochs: int = option(5, "passes over the training data", least=1)
    batch_size: int = option(32, "sequences in a batch", least=1)
    optimizer: str = option("adam", "the optimizer", choices=OPTIMIZERS)
    learning_rate: float | None = option(
        None, "the optimizer's step size (default: its own)", above=0.0
    )
    clip_norm: float = option(1.0, "largest norm of the gradient; 0 for no clipping", least=0.0)
    patience: int | None = option(
        None, "stop after so many epochs without a better validation result", least=1
    )
    validation_split: float | None = option(
        None,
        "share of the training data held out for validation (default: the part that the data set "
        "apart, or 0.2)",
        above=0.0,
        below=1.0,
    )
    ema: float | None = option(
        None,
        "judge and keep a moving average of the weights, such as 0.999 (default: the weights)",
        above=0.0,
        below=1.0,
    )
    accumulate: int = option(1, "batches whose gradients make one step", least=1)
    limit: int | None = option(None, "use the first N examples only, for a quick look", least=1)
    seed: int = option(0, "same seed, same numbers", least=0, most=2**63 - 1)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "data", os.path.expanduser(self.data))

    @classmethod
    def of(
        cls, task: str, given: Mapping[str, Any], answering: type[Answering] = Answering
    ) -> Self:
        """Builds the options from names and values.

        Args:
            task: the task's name.
            given: the options by name.
            answering: the task's options that say how to answer, which are asked for elsewhere.

        Raises:
            InputError: if a name is no option of the task, or a value is not allowed.
        """
        for name in given:
            if name in kinds(answering) and name not in kinds(cls):
                raise InputError(
                    f"{name} is no option of training: how to answer is asked for in predict, as "
                    f"in predict(inputs, {name}=...)."
                )
            if name not in kinds(cls):
                hint = did_you_mean(name, kinds(cls)) or f"`recur train {task} --help` lists them."
                raise InputError(f"The task {task} has no option {name!r}. {hint}")
        return cls(**given)

    def recurrent(self) -> dict[str, Any]:
        """Returns what the recurrent layers are made of, as `recur.models` take it."""
        names = ("cell", "units", "layers", "bidirectional", "dropout")
        start = None if self.recurrent_init == "uniform" else self.recurrent_init
        return {**{name: getattr(self, name) for name in names}, "recurrent_init": start}


@dataclasses.dataclass(frozen=True, kw_only=True)
class OwnData(Options):
    """What a task adds that reads data of a user's own."""

    test_split: float | None = option(
        None,
        "share of your own data held out for testing (default: the part that they set apart, or "
        "0.2)",
        above=0.0,
        below=1.0,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class TableData(OwnData):
    """What a task adds that reads tables."""

    delimiter: str = option(
        "", "comma, semicolon, tab, pipe or a character, in a file (default: found)", reads=True
    )
    encoding: str = option(
        "", "of a file, such as cp1252 (default: UTF-8, or UTF-16 by its mark)", reads=True
    )


def searched(beam: int, **how: Any) -> dict[str, Any]:
    """Returns the search that `recur.training.write` takes: greedy where nothing stands beside."""
    return {"search": "greedy"} if beam == 1 else {"search": "beam", "width": beam, **how}


def reading(options: type[Options]) -> tuple[str, ...]:
    """Returns the names of the options that say how data are read."""
    fields = options.__dataclass_fields__
    return tuple(name for name in kinds(options) if fields[name].metadata["reads"])


def named_files(options: type[Options]) -> tuple[str, ...]:
    """Returns the names of the options that name files which belong to the data."""
    fields = options.__dataclass_fields__
    return tuple(name for name in kinds(options) if fields[name].metadata["file"])


def kinds(options: type[Declared]) -> dict[str, type]:
    """Returns each option's type (int, float, bool or str), in the order they are declared."""
    return {name: _alternatives(hint)[0] for name, hint in typing.get_type_hints(options).items()}


def optional(options: type[Declared], name: str) -> bool:
    """Says whether an option may be None."""
    return type(None) in _alternatives(typing.get_type_hints(options)[name])


def _alternatives(hint: Any) -> tuple[Any, ...]:
    return typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)


def _converted(name: str, value: object, kind: type, may_be_none: bool) -> object:
    if value is None and may_be_none:
        return None
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind is str and hasattr(value, "__fspath__"):
        return str(value)
    if type(value) is not kind:
        raise InputError(must(_spoken(name), KIND_WORDS[kind], repr(value)))
    return value


def _check(name: str, value: Any, allowed: Mapping[str, Any]) -> None:
    if value is None:
        return
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(must(_spoken(name), "a finite number", value))
    if allowed.get("choices"):
        one_of(_spoken(name), value, allowed["choices"])
    bounds: tuple[tuple[str, str, Callable[[Any, Any], bool]], ...] = (
        ("least", "at least", operator.ge),
        ("most", "at most", operator.le),
        ("above", "above", operator.gt),
        ("below", "below", operator.lt),
    )
    for key, words, holds in bounds:
        bound = allowed[key]
        if key == "most" and bound is None and isinstance(value, int):
            bound = MOST
        if bound is not None and not holds(value, bound):
            shown = f"{bound:,}" if isinstance(bound, int) else f"{bound:g}"
            raise InputError(must(_spoken(name), f"{words} {shown}", value))


def _spoken(name: str) -> str:
    return name.replace("_", " ")
