"""A run that hears sound as it comes, and says what is said in it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from recur.data.audio import of_samples
from recur.messages import InputError, must, real
from recur.tasks.listener import Said
from recur.training.measure import evaluating

if TYPE_CHECKING:
    from recur.data.audio import Samples
    from recur.run.run import Run

PAUSE = 1.0
"""Seconds in which nothing is said, after which a phrase has ended."""
AT_ONCE = 1 << 16
"""Samples that are heard at once, at most."""


class Clock:
    """How long sound was, and how long it took to hear it.

    Attributes:
        sound: seconds of sound.
        work: seconds of work.
    """

    def __init__(self) -> None:
        self.sound = self.work = 0.0

    def __str__(self) -> str:
        factor = self.work / self.sound if self.sound else 0.0
        return (
            f"{self.sound:.1f} seconds of sound in {self.work:.1f} seconds of work: a real-time "
            f"factor of {factor:.3f}"
        )


def listen(
    run: Run,
    pieces: Iterable[Any],
    *,
    rate: int = 0,
    pause: float = PAUSE,
    clock: Clock | None = None,
) -> Iterator[Said]:
    """Hears sound as it comes; see `Run.listen`.

    Args:
        run: the run.
        pieces: samples (S,), one piece after another.
        rate: samples a second; 0: as the network hears them.
        pause: seconds in which nothing is said, after which a phrase has ended.
        clock: is told how long it was and took.

    Raises:
        InputError: if the run needs the whole of a recording, or pieces are no samples.
    """
    real("pause", pause, lambda seconds: seconds > 0, "seconds, above 0")
    listener = run.task.listener(run.trained, rate, pause)
    clock = clock or Clock()

    def heard(samples: Samples, *, last: bool = False) -> list[Said]:
        begun = time.perf_counter()
        with evaluating(run.model):
            found = listener.hear(samples, last=last)
        clock.work += time.perf_counter() - begun
        clock.sound += len(samples) / listener.rate
        return found

    def walked() -> Iterator[Said]:
        for piece in pieces:
            for begin in range(0, len(piece), AT_ONCE):
                yield from heard(_samples(piece[begin : begin + AT_ONCE], listener.rate))
        yield from heard(np.zeros(0, np.float32), last=True)

    return walked()  # so that what is wrong is said before the first piece


def _samples(piece: Any, rate: int) -> Samples:
    values = of_samples(piece, rate, "a piece of sound").load()[0]
    if values.ndim != 1 or not np.isfinite(values).all():
        got = "ones that are not finite" if values.ndim == 1 else f"the shape {values.shape}"
        raise InputError(must("a piece of sound", "finite samples (S,)", got))
    return values.astype(np.float32)
