"""Cases: sizes that make sense, and the operations counted from the equations."""

from __future__ import annotations

import re

import pytest

from recur import InputError
from recur.bench import Case


@pytest.mark.parametrize(("cell", "gates"), [("rnn", 1), ("gru", 3), ("lstm", 4)])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_operations_are_two_for_each_weight_row_and_step(cell, gates, bidirectional):
    case = Case(cell, 2, 7, 3, 5, bidirectional)
    assert case.flops == 2 * 2 * 7 * (gates * 5 * 3 + gates * 5 * 5) * case.directions


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"cell": "lsmt"}, "cell must be rnn, lstm or gru; got 'lsmt'. Did you mean 'lstm'?"),
        ({"batch": 0}, "batch must be at least 1; got 0."),
        ({"hidden": -3}, "hidden must be at least 1; got -3."),
    ],
)
def test_what_cannot_be_is_refused(wrong, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        Case(**wrong)


def test_as_words_and_as_json():
    case = Case("gru", 1, 2, 3, 4, True)
    assert str(case) == "gru 1, 2, 3, 4, both directions"
    assert Case(**case.to_json()) == case
