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
from ctypes import POINTER, c_int32, c_int64, c_void_p
from pathlib import Path

# Before the library: torch carries the OpenMP runtime, and sharing it means sharing its threads.
import torch

from recur.messages import one_of

SETTING = "RECUR_CPU"
# Widest first, as in CMakeLists.txt; torch's word for what the processor must have.
VARIANTS = {"avx512": ("AVX512",), "avx2": ("AVX2", "AVX512"), "baseline": ()}


class Scan(ctypes.Structure):
    """`recur_scan` of scan.h: the same fields in the same order."""

    _fields_ = (
        *[(name, c_int32) for name in ("cell", "dtype", "reverse", "threads")],
        *[(name, c_int64) for name in ("time", "batch", "inputs", "hidden")],
        *[(name, c_void_p) for name in ("lengths", "mask", "starts")],
        ("x", c_void_p),
        *[(name, c_int64) for name in ("x_time", "x_batch")],
        *[(name, c_void_p) for name in ("h0", "c0", "w_ih", "w_hh", "b_ih", "b_hh")],
        ("y", c_void_p),
        *[(name, c_int64) for name in ("y_time", "y_batch")],
        *[(name, c_void_p) for name in ("hn", "cn", "saved")],
        ("dy", c_void_p),
        *[(name, c_int64) for name in ("dy_time", "dy_batch")],
        *[(name, c_void_p) for name in ("dhn", "dcn")],
        ("dx", c_void_p),
        *[(name, c_int64) for name in ("dx_time", "dx_batch")],
        *[(name, c_void_p) for name in ("dh0", "dc0", "dw_ih", "dw_hh", "db_ih", "db_hh")],
    )


class Library:
    """One variant of the compiled engine."""

    def __init__(self, variant: str, file: Path) -> None:
        self.variant = variant
        self._library = ctypes.CDLL(str(file))
        self._library.recur_scan_saved.argtypes = [c_int32, c_int32, c_int64, c_int64]
        self._library.recur_scan_saved.restype = c_int64
        for entry in (self._library.recur_scan_forward, self._library.recur_scan_backward):
            entry.argtypes = [POINTER(Scan)]
        self._library.recur_activation.argtypes = [c_int32, c_int32, c_void_p, c_void_p, c_int64]

    def saved(self, cell: int, dtype: int, hidden: int, steps: int) -> int:
        """The numbers that forward must keep for backward."""
        return int(self._library.recur_scan_saved(cell, dtype, hidden, steps))

    def forward(self, problem: Scan) -> None:
        """Walks forward.

        Raises:
            MemoryError: if scratch memory cannot be had.
        """
        self._check(self._library.recur_scan_forward(problem))

    def backward(self, problem: Scan) -> None:
        """Walks back; raises as `forward`."""
        self._check(self._library.recur_scan_backward(problem))

    def activation(self, which: str, x: torch.Tensor) -> torch.Tensor:
        """The engine's "sigmoid" or "tanh" of a dense float tensor, to measure its error."""
        y = torch.empty_like(x)
        self._check(
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
    def _check(status: int) -> None:
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


@functools.cache
def library() -> Library | None:
    """The variant in use, or None where there is none or RECUR_CPU is "none"."""
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
            stacklevel=2,
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
