"""A training step beside other work: other programs, too many threads, too few processors.

The reference job's step by hand (job.py), recur's and torch.nn's, each in a process of its own that
is started before the others begin. The ideal is recur's time on the quiet machine, stretched by the
share that the scheduler gives: with T threads and N busy processes on P processors, (T + N) / P.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from peer import Tell
from table import milliseconds, table, times

SIDES = ("recur", "torch.nn")
CELL = "rnn"  # the shortest step: the most meetings of threads for its work
PROCESSORS = os.cpu_count() or 1
CGROUPS = Path("/sys/fs/cgroup")
BUSY = "while True: pass"


@dataclass(frozen=True)
class Setting:
    """Attributes: what else is there, and what the trainings may use."""

    name: str
    busy: int = 0
    threads: int = PROCESSORS
    trainings: int = 1
    affinity: int = 0  # processors that it may use; 0 for all
    quota: float = 0.0  # processors' worth of time that its control group has; 0 for all

    @property
    def stretch(self) -> float:
        """How many times as long as on the quiet machine a step takes that loses nothing."""
        here = self.affinity or PROCESSORS
        if self.quota:
            return max(1.0, PROCESSORS / self.quota)
        wanted = min(self.threads, here) * self.trainings + self.busy
        return max(1.0, wanted / here) * PROCESSORS / here


SETTINGS = (
    Setting("quiet"),
    *(Setting(f"{busy} busy processes", busy) for busy in (2, 8, 20)),
    Setting("two trainings at once", trainings=2),
    Setting(f"{4 * PROCESSORS} threads set", threads=4 * PROCESSORS),
    Setting("one processor by affinity", affinity=1),
    Setting("a control group of one processor's time", quota=1.0),
)


def measure(full: bool, tell: Tell) -> str:
    """Returns the table."""
    rows, seconds, quiet = [], 8.0 if full else 3.0, 0.0
    for setting in SETTINGS:
        found = {side: _mean(setting, side, seconds) for side in SIDES}
        ours, theirs = found["recur"], found["torch.nn"]
        if ours is None or theirs is None:
            tell(f"load, {setting.name}: left out, a control group cannot be made here")
            continue
        quiet = quiet or ours
        ideal = quiet * setting.stretch
        ratios = (times(ours / ideal), times(theirs / ours))
        rows.append([setting.name, *map(milliseconds, (ideal, ours, theirs)), *ratios])
        tell(f"load, {', '.join(rows[-1])}")
    columns = ["beside", "ideal, ms", "recur, ms", "torch.nn, ms", "recur over ideal"]
    head = (
        f"One step of the reference job ({CELL}), the mean over some seconds, on {PROCESSORS} "
        "processors."
    )
    return f"{head}\n\n{table([*columns, 'torch.nn over recur'], rows)}"


def _mean(setting: Setting, side: str, seconds: float) -> float | None:
    """Seconds of a step, the mean over all trainings; None where the setting cannot be made."""
    with contextlib.ExitStack() as stack:
        trainings = [
            stack.enter_context(_training(setting, side)) for _ in range(setting.trainings)
        ]
        if setting.quota and not stack.enter_context(_limited(trainings, setting.quota)):
            return None
        for _ in range(setting.busy):
            stack.enter_context(_ended(subprocess.Popen([sys.executable, "-c", BUSY])))
        for each in trainings:
            print(seconds, file=each.stdin, flush=True)
        found = [float(json.loads(_line(each))) for each in trainings]
    return sum(found) / len(found)


@contextlib.contextmanager
def _training(setting: Setting, side: str) -> Iterator[subprocess.Popen[str]]:
    """A process that is ready to train."""
    words = [sys.executable, __file__, side, str(setting.threads), str(setting.affinity)]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with _ended(process):
        _line(process)
        yield process


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


@contextlib.contextmanager
def _ended(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        process.kill()
        process.communicate()


@contextlib.contextmanager
def _limited(trainings: list[subprocess.Popen[str]], processors: float) -> Iterator[bool]:
    """Puts processes into a control group, of either version; whether it could be made."""
    first, period = (CGROUPS / "cpu").is_dir(), 100_000
    group = CGROUPS / ("cpu" if first else "") / f"recur-load-{os.getpid()}"
    name, word = ("cpu.cfs_quota_us", "") if first else ("cpu.max", f" {period}")
    try:
        group.mkdir()
        (group / name).write_text(f"{int(processors * period)}{word}")
        for each in trainings:
            (group / "cgroup.procs").write_text(str(each.pid))
    except OSError:
        with contextlib.suppress(OSError):
            group.rmdir()
        yield False
        return
    try:
        yield True
    finally:
        for each in trainings:
            each.kill()
            each.wait()
        group.rmdir()


def _train(side: str, threads: int, affinity: int) -> None:
    """The process: says that it is ready, hears for how long, says the mean of a step."""
    if affinity:
        os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:affinity]))
    import job
    import torch
    from reviews import BATCH, TorchModel, model_of, reviews

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    model = model_of(CELL) if side == "recur" else TorchModel(CELL, batch_first=True)
    step = job.step_by_hand(model, reviews(BATCH))
    for _ in range(job.CHECKED):
        step()
    print("ready", flush=True)
    seconds = float(sys.stdin.readline())
    begun, steps = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds or steps < 3:
        step()
        steps += 1
    print(json.dumps((time.perf_counter() - begun) / steps), flush=True)


if __name__ == "__main__":
    _train(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
