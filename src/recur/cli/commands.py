"""The commands that take a run, and the lists: each is a few lines over what Python users call.

Nothing here imports torch before it is needed: a wrong word is answered at once.
"""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recur import files
from recur.cli import show
from recur.cli.threads import Threads, use_threads
from recur.cli.words import read
from recur.messages import InputError, one_of

if TYPE_CHECKING:
    from torch import nn

    from recur.run import Run

RunPath = Annotated[str, typer.Argument(metavar="RUN", help="a run directory")]
Json = Annotated[bool, typer.Option("--json", help="one JSON object on standard output")]
Plots = Annotated[
    str | None, typer.Option("--plots", help="a folder for the pictures (default: the run's)")
]
Moved = Annotated[str | None, typer.Option("--data", help="where the run's data are now")]
Data = Annotated[str | None, typer.Option("--data", help="other data: a file or a dataset's name")]
Judge = Annotated[
    str | None,
    typer.Option("--judge", help="a run that reads what this one writes: its mistakes count too"),
]

DRAWN = "drawn from the seed"
"""Data of a task that needs none."""


def _version(wanted: bool) -> None:
    if wanted:
        print(f"recur {importlib.metadata.version('recur')}")
        raise typer.Exit()


def about(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False,
) -> None:
    """Recurrent neural networks, from raw data to a trained model."""


def _opened(path: str) -> Run:
    files.existing_folder(path, "run directory")  # said before torch is imported
    from recur import run

    return run.load(path)


def evaluate(
    run_path: RunPath,
    data: Data = None,
    judge: Judge = None,
    threads: Threads = "",
    plots: Plots = None,
    json: Json = False,
) -> None:
    """Measure a run on its test part, or on other data.

    Where other data have other names for their columns, or another form, options of the task say
    so: `recur evaluate RUN --help` lists those of a run.
    """
    measured(run_path, data, judge, threads, plots, json)


def measured(
    run_path: str,
    data: str | None,
    judge: str | None,
    threads: str,
    plots: str | None,
    json: bool,
    **reading: Any,
) -> None:
    """What `evaluate` does; `reading` says how the data are read, see `Run.evaluate`."""
    use_threads(threads)
    opened = _opened(run_path)
    found = opened.evaluate(data, judge=judge, **reading)
    show.scores(opened, found, lambda: opened.draw_evaluation(found, plots), json)


Inputs = Annotated[
    list[str] | None,
    typer.Argument(metavar="INPUT", help="what to answer; - reads standard input"),
]
File = Annotated[
    str | None,
    typer.Option("--file", help="a file of inputs, a line each; - is standard input"),
]
Why = Annotated[bool, typer.Option("--why", help="say which parts of an input mattered")]
Save = Annotated[
    str | None, typer.Option("--save", help="a folder for answers that are files, such as music")
]


def predict(
    run_path: RunPath,
    inputs: Inputs = None,
    file: File = None,
    why: Why = False,
    threads: Threads = "",
    save: Save = None,
    plots: Plots = None,
    json: Json = False,
) -> None:
    """Answer inputs with a run.

    How it is to answer is said by options of its task: `recur predict RUN --help` lists them.
    """
    answered(run_path, inputs, file, why, threads, save, plots, json)


def answered(
    run_path: str,
    inputs: list[str] | None,
    file: str | None,
    why: bool,
    threads: str,
    save: str | None,
    plots: str | None,
    json: bool,
    **how: Any,
) -> None:
    """What `predict` does; `how` says how to answer, see `Run.predict`."""
    if inputs == ["-"]:
        inputs, file = None, "-"
    if inputs and file is not None:
        raise InputError("recur predict takes inputs or --file, not both.")
    use_threads(threads)
    opened = _opened(run_path)
    given = opened.task.inputs_of(file, opened.options) if file is not None else inputs or []
    # On a terminal a text can be read while it is written.
    told = opened.task.tells and not json and sys.stdout.isatty()
    found = show.told(opened, given, how) if told else opened.predict(given, **how)
    reasons = opened.why(given, **how) if why else []
    saved = opened.save(found, save) if save is not None else []

    def draw() -> list[Path]:
        from recur.run.run import MOST_WHY

        if len(reasons) > MOST_WHY:
            show.aside(f"Why is drawn for the first {MOST_WHY} of {len(reasons):,} inputs.")
        return opened.draw(found, plots) + opened.draw_why(reasons, plots)

    show.predictions(opened, found, draw, json, reasons, saved, told=told)


def watch(
    run_path: RunPath,
    state: Annotated[
        str | None,
        typer.Option("--state", help="a file for what is remembered, to go on with another time"),
    ] = None,
    threads: Threads = "",
    json: Annotated[bool, typer.Option("--json", help="a JSON object for each row")] = False,
) -> None:
    """Judge rows on standard input as they come, for ever.

    The first line names the columns (CSV), or every line is a JSON object. Each row has an answer,
    in order; one that cannot be read has a sentence in its place.
    """
    use_threads(threads)
    opened = _opened(run_path)
    from recur.run.watching import watch as judged

    for answers in judged(opened, sys.stdin.fileno(), state=state):
        show.flagged(answers, json)


def listen(
    run_path: RunPath,
    file: Annotated[
        str, typer.Argument(metavar="[FILE]", help="a sound file; - is standard input")
    ] = "-",
    rate: Annotated[
        str,
        typer.Option(metavar="N", help="samples a second of standard input (default: the run's)"),
    ] = "0",
    channels: Annotated[
        str, typer.Option(metavar="N", help="channels of standard input, which take turns")
    ] = "1",
    pause: Annotated[
        str,
        typer.Option(metavar="NUMBER", help="seconds without a word that end a phrase"),
    ] = "1.0",
    threads: Threads = "",
    json: Annotated[bool, typer.Option("--json", help="a JSON object for each word")] = False,
) -> None:
    """Say what is said in sound while it comes, word by word.

    Standard input is raw samples of 16 bits, the low byte first, as `arecord -f S16_LE` and `ffmpeg
    -f s16le` write them. A phrase has a line of its own. For a run that reads in one direction.
    """
    use_threads(threads)
    hertz, quiet = read("--rate", rate, int), read("--pause", pause, float)
    opened = _opened(run_path)
    from recur.data import arriving_sound
    from recur.run.listening import Clock, listen

    if file == "-":
        pieces = arriving_sound.raw(sys.stdin.fileno(), read("--channels", channels, int))
    else:
        hertz, pieces = arriving_sound.blocks(file)
    clock = Clock()
    for said in listen(opened, pieces, rate=hertz, pause=quiet, clock=clock):
        show.said(said, json)
    show.aside(str(clock))


def plot(run_path: RunPath, plots: Plots = None, json: Json = False) -> None:
    """Draw the loss and the metrics of a run, epoch by epoch."""
    opened = _opened(run_path)
    drawn = opened.plot(plots)
    if json:
        show.as_json({"run": str(opened.path), "plots": [str(path) for path in drawn]})
    else:
        show.paths(drawn)


def inspect(
    run_path: RunPath,
    data: Moved = None,
    threads: Threads = "",
    plots: Plots = None,
    json: Json = False,
) -> None:
    """Look into a run: how far back its gradients reach, beside other cells, and its gates."""
    use_threads(threads)
    opened = _opened(run_path)
    found = opened.inspect(data)
    show.inspection(opened, found, lambda: opened.draw_inside(found, plots), json)


def list_tasks(json: Json = False) -> None:
    """List the tasks: what they take and give, what they learn on unasked, how they are judged."""
    from recur import tasks

    rows = [
        (task.name, task.kind, task.takes, task.gives, task.data or DRAWN, task.metric)
        for task in tasks.described().values()
    ]
    show.rows(("task", "type", "in", "out", "default data", "metric"), rows, json, "tasks")


def list_datasets(json: Json = False) -> None:
    """List the datasets: where each is, or where it would come from, its licence and size."""
    from recur.data.datasets import catalogue

    rows = [
        (source.name, source.task, source.licence, source.size, source.status())
        for source in catalogue()
    ]
    show.rows(("dataset", "task", "licence", "size", "where"), rows, json, "datasets")


def explain(
    run_path: Annotated[str | None, typer.Argument(metavar="[RUN]", help="a run directory")] = None,
    cell: Annotated[str, typer.Option(help="the recurrent cell")] = "",
    json: Json = False,
) -> None:
    """Say which path through time each recurrent layer takes here, and why no faster one."""
    if run_path is not None and cell:
        raise InputError("recur explain takes a run or --cell, not both.")
    model = _opened(run_path).model if run_path is not None else _layers(cell)
    from recur.layers import explain

    show.rows(("layer", "path and reasons"), explain(model).rows, json, "layers")


def _layers(cell: str) -> nn.Module:
    from torch import nn

    from recur.models.deep import CELLS

    wanted = [one_of("cell", cell, CELLS)] if cell else list(CELLS)
    return nn.ModuleDict({name: CELLS[name](32, 32) for name in wanted})
