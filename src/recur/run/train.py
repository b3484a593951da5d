"""Training a task into a run directory, from the start or from where it stopped."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from recur import files, tasks
from recur.diagnostics import LayerSizes
from recur.files import PathLike
from recur.messages import InputError, must
from recur.run import directory, weights
from recur.run.directory import CHANGEABLE
from recur.run.run import Run
from recur.tasks.options import Options
from recur.tasks.task import Prepared, Task, Trained
from recur.training import History, TrainingInterrupted


def train(
    task: str,
    *,
    out: PathLike | None = None,
    resume: bool = False,
    progress: bool | None = None,
    tell: Callable[[str], None] | None = None,
    **options: Any,
) -> Run:
    """Trains a task and keeps everything in a run directory.

    Args:
        task: The task's name; `recur tasks` lists them.
        out: The run directory; it must not exist. None: runs/TASK-N, the first N that is free.
        resume: Go on in `out` where an earlier training stopped. Its options are kept; only
            those in `CHANGEABLE` may be given again, to train longer or more carefully.
        progress: A progress bar; None: where standard error is a terminal.
        tell: Called with a line about the data, and where the run is kept.
        **options: The task's options, as on the command line with underscores.

    Raises:
        InputError: if the task, an option, the data or `out` are not what they must be.
        FailedError: if training or saving failed; what was saved before is kept.
        KeyboardInterrupt: on Ctrl-C; the state is saved, and `resume` goes on from there.
    """
    chosen = tasks.find(task)
    path = _to_resume(out, chosen) if resume else directory.unused(out, task)
    settings = _settings_of(path, options) if resume and path else chosen.options.of(task, options)
    tell = tell or (lambda line: None)
    tell(f"Reading {settings.data}" if settings.data else "Reading the data")
    prepared = chosen.prepare(settings)
    if resume and path:
        _same_data(path, prepared)
    path = path or directory.numbered(task)
    tell(prepared.about)
    tell(f"The run is kept in {path}")
    _begin(path, chosen, settings, prepared)
    try:
        return _fit(path, chosen, settings, prepared, resume=resume, progress=progress)
    except TrainingInterrupted:
        raise
    except KeyboardInterrupt:
        command = directory.how_to_resume(path, task)
        kept = "Stopped at once; what was saved is kept"
        raise KeyboardInterrupt(f"{kept}. Go on with: {command}") from None


def stopped(by: TrainingInterrupted) -> str:
    """Returns a sentence for a training that Ctrl-C stopped: what is saved, and how to go on."""
    where = f"Stopped in epoch {by.epoch}, after batch {by.batch}"
    if by.checkpoint is None:
        return f"{where}; nothing was saved."
    path = by.checkpoint.parent
    command = directory.how_to_resume(path, directory.read_config(path)["task"])
    return f"{where}; all of it is saved. Go on with: {command}"


def _begin(
    path: Path, task: Task[Any, Any, Any], options: Options, prepared: Prepared[Any, Any]
) -> None:
    versions = {
        "recur": importlib.metadata.version("recur"),
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
    }
    config = {
        "format": directory.FORMAT,
        "task": task.name,
        "kind": task.kind,
        "data": prepared.about,
        "options": options.to_json(),
        "versions": versions,
        "threads": torch.get_num_threads(),
    }
    files.write_json(path / directory.PREPROCESSING, prepared.preprocessing.to_json())
    files.write_json(path / directory.CONFIG, config)


def _fit(
    path: Path,
    task: Task[Any, Any, Any],
    options: Options,
    prepared: Prepared[Any, Any],
    *,
    resume: bool,
    progress: bool | None,
) -> Run:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        model = task.model(options, prepared.preprocessing)
    layers = path / directory.LAYERS
    sizes = LayerSizes(model, History.from_csv(layers) if resume and layers.exists() else None)

    def after(epoch: int, row: dict[str, float]) -> None:
        sizes(epoch, row)
        sizes.history.to_csv(layers)

    history = task.fit(
        model,
        prepared,
        options,
        checkpoint=path / directory.CHECKPOINT,
        resume=resume,
        progress=progress,
        on_epoch=after,
    )
    trained = Trained(options, prepared.preprocessing, model.eval())
    seal = weights.seal(task, options, prepared.preprocessing)
    files.write_tensors(path / directory.MODEL, model.state_dict(), seal)
    history.to_csv(path / directory.HISTORY)
    scores = task.evaluate(trained, prepared.test.data)
    metrics: directory.Metrics = {
        "test": scores,
        "notes": list(prepared.test.notes),
        "best_epoch": history.best_epoch(task.monitor),
        "training_notes": history.notes,
    }
    files.write_json(path / directory.METRICS, metrics)
    run = Run(path, task, trained, history, metrics)
    run.plot()
    return run


def _to_resume(out: PathLike | None, task: Task[Any, Any, Any]) -> Path:
    if out is None:
        raise InputError("resume needs out: the directory of the run to go on with.")
    config = directory.read_config(Path(out))
    if config["task"] != task.name:
        raise InputError(must("out", f"a run of {task.name}", f"one of {config['task']}"))
    return Path(out)


def _settings_of(path: Path, given: Mapping[str, Any]) -> Options:
    """The options of the run that goes on, with those that may change."""
    config = directory.read_config(path)
    task = tasks.find(config["task"])
    kept = directory.read_options(path, config, task)
    asked: Options = task.options.of(task.name, {**kept.to_json(), **given})
    for name in given:
        before, now = getattr(kept, name), getattr(asked, name)
        if name not in CHANGEABLE and before != now:
            sentence = must(f"{name} of a run that goes on", f"the same, {before!r}", repr(now))
            raise InputError(f"{sentence} Leave it out, or train a new run.")
    return asked


def _same_data(path: Path, prepared: Prepared[Any, Any]) -> None:
    """Going on with other data would mix two trainings."""
    if not (path / directory.PREPROCESSING).exists():
        return
    if files.read_json(path / directory.PREPROCESSING) != prepared.preprocessing.to_json():
        raise InputError(
            f"The data have changed since the run {path} began: another preprocessing fits them. "
            "Restore them, or train a new run."
        )
