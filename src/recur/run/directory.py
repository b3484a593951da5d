"""What a training leaves behind: the names and the meaning of its files, and how they are checked.

    config.json         task, options, seed, versions
    preprocessing.json  what was fitted on the training data: vocabulary, scaling
    model.safetensors   the weights of the best validation epoch
    history.csv         a row for each epoch
    layers.csv          for each epoch, how large gradients and updates were, layer by layer
    metrics.json        the scores on the test part, and what must be said with them
    plots/              figures
    checkpoint/         where training can go on

Every file is written whole or not at all, and none can run code when it is read.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from recur import files
from recur.files import PathLike
from recur.messages import FailedError, InputError, listed, must
from recur.run import source
from recur.tasks.options import Options
from recur.tasks.task import Task

FORMAT = 1
"""The layout of a run directory; goes up when an older recur could not read it."""

CONFIG, PREPROCESSING, MODEL = "config.json", "preprocessing.json", "model.safetensors"
HISTORY, METRICS, PLOTS, CHECKPOINT = "history.csv", "metrics.json", "plots", "checkpoint"
LAYERS = "layers.csv"
NEEDED = (CONFIG, PREPROCESSING, MODEL, HISTORY, METRICS)


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
    for name in (*NEEDED, LAYERS, PLOTS, CHECKPOINT):
        if (path / name).is_symlink():
            raise InputError(
                f"{path / name} is a symbolic link, and nothing outside a run is written. "
                "Put in its place what it leads to."
            )


def read_config(path: Path) -> dict[str, Any]:
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
    config = files.read_json(path / CONFIG)
    if not isinstance(config, dict) or not isinstance(config.get("format"), int):
        raise InputError(f"{path / CONFIG} is damaged: it names no format. Restore it from a copy.")
    if config["format"] > FORMAT:
        raise InputError(
            f"The run {path} was written by a newer recur (run format {config['format']}; this one "
            f"reads up to {FORMAT}). Update recur to open it."
        )
    if not isinstance(config.get("task"), str) or not isinstance(config.get("options"), dict):
        raise InputError(f"{path / CONFIG} is damaged: it names no task or no options.")
    return config


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


def read_options(path: Path, config: Mapping[str, Any], task: Task[Any, Any, Any]) -> Options:
    """Returns the options in a config.

    Raises:
        InputError: if this recur does not know one, or not its value.
    """
    try:
        given = {**config["options"], "data": source.found(config, path)}
        options: Options = task.options.of(task.name, given)
    except InputError as error:
        raise InputError(
            f"The options in {path / CONFIG} are not those of this recur: {error}"
        ) from error
    return options


def read_preprocessing(path: Path, task: Task[Any, Any, Any]) -> Any:
    """Reads what was fitted on the training data.

    Raises:
        InputError: if it is damaged.
    """
    stored = files.read_json(path / PREPROCESSING)
    try:
        return task.preprocessing.from_json(stored)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{path / PREPROCESSING} is damaged: {type(error).__name__}: {error}. "
            "Restore it from a copy."
        ) from error


def read_metrics(path: Path) -> dict[str, Any]:
    """Reads the scores and what must be said with them.

    Raises:
        InputError: if they are damaged.
    """
    metrics = files.read_json(path / METRICS)
    if not isinstance(metrics, dict) or {"test", "notes"} - metrics.keys():
        raise InputError(f"{path / METRICS} is damaged: it has no scores. Restore it from a copy.")
    return metrics


def load_weights(model: nn.Module, path: Path) -> None:
    """Puts the weights of a file into a model.

    Raises:
        InputError: if the file is damaged, or it is of another model.
    """
    tensors, _ = files.read_tensors(path)
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            sentence = must(name, f"of shape {expected.get(name)}", f"{found.get(name)}")
            raise InputError(f"{path} does not fit the run's config.json: {sentence}")
    model.load_state_dict(tensors)
