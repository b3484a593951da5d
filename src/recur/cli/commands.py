"""The commands: each is a few lines over what Python users call."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from torch import nn

from recur import run, tasks
from recur.bench import MODES, Case, compare, machine, peak_flops
from recur.cli import show
from recur.cli.derive import with_options
from recur.cli.interrupt import interruptible
from recur.layers import explain as explain_layers
from recur.messages import InputError, must, one_of
from recur.models.deep import CELLS
from recur.tasks import Task
from recur.tasks.options import KIND_WORDS

RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="a run directory")]
Json = Annotated[bool, typer.Option("--json", help="one JSON object on standard output")]
Out = Annotated[Path | None, typer.Option("--out", help="the run directory (default: runs/TASK-N)")]
Resume = Annotated[bool, typer.Option("--resume", help="go on in --out where training stopped")]
Plots = Annotated[
    Path | None, typer.Option("--plots", help="a folder for the pictures (default: the run's)")
]
Moved = Annotated[str, typer.Option("--data", help="where the run's data are now")]
Data = Annotated[str, typer.Option("--data", help="other data: a file or a dataset's name")]

SENTENCES = (
    "A wonderful film: the acting is superb and the story moved me.",
    "Two hours of my life wasted. The plot is a mess and the jokes are dull.",
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"recur {importlib.metadata.version('recur')}")
        raise typer.Exit()


def train_command(task: Task[Any, Any, Any]) -> Callable[..., None]:
    """Returns the command that trains `task`, with the task's options."""

    @interruptible
    def train(
        *,
        out: Out = None,
        resume: Resume = False,
        json: Json = False,
        given: dict[str, Any],
    ) -> None:
        finished = run.train(task.name, out=out, resume=resume, tell=show.aside, **given)
        show.trained(finished, json)

    train.__doc__ = f"{task.summary[0].upper()}{task.summary[1:]}."
    return with_options(train, task.options, f"Options of {task.name}")


def about(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False,
) -> None:
    """Recurrent neural networks, from raw data to a trained model."""


def evaluate(run_path: RunPath, data: Data = "", json: Json = False) -> None:
    """Measure a run on its test part, or on other data."""
    opened = run.load(run_path)
    show.scores(opened.evaluate(data), json, run=str(run_path))


def predict(
    run_path: RunPath,
    inputs: Annotated[
        list[str] | None,
        typer.Argument(metavar="INPUT", help="what to answer; - reads standard input"),
    ] = None,
    file: Annotated[
        str, typer.Option("--file", help="a file of inputs, a line each; - is standard input")
    ] = "",
    why: Annotated[
        bool, typer.Option("--why", help="say which parts of an input mattered")
    ] = False,
    plots: Plots = None,
    json: Json = False,
) -> None:
    """Answer inputs with a run."""
    opened = run.load(run_path)
    if inputs == ["-"]:
        inputs, file = None, "-"
    if inputs and file:
        raise InputError("recur predict takes inputs or --file, not both.")
    given = opened.task.inputs_of(file) if file else inputs or []
    found = opened.predict(given)
    reasons = opened.why(given) if why else []

    def draw() -> list[Path]:
        return opened.draw(found, plots) + opened.draw_why(reasons, plots)

    show.predictions(opened, found, draw, json, reasons)


def plot(run_path: RunPath, plots: Plots = None, json: Json = False) -> None:
    """Draw the loss and the metrics of a run, epoch by epoch."""
    drawn = run.load(run_path).plot(plots)
    if json:
        show.as_json({"run": str(run_path), "plots": [str(path) for path in drawn]})
    else:
        show.paths(drawn)


def inspect(run_path: RunPath, data: Moved = "", plots: Plots = None, json: Json = False) -> None:
    """Look into a run: how far back its gradients reach, beside other cells, and its gates."""
    opened = run.load(run_path)
    found = opened.inspect(data)
    show.inspection(opened, found, lambda: opened.draw_inside(found, plots), json)


def list_tasks(json: Json = False) -> None:
    """List the tasks that can be trained."""
    rows = [(task.name, task.kind, task.summary) for task in tasks.every().values()]
    show.rows(("task", "type", "what it learns"), rows, json, "tasks")


def list_datasets(json: Json = False) -> None:
    """List the datasets: where each is, or where it would come from, its licence and size."""
    from recur.data.datasets import catalogue

    rows = [
        (source.name, source.task, source.licence, source.size, source.status())
        for source in catalogue()
    ]
    show.rows(("dataset", "task", "licence", "size", "where"), rows, json, "datasets")


def explain(
    run_path: Annotated[
        Path | None, typer.Argument(metavar="[RUN]", help="a run directory")
    ] = None,
    cell: Annotated[str, typer.Option(help="the recurrent cell")] = "",
    json: Json = False,
) -> None:
    """Say which path through time each recurrent layer takes here, and why no faster one."""
    one_of("cell", cell or "rnn", CELLS)
    if run_path and cell:
        raise InputError("recur explain takes a run or --cell, not both.")
    model = run.load(run_path).model if run_path else _layers([cell] if cell else list(CELLS))
    rows = explain_layers(model).rows
    show.rows(("layer", "path and reasons"), rows, json, "layers")


def _layers(cells: list[str]) -> nn.Module:
    return nn.ModuleDict({cell: CELLS[cell](32, 32) for cell in cells})


def _size(about: str) -> Any:
    return typer.Option(metavar="N", help=about)


# Read here and not by typer, so that the sentence about a wrong number is ours.
def _whole(option: str, word: str) -> int:
    try:
        return int(word)
    except ValueError:
        raise InputError(must(option, KIND_WORDS[int], repr(word))) from None


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
    sizes = {name: _whole(f"--{name}", word) for name, word in given.items()}
    case = Case(cell, **sizes, bidirectional=bidirectional)
    modes = MODES if train is None else ("training",) if train else ("inference",)
    show.aside(f"{machine()}\n{case} (batch, time, inputs, hidden): checked, then timed in turns")
    show.compared(compare(case, modes), peak_flops(), json)


def demo(*, out: Out = None, given: dict[str, Any]) -> None:
    """Learn real movie reviews, then judge two sentences."""
    finished = run.train("sentiment", data="movie-reviews", out=out, tell=show.aside, **given)
    show.trained(finished, False)
    show.predictions(finished, finished.predict(list(SENTENCES)), list, False)


def application() -> typer.Typer:
    """Builds the command line from the commands above and the tasks there are."""
    app = typer.Typer(callback=about, pretty_exceptions_enable=False)
    training = typer.Typer(help="Train a task and keep everything in a run directory.")
    for task in tasks.every().values():
        training.command(task.name)(train_command(task))
    app.add_typer(training, name="train", subcommand_metavar="TASK [OPTIONS]...")
    derived_demo = with_options(
        demo, tasks.find("sentiment").options, "", ("cell", "epochs", "limit")
    )
    app.command("demo")(interruptible(derived_demo))
    for command in (evaluate, plot, inspect, explain, bench):
        app.command()(interruptible(command))
    takes = [f"{task.name}: {task.inputs}." for task in tasks.every().values()]
    app.command(help=" ".join(["Answer inputs with a run.", *takes]))(interruptible(predict))
    app.command("tasks")(list_tasks)
    app.command("datasets")(list_datasets)
    return app
