"""The list of programs that we did not write; none is run, for none is installed here."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def programs(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("strangers").all_programs()


def test_twenty_packages_each_pinned_in_its_environment(programs):
    assert len({each.package for each in programs}) == len(programs) >= 20
    for each in programs:
        pinned = (BENCHMARKS / "strangers" / f"{each.environment}.txt").read_text()
        assert re.search(rf"^{each.package}==", pinned, re.MULTILINE), each.package
        assert each.work.format(each.steps) != each.work
        assert 0 < each.few <= each.steps


def test_names_are_found_one_by_one(programs):
    names = [each.name for each in programs]
    assert all(sum(name in other for other in names) == 1 for name in names)
