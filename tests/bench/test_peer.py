"""Peers: workers in processes of their own, by a toy that needs no framework."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from recur import FailedError

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
TOY = f"""
import sys
sys.path.insert(0, {str(BENCHMARKS / "peers")!r})
from worker import Work, serve

def make(settings, arrays):
    if settings.get("die"):
        raise SystemExit("so it goes")
    scaled = arrays["x"] * settings["by"]
    return Work(lambda: {{"scaled": scaled}}, {{"chat": lambda: print("chatter")}})

serve({{"layer": make}}, "toy 1.0")
"""


@pytest.fixture
def peers(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import peer

    yield peer
    sys.modules.pop("peer")


@pytest.fixture
def toy(peers, tmp_path):
    (tmp_path / "toy.py").write_text(TOY)
    kind = peers.Kind("a toy", "toy", str(tmp_path / "toy.py"), {})
    with peers.Peer(kind, Path(sys.executable)) as started:
        yield started


def test_a_work_is_made_checked_and_run(toy):
    assert toy.versions == "toy 1.0"
    made = toy.make("layer", {"by": 2}, {"x": np.arange(3.0)})
    np.testing.assert_array_equal(made["scaled"], [0.0, 2.0, 4.0])
    seconds = made["runners"]["chat"](5)  # what a library prints does not disturb the answers
    assert len(seconds) == 5
    assert all(value >= 0 for value in seconds)


def test_an_error_has_the_name_of_the_peer_which_goes_on(toy):
    with pytest.raises(FailedError, match=r"^a toy: KeyError: 'by'$"):
        toy.make("layer", {}, {"x": np.arange(3.0)})
    assert "scaled" in toy.make("layer", {"by": 1}, {"x": np.arange(3.0)})


def test_a_peer_that_ended_says_its_last_words(toy):
    for _ in range(2):
        with pytest.raises(FailedError, match=r"^a toy ended: so it goes$"):
            toy.make("layer", {"die": True}, {"x": np.arange(3.0)})


def test_a_peer_that_is_not_installed_is_said(peers, monkeypatch, tmp_path):
    monkeypatch.setattr(peers, "ROOT", tmp_path)
    said = []
    with peers.running(said.append) as started:
        assert started == []
    assert said == [
        f"{kind.name}: not installed, left out (`make bench-peers` installs it)"
        for kind in peers.KINDS
    ]


def test_every_kind_has_its_worker_and_its_requirements(peers):
    for kind in peers.KINDS:
        assert (BENCHMARKS / "peers" / kind.worker).is_file()
        assert (BENCHMARKS / "peers" / f"{kind.environment}.txt").is_file()
