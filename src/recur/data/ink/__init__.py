"""Handwriting as the pen's path: strokes, their size and slant, the numbers that networks read.

Legend: S strokes, P points of all of them, T points at equal distances (steps of the features).
"""

from recur.data.ink.changes import Changes
from recur.data.ink.features import NAMES, Path
from recur.data.ink.inkml import parse_inkml
from recur.data.ink.size import normalised, size
from recur.data.ink.strokes import Ink

__all__ = ["NAMES", "Changes", "Ink", "Path", "normalised", "parse_inkml", "size"]
