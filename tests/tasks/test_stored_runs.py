"""Runs of every format that there was: they open, score and answer as on the day they were made."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from recur import files, run
from recur.run.directory import FORMAT

STORED = Path(__file__).parent.parent / "stored"
RUNS = sorted(path.parent for path in STORED.glob("format-*/*/expected.json"))


def near(value):
    """The same up to what another processor makes of it."""
    if isinstance(value, float):
        return pytest.approx(value, rel=1e-4, abs=1e-6)
    if isinstance(value, dict):
        return {name: near(part) for name, part in value.items()}
    return [near(part) for part in value] if isinstance(value, list) else value


def test_every_format_has_its_runs():
    formats = {int(path.parent.name.removeprefix("format-")) for path in RUNS}
    assert formats == set(range(1, FORMAT + 1)), "make them: python -m tests.stored.make"


@pytest.mark.parametrize("stored", RUNS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_stored_run_opens_for_ever(stored, tmp_path, monkeypatch):
    shutil.copytree(stored, tmp_path / "kept")
    monkeypatch.chdir(tmp_path)
    expected = files.read_json("kept/expected.json")
    opened = run.load("kept/run")
    assert opened.scores.values == expected["test"]
    assert opened.evaluate().values == near(expected["test"])
    answers = opened.predict(expected["inputs"], **expected.get("how", {}))
    assert [answer.to_json() for answer in answers] == near(expected["answers"])
