"""Markdown tables, and the page that they are written into."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from recur import files
from recur.bench import machine

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
START = "# Benchmarks\n"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], words: int = 1) -> str:
    """Returns a table whose first `words` columns are words, and whose others are numbers."""
    ruler = ["---"] * words + ["---:"] * (len(columns) - words)
    return "\n".join(f"| {' | '.join(row)} |" for row in [columns, ruler, *rows])


def milliseconds(seconds: float) -> str:
    """With three digits that count."""
    value = 1e3 * seconds
    return f"{value:.{max(0, 2 - math.floor(math.log10(max(value, 1e-3))))}f}"


def times(ratio: float) -> str:
    """A ratio: how many times as fast recur is."""
    return f"{ratio:.2f}x" if ratio < 10 else f"{ratio:.1f}x" if ratio < 100 else f"{ratio:.0f}x"


def geometric_mean(values: Sequence[float]) -> float:
    """The mean of ratios."""
    return math.exp(sum(map(math.log, values)) / len(values))


def put(name: str, command: str, section: str, page: Path = PAGE) -> None:
    """Writes what a benchmark found into its place on the page; new places come at the end.

    What stands between the places is written by hand and stays.
    """
    begin, end = f"<!-- made by: {command} -->", f"<!-- end of {name} -->"
    place = f"{begin}\n{machine()}; `{command}`\n\n{section.strip()}\n{end}"
    text = files.read_text(page) if page.exists() else START
    known = re.compile(rf"<!-- made by: [^\n]* -->\n(?:(?!<!-- ).*\n)*{re.escape(end)}")
    if known.search(text):
        text = known.sub(lambda _: place, text)
    else:
        text = f"{text.rstrip()}\n\n## {name}\n\n{place}\n"
    files.write_text(page, text)
