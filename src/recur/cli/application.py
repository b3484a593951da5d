"""The command line as a whole: which words there are, and what each runs."""

from __future__ import annotations

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


class Late(TyperGroup):
    """A group that makes a command of `LATE`, or of a task, when the command line names it."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Returns the command's name, the command, and the words after it."""
        name, command, rest = super().resolve_command(ctx, args)
        if name is not None and (ctx.parent is not None or name in LATE):
            command = _made(name, training=ctx.parent is not None)
        return name, command, rest


def application() -> typer.Typer:
    """Builds the command line; what each command needs is imported when it runs."""
    app = typer.Typer(cls=Late, callback=commands.about, pretty_exceptions_enable=False)
    training = typer.Typer(cls=Late, help="Train a task and keep everything in a run directory.")
    abouts = tasks.described().values()
    for task in abouts:
        training.command(task.name, help=f"{task.summary[0].upper()}{task.summary[1:]}.")(_later)
    app.add_typer(training, name="train", subcommand_metavar="TASK [OPTIONS]...")
    for name, help_ in LATE.items():
        app.command(name, help=help_)(_later)
    for command in (commands.evaluate, commands.plot, commands.inspect, commands.explain):
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

    late = learning.train(name) if training else getattr(learning, name)
    alone = typer.Typer(add_completion=False)
    alone.command(name)(interruptible(late))
    return typer.main.get_command(alone)
