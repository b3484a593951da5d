"""Training a task into a run directory, from the start or from where it stopped."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.metadata
import os
import platform
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from recur import files, tasks
from recur.diagnostics import LayerSizes
from recur.files import PathLike
from recur.locks import Held
from recur.messages import FailedError, InputError, must
from recur.run import directory, pictures, source, weights
from recur.run.directory import CHANGEABLE
from recur.run.run import Run, Scores, scores_of
from recur.tasks import preparing
from recur.tasks.options import Options
from recur.tasks.preparing import Prepared
from recur.tasks.sources import IN_MEMORY
from recur.tasks.task import Task, Trained
from recur.training import History, TrainingInterrupted
from recur.training.folder import LostFolderError
from recur.training.interrupt import StoppedAtOnce


def train(
    task: str,
    *,
    out: PathLike | None = None,
    resume: bool = False,
    progress: bool | None = None,
    tell: Callable[[str], None] | None = None,
    data: Any = None,
    recipe: str = "",
    **options: Any,
) -> Run:
    """Trains a task and keeps everything in a run directory.

    Args:
        task: The task's name; `recur tasks` lists them.
        out: The run directory; it must not exist, or be empty. None: runs/TASK-N, the first N that
            is free.
        resume: Go on in `out` where an earlier training stopped. Its options are kept; only
            those in `CHANGEABLE` may be given again, to train longer or more carefully, and `data`,
            where the same data are now.
        progress: A progress bar; None: where standard error is a terminal.
        tell: Called with a line about the data, and where the run is kept.
        data: A file, or the name of a dataset, as the task's option; or a table in memory, which a
            run does not keep: `evaluate` and `resume` need it again.
        recipe: The name of a recipe of the task, whose values are taken where `options` say
            nothing; a training that goes on has its own.
        **options: The task's options, as on the command line with underscores.

    Raises:
        InputError: if the task, an option, the data or `out` are not what they must be.
        FailedError: if training or saving failed, another training is under way in `out`, or it was
            moved away; what was saved before is kept. After any error, what this call made is gone
            again if nothing was learnt yet, so that the same call can be made anew.
        KeyboardInterrupt: on Ctrl-C, SIGTERM and SIGHUP; the state is saved, and `resume` goes on
            from there.
    """
    chosen = tasks.find(task)
    tell = tell or (lambda line: None)
    in_memory = not (data is None or isinstance(data, str | os.PathLike))
    if data is not None:
        options["data"] = IN_MEMORY if in_memory else data
    table = data if in_memory else None
    with contextlib.ExitStack() as held:
        if resume:
            path, alone = _to_resume(out, chosen, held)
            settings = _settings_of(path, options)
            recipe = _same_recipe(path, recipe)
            answering = directory.answering_of(directory.read_config(path), chosen)
        else:
            answering = {}
            wanted = directory.unused(out, task)
            settings = chosen.settled(options, recipe)
        tell(f"Reading {settings.data}" if settings.data else "Reading the data")
        in_table = {} if table is None else source.source_in_memory(table)
        prepared = preparing.prepare(chosen, settings, table)
        if not resume:
            preparing.check_asked(prepared.splits, settings)
        if resume:
            _same_data(path, settings, prepared, table)
        else:
            made = wanted is None or not os.path.lexists(wanted)
            path = wanted or directory.numbered(task)
            alone = held.enter_context(files.alone_in(path))
            directory.unused(path, task)  # another may have begun and ended in the meantime
        tell(prepared.about)
        tell(f"The run is kept in {path}")
        known = in_table or source.source_of(settings, chosen, path)
        training = _Training(path, alone, chosen, settings, prepared, known, answering, recipe)
        try:
            return training.run(resume=resume, progress=progress, tell=tell)
        except TrainingInterrupted:
            raise
        except KeyboardInterrupt as by:
            command = directory.how_to_resume(path, task)
            kept = "Stopped at once; what was saved is kept"
            number = getattr(by, "signal", signal.SIGINT)
            raise StoppedAtOnce(f"{kept}. Go on with: {command}", number) from None
        except Exception:
            if not resume and alone.is_there() and directory.withdrawn(path):
                held.close()
                if made:
                    files.remove_empty(path)
            raise


def stopped(by: TrainingInterrupted) -> str:
    """Returns a sentence for a training that Ctrl-C stopped: what is saved, and how to go on."""
    where = f"Stopped in epoch {by.epoch}, after batch {by.batch}"
    if by.checkpoint is None:
        return f"{where}; nothing was saved."
    path = by.checkpoint.parent
    command = directory.how_to_resume(path, directory.read_config(path)["task"])
    return f"{where}; all of it is saved. Go on with: {command}"


@dataclasses.dataclass(frozen=True)
class _Training:
    """One training into a run directory, which this process holds."""

    path: Path
    held: Held
    task: Task[Any, Any, Any, Any]
    options: Options
    prepared: Prepared[Any]
    source: dict[str, str]
    answering: dict[str, Any]
    recipe: str

    def run(self, *, resume: bool, progress: bool | None, tell: Callable[[str], None]) -> Run:
        self._begin()
        try:
            model, history = self._fit(resume, progress)
        except LostFolderError as error:
            if error.saved:
                self._begin()
            how = directory.how_to_resume(self.path, self.task.name)
            raise self._lost(f"its state is saved. Go on with: {how}", error.saved) from error
        if not self.held.is_there():
            free = not os.path.lexists(self.path)
            if free:
                self._begin()
                self._finish(model, history)
            raise self._lost("what was learnt is saved.", free)
        run, scores = self._finish(model, history)
        pictures.attempted(run.plot, tell)
        pictures.attempted(lambda: run.draw_evaluation(scores), tell)
        return run

    def _begin(self) -> None:
        """config.json first: what is there without it is no run, and is begun again."""
        versions = {
            "recur": importlib.metadata.version("recur"),
            "python": platform.python_version(),
            "torch": str(torch.__version__),
            "numpy": np.__version__,
        }
        config = {
            "format": directory.FORMAT,
            "task": self.task.name,
            "kind": self.task.kind,
            "data": self.prepared.about,
            source.SOURCE: self.source,
            **({"recipe": self.recipe} if self.recipe else {}),
            "options": self.options.to_json(),
            **({"answering": self.answering} if self.answering else {}),
            "versions": versions,
            "threads": torch.get_num_threads(),
        }
        files.write_json(self.path / directory.CONFIG, config)
        fitted = self.prepared.preprocessing.to_json()
        files.write_json(self.path / directory.PREPROCESSING, fitted)

    def _fit(self, resume: bool, progress: bool | None) -> tuple[nn.Module, History]:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.options.seed)
            model = self.task.model(self.options, self.prepared.preprocessing)
        layers = self.path / directory.LAYERS
        sizes = LayerSizes(model, History.from_csv(layers) if resume and layers.exists() else None)

        def after(epoch: int, row: dict[str, float]) -> None:
            sizes(epoch, row)
            if self.held.is_there():
                sizes.history.to_csv(layers)

        history = preparing.learn(
            self.task,
            model,
            self.prepared,
            self.options,
            checkpoint=self.path / directory.CHECKPOINT,
            resume=resume,
            progress=progress,
            on_epoch=after,
        )
        return model, history

    def _finish(self, model: nn.Module, history: History) -> tuple[Run, Scores]:
        """What the other verbs need; pictures may come after."""
        trained = Trained(self.options, self.prepared.preprocessing, model.eval())
        validation = self.prepared.splits.validation
        assert validation is not None
        fitted_after = self.task.calibrate(trained, validation)
        if fitted_after is not None:
            files.write_json(self.path / directory.CALIBRATION, fitted_after)
            trained = dataclasses.replace(trained, calibration=fitted_after)
        seal = weights.seal(self.task, self.options, self.prepared.preprocessing)
        files.write_tensors(self.path / directory.MODEL, model.state_dict(), seal)
        history.to_csv(self.path / directory.HISTORY)
        test = self.prepared.test
        splits = self.prepared.splits
        evaluation = preparing.evaluated(self.task, trained, test, lambda: splits)
        scores = scores_of(self.task, evaluation, test.notes)
        objective = self.task.objective(self.options, self.prepared.preprocessing)
        metrics: directory.Metrics = {
            "test": scores.values,
            "notes": list(scores.notes),
            "best_epoch": history.best_epoch(objective.monitor),
            "training_notes": history.notes,
            "higher_is_better": history.higher_is_better,
        }
        files.write_json(self.path / directory.METRICS, metrics)
        run = Run(self.path, self.task, trained, history, metrics, self.answering)
        return run, scores

    def _lost(self, what: str, saved: bool) -> FailedError:
        """The error for a run that is no longer where it was."""
        gone = f"The run {self.path} was moved or deleted while training"
        if saved:
            return FailedError(f"{gone}. In a new directory of that name {what}")
        return FailedError(f"{gone}, and another is there now: nothing more was saved.")


def _to_resume(
    out: PathLike | None, task: Task[Any, Any, Any, Any], held: contextlib.ExitStack
) -> tuple[Path, Held]:
    """The run to go on with, which nobody else goes on with in the meantime."""
    if out is None:
        raise InputError("resume needs out: the directory of the run to go on with.")
    path = files.path_of(out)
    config = directory.read_config(path)
    if config["task"] != task.name:
        raise InputError(must("out", f"a run of {task.name}", f"one of {config['task']}"))
    directory.check_links(path)
    alone = held.enter_context(files.alone_in(path))
    if (path / directory.PLOTS).is_dir():
        files.sweep(path / directory.PLOTS)
    return path, alone


def _settings_of(path: Path, given: Mapping[str, Any]) -> Options:
    """The options of the run that goes on, with those that may change."""
    config = directory.read_config(path)
    task = tasks.find(config["task"])
    kept = directory.read_options(path, config, task)
    asked: Options = task.options.of(task.name, {**kept.to_json(), **given}, task.answering)
    for name in given:
        before, now = getattr(kept, name), getattr(asked, name)
        moved = name == "data" and source.is_same(config, asked)
        if name not in CHANGEABLE and before != now and not moved:
            sentence = must(f"{name} of a run that goes on", f"the same, {before!r}", repr(now))
            raise InputError(f"{sentence} Leave it out, or train a new run.")
    return asked


def _same_recipe(path: Path, given: str) -> str:
    """The recipe of the run that goes on, whose values are among its options."""
    kept = directory.read_config(path).get("recipe", "")
    if given and given != kept:
        own = repr(kept) if kept else "none"
        sentence = must("recipe of a run that goes on", f"its own, {own}", repr(given))
        raise InputError(f"{sentence} Leave it out, or train a new run.")
    return kept


def _same_data(path: Path, settings: Options, prepared: Prepared[Any], table: Any) -> None:
    """Going on with other data would mix two trainings."""
    config = directory.read_config(path)
    if table is not None and source.is_same_table(config, table):
        return
    source.check_same(config, settings, path)
    if source.is_same(config, settings):  # perhaps under another name
        return
    if not (path / directory.PREPROCESSING).exists():
        return
    if files.read_json(path / directory.PREPROCESSING) != prepared.preprocessing.to_json():
        raise InputError(
            f"The data have changed since the run {path} began: another preprocessing fits them. "
            "Restore them, or train a new run."
        )
