"""Cells as tokens, and what is no number."""

from __future__ import annotations

import numpy as np

from recur.data.cells import UNKNOWN, Cells, as_numbers


def test_tokens_of_numbers_and_symbols():
    sizes = Cells.of("size", np.array([0.0, 0, 0, 5, 10, 20, np.nan]), 4)
    found = sizes.tokens(np.array([-5.0, 0, 7, 1e9, np.nan]))
    assert found[0] == found[1] < found[2] < found[3]
    assert found[3] == len(sizes) - 1
    assert found[4] == UNKNOWN
    flags = Cells.of("flag", np.array(["SF", "S0", "SF"], dtype=object), 4)
    assert flags.tokens(np.array(["S0", "SF", "new"], dtype=object)).tolist() == [1, 2, UNKNOWN]
    rare = Cells.of("tries", np.array([0.0] * 99 + [3]), 4)
    assert rare.tokens(np.array([0.0, 3])).tolist() == [1, 2]
    many = Cells.of("size", np.arange(1000.0) ** 2, 16)
    assert len(many) <= 17
    assert (np.diff(many.tokens(np.arange(0.0, 1e6, 1e3))) >= 0).all()
    empty = Cells.of("none", np.array([np.nan, np.nan]), 4)
    assert empty.tokens(np.array([np.nan, 3.0]))[0] == UNKNOWN


def test_what_is_no_number_is_told_and_what_is_empty_is_missing():
    for cells in (["1", " 2 ", "", "x", "1_000", "inf", "NA"], [1, 2.0, None, "x", [3], 1e999, ""]):
        values, wrong = as_numbers(cells)
        assert values[:2].tolist() == [1, 2]
        assert np.isnan(values[2:]).all()
        assert wrong == [3, 4, 5]
    assert as_numbers(["1", "2.5"])[0].tolist() == [1, 2.5]
    assert as_numbers(["1", "1_0"])[1] == [1]
    assert len(as_numbers([])[0]) == 0


def test_symbols_are_read_as_they_were_fitted():
    codes = Cells.of("code", np.array(["1", "2a"], dtype=object), 4)
    found, wrong = codes.like([1.0, "2a", None])
    assert found.tolist() == ["1", "2a", ""]
    assert not wrong
