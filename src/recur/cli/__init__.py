"""The command line: thin commands over `recur.train`, `recur.load` and the other public names."""

from __future__ import annotations

from recur.cli.main import main

__all__ = ["main"]
