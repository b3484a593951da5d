"""What the figures were measured on."""

from __future__ import annotations

import os
import platform

import torch

from recur.bench.turns import timed


def peak_flops(size: int = 1024, calls: int = 20) -> float:
    """The rate of a square float32 matrix product on all threads, in floating operations a second.

    The best of several calls: it stands for what the machine can do.
    """
    a, b = torch.randn(size, size), torch.randn(size, size)
    return 2 * size**3 / min(timed(lambda: torch.mm(a, b))(calls))


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
