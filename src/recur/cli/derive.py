"""Command-line options, derived from a task's dataclass.

typer reads a function's signature. Here the signature is written from the fields, so an option is
declared once, in the task. Every default is None on this side: only what the user typed is passed
on, and the dataclass fills in the rest.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from recur.cli.words import read
from recur.tasks.options import Declared, Options, kinds

_METAVARS = {int: "N", float: "NUMBER", str: "TEXT", bool: None}


def with_options(
    command: Callable[..., None],
    options: type[Declared],
    panel: str,
    only: Sequence[str] = (),
) -> Callable[..., None]:
    """Returns `command` with a parameter for each field; those given reach it as `given`.

    Args:
        command: A function of annotated parameters and one named `given`, a dict.
        options: The dataclass.
        panel: The heading in the help for the options that the task adds to the common ones.
        only: The fields to offer; empty for all.
    """
    own = dict(inspect.signature(command, eval_str=True).parameters)
    del own["given"]
    names = list(only or kinds(options))

    def derived(**arguments: Any) -> None:
        typed = {name: arguments.pop(name) for name in names}
        given = {
            name: read(_flag(name), word, kinds(options)[name])
            for name, word in typed.items()
            if word is not None
        }
        command(**arguments, given=given)

    parameters = [*(_parameter(options, name, panel) for name in names), *own.values()]
    # typer reads both, and looks at the annotations first.
    derived.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    derived.__annotations__ = {each.name: each.annotation for each in parameters}
    derived.__doc__ = command.__doc__
    return derived


def _parameter(options: type[Declared], name: str, panel: str) -> inspect.Parameter:
    field = options.__dataclass_fields__[name]
    kind = kinds(options)[name]
    choices = field.metadata["choices"]
    declared = typer.Option(
        f"{_flag(name)}/--no-{_flag(name)[2:]}" if kind is bool else _flag(name),
        help=_help(field),
        metavar=f"[{'|'.join(choices)}]" if choices else _METAVARS[kind],
        autocompletion=(lambda: list(choices)) if choices else None,
        rich_help_panel="Options" if name in kinds(Options) else panel,
    )
    annotation = Annotated[(bool if kind is bool else str) | None, declared]  # type: ignore[valid-type]
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation
    )


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _help(field: dataclasses.Field[Any]) -> str:
    about: str = field.metadata["about"]
    default = field.default
    if default is None or default == "":
        return about
    shown = {True: "yes", False: "no"}[default] if isinstance(default, bool) else default
    return f"{about} (default: {shown})"
