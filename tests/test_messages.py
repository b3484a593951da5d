"""Sentences for people."""

from __future__ import annotations

import numpy as np
import pytest

from recur import messages


def test_the_two_kinds_of_error():
    """Both are one of recur's, and what programs catch for such errors anyway."""
    assert issubclass(messages.InputError, (messages.RecurError, ValueError))
    assert issubclass(messages.FailedError, messages.RecurError)
    assert issubclass(messages.FailedError, RuntimeError)
    assert not issubclass(messages.InputError, messages.FailedError)
    with pytest.raises(ValueError, match=r"^what was wrong$"):
        raise messages.InputError("what was wrong")


def test_must():
    assert messages.must("units", "at least 1", 0) == "units must be at least 1; got 0."
    assert messages.must("x", "a number", "'a'", "Give one.") == (
        "x must be a number; got 'a'. Give one."
    )


@pytest.mark.parametrize(
    ("words", "prose"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a or b"),
        (["a", "b", "c"], "a, b or c"),
        ((1, 2), "1 or 2"),
        ((word for word in "xyz"), "x, y or z"),
    ],
)
def test_listed(words, prose):
    assert messages.listed(words) == prose


def test_listed_with_another_word():
    assert messages.listed(["a", "b", "c"], last="and") == "a, b and c"


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("lsmt", "Did you mean 'lstm'?"),
        ("LSTM", "Did you mean 'lstm'?"),
        ("ADAM", "Did you mean 'Adam'?"),
        ("quite other", ""),
        ("", ""),
        (True, ""),
    ],
)
def test_did_you_mean(word, hint):
    assert messages.did_you_mean(word, ["lstm", "gru", "Adam"]) == hint


def test_one_of():
    assert messages.one_of("cell", "gru", ["lstm", "gru"]) == "gru"
    assert messages.one_of("cell", "gru", {"gru": 1}) == "gru"
    with pytest.raises(messages.InputError) as caught:
        messages.one_of("cell", "gur", (name for name in ("lstm", "gru")))
    assert str(caught.value) == "cell must be lstm or gru; got 'gur'. Did you mean 'gru'?"
    with pytest.raises(messages.InputError) as caught:
        messages.one_of("cell", 3, ["lstm", "gru"])
    assert str(caught.value) == "cell must be lstm or gru; got 3."


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "0 rows"),
        (1, "1 row"),
        (2, "2 rows"),
        (3000, "3,000 rows"),
        (1_234_567, "1,234,567 rows"),
    ],
)
def test_count(number, words):
    assert messages.count(number, "row") == words


def test_count_with_a_plural_of_its_own():
    assert messages.count(2, "batch", "batches") == "2 batches"
    assert messages.count(1, "batch", "batches") == "1 batch"


@pytest.mark.parametrize("value", [1, 7, np.int64(3), np.uint8(2)])
def test_whole_numbers(value):
    found = messages.whole("width", value)
    assert found == value
    assert type(found) is int


@pytest.mark.parametrize("value", [0, -1, 1.0, True, None, "3", float("nan"), np.bool_(True)])
def test_no_whole_numbers(value):
    with pytest.raises(messages.InputError) as caught:
        messages.whole("width", value)
    assert str(caught.value) == f"width must be a whole number of at least 1; got {value!r}."


@pytest.mark.parametrize("value", [0, 0.5, 1, np.float32(0.25)])
def test_real_numbers(value):
    assert messages.real("p", value, lambda p: 0 <= p <= 1, "from 0 to 1") == value


@pytest.mark.parametrize("value", [-0.1, 2, True, None, "0.5", float("nan")])
def test_no_real_numbers(value):
    with pytest.raises(messages.InputError) as caught:
        messages.real("p", value, lambda p: 0 <= p <= 1, "from 0 to 1")
    assert str(caught.value) == f"p must be from 0 to 1; got {value!r}."


@pytest.mark.parametrize(("value", "most"), [(5, {"most": 4}), (10**23, {})])
def test_whole_numbers_have_an_end(value, most):
    assert messages.whole("width", 4, **most) == 4
    with pytest.raises(messages.InputError) as caught:
        messages.whole("width", value, **most)
    end = "4" if most else "9,223,372,036,854,775,807"
    assert str(caught.value) == f"width must be at most {end}; got {value}."


LONG = "x" * 100_000


@pytest.mark.parametrize(
    "write",
    [
        lambda: messages.must("x", "short", LONG),
        lambda: messages.must("x", "short", [LONG] * 9),
        lambda: messages.must(LONG, "short", 1),
        lambda: messages.must("x", "short", 10**5000),
        lambda: messages.must("x", "one of these", messages.listed(map(str, range(10**6)))),
        lambda: messages.listed(map(str, range(10**6)), "and"),
        lambda: str(messages.InputError(LONG)),
        lambda: str(messages.FailedError(LONG)),
        lambda: messages.did_you_mean(LONG, [LONG]),
        lambda: messages.did_you_mean("a", map(str, range(10**6))),
    ],
)
def test_no_message_is_longer_than_one_reads(write):
    assert len(write()) < messages.MOST_TEXT + 100


def test_what_is_left_out_is_said():
    assert str(messages.InputError(f"begin {LONG} end")).startswith("begin xxx")
    assert "(98,010 letters left out)" in str(messages.InputError(f"begin {LONG} end"))
    assert str(messages.InputError(f"begin {LONG} end")).endswith("xxx end")
    assert messages.listed(range(50), "and").endswith("38, 39 and 10 others")
    for refuse in (messages.whole, lambda *a: messages.real(*a, lambda n: n > 0, "above 0")):
        with pytest.raises(messages.InputError, match="too large to show"):
            refuse("units", -(10**5000))
    with pytest.raises(messages.InputError, match=r"must be lstm or gru; got 'xxx.* left out"):
        messages.one_of("cell", LONG, ["lstm", "gru"])


def test_a_name_in_few_letters_is_still_told_from_another():
    assert messages.brief("short", 5) == "short"
    assert messages.brief("talk.politics.mideast", 12) == "talk.po…east"
    assert messages.brief("talk.politics.misc", 12) == "talk.po…misc"
