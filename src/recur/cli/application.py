"""The command line as a whole: which words there are, and what each runs."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperGroup

from recur import tasks
from recur.cli import commands
from recur.cli.interrupt import interruptible

LATE = {
    "demo": "Learn real movie reviews, then judge two sentences.",
    "bench": "Time a layer of your own size beside that of torch.nn, on this machine.",
}
"""Commands whose options are known when torch is imported, and what they do."""
_SIMPLE = (
    commands.evaluate,
    commands.watch,
    commands.listen,
    commands.plot,
    commands.inspect,
    commands.explain,
)
PROGRAMS = (
    "recur SCRIPT.py [ARGUMENTS]... runs a program that uses PyTorch as Python does, with recur's "
    "loops in its layers; python -m recur.keras does so for Keras. See docs/scripts.md."
)
COMMANDS = ("train", *LATE, *(each.__name__ for each in _SIMPLE), "predict", "tasks", "datasets")
"""The words of them all."""


class Late(TyperGroup):
    """A group that makes a command of `LATE`, of a task or for a run, when it is named."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Returns the command's name, the command, and the words after it."""
        name, command, rest = super().resolve_command(ctx, args)
        if name is not None and (ctx.parent is not None or name in LATE):
            command = _made(name, training=ctx.parent is not None)
        elif name in ("evaluate", "predict"):
            command = _of_run(name, rest) or command
        return name, command, rest


def application() -> typer.Typer:
    """Builds the command line; what each command needs is imported when it runs."""
    app = typer.Typer(
        cls=Late, callback=commands.about, epilog=PROGRAMS, pretty_exceptions_enable=False
    )
    training = typer.Typer(cls=Late, help="Train a task and keep everything in a run directory.")
    abouts = tasks.described().values()
    for task in abouts:
        training.command(task.name, help=f"{task.takes[0].upper()}{task.takes[1:]}: {task.gives}.")(
            _later
        )
    app.add_typer(training, name="train", subcommand_metavar="TASK [OPTIONS]...")
    for name, help_ in LATE.items():
        app.command(name, help=help_)(_later)
    for command in _SIMPLE:
        app.command()(interruptible(command))
    takes = [f"{task.name}: {task.inputs}." for task in abouts]
    answer = interruptible(commands.predict)
    app.command(help=" ".join(["Answer inputs with a run.", *takes]))(answer)
    app.command("tasks")(commands.list_tasks)
    app.command("datasets")(commands.list_datasets)
    return app


def _later() -> None:
    """Stands in a list of commands for one that is made when it is asked for."""


def _made(name: str, *, training: bool) -> Any:
    from recur.cli import learning

    return _alone(name, learning.train(name) if training else getattr(learning, name))


def _of_run(name: str, words: list[str]) -> Any:
    """The command with what the task of the run among the words adds to it; None without a run."""
    run = next((word for word in words if os.path.isfile(os.path.join(word, "config.json"))), None)
    if run is None:
        return None
    from recur.cli import learning

    return _alone(name, getattr(learning, name)(run))


def _alone(name: str, command: Callable[..., None]) -> Any:
    alone = typer.Typer(add_completion=False)
    alone.command(name)(interruptible(command))
    return typer.main.get_command(alone)
