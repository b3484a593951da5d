"""Running somebody's program as Python would, with recur in it.

The program is told apart from recur's commands (`words`), found and executed (`program`). What it
imports is not imported before it: recur's layers are put in when the program has imported torch or
Keras (`imported`), in the processes that it starts too (`children`). How it went is said at the end
(`running`), and pictures that no display can show are saved (`figures`).
"""

from __future__ import annotations

from recur.scripts.running import Door, main
from recur.scripts.words import asked_for

__all__ = ["Door", "asked_for", "main"]
