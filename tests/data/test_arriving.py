"""Lines that arrive on a pipe, and rows made of them."""

from __future__ import annotations

import os
import threading

import pytest

from recur import InputError
from recur.data import arriving
from recur.data.arriving import Parser, lines


def arrived(*parts: bytes) -> list[arriving.Line]:
    """All lines of a pipe that these are written to, one after the other."""
    out, into = os.pipe()

    def write() -> None:
        for part in parts:
            os.write(into, part)
        os.close(into)

    writer = threading.Thread(target=write)
    writer.start()
    found = [line for some in lines(out) for line in some]
    writer.join()
    os.close(out)
    return found


def test_lines_are_cut_wherever_they_are_read():
    assert arrived(b"a,b\n1,", b"2\r\n\n", b"\xff\xfe\n3,4") == [
        (1, "a,b"),
        (2, "1,2"),
        (4, None),
        (5, "3,4"),
    ]


def test_a_line_without_end_is_not_kept(monkeypatch):
    monkeypatch.setattr(arriving, "MOST_BYTES", 50)
    found = arrived(b"a\n", *[b"x" * 40] * 5, b"\nb\n", b"c" * 51 + b"\n")
    assert found == [(1, "a"), (2, None), (3, "b"), (4, None)]


def test_reading_stops_where_nobody_wants_more():
    out, into = os.pipe()
    os.write(into, b"a\n")
    wanted = iter([True, True, False])
    assert list(lines(out, lambda: next(wanted))) == [[(1, "a")], []]
    os.close(out)
    os.close(into)


def test_rows_of_csv_and_what_is_wrong_with_them():
    parser = Parser(["size", "flag"])
    found = parser.rows(
        [(1, "\ufeffflag;more;size"), (2, "SF;;5"), (3, "SF;5"), (4, None), (5, '"a;b";x;7')]
    )
    assert found.order == [2, 3, 4, 5]
    assert found.rows.cells == {"size": ["5", "7"], "flag": ["SF", "a;b"]}
    assert found.rows.places == ["line 2", "line 5"]
    assert found.wrong[3] == "line 3 must be of 3 cells; got 2 cells."
    assert "UTF-8" in found.wrong[4]
    again = parser.rows([(6, "S0;;1")])
    assert again.rows.cells == {"size": ["1"], "flag": ["S0"]}


def test_rows_of_json_name_all_that_is_missing():
    parser = Parser(["size", "flag"])
    found = parser.rows(
        [(1, '{"size": 1, "flag": null, "more": 2}'), (2, '{"Size": 3}'), (3, "["), (4, None)]
    )
    assert found.rows.cells == {"size": [1], "flag": [None]}
    assert "line 2 has no 'size' and 'flag'. Did you mean 'size'?" in found.wrong[2]
    assert "line 3 must be a JSON object" in found.wrong[3]
    assert set(found.wrong) == {2, 3, 4}


def test_a_header_that_lacks_columns_is_refused_and_one_that_is_known_may_be_left_out():
    with pytest.raises(InputError, match="no column 'size' and 'flag'"):
        Parser(["size", "flag"]).rows([(1, "5,SF")])
    with pytest.raises(InputError, match="no column 'flag'"):
        Parser(["size", "flag"], ["size", "flag"]).rows([(1, "size,flags")])
    went_on = Parser(["size"], ["flag", "size"])
    assert went_on.rows([(1, "SF,5")]).rows.cells == {"size": ["5"]}
    began_again = Parser(["size"], ["flag", "size"])
    assert began_again.rows([(1, "size,flag"), (2, "5,SF")]).rows.cells == {"size": ["5"]}


def test_the_first_line_says_what_cuts_the_others():
    spaced = Parser(["size", "flag"])
    assert spaced.rows([(1, "size, flag"), (2, "5,SF")]).rows.cells == {
        "size": ["5"],
        "flag": ["SF"],
    }
    with pytest.raises(InputError, match="the first line must be one column of each name"):
        Parser(["size"]).rows([(1, "size,size")])
    goes_on = Parser(["size", "share"], ["size", "share"])
    assert goes_on.rows([(1, "5,1;2,5")]).rows.cells == {"size": ["5,1"], "share": ["2,5"]}
