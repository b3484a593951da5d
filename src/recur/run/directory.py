"""What a training leaves behind: the names and the meaning of its files, and how they are checked.

    config.json         task, options, seed, versions
    preprocessing.json  what was fitted on the training data: vocabulary, scaling
    model.safetensors   the weights of the best validation epoch, and their seal
    calibration.json    what was fitted after training: a threshold; not for every task
    history.csv         a row for each epoch
    layers.csv          for each epoch, how large gradients and updates were, layer by layer
    metrics.json        the scores on the test part, and what must be said with them
    plots/              figures
    checkpoint/         where training can go on

Every file is written whole or not at all, and none can run code when it is read.
"""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from recur import files, schema
from recur.files import PathLike
from recur.messages import FailedError, InputError, listed
from recur.run import source
from recur.tasks.options import Options, kinds
from recur.tasks.task import Task

FORMAT = 2
"""The layout of a run directory; goes up when an older recur could not read it.

1: how to answer (length, temperature) stood among the options.
2: it is asked for with each question; what a file of format 1 says is what that run does unasked.
"""

CONFIG, PREPROCESSING, MODEL = "config.json", "preprocessing.json", "model.safetensors"
HISTORY, METRICS, PLOTS, CHECKPOINT = "history.csv", "metrics.json", "plots", "checkpoint"
LAYERS, CALIBRATION = "layers.csv", "calibration.json"
CHANGEABLE = ("epochs", "learning_rate", "clip_norm", "patience")
"""Options that may be given again to a training that goes on."""
NEEDED = (CONFIG, PREPROCESSING, MODEL, HISTORY, METRICS)


class _Format(TypedDict):
    format: int


class Config(_Format):
    """What config.json holds; more is for people.

    Attributes:
        format: of the run directory.
        task: its name.
        options: by name.
        source: where the data were, see `recur.run.source`; runs of before have none.
        answering: how it answers where nothing is asked, of a run of format 1 that went on.
        recipe: the name of the task's recipe that the options were taken from, where one was.
    """

    task: str
    options: dict[str, Any]
    source: NotRequired[dict[str, str]]
    answering: NotRequired[dict[str, Any]]
    recipe: NotRequired[str]


class Metrics(TypedDict):
    """What metrics.json holds.

    Attributes:
        test: the scores on the test part.
        notes: what must be said with them.
        best_epoch: the one whose weights were kept, from 1.
        training_notes: the history's.
        higher_is_better: the history's; runs of before have none, and go by names.
    """

    test: dict[str, float]
    notes: list[str]
    best_epoch: NotRequired[int]
    training_notes: NotRequired[list[str]]
    higher_is_better: NotRequired[dict[str, bool]]


def how_to_resume(path: PathLike, task: str) -> str:
    """Returns the command that goes on with a training that stopped."""
    return f"recur train {task} --out {shlex.quote(str(path))} --resume"


def unused(out: PathLike | None, task: str) -> Path | None:
    """Returns the directory asked for; None if none was.

    What a start leaves that was killed before config.json was there does not count.

    Raises:
        InputError: if something is there already.
    """
    if out is None:
        return None
    path = files.path_of(out)
    if path.is_symlink() and not os.path.exists(path):
        to = os.readlink(path)
        raise InputError(f"out {path} is a link to {to}, which is not there. Choose another.")
    if os.path.exists(path) and not (path.is_dir() and all(map(files.is_litter, path.iterdir()))):
        if (path / CONFIG).is_file():
            todo = f"Choose another, or go on with that run: {how_to_resume(path, task)}"
        else:
            todo = "Choose another."
        raise InputError(f"out {path} exists already, and nothing is overwritten. {todo}")
    return path


def withdrawn(path: Path) -> bool:
    """Takes back what a training has written that failed before anything was learnt.

    Returns:
        Whether nothing was learnt: else all of it stays.
    """
    if not files.remove_empty(path / CHECKPOINT):
        return False
    for name in (CONFIG, PREPROCESSING, LAYERS):
        (path / name).unlink(missing_ok=True)
    return True


def numbered(task: str) -> Path:
    """Makes and returns runs/TASK-N, with the first N that is free.

    Raises:
        FailedError: if it cannot be made.
    """
    number = 1
    while True:
        path = Path("runs") / f"{task}-{number}"
        try:
            files.make_folder(path.parent)
            path.mkdir()  # fails if another process just took it
            return path
        except FileExistsError as error:
            if not os.path.lexists(path):
                raise FailedError(f"{path} could not be made: {error.strerror}.") from error
            number += 1
        except OSError as error:
            raise FailedError(f"{path} could not be made: {error.strerror}.") from error


def check_links(path: Path) -> None:
    """Checks that nothing in a run that will be written leads out of it.

    Raises:
        InputError: if a folder or file of the run is a symbolic link.
    """
    for name in (*NEEDED, LAYERS, CALIBRATION, PLOTS, CHECKPOINT):
        if (path / name).is_symlink():
            raise InputError(
                f"{path / name} is a symbolic link, and nothing outside a run is written. "
                "Put in its place what it leads to."
            )


def read_config(path: Path) -> Config:
    """Reads what was trained, and checks that this recur can read the rest.

    Raises:
        InputError: if there is no run, it is damaged, or it is from a newer recur.
    """
    files.existing_folder(path, "run directory")
    left = [each.name for each in path.iterdir()]
    if left and all(files.is_litter(path / name) for name in left):
        raise InputError(
            f"{path} holds nothing yet: a training was stopped before it began. Give the command "
            "that began it again, with its options and without resume."
        )
    if not (path / CONFIG).is_file():
        raise InputError(f"{path} is no run directory: it has no {CONFIG}. Check the path.")
    stored = files.read_json(path / CONFIG)
    with damaged(path / CONFIG):
        known = schema.read(_Format, stored, "it")["format"]
        if known <= FORMAT:
            return schema.read(Config, stored, "it")
    raise InputError(
        f"The run {path} was written by a newer recur (run format {known}; this one "
        f"reads up to {FORMAT}). Update recur to open it."
    )


def check_complete(path: Path, task: str) -> None:
    """Checks that no file is missing.

    Raises:
        InputError: if one is; the text names it, and how training goes on if it was stopped.
    """
    missing = [name for name in NEEDED if not (path / name).is_file()]
    if not missing:
        return
    todo = "Copy the run again, with all its files."
    if (path / CHECKPOINT).is_dir():
        todo = f"If training was stopped, go on with: {how_to_resume(path, task)}"
    gone = f"{listed(missing, 'and')} {'is' if len(missing) == 1 else 'are'} missing"
    raise InputError(f"The run {path} is incomplete: {gone}. {todo}")


def read_options(path: Path, config: Config, task: Task[Any, Any, Any, Any]) -> Options:
    """Returns the options in a config.

    Raises:
        InputError: if this recur does not know one, or not its value.
    """
    try:
        moved = answering_of(config, task).keys() - kinds(task.options).keys()
        known = {name: value for name, value in config["options"].items() if name not in moved}
        known["data"] = source.found(config, path)
        options: Options = task.options.of(task.name, {**task.before, **known})
    except InputError as error:
        raise InputError(
            f"The options in {path / CONFIG} are not those of this recur: {error}"
        ) from error
    return options


def answering_of(config: Config, task: Task[Any, Any, Any, Any]) -> dict[str, Any]:
    """Returns how a run answers where nothing is asked: what format 1 kept among the options."""
    if config["format"] > 1:
        return config.get("answering", {})
    own = kinds(task.answering)
    return {name: value for name, value in config["options"].items() if name in own}


def read_calibration(path: Path, task: Task[Any, Any, Any, Any], preprocessing: Any) -> Any:
    """Reads what was fitted after training; None where nothing was.

    Raises:
        InputError: if it is damaged.
    """
    if not (path / CALIBRATION).is_file():
        return None
    stored = files.read_json(path / CALIBRATION)
    with damaged(path / CALIBRATION):
        return task.calibrated(stored, preprocessing)


def read_preprocessing(path: Path, task: Task[Any, Any, Any, Any]) -> Any:
    """Reads what was fitted on the training data.

    Raises:
        InputError: if it is damaged.
    """
    stored = files.read_json(path / PREPROCESSING)
    with damaged(path / PREPROCESSING):
        return task.preprocessing.from_json(stored)


def read_metrics(path: Path, task: Task[Any, Any, Any, Any]) -> Metrics:
    """Reads the scores and what must be said with them.

    Raises:
        InputError: if they are damaged, or the scores of another task.
    """
    stored = files.read_json(path / METRICS)
    with damaged(path / METRICS):
        metrics = schema.read(Metrics, stored, "it")
        task.report(metrics["test"])
    return metrics


@contextlib.contextmanager
def damaged(path: Path) -> Iterator[None]:
    """Says which file it is that holds something else."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{path} is damaged: {error} Restore it from a copy.") from error
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        why = f"{type(error).__name__}: {error}"
        raise InputError(f"{path} is damaged: {why}. Restore it from a copy.") from error
