"""Fair timing on a noisy machine: candidates take turns in one run; medians and ratios count."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping

import torch


def interleaved(
    candidates: Mapping[str, Callable[[], object]], *, seconds: float = 1.0, least: int = 5
) -> dict[str, float]:
    """Returns the median time of a call of each candidate, in seconds.

    Each is called twice to warm up, then all of them in turn until `seconds` are spent on the
    slowest, and at least `least` times.
    """
    spent: dict[str, list[float]] = {name: [] for name in candidates}
    for call in candidates.values():
        call()
        call()
    rounds = 0
    while rounds < least or max(sum(times) for times in spent.values()) < seconds:
        for name, call in candidates.items():
            start = time.perf_counter()
            call()
            spent[name].append(time.perf_counter() - start)
        rounds += 1
    return {name: statistics.median(times) for name, times in spent.items()}


def peak_flops(size: int = 1024) -> float:
    """The rate of a square float32 matrix product on all threads, in floating operations a second.

    The best of several: it stands for what the machine can do.
    """
    a, b = torch.randn(size, size), torch.randn(size, size)
    best = float("inf")
    for _ in range(20):
        start = time.perf_counter()
        torch.mm(a, b)
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best


def machine() -> str:
    """A line about the machine, for the head of a table."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as info:
            names = [line.split(":")[1].strip() for line in info if line.startswith("model name")]
        model = names[0] if names else model
    except OSError:
        pass
    capability = torch.backends.cpu.get_cpu_capability()
    return (
        f"{model}, {os.cpu_count()} cores, {capability}, {torch.get_num_threads()} threads, "
        f"torch {torch.__version__}, Python {platform.python_version()}"
    )
