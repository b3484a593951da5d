"""One training, as a ladder of short steps: all epochs, an epoch, a batch."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from recur.data.sequences import Batch
from recur.engine.cpu.threads import one_if_crowded
from recur.messages import FailedError, InputError, must
from recur.training import checkpoint as store
from recur.training import guard, randomness
from recur.training.accumulation import Accumulation
from recur.training.aims import Aim
from recur.training.averaging import Average
from recur.training.call import Call, Caller, aligned, caller, takes_lengths, with_targets_on
from recur.training.callbacks import Callbacks, Training
from recur.training.checkpoint import Live, Position
from recur.training.feed import Feed
from recur.training.folder import open_folder
from recur.training.gradients import Gradients, Norms, explosion
from recur.training.history import History
from recur.training.interrupt import Interrupt, TrainingInterrupted
from recur.training.measure import UNREAD, evaluating, measured
from recur.training.plan import Plan
from recur.training.progress import Progress
from recur.training.schedulers import Schedule
from recur.training.totals import Tally, Totals, Values
from recur.training.weights import Counts

SAVE_EVERY = 300.0  # seconds between checkpoints within a long epoch


class Unread(NamedTuple):
    """A batch whose numbers may still be on the device."""

    number: int
    batch: Batch | None
    values: list[Values]
    counts: list[Counts]
    norm: Tensor | float | None
    again: Call


class Trainer:
    """One call of `fit`."""

    def __init__(
        self,
        model: nn.Module,
        feeds: tuple[Feed, Feed | None],
        aims: tuple[list[Aim], list[Aim]],
        optimizer: Optimizer,
        schedule: Schedule,
        callbacks: Callbacks,
        plan: Plan,
    ) -> None:
        self.model, self.optimizer, self.plan = model, optimizer, plan
        self.train, self.validation = feeds
        self.schedule, self.callbacks = schedule, callbacks
        self.facts = Training(model, optimizer, plan.epochs, len(self.train))
        self.aims = aims[0]
        self.call = self._caller()
        self.device = self.call.device
        self.fused = all(group.get("fused") for group in optimizer.param_groups)
        self.gradients = Gradients(model.parameters(), plan.clip_norm)
        self.totals = Totals(aims[0], self.train.targets, aligned=aligned(model))
        if self.validation is not None:
            self.validated = Totals(aims[1], self.validation.targets, aligned=aligned(model))
        self.average = Average(model, plan.ema)
        self.group = Accumulation(self.gradients.parameters, aims[0])
        parts = schedule, self.device, self.average, self.group
        self.live = Live(model, optimizer, *parts)
        self.unread: list[Unread] = []
        self.settings = self._settings()

    def run(self, seed: int | None, resume: bool, show: bool | None) -> History:
        """Trains from the beginning, or from where the checkpoint stands."""
        # Drawn out here, so that a second training without a seed draws another one.
        drawn = randomness.seed_or_drawn(seed)
        with (
            randomness.kept_apart(self.device),
            open_folder(self.plan.folder) as self.folder,
            Progress(self.plan.epochs, len(self.train), show) as self.progress,
            Interrupt() as self.interrupt,
        ):
            self._begin(drawn, resume, given=seed is not None)
            try:
                self._tell("on_train_begin")
                while not self._is_over():
                    self._run_epoch()
            finally:
                self.schedule.close()
                self._tell("on_train_end")
        self.average.take()
        if self.plan.restore_best and self.live.best:
            self.model.load_state_dict(self.live.best)
        return self._history()

    def _caller(self) -> Caller:
        """Calls the model, with a state of its own where states are carried."""
        names = [aim.name for aim in self.aims if aim.name]
        carries, scored = self.plan.truncate is not None, any(aim.scored for aim in self.aims)
        return caller(self.model, carries=carries, names=names, scored=scored)

    # Beginning and end

    def _begin(self, seed: int, resume: bool, *, given: bool) -> None:
        self.position, self.resumed = Position(seed, learning_rate=self.plan.learning_rate), False
        self.saved = time.perf_counter()
        folder = self.plan.folder
        if folder is not None and store.exists(folder):
            if not resume:
                raise InputError(
                    f"{folder} holds the state of an earlier training. Give resume=True to go on "
                    "with it, or another checkpoint folder."
                )
            self._resume(folder, {"seed": seed} if given else {})
        if self.train.ragged and not takes_lengths(self.model):
            self._note(
                "The model's forward takes no `lengths`: padding is read as if it were data."
            )

    def _resume(self, folder: Path, given: dict[str, int]) -> None:
        rate = self.plan.learning_rate
        self.position = store.restore(folder, self.live, self.settings | given, rate)
        self.position.learning_rate = self.position.learning_rate if rate is None else rate
        self.resumed = True
        self.facts.epoch, self.facts.batch = self.position.epoch + 1, self.position.batch
        self.facts.row = dict(self.position.rows[-1]) if self.position.rows else {}
        self.totals.tallies = self._tallies(folder)
        self.call.go_on_with(self.live.carried)

    def _tallies(self, folder: Path) -> list[Tally]:
        """Those of the epoch under way, out of a state."""
        kept, now = self.position.known_tallies(), self.totals.tallies
        found, expected = ([len(tally.sums) for tally in each] for each in (kept, now))
        if kept and found != expected:
            raise InputError(must(f"the sums in {folder}", f"{expected} of them", found))
        return kept or now

    def _settings(self) -> dict[str, Any]:
        aims = self.totals.aims
        losses = {aim.name: aim.loss.name for aim in aims}
        metrics = {aim.name: [metric.name for metric in aim.metrics] for aim in aims}
        weights = {a.name: a.class_weights.to_json() for a in aims if a.class_weights is not None}
        return {
            **self.train.settings(),
            "truncate": self.plan.truncate,
            "shuffle": self.plan.shuffle,
            "loss": losses.get("", losses),
            "metrics": metrics.get("", metrics),
            "class_weight": weights.get("", weights or None),
            "optimizer": type(self.optimizer).__name__,
            # As states of before have none of these, they are None where they are left out.
            "accumulate": self.plan.accumulate if self.plan.accumulate > 1 else None,
            "ema": self.plan.ema,
            "label_smoothing": self.plan.label_smoothing or None,
            "autocast": self.plan.autocast,
        }

    def _is_over(self) -> bool:
        position, patience = self.position, self.plan.patience
        if position.epoch >= self.plan.epochs:
            return True
        if patience is None or position.best_epoch is None:
            return False
        waited = position.epoch - 1 - position.best_epoch
        if waited < patience or position.batch:
            return False
        self._note(
            f"Stopped early: {self.plan.monitor} has not improved for {waited} epochs; the best "
            f"was {position.best:.4f} in epoch {position.best_epoch + 1}."
        )
        return True

    # An epoch

    def _run_epoch(self) -> None:
        position = self.position
        self.started = time.perf_counter() - position.seconds
        self.progress.begin(position.epoch + 1, position.batch)
        self.facts.epoch, self.facts.batch = position.epoch + 1, position.batch
        self._tell("on_epoch_begin")
        self.model.train()
        for batch in self._batches():
            self.facts.batch = position.batch + 1
            self._tell("on_batch_begin")
            self._train_batch(batch)
            self._after_batch()
        self._step_with_the_rest()
        self._read()
        if not position.batch:
            raise InputError("There is nothing to train on: the data hold no batch.")
        if not self.totals.examples:
            raise InputError("There is nothing to train on: the data hold no target that counts.")
        self._end_epoch()

    def _batches(self) -> Iterator[Batch]:
        """The batches of the epoch under way that are still to do."""
        position = self.position
        seed = randomness.epoch_seed(position.seed, position.epoch)
        # A DataLoader draws its order here; in the middle of an epoch the state goes on after it.
        at_rest = randomness.states(self.device) if self.resumed and position.batch else None
        randomness.set_seed(seed)
        batches = self.train.batches(seed if self.plan.shuffle else None, position.batch)
        if at_rest is not None:
            randomness.restore(at_rest, self.device)
        self.resumed = False
        return batches

    def _end_epoch(self) -> None:
        position = self.position
        row = {**self.totals.means(), **self._validate()}
        row["gradient_norm"], row["gradient_norm_max"] = position.norms.mean, position.norms.largest
        row["learning_rate"] = float(self.optimizer.param_groups[0]["lr"])
        row["seconds"] = time.perf_counter() - self.started
        position.rows.append(row)
        self._keep_if_best(row)
        self._report_explosion()
        position.epoch, position.batch = position.epoch + 1, 0
        position.norms, position.seconds = Norms(), 0.0
        self.totals.clear()
        self.progress.end(position.epoch, row)
        self.schedule.after_epoch(row[self.plan.monitor])
        # Before the state is saved, since they may change the step size or the weights.
        self.facts.row = dict(row)
        self._tell("on_epoch_end", saves=True)
        self._save()
        self._stop_if_asked()

    def _validate(self) -> dict[str, float]:
        if self.validation is None:
            return {}
        self.progress.validating()
        self.validated.clear()
        with self.average.inside():
            after = self._stop_if_asked
            found = measured(self._caller(), self.validation, self.validated, after=after)
            if not math.isfinite(found["loss"]):
                self._fail_in_validation(self.validation, found["loss"])
        return {f"val_{name}": value for name, value in found.items()}

    def _keep_if_best(self, row: dict[str, float]) -> None:
        value, best = row[self.plan.monitor], self.position.best
        if not math.isfinite(value):
            return
        if best is None or (value > best if self.plan.up else value < best):
            self.position.best, self.position.best_epoch = value, self.position.epoch
            if self.plan.restore_best:
                with self.average.inside():
                    state = store.weights_of(self.model)
                    self.live.best = {name: value.detach().clone() for name, value in state.items()}

    def _report_explosion(self) -> None:
        """In words: the first time, and when it got ten times worse."""
        norms = self.position.norms
        sentence = explosion(norms, self.position.epoch + 1, self.plan.clip_norm)
        if sentence and norms.largest >= 10 * self.position.exploded:
            self.position.exploded = norms.largest
            self._note(sentence)

    # A batch

    def _train_batch(self, batch: Batch) -> None:
        batch = with_targets_on(batch, self.device)
        self.gradients.clear()
        with self._autocast():
            found = self.totals.measure(batch, self.call(batch))
            found = found.with_added(self.call.added_loss())
        if not found.loss.requires_grad:
            raise InputError("The loss depends on no weight: something was detached on the way.")
        number, again = self.position.batch + 1, self.call.again()
        if self.plan.accumulate == 1:
            found.loss.backward()  # type: ignore[no-untyped-call]
        else:
            self.group.add(found)
        steps = number % self.plan.accumulate == 0
        norm = self._clipped() if steps else None
        self.unread.append(Unread(number, batch, found.values, found.counts, norm, again))
        # The CPU's numbers are here at once, and a bad one must not reach the weights.
        if self.gradients.on_cpu or len(self.unread) >= UNREAD:
            self._read()
        if steps:
            self._step()

    def _autocast(self) -> contextlib.AbstractContextManager[None]:
        """Products in the type that was asked for."""
        if self.plan.autocast is None:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=getattr(torch, self.plan.autocast))

    def _step_with_the_rest(self) -> None:
        """The last group of an epoch may have fewer batches."""
        if self.group.counts:
            number = self.position.batch
            self.unread.append(Unread(number, None, [], [], self._clipped(), self.call.again()))
            self._read()
            self._step()

    def _clipped(self) -> Tensor | float:
        """Makes the gradient of a step ready; returns its norm."""
        if self.group.counts:
            self.group.finish()
        return self.gradients.clip()

    def _step(self) -> None:
        position, every = self.position, self.plan.accumulate
        taken = position.epoch * math.ceil(len(self.train) / every) + position.batch // every
        self.schedule.before_step(taken, position.epoch)
        # Fused steps go number by number: the same bits on any number of threads.
        with one_if_crowded() if self.fused else contextlib.nullcontext():
            self.optimizer.step()
        self.schedule.after_step()
        self.average.after_step()

    def _read(self) -> None:
        """Looks at the numbers of the batches that were not looked at."""
        for seen in self.unread:
            values = [list(map(float, each)) for each in seen.values]
            norm = None if seen.norm is None else float(seen.norm)
            loss = sum(each[0] for each in values)
            if not math.isfinite(loss + (norm or 0.0)):
                self._fail(seen, loss, norm or 0.0)
            if values:
                self.totals.add(values, seen.counts)
            if norm is not None:
                self.position.norms.add(norm, seen.number)
        self.unread.clear()

    def _after_batch(self) -> None:
        self.position.batch += 1
        self.progress.batch(self.totals.means)
        self._tell("on_batch_end", saves=True)
        if self.interrupt.asked:
            self._stop_if_asked()
        elif self.plan.folder is not None and time.perf_counter() - self.saved > SAVE_EVERY:
            self._save()

    # Stopping

    def _stop_if_asked(self) -> None:
        if not self.interrupt.asked:
            return
        self._save()
        position = self.position
        epoch = position.epoch + 1 if position.batch else position.epoch
        done = position.batch or len(self.train)
        number = self.interrupt.asked
        raise TrainingInterrupted(epoch, done, self._history(), self.plan.folder, number)

    def _save(self) -> None:
        self._read()
        if self.folder is None:
            return
        position = self.position
        if position.batch:
            position.seconds = time.perf_counter() - self.started
        position.tallies = self.totals.tallies
        self.live.carried = self.call.state if position.batch else None
        settings = self.settings | {"seed": position.seed}
        with self.average.outside():
            self.folder.save(position, self.live, settings)
        self.saved = time.perf_counter()

    def _fail(self, seen: Unread, loss: float, norm: float) -> None:
        bad_loss = not math.isfinite(loss)
        what, value = ("loss", loss) if bad_loss else ("norm of the gradient", norm)
        self._raise(what, value, f"batch {seen.number}", seen.batch, seen.again)

    def _fail_in_validation(self, feed: Feed, value: float) -> None:
        with evaluating(self.model):
            call = self._caller()
            found = guard.bad_batch(call, feed, self.validated)
            number, batch = found or (0, None)
            where = f"batch {number} of validation" if found else "validation"
            self._raise("loss", value, where, batch, call.again())

    def _raise(self, what: str, value: float, where: str, batch: Batch | None, again: Call) -> None:
        found = ("", "")
        if batch is not None:
            found = guard.first_bad(self.model, batch, self.totals, again)
        if self.plan.restore_best and self.live.best:
            with self.average.outside():
                self.model.load_state_dict(self.live.best)
        raise FailedError(
            guard.message(
                what,
                value,
                f"epoch {self.position.epoch + 1}, {where}",
                found,
                rate=float(self.optimizer.param_groups[0]["lr"]),
                clips=self.plan.clip_norm is not None,
            )
        )

    # Telling

    def _tell(self, moment: str, *, saves: bool = False) -> None:
        """Calls the callbacks; with `saves`, a fault of theirs does not cost what was learnt."""
        try:
            self.callbacks.tell(moment, self.facts)
        except Exception:
            if saves:
                self._save()
            raise

    def _note(self, sentence: str) -> None:
        if sentence not in self.position.notes:
            self.position.notes.append(sentence)
            self.progress.say(sentence)

    def _history(self) -> History:
        history = History()
        history.rows, history.notes = list(self.position.rows), list(self.position.notes)
        known = self.totals.columns
        known |= {f"val_{name}": up for name, up in known.items()}
        columns = (name for name in history.columns if name in known)
        history.higher_is_better = {name: known[name] for name in columns}
        return history
