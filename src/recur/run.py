"""What a training leaves behind. This module alone knows which files those are.

    config.json         task, options, seed, versions
    preprocessing.json  what was fitted on the training data: vocabulary, scaling
    model.safetensors   the weights of the best validation epoch
    history.csv         a row for each epoch
    metrics.json        the scores on the test part, and what must be said with them
    plots/              figures
    checkpoint/         where training can go on

Every file is written whole or not at all, and none can run code when it is read.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import platform
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from recur import files, plots, tasks
from recur.files import PathLike
from recur.messages import InputError, listed, must
from recur.tasks.options import Options
from recur.tasks.task import Prediction, Prepared, Task, Trained
from recur.training import History, TrainingInterrupted

FORMAT = 1
"""The layout of a run directory; goes up when an older recur could not read it."""

CONFIG, PREPROCESSING, MODEL = "config.json", "preprocessing.json", "model.safetensors"
HISTORY, METRICS, PLOTS, CHECKPOINT = "history.csv", "metrics.json", "plots", "checkpoint"
NEEDED = (CONFIG, PREPROCESSING, MODEL, HISTORY, METRICS)


CHANGEABLE = ("epochs", "learning_rate", "clip_norm", "patience")
"""Options that may be given again to a training that goes on."""


@dataclasses.dataclass(frozen=True)
class Scores:
    """Scores on data that training never saw, and what must be said with them.

    Attributes:
        values: Scores by name.
        notes: Sentences about the data.
        text: The scores and the notes as lines for a person.
    """

    values: dict[str, float]
    notes: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        return self.text


class Run:
    """A finished training: what `train` and `load` return.

    Attributes:
        path: The run directory.
        task: The task.
        trained: Options, preprocessing and model.
        history: A row for each epoch.
        metrics: What metrics.json holds.
    """

    def __init__(
        self,
        path: Path,
        task: Task[Any, Any, Any],
        trained: Trained[Any, Any],
        history: History,
        metrics: dict[str, Any],
    ) -> None:
        self.path = path
        self.task = task
        self.trained = trained
        self.history = history
        self.metrics = metrics

    @property
    def model(self) -> nn.Module:
        """The model, with the weights of the best validation epoch."""
        return self.trained.model

    @property
    def options(self) -> Options:
        """The options that it was trained with."""
        options: Options = self.trained.options
        return options

    @property
    def scores(self) -> Scores:
        """The scores on the test part, as they were measured after training."""
        return _scores(self.task, self.metrics["test"], tuple(self.metrics["notes"]))

    def evaluate(self, data: PathLike = "") -> Scores:
        """Measures the scores again, on the test part or on all of `data`.

        Raises:
            InputError: if the data are not what the task needs.
        """
        held_out = self.task.held_out(self.options, self.trained.preprocessing, str(data))
        values = self.task.evaluate(self.trained, held_out.data)
        return _scores(self.task, values, held_out.notes)

    def predict(self, inputs: str | Sequence[str] = ()) -> list[Prediction]:
        """Answers each input, in order; one input may come without a list.

        Raises:
            InputError: if an input is not what the task needs.
        """
        given = [inputs] if isinstance(inputs, str) else list(inputs)
        return self.task.predict(self.trained, given)

    def plot(self) -> list[Path]:
        """Draws the history into plots/ and returns the paths.

        Raises:
            FailedError: if a figure cannot be written.
        """
        return self._draw(plots.curves(self.history.history))

    def draw(self, predictions: Sequence[Prediction]) -> list[Path]:
        """Draws predictions into plots/, where the task has a picture for them.

        Raises:
            FailedError: if a figure cannot be written.
        """
        return self._draw(self.task.pictures(predictions))

    def _draw(self, figures: Any) -> list[Path]:
        paths = []
        for name, figure in figures:
            paths.append(self.path / PLOTS / f"{name}.png")
            plots.save(figure, paths[-1])
        return paths


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
    path = _to_resume(out, chosen) if resume else _free(out, task)
    settings = _settings_of(path, options) if resume and path else chosen.options.of(task, options)
    tell = tell or (lambda line: None)
    tell(f"Reading {settings.data}" if settings.data else "Reading the data")
    prepared = chosen.prepare(settings)
    if resume and path:
        _same_data(path, prepared)
    path = path or _numbered(task)
    tell(prepared.about)
    tell(f"The run is kept in {path}")
    _begin(path, chosen, settings, prepared)
    try:
        return _fit(path, chosen, settings, prepared, resume=resume, progress=progress)
    except TrainingInterrupted:
        raise
    except KeyboardInterrupt:
        where = f"Stopped at once; what was saved is kept. Go on with: {how_to_resume(path, task)}"
        raise KeyboardInterrupt(where) from None


def load(path: PathLike) -> Run:
    """Opens a run directory.

    Raises:
        InputError: if there is none, or it is incomplete, damaged, or from a newer recur.
    """
    path = Path(path)
    config = _config(path)
    missing = [name for name in NEEDED if not (path / name).is_file()]
    if missing:
        todo = "Copy the run again, with all its files."
        if (path / CHECKPOINT).is_dir():
            todo = f"If training was stopped, go on with: {how_to_resume(path, config['task'])}"
        gone = f"{listed(missing, 'and')} {'is' if len(missing) == 1 else 'are'} missing"
        raise InputError(f"The run {path} is incomplete: {gone}. {todo}")
    task = tasks.find(config["task"])
    options = _options(path, config, task)
    preprocessing = _preprocessing(path, task)
    model = task.model(options, preprocessing)
    _load_weights(model, path / MODEL)
    history, metrics = History.from_csv(path / HISTORY), _metrics(path)
    history.notes = list(metrics.get("training_notes", []))
    trained = Trained(options, preprocessing, model.eval())
    return Run(path, task, trained, history, metrics)


def how_to_resume(path: PathLike, task: str) -> str:
    """Returns the command that goes on with a training that stopped."""
    return f"recur train {task} --out {path} --resume"


def stopped(by: TrainingInterrupted) -> str:
    """Returns a sentence for a training that Ctrl-C stopped: what is saved, and how to go on."""
    where = f"Stopped in epoch {by.epoch}, after batch {by.batch}"
    if by.checkpoint is None:
        return f"{where}; nothing was saved."
    path = by.checkpoint.parent
    return f"{where}; all of it is saved. Go on with: {how_to_resume(path, _config(path)['task'])}"


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
        "format": FORMAT,
        "task": task.name,
        "kind": task.kind,
        "data": prepared.about,
        "options": options.to_json(),
        "versions": versions,
        "threads": torch.get_num_threads(),
    }
    files.write_json(path / PREPROCESSING, prepared.preprocessing.to_json())
    files.write_json(path / CONFIG, config)


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
    history = task.fit(
        model,
        prepared,
        options,
        checkpoint=path / CHECKPOINT,
        resume=resume,
        progress=progress,
    )
    trained = Trained(options, prepared.preprocessing, model.eval())
    files.write_tensors(path / MODEL, model.state_dict())
    history.to_csv(path / HISTORY)
    scores = task.evaluate(trained, prepared.test.data)
    metrics = {
        "test": scores,
        "notes": list(prepared.test.notes),
        "best_epoch": history.best_epoch(task.monitor),
        "training_notes": history.notes,
    }
    files.write_json(path / METRICS, metrics)
    run = Run(path, task, trained, history, metrics)
    run.plot()
    return run


def _scores(
    task: Task[Any, Any, Any], values: Mapping[str, float], notes: tuple[str, ...]
) -> Scores:
    return Scores(dict(values), notes, "\n".join([task.report(values), *notes]))


def _free(out: PathLike | None, task: str) -> Path | None:
    """The directory asked for, if nothing is there yet."""
    if out is None:
        return None
    path = Path(out)
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        if (path / CONFIG).is_file():
            todo = f"Choose another, or go on with that run: {how_to_resume(path, task)}"
        else:
            todo = "Choose another."
        raise InputError(f"out {path} exists already, and nothing is overwritten. {todo}")
    return path


def _numbered(task: str) -> Path:
    number = 1
    while True:
        path = Path("runs") / f"{task}-{number}"
        try:
            path.mkdir(parents=True)  # fails if another process just took it
            return path
        except FileExistsError:
            number += 1


def _to_resume(out: PathLike | None, task: Task[Any, Any, Any]) -> Path:
    if out is None:
        raise InputError("resume needs out: the directory of the run to go on with.")
    config = _config(Path(out))
    if config["task"] != task.name:
        raise InputError(must("out", f"a run of {task.name}", f"one of {config['task']}"))
    return Path(out)


def _settings_of(path: Path, given: Mapping[str, Any]) -> Options:
    """The options of the run that goes on, with those that may change."""
    config = _config(path)
    task = tasks.find(config["task"])
    kept = _options(path, config, task)
    asked: Options = task.options.of(task.name, {**kept.to_json(), **given})
    for name in given:
        before, now = getattr(kept, name), getattr(asked, name)
        if name not in CHANGEABLE and before != now:
            sentence = must(f"{name} of a run that goes on", f"the same, {before!r}", repr(now))
            raise InputError(f"{sentence} Leave it out, or train a new run.")
    return asked


def _same_data(path: Path, prepared: Prepared[Any, Any]) -> None:
    """Going on with other data would mix two trainings."""
    if not (path / PREPROCESSING).exists():
        return
    if files.read_json(path / PREPROCESSING) != prepared.preprocessing.to_json():
        raise InputError(
            f"The data have changed since the run {path} began: another preprocessing fits them. "
            "Restore them, or train a new run."
        )


def _config(path: Path) -> dict[str, Any]:
    if not path.is_dir():
        raise InputError(f"There is no run directory {path}. Check the path.")
    if not (path / CONFIG).is_file():
        raise InputError(f"{path} is no run directory: it has no {CONFIG}. Check the path.")
    config = files.read_json(path / CONFIG)
    if not isinstance(config, dict) or not isinstance(config.get("format"), int):
        raise InputError(f"{path / CONFIG} is damaged: it names no format. Restore it from a copy.")
    if config["format"] > FORMAT:
        made_by = config.get("versions", {}).get("recur", "?")
        raise InputError(
            f"The run {path} was written by a newer recur ({made_by}, run format "
            f"{config['format']}; this one reads up to {FORMAT}). Update recur to open it."
        )
    if not isinstance(config.get("task"), str) or not isinstance(config.get("options"), dict):
        raise InputError(f"{path / CONFIG} is damaged: it names no task or no options.")
    return config


def _options(path: Path, config: Mapping[str, Any], task: Task[Any, Any, Any]) -> Options:
    try:
        options: Options = task.options.of(task.name, config["options"])
    except InputError as error:
        raise InputError(
            f"The options in {path / CONFIG} are not those of this recur: {error}"
        ) from error
    return options


def _preprocessing(path: Path, task: Task[Any, Any, Any]) -> Any:
    stored = files.read_json(path / PREPROCESSING)
    try:
        return task.preprocessing.from_json(stored)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{path / PREPROCESSING} is damaged: {type(error).__name__}: {error}. "
            "Restore it from a copy."
        ) from error


def _metrics(path: Path) -> dict[str, Any]:
    metrics = files.read_json(path / METRICS)
    if not isinstance(metrics, dict) or {"test", "notes"} - metrics.keys():
        raise InputError(f"{path / METRICS} is damaged: it has no scores. Restore it from a copy.")
    return metrics


def _load_weights(model: nn.Module, path: Path) -> None:
    tensors, _ = files.read_tensors(path)
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            sentence = must(name, f"of shape {expected.get(name)}", f"{found.get(name)}")
            raise InputError(f"{path} does not fit the run's config.json: {sentence}")
    model.load_state_dict(tensors)
