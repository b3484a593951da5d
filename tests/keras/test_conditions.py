"""The page says what is left to Keras, and says all of it."""

from __future__ import annotations

from pathlib import Path

from recur.keras import taking

PAGE = Path(__file__).parents[2] / "docs" / "scripts.md"


def test_the_table_of_the_page_is_the_list_that_decides():
    text = PAGE.read_text(encoding="utf-8")
    table = text.split("| left to Keras |\n| --- |\n")[1].split("\n\n")[0]
    assert table.splitlines() == [f"| {each.about} |" for each in taking.CONDITIONS]
