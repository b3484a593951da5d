"""The curves of training stay where they were; `make golden` compares them to the last digit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from tests.golden.cases import CASES
from tests.golden.compare import differences, table
from tests.golden.curves import curve

from recur import run
from recur.engine.cpu import library

STORED = json.loads(Path(__file__).with_name("curves.json").read_text(encoding="utf-8"))
# Between processors sums are taken in other orders. Measured on an Intel Xeon with AVX-512 over the
# engine's avx512, avx2 and baseline, torch without AVX (ATEN_CPU_CAPABILITY=default) and MKL on any
# processor's instructions (MKL_CBWR=COMPATIBLE): at most 2.4e-7 of a number, and 1.0e-6 of the
# p-value 1.5e-8 ("chance"). The reference path agrees as well where nothing is dropped between
# layers; there it drops other units, since its outputs lie otherwise in memory.
TOLERANCE = 1e-4

pytestmark = [
    pytest.mark.skipif(not library.runnable(), reason="the compiled engine is not built"),
    pytest.mark.skipif(
        not torch.backends.mkl.is_available(), reason="torch without MKL drops other units"
    ),
]


@pytest.mark.parametrize("name", CASES)
def test_a_curve_is_the_one_that_is_stored(name, tmp_path, monkeypatch):
    monkeypatch.setattr(run.Run, "plot", lambda self: [])  # takes most of the time
    monkeypatch.setattr(run.Run, "draw_evaluation", lambda self, scores: [])
    found, stored = curve(CASES[name], tmp_path), STORED[name]
    assert list(found) == list(stored)
    for number, values in stored.items():
        assert found[number] == pytest.approx(values, rel=TOLERANCE, abs=0), number


def test_every_stored_curve_has_its_case():
    assert list(STORED) == list(CASES)


def test_what_differs_is_found():
    one = {"case": {"loss": [0.1, 0.2], "test loss": [float("nan")]}}
    assert list(differences(one, json.loads(json.dumps(one)))) == []
    moved = {"case": {"loss": [0.1, 0.2000000000000001], "test loss": [float("nan")]}}
    rows = list(differences(one, moved))
    assert rows == [("case", "loss", 2, 0.2, 0.2000000000000001)]
    assert table(rows, "abc1234").splitlines()[1].split() == [
        *("case", "loss", "2", "0.2", "0.2000000000000001", "4.2e-16")
    ]
    assert [row[1:] for row in differences(one, {})] == [
        ("loss", 1, 0.1, None),
        ("loss", 2, 0.2, None),
        ("test loss", 1, pytest.approx(float("nan"), nan_ok=True), None),
    ]
    failed = {"case": {"error": ["InputError: no"]}}
    assert len(list(differences(failed, failed))) == 1
