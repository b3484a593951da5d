"""Fair timing on a noisy machine: candidates take turns in one run; medians and ratios count."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping

Runner = Callable[[int], list[float]]
"""Makes so many calls and returns the seconds of each."""

TURN = 0.02  # seconds that one candidate runs before the next one does
PAUSE = 0.01  # seconds between turns: threads that still spin, waiting for more work, go to sleep


def timed(call: Callable[[], object]) -> Runner:
    """Returns the runner of a call in this process."""

    def run(calls: int) -> list[float]:
        seconds = []
        for _ in range(calls):
            start = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - start)
        return seconds

    return run


def in_turns(
    candidates: Mapping[str, Runner],
    *,
    seconds: float = 1.0,
    rounds: int = 5,
    turn: float = TURN,
    pause: float = PAUSE,
) -> dict[str, float]:
    """Returns the median time of a call of each candidate, in seconds.

    Args:
        candidates: what is timed, by name.
        seconds: rounds go on until the slowest candidate has been timed for so long.
        rounds: and for at least so many rounds; one more goes before them to warm up.
        turn: seconds of a turn. A turn's first call, which finds the caches full of another's
            data, counts only where it fills the turn alone.
        pause: seconds before each turn.
    """
    spent: dict[str, list[float]] = {name: [] for name in candidates}
    for run in candidates.values():
        run(1)
    done = 0
    while done < rounds or max(map(sum, spent.values()), default=seconds) < seconds:
        for name, run in candidates.items():
            time.sleep(pause)
            spent[name] += _turn(run, turn)
        done += 1
    return {name: statistics.median(times) for name, times in spent.items()}


def _turn(run: Runner, seconds: float) -> list[float]:
    [first] = run(1)
    return [first] if first >= seconds else run(math.ceil(seconds / max(first, 1e-6)))
