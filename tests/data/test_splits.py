"""Parts: nothing stands on both sides, every row is kept, and the same rows are held out again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recur.data.records.labelled import LabelledTexts, stratified
from recur.data.splits import (
    Parting,
    Records,
    Splits,
    TooFewError,
    at_the_end,
    by_group,
    by_label,
    by_time,
    hold_out,
    mixed,
)
from recur.messages import InputError


@dataclass(frozen=True)
class Numbers(Records):
    """Rows; the last digit is the label, the tens are the group, their negative is the time."""

    rows: list[int]
    noun: ClassVar[str] = "row"

    def __len__(self):
        return len(self.rows)

    def take(self, rows):
        return type(self)([self.rows[row] for row in rows])


def tens(records):
    return [row // 10 for row in records.rows]


def digits(records):
    return [row % 10 for row in records.rows]


def times(records):
    return -np.array(records.rows)


RULES = {
    "by label": by_label(digits),
    "by label, nothing twice": by_label(digits, same=lambda records: records.rows),
    "by group": by_group(tens),
    "by time": by_time(times),
    "by time, in order": by_time(lambda records: None),
    "at the end": at_the_end,
}
ROWS = st.lists(st.integers(0, 49), min_size=2, max_size=60).filter(
    lambda rows: len({row // 10 for row in rows}) > 1
)
every = pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())


def splits(number, **parts):
    return Splits(Numbers(list(range(number))), about="rows.csv", **parts)


@every
@given(rows=ROWS, share=st.floats(0.05, 0.95))
def test_every_row_is_kept_and_the_same_ones_are_held_out_again(rule, rows, share):
    kept, held = rule(Numbers(rows), share)
    assert sorted(kept.rows + held.rows) == sorted(rows)
    again = rule(Numbers(rows), share)
    assert (again[0].rows, again[1].rows) == (kept.rows, held.rows)


@every
def test_about_the_share_that_was_asked_for(rule):
    chance = np.random.default_rng(0)
    records = Numbers(chance.permutation(50).tolist() + chance.permutation(50).tolist())
    _, held = rule(records, 0.2)
    assert len(held) == 20


@given(rows=ROWS, share=st.floats(0.05, 0.95))
def test_no_group_stands_on_both_sides(rows, share):
    kept, held = RULES["by group"](Numbers(rows), share)
    assert len(kept) > 0
    assert len(held) > 0
    assert not set(tens(kept)) & set(tens(held))


def test_one_group_or_none_cannot_be_parted():
    for rows, got in (([11, 12], "all 2 rows of 1"), ([], "none")):
        with pytest.raises(InputError, match=rf"rows of two groups at least; got {got}"):
            RULES["by group"](Numbers(rows), 0.5)


@given(rows=ROWS, share=st.floats(0.05, 0.95))
def test_what_is_the_same_is_not_divided(rows, share):
    kept, held = RULES["by label, nothing twice"](Numbers(rows), share)
    assert not set(kept.rows) & set(held.rows)


@given(rows=ROWS, share=st.floats(0.05, 0.95))
def test_nothing_that_is_kept_came_after_what_is_held_out(rows, share):
    kept, held = RULES["by time"](Numbers(rows), share)
    assert len(held) > 0
    assert len(kept) > 0
    assert max(times(kept)) <= min(times(held))
    assert times(kept).tolist() == sorted(times(kept))


def test_at_the_end_keeps_the_order_and_takes_one_at_least():
    kept, held = at_the_end(Numbers(list(range(10))), 0.2)
    assert (kept.rows, held.rows) == (list(range(8)), [8, 9])
    for number, share, sizes in ((2, 0.01, (1, 1)), (2, 0.99, (1, 1)), (1, 0.5, (1, 0))):
        parts = at_the_end(Numbers(list(range(number))), share)
        assert tuple(map(len, parts)) == sizes
    assert tuple(map(len, at_the_end(Numbers([]), 0.5))) == (0, 0)


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=60), st.floats(0.1, 0.9))
def test_every_row_is_in_one_part_and_no_text_in_both(rows, share):
    texts, labels = [str(number) for number, _ in rows], [str(label) for _, label in rows]
    kept, held = hold_out(texts, labels, share)
    assert sorted(kept + held) == list(range(len(rows)))
    assert not {texts[row] for row in kept} & {texts[row] for row in held}


def test_the_same_share_of_every_label_and_always_the_same_rows():
    texts, labels = [str(n) for n in range(100)], ["a"] * 70 + ["b"] * 30
    kept, held = hold_out(texts, labels, 0.2)
    assert [sum(labels[row] == label for row in held) for label in "ab"] == [14, 6]
    assert hold_out(texts, labels, 0.2) == (kept, held)
    assert hold_out(texts, labels, 0.2, seed=1) != (kept, held)
    assert kept != sorted(kept)


def test_texts_keep_their_labels():
    records = LabelledTexts([f"{n} {n % 2}" for n in range(50)], [str(n % 2) for n in range(50)])
    kept, held = stratified(records, 0.2)
    assert len(held) == 10
    for part in (kept, held):
        assert all(text[-1] == label for text, label in zip(part.texts, part.labels, strict=True))


def test_mixed_rows_are_all_there_in_the_same_order_every_time():
    records = Numbers(list(range(100)))
    assert sorted(mixed(records).rows) == records.rows != mixed(records).rows
    assert mixed(records) == mixed(records)


def test_parts_that_are_missing_are_cut_off_and_the_test_part_is_said():
    found = splits(100).parted(Parting(at_the_end, at_the_end))
    assert (len(found.train), len(found.validation), len(found.test)) == (64, 16, 20)
    assert found.cut == ("test", "validation")
    assert found.notes == ("Tested on 20 rows of rows.csv, held out from training.",)
    few = splits(100).parted(Parting(at_the_end, at_the_end), limit=7)
    assert few.notes[0] == "Tested on 7 rows of rows.csv, held out from training."
    asked = splits(100).parted(Parting(at_the_end, at_the_end), test=0.5, validation=0.1)
    assert (len(asked.train), len(asked.validation), len(asked.test)) == (45, 5, 50)
    shares = Parting(at_the_end, at_the_end, test_share=0.1, validation_share=0.5)
    assert len(splits(100).parted(shares).validation) == 45


def test_parts_that_the_source_sets_apart_are_kept():
    apart = {"validation": Numbers([7]), "test": Numbers([8, 9])}
    found = splits(5, **apart).parted(Parting(at_the_end, at_the_end), test=0.9, validation=0.9)
    parts = found.train.rows, found.validation.rows, found.test.rows
    assert parts == ([0, 1, 2, 3, 4], [7], [8, 9])
    assert (found.cut, found.notes) == ((), ())
    one = splits(5, test=Numbers([8, 9])).parted(Parting(at_the_end, at_the_end))
    assert (one.cut, one.notes) == (("validation",), ())


def test_the_limit_takes_the_first_of_each_part_once_the_test_part_is_held_out():
    note = "Only the beginning of each part was used (limit 10)."
    found = splits(100).parted(Parting(at_the_end, at_the_end), limit=10)
    assert found.test.rows == list(range(80, 90))
    assert found.train.rows + found.validation.rows == list(range(10))
    assert found.notes[1:] == (note,)
    apart = splits(100, validation=Numbers([*range(100, 150)]), test=Numbers([1]))
    assert len(apart.parted(Parting(at_the_end, at_the_end), limit=10).validation) == 10
    assert apart.limited(100).notes == ()
    assert apart.limited(None) is apart
    assert len(splits(100).limited(10).train) == 10


def test_rows_are_mixed_before_the_first_are_taken():
    mixing = Parting(at_the_end, at_the_end, mixes=True)
    few, whole = splits(100).parted(mixing, limit=10), splits(100).parted(mixing)
    assert few.train.rows + few.validation.rows == (whole.train.rows + whole.validation.rows)[:10]
    assert few.test.rows == whole.test.rows[:10] != list(range(80, 90))
    assert set(whole.test.rows) == set(range(80, 100))


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("rule", [at_the_end, by_label(digits), by_time(times)])
def test_too_few_get_a_sentence(rule, number):
    expected = "rows.csv must be enough to learn from, to validate and to test on: 3 rows at least"
    with pytest.raises(InputError, match=rf"{expected}; got {number} rows?\. Add more\."):
        splits(number).parted(Parting(rule, rule))


def test_where_none_of_a_label_is_held_out_the_parts_are_named():
    rule = Parting(at_the_end, lambda records, share: (records, records.take([])))
    with pytest.raises(InputError, match=r"test on; got 4 rows, 3, 0 and 1 of them\. Add more\."):
        splits(4).parted(rule)


def test_nothing_to_learn_from_gets_a_sentence_too():
    apart = splits(0, validation=Numbers([1]), test=Numbers([2]))
    with pytest.raises(InputError, match=r"3 rows at least; got 2 rows\. Add more\."):
        apart.parted(Parting(at_the_end, at_the_end))
    with pytest.raises(InputError, match=r"got 2 rows\. Add more, or raise limit\."):
        splits(100).parted(Parting(at_the_end, at_the_end), limit=1)


def test_records_that_are_too_few_are_named_by_who_knows_them():
    error = TooFewError("a text", "none", "Add one.")
    assert str(error) == "the data must be a text; got none. Add one."
    assert str(error.of("a.txt")) == "a.txt must be a text; got none. Add one."
