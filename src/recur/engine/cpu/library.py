"""Finds the shared object that fits this processor, and loads it.

The same source is built several times; the widest variant that the processor runs is loaded, or the
one that the environment variable RECUR_CPU names ("avx512", "avx2", "baseline"; "none" for the
reference path). Nothing is compiled on the user's machine.
"""

from __future__ import annotations

import ctypes
import functools
import os
import warnings
from collections.abc import Iterable
from ctypes import c_char_p, c_int32, c_int64, c_void_p
from pathlib import Path

# Before the library: torch carries the OpenMP runtime, and sharing it means sharing its threads.
import torch

from recur.messages import one_of

SETTING = "RECUR_CPU"
# Widest first, as in CMakeLists.txt; torch's word for what the processor must have.
VARIANTS = {"avx512": ("AVX512",), "avx2": ("AVX2", "AVX512"), "baseline": ()}


class Library:
    """One variant of the compiled engine."""

    def __init__(self, variant: str, file: Path) -> None:
        self.variant = variant
        self._library = ctypes.CDLL(str(file))
        self._library.recur_scan_saved.argtypes = [c_int32, c_int32, *[c_int64] * 3]
        self._library.recur_scan_saved.restype = c_int64
        for entry in (self._library.recur_scan_forward, self._library.recur_scan_backward):
            entry.argtypes = [c_char_p, c_int64]
        self.scan_forward = self._library.recur_scan_forward
        self._library.recur_variant_saved.argtypes = [c_int32, c_int32, c_int64, c_int64, c_int32]
        self._library.recur_variant_saved.restype = c_int64
        self._library.recur_variant_inside.argtypes = [c_int32]
        self._library.recur_variant_inside.restype = c_int64
        for entry in (self._library.recur_variant_forward, self._library.recur_variant_backward):
            entry.argtypes = [c_char_p, c_char_p, c_int64]
        self._library.recur_activation.argtypes = [c_int32, c_int32, c_void_p, c_void_p, c_int64]
        self._library.recur_set_crowded.argtypes = [c_int32]
        self._library.recur_keep_freed_memory()

    def saved(self, cell: int, dtype: int, hidden: int, projection: int, every: int) -> int:
        """The numbers kept for backward: for each step, or with `every` for each checkpoint."""
        return int(self._library.recur_scan_saved(cell, dtype, hidden, projection, every))

    def forward(self, walks: bytes, count: int) -> None:
        """Walks `count` directions forward; `walks` are their `recur_scan` structures.

        Raises:
            MemoryError: if scratch memory cannot be had.
        """
        self.check(self._library.recur_scan_forward(walks, count))

    def backward(self, walks: bytes, count: int) -> None:
        """Walks back; as `forward`."""
        self.check(self._library.recur_scan_backward(walks, count))

    def variant_saved(self, cell: int, dtype: int, inputs: int, hidden: int, normed: bool) -> int:
        """The numbers that the general walk keeps of each step for backward."""
        return int(self._library.recur_variant_saved(cell, dtype, inputs, hidden, normed))

    def variant_inside(self, cell: int) -> int:
        """The numbers that a record of the general walk has of each unit."""
        return int(self._library.recur_variant_inside(cell))

    def variant_forward(self, walks: bytes, extras: bytes, count: int) -> None:
        """As `forward`, with a `recur_extras` for each direction."""
        self.check(self._library.recur_variant_forward(walks, extras, count))

    def variant_backward(self, walks: bytes, extras: bytes, count: int) -> None:
        """As `backward`, with a `recur_extras` for each direction."""
        self.check(self._library.recur_variant_backward(walks, extras, count))

    def crowded(self) -> bool:
        """Whether walks have noticed that other programs want the processors."""
        return bool(self._library.recur_crowded())

    def set_crowded(self, crowded: bool | None) -> None:
        """For tests: so it is from now on; None: as walks notice."""
        self._library.recur_set_crowded(-1 if crowded is None else int(crowded))

    def activation(self, which: str, x: torch.Tensor) -> torch.Tensor:
        """The engine's "sigmoid" or "tanh" of a dense float tensor, to measure its error."""
        y = torch.empty_like(x)
        self.check(
            self._library.recur_activation(
                ("sigmoid", "tanh").index(which),
                (torch.float32, torch.float64).index(x.dtype),
                x.data_ptr(),
                y.data_ptr(),
                x.numel(),
            )
        )
        return y

    @staticmethod
    def check(status: int) -> None:
        """Raises what a status that is not 0 stands for."""
        if status == 1:
            raise MemoryError("The engine could not get scratch memory. Use a smaller batch.")
        assert status == 0, f"the compiled engine knows no such cell or type (status {status})"


def runnable() -> list[str]:
    """The variants that are built and that this processor runs, widest first."""
    has = torch.backends.cpu.get_cpu_capability()
    return [
        variant
        for variant, needs in VARIANTS.items()
        if (not needs or has in needs) and _file(variant) is not None
    ]


@functools.cache
def load(variant: str) -> Library:
    """Loads a variant, once; it must be one of `runnable()`."""
    file = _file(variant)
    assert file is not None
    return Library(variant, file)


def library() -> Library | None:
    """The variant in use, or None where there is none or RECUR_CPU is "none"."""
    # A plain variable: torch.compile reads it, where it would trace into what a cache decorates.
    global _chosen
    if _chosen is _UNDECIDED:
        _chosen = _choose()
    return _chosen  # type: ignore[return-value]


def crowded() -> bool:
    """Whether the variant in use, if one is in use yet, has noticed other programs."""
    return isinstance(_chosen, Library) and _chosen.crowded()


def decide_again() -> None:
    """Forgets the choice: the next call reads the environment again."""
    global _chosen
    _chosen = _UNDECIDED


_UNDECIDED = object()
_chosen: object = _UNDECIDED


def _choose() -> Library | None:
    variants = runnable()
    wanted = os.environ.get(SETTING, "")
    if wanted:
        one_of(f"The environment variable {SETTING}", wanted, [*variants, "none"])
        return None if wanted == "none" else load(wanted)
    if not variants:
        warnings.warn(
            "recur's compiled engine is not part of this installation (no C++ compiler was found "
            "when it was built): recurrent layers run on the reference path, which is slower. "
            "Install a compiler and reinstall recur.",
            stacklevel=3,
        )
        return None
    return load(variants[0])


def _file(variant: str) -> Path | None:
    name = f"recur_cpu_{variant}.so"
    return next((file for file in (p / name for p in _folders()) if file.is_file()), None)


def _folders() -> Iterable[Path]:
    # An editable installation keeps what is compiled apart from the source.
    import recur.engine.cpu

    return map(Path, recur.engine.cpu.__path__)
