"""Whether anybody can see a window, and what is done with figures where nobody can."""

from __future__ import annotations

import os
import sys

BACKEND = "module://recur.scripts.figures"


def save_without_display() -> None:
    """Makes this the backend of a matplotlib just imported, where nobody has chosen another."""
    import matplotlib

    chosen = isinstance(dict.__getitem__(matplotlib.rcParams, "backend"), str)
    if not chosen and not _has_display():
        matplotlib.use(BACKEND)


def _has_display() -> bool:
    named = any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))
    return named or sys.platform in ("darwin", "win32")
