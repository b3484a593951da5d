"""What a program is, and what one run of it tells."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

# What the programs built on PyTorch Lightning are asked not to do beside training.
QUIET: dict[str, Any] = {
    "accelerator": "cpu",
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "enable_checkpointing": False,
    "logger": False,
}


@dataclass(frozen=True)
class Ran:
    """One run of a program."""

    seconds: float  # of the program's own call
    says: Any  # what the trained model says, an array of numbers


@dataclass(frozen=True)
class Program:
    """A program that we did not write.

    Attributes:
        package: its name on the package index, the row's first word.
        part: what of it is run, in its own words.
        work: sizes, in a few words, with a {} where the number of steps stands.
        run: runs it once from a fixed seed, for so many of its own steps, epochs or the like.
        steps: for a run that is timed, some seconds.
        few: for a run that is only compared.
        environment: its folder below .peers; its requirements are in this folder.
    """

    package: str
    part: str
    work: str
    run: Callable[[int], Ran]
    steps: int
    environment: str = "programs"
    few: int = 1

    @property
    def name(self) -> str:
        """As `--only` finds it."""
        return f"{self.package} {self.part}"


def timed(call: Callable[[], object], says: Callable[[], object]) -> Ran:
    """Runs `call` against the clock, then asks what came of it."""
    start = time.perf_counter()
    call()
    seconds = time.perf_counter() - start
    return Ran(seconds, np.asarray(says(), dtype=np.float64).reshape(-1))


def weights(*modules: nn.Module) -> Any:
    """Every parameter of `modules` in one array: what a training left, to the last bit."""
    return joined(weight for module in modules for weight in module.parameters())


def joined(tensors: Iterable[Tensor]) -> Any:
    """All numbers of `tensors` in one array."""
    return torch.cat([tensor.detach().flatten() for tensor in tensors]).numpy()
