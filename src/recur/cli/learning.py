"""The commands that train, and the one that times: their options come from what needs torch.

This file is imported when one of them is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from recur import files, run, tasks
from recur.bench import MODES, Case, compare, machine, peak_flops
from recur.cli import commands, show
from recur.cli.commands import Data, File, Inputs, Json, Judge, Plots, RunPath, Save, Why
from recur.cli.derive import with_options
from recur.cli.threads import Threads, use_threads
from recur.cli.words import read
from recur.run import directory
from recur.tasks.options import kinds
from recur.tasks.task import Task

Out = Annotated[str | None, typer.Option("--out", help="the run directory (default: runs/TASK-N)")]
Resume = Annotated[bool, typer.Option("--resume", help="go on in --out where training stopped")]

SENTENCES = (
    "A wonderful film: the acting is superb and the story moved me.",
    "Two hours of my life wasted. The plot is a mess and the jokes are dull.",
)


def train(name: str) -> Callable[..., None]:
    """Returns the command that trains the task of that name, with the task's options."""
    task = tasks.find(name)

    def command(
        *,
        recipe: str = "",
        out: Out = None,
        resume: Resume = False,
        threads: Threads = "",
        json: Json = False,
        given: dict[str, Any],
    ) -> None:
        use_threads(threads)
        finished = run.train(
            task.name, out=out, resume=resume, tell=show.aside, recipe=recipe, **given
        )
        show.trained(finished, json)

    command.__annotations__["recipe"] = Annotated[str, _recipes(task)]
    command.__doc__ = f"{task.summary[0].upper()}{task.summary[1:]}.{_sample(task)}"
    return with_options(command, task.options, f"Options of {task.name}")


def _recipes(task: Task[Any, Any, Any, Any]) -> Any:
    """The option that takes the values of a recipe; not shown where there is none."""
    lines = [f"{name}: {recipe.about}" for name, recipe in task.recipes.items()]
    return typer.Option(
        "--recipe",
        help="\n".join(["values of options that go well together, where none are given", *lines]),
        metavar=f"[{'|'.join(task.recipes)}]",
        autocompletion=lambda: list(task.recipes),
        hidden=not task.recipes,
        show_default=False,
    )


def _sample(task: Task[Any, Any, Any, Any]) -> str:
    """What a file of one's own looks like, as a paragraph whose lines stay lines."""
    if task.sample is None:
        return ""
    name, content = task.sample
    lines = (f"    {line}" for line in content.replace("\t", "<tab>").splitlines())
    return "\n\n" + "\n".join(["\b", f"Data of your own, as in --data {name}:", *lines])


def evaluate(run_path: str) -> Callable[..., None]:
    """Returns the command that measures a run, with the task's options for reading other data."""
    task = tasks.find(directory.read_config(files.path_of(run_path))["task"])
    if not task.reading:
        return commands.evaluate

    def command(
        *,
        run_path: RunPath,
        data: Data = None,
        judge: Judge = None,
        threads: Threads = "",
        plots: Plots = None,
        json: Json = False,
        given: dict[str, Any],
    ) -> None:
        commands.measured(run_path, data, judge, threads, plots, json, **given)

    command.__doc__ = commands.evaluate.__doc__
    panel = f"How {task.name} reads other data"
    return with_options(command, task.options, panel, task.reading)


def predict(run_path: str) -> Callable[..., None]:
    """Returns the command that answers with a run, with the task's options for how to answer."""
    task = tasks.find(directory.read_config(files.path_of(run_path))["task"])
    if not kinds(task.answering):
        return commands.predict

    def command(
        *,
        run_path: RunPath,
        inputs: Inputs = None,
        file: File = None,
        why: Why = False,
        threads: Threads = "",
        save: Save = None,
        plots: Plots = None,
        json: Json = False,
        given: dict[str, Any],
    ) -> None:
        commands.answered(run_path, inputs, file, why, threads, save, plots, json, **given)

    command.__doc__ = f"Answer inputs with a run. {task.name}: {task.inputs}."
    return with_options(command, task.answering, f"How {task.name} answers")


def _demo(*, out: Out = None, threads: Threads = "", given: dict[str, Any]) -> None:
    """Learn real movie reviews, then judge two sentences."""
    use_threads(threads)
    finished = run.train("sentiment", data="movie-reviews", out=out, tell=show.aside, **given)
    show.trained(finished, False)
    show.predictions(finished, finished.predict(list(SENTENCES)), list, False)


demo = with_options(_demo, tasks.find("sentiment").options, "", ("cell", "epochs", "limit"))


def _size(about: str) -> Any:
    return typer.Option(metavar="N", help=about)


def bench(
    cell: Annotated[str, typer.Option(help="the recurrent cell")] = Case.cell,
    batch: Annotated[str, _size("rows of the batch")] = str(Case.batch),
    time: Annotated[str, _size("steps of each row")] = str(Case.time),
    inputs: Annotated[str, _size("features of a step")] = str(Case.inputs),
    hidden: Annotated[str, _size("units in each direction")] = str(Case.hidden),
    bidirectional: Annotated[bool, typer.Option("--bidirectional", help="walk both ways")] = False,
    train: Annotated[
        bool | None, typer.Option("--train/--inference", help="time one of them (default: both)")
    ] = None,
    json: Json = False,
) -> None:
    """Time a layer of your own size beside that of torch.nn, on this machine."""
    given = {"batch": batch, "time": time, "inputs": inputs, "hidden": hidden}
    sizes = {name: read(f"--{name}", word, int) for name, word in given.items()}
    case = Case(cell, **sizes, bidirectional=bidirectional)
    modes = MODES if train is None else ("training",) if train else ("inference",)
    show.aside(f"{machine()}\n{case} (batch, time, inputs, hidden): checked, then timed in turns")
    show.compared(compare(case, modes), peak_flops(), json)
