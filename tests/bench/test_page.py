"""The page of benchmarks: tables are put in their places, and what was written by hand stays."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

FILE = Path(__file__).parents[2] / "benchmarks" / "table.py"


@pytest.fixture(scope="module")
def page():
    spec = importlib.util.spec_from_file_location("benchmarks_table", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_tables_take_their_places_and_words_stay(page, tmp_path):
    path = tmp_path / "benchmarks.md"
    page.put("Layers", "python benchmarks layers", "first", path)
    page.put("Memory", "python benchmarks memory", "bytes", path)
    by_hand = path.read_text().replace("## Memory\n", "Why it is so.\n\n## Memory\n\nAnd this.\n")
    path.write_text(by_hand)
    page.put("Layers", "python benchmarks layers --full", "second\n\nline", path)
    text = path.read_text()
    assert text.startswith(
        "# Benchmarks\n\n## Layers\n\n<!-- made by: python benchmarks layers --f"
    )
    assert "first" not in text
    assert (
        "second\n\nline\n<!-- end of Layers -->\n\nWhy it is so.\n\n## Memory\n\nAnd this." in text
    )
    assert text.count("## Layers") == text.count("bytes") == 1
    page.put("Layers", "python benchmarks layers --full", "second\n\nline", path)
    assert path.read_text() == text


def test_a_table(page):
    assert page.table(["a", "b"], [["x", "1"]]) == "| a | b |\n| --- | ---: |\n| x | 1 |"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1.5, "1500"),
        (0.0123456, "12.3"),
        (0.00123456, "1.23"),
        (0.0000123, "0.0123"),
        (0, "0.00000"),
    ],
)
def test_three_digits_count(page, seconds, words):
    assert page.milliseconds(seconds) == words


@pytest.mark.parametrize(("ratio", "words"), [(0.456, "0.46x"), (45.67, "45.7x"), (456.7, "457x")])
def test_ratios(page, ratio, words):
    assert page.times(ratio) == words


def test_the_mean_of_ratios(page):
    assert page.geometric_mean([0.5, 2.0, 8.0]) == pytest.approx(2.0)
