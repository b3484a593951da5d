"""Several series in one table: apart, each with what is known ahead of it."""

from __future__ import annotations

import numpy as np
import pytest

from recur.data.calendar import calendar, circles
from recur.data.panel import Panel, read_panel
from recur.data.series import Reading
from recur.data.static import StaticColumn, encoded
from recur.data.tables import parse_table
from recur.messages import InputError

SALES = """day,store,sales,promotion,town
2026-01-02,a,2,1,Graz
2026-01-01,a,1,0,Graz
2026-01-01,b,10,0,Linz
2026-01-03,a,,1,Graz
2026-01-02,b,20,1,Linz
2026-01-04,a,,0,Graz
"""
PANEL = Panel("store", ("promotion",), ("town",))


def read(text=SALES, panel=PANEL, **how):
    return read_panel(parse_table(text, "sales.csv"), panel, Reading(**how))


def test_each_series_is_in_order_with_what_is_known_ahead():
    one, other = read()
    assert (one.id, other.id) == ("a", "b")
    assert one.name == "a of sales.csv"
    assert one.columns == ("sales", "promotion")
    assert one.values.tolist() == [[1, 0], [2, 1]]
    assert other.values.tolist() == [[10, 0], [20, 1]]
    assert other.ahead is None
    assert np.isnan(one.ahead[:, 0]).all()
    assert one.ahead[:, 1].tolist() == [1, 0]
    assert (one.static, other.static) == ({"town": "Graz"}, {"town": "Linz"})
    swapped = one.select(["promotion"])
    assert swapped.ahead.tolist() == [[1], [0]]
    assert one.first(1).ahead is None


def test_a_table_of_one_series_may_know_what_comes():
    rows = "day,x,k\n2026-01-03,,7\n2026-01-02,2,6\n2026-01-01,1,5\n"  # the newest first
    (series,) = read(rows, Panel(known=("k",)))
    assert series.values.tolist() == [[1, 5], [2, 6]]
    assert series.ahead[:, 1].tolist() == [7]
    (counted,) = read("x,k\n1,5\n2,6\n,7\n", Panel(known=("k",)))
    assert counted.ahead[:, 1].tolist() == [7]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (SALES.replace("2,a,2", "2,,2"), "row 1 of the column 'store' .* the name of a series"),
        (SALES.replace("02,b,20,1,Linz", "02,b,20,1,Wels"), "'town' of b of sales.csv must be the"),
        (
            SALES.replace("04,a,", "05,a,"),
            "row 2 of what is known ahead in a of sales.csv must be at 2026-01-04, .* 2026-01-05",
        ),
        (SALES.replace("02,a,2,", "02,a,,").replace("01,a,1,", "01,a,,"), "no value in row"),
        (SALES.replace("03,a,,1", "03,a,,"), "no value in row 4 of the column 'promotion'"),
    ],
)
def test_wrong_tables(text, sentence):
    with pytest.raises(InputError, match=sentence):
        read(text)


def test_rows_of_one_time_need_the_id_column():
    with pytest.raises(InputError, match="or the id column that says which is which"):
        read("day,store,x\n2026-01-01,a,1\n2026-01-01,b,2\n", Panel())


def test_static_columns_as_numbers():
    labels = StaticColumn.fit("town", ["Graz", "Linz", "Graz"])
    size = StaticColumn.fit("size", ["1", "3"])
    assert encoded([labels, size], {"town": "Linz", "size": "5"}).tolist() == [0, 1, 3]
    assert encoded([labels, size], {"town": "Wels", "size": "2"}).tolist() == [0, 0, 0]
    with pytest.raises(InputError, match="'size' must be a number; got 'big'"):
        encoded([size], {"size": "big"})
    with pytest.raises(InputError, match="with the static column 'size'; got none"):
        encoded([size], {})


HOURS = np.arange("2024-01-01T00", "2024-01-15T00", dtype="datetime64[h]").astype("M8[s]")


def test_circles_that_steps_go_around():
    assert circles(HOURS) == ("hour", "weekday", "yearday")
    assert circles(HOURS[::24]) == ("weekday", "yearday")
    months = np.arange("2020-01", "2024-01", dtype="datetime64[M]").astype("M8[s]")
    assert circles(months) == ("yearday",)
    assert circles(months[::12]) == ()


def test_a_calendar_is_the_one_of_the_clocks():
    found = calendar(HOURS, ("hour", "weekday", "yearday"))
    assert found.shape == (len(HOURS), 6)
    assert found[0].tolist() == [0, 1, 0, 1, 0, 1]  # the first hour of a Monday and a year
    assert found[6, :2].tolist() == pytest.approx([1, 0])
    assert np.allclose(found[:24, :2], found[24:48, :2])
    assert np.allclose(found[:168, 2:4], found[168:336, 2:4])
    summer = np.array(["2024-07-01T22:00"], dtype="M8[s]")
    assert calendar(summer, ("hour",), "Europe/Berlin")[0].tolist() == [0, 1]
