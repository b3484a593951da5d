"""Pictures of a run. They decide about nothing: what cannot be drawn or written is a note."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path


def attempted(
    draw: Callable[[], list[Path]], tell: Callable[[str], None] = warnings.warn
) -> list[Path]:
    """Draws, and returns where; if that fails, tells so in a line and returns nothing."""
    try:
        return draw()
    except Exception as error:  # whatever drawing runs into, the work before it is done
        why = " ".join(str(error).split())[:300] or type(error).__name__
        tell(f"No picture could be drawn: {why}")
        return []
