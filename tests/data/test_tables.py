"""One content in every form of a table: the same table, the same texts, the same series."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import re
import sys
import zipfile

import numpy as np
import pytest

from recur import FailedError, InputError, read_series
from recur.data.labelled import read_labelled_text
from recur.data.tables import parse_table, read_table
from recur.data.times import show_times

HEADER = ["date", "text", "label", "x", "y"]
ROWS = [
    ["2026-01-01", 'Good; very, "good"|\nfilm\tor', "pos", 1.5, 1200],
    ["2026-01-02", "bad \u20ac5", "neg", -0.25, 7],
    ["2026-01-03", "naïve", "pos", 12345.75, 0],
]


def delimited(mark, *, decimal="."):
    content = io.StringIO()
    writer = csv.writer(content, delimiter=mark, lineterminator="\r\n")
    rows = [[str(cell) for cell in row] for row in ROWS]
    for row in rows:
        row[3] = row[3].replace(".", decimal)
    writer.writerows([HEADER, *rows])
    return content.getvalue()


def objects():
    return [dict(zip(HEADER, row, strict=True)) for row in ROWS]


def columns():
    return dict(zip(HEADER, map(list, zip(*ROWS, strict=True)), strict=True))


def written(name, content, encoding="utf-8"):
    def write(folder):
        path = folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return write


def zipped():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("folder/", "")
        archive.writestr("folder/table.csv", delimited(","))
        archive.writestr("__MACOSX/._table.csv", "x")
    return packed.getvalue()


def parquet(folder):
    path = folder / "table.parquet"
    pytest.importorskip("pyarrow.parquet").write_table(arrow(folder), path)
    return path


def excel(folder):
    book = pytest.importorskip("openpyxl").Workbook()
    for row in [HEADER, *ROWS, [None] * 5]:
        book.active.append(row)
    book.save(folder / "table.xlsx")
    return folder / "table.xlsx"


def times():
    return np.array(columns()["date"], dtype="datetime64[us]")


def arrow(folder):
    return pytest.importorskip("pyarrow").table({**columns(), "date": times()})


def polars(folder):
    return pytest.importorskip("polars").DataFrame({**columns(), "date": times()})


def pandas(folder):
    return pytest.importorskip("pandas").DataFrame({**columns(), "date": times()})


FORMS = {
    "comma": written("table.csv", delimited(",")),
    "semicolon": written("table.csv", delimited(";")),
    "tab": written("table.csv", delimited("\t")),
    "tsv": written("table.tsv", delimited("\t")),
    "pipe": written("table.txt", delimited("|")),
    "byte-order mark": written("table.csv", delimited(","), "utf-8-sig"),
    "utf-16": written("table.csv", delimited(","), "utf-16"),
    "cp1252": written("table.csv", delimited(","), "cp1252"),
    "decimal comma": written("table.csv", delimited(";", decimal=",")),
    "json lines": written("table.jsonl", "\n".join(map(json.dumps, objects()))),
    "json": written("table.json", json.dumps(objects(), indent=1)),
    "gz": written("table.csv.gz", gzip.compress(delimited(",").encode())),
    "xz": written("table.tsv.xz", lzma.compress(delimited("\t").encode())),
    "bz2": written("table.csv.bz2", bz2.compress(delimited(",").encode())),
    "zip": written("table.zip", zipped()),
    "parquet": parquet,
    "excel": excel,
    "pandas": pandas,
    "pandas by date": lambda folder: pandas(folder).set_index("date"),
    "polars": polars,
    "polars, lazily": lambda folder: polars(folder).lazy(),
    "arrow": arrow,
}
OPTIONS = {"cp1252": {"encoding": "cp1252"}}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_the_same_table(form, tmp_path):
    source, options = FORMS[form](tmp_path), OPTIONS.get(form, {})
    table = read_table(source, **options)
    assert table.header == HEADER
    assert len(table) == 3
    for column in ("date", "text", "label"):
        assert [cell[:40] for cell in table.column(column)] == [c[:40] for c in columns()[column]]
    assert table.numbers("x").values.tolist() == columns()["x"]
    assert table.numbers("y").values.tolist() == columns()["y"]
    assert table.place(1, "x").startswith("row 2 of the column 'x' of ") or form == "json lines"

    labelled = read_labelled_text(source, **options)
    assert labelled == (columns()["text"], columns()["label"], ())

    series = read_series(source, **options)
    assert series.columns == ("x", "y")
    assert series.values.tolist() == [row[3:] for row in ROWS]
    assert show_times(series.times, series.zone) == columns()["date"]
    assert (len(series.notes) == 1) == (form == "decimal comma")


def test_a_column_alone():
    values = [1.0, 2.5, 4.0]
    for library, kind in (("pandas", "Series"), ("polars", "Series"), ("pyarrow", "array")):
        module = sys.modules.get(library) or pytest.importorskip(library)
        assert read_series(getattr(module, kind)(values)).values.ravel().tolist() == values


def test_zones_and_holes_of_every_library():
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    arrow = pytest.importorskip("pyarrow")
    index = pandas.date_range("2026-01-01", periods=4, freq="h", tz="Europe/Berlin")
    frame = pandas.DataFrame({"when": index, "x": [1.0, None, 3, 4], "n": [1, None, 3, 4]})
    for table in (frame, polars.from_pandas(frame), arrow.Table.from_pandas(frame)):
        series = read_series(table, gaps="carry")
        assert series.zone == "Europe/Berlin"
        assert show_times(series.times, series.zone)[0] == "2026-01-01 00:00+01:00"
        assert series.values[:, 0].tolist() == [1, 1, 3, 4]
        with pytest.raises(InputError, match="no value in row 2 of the column 'x'"):
            read_series(table)
    assert read_table(frame).column("n") == ["1", None, "3", "4"]
    frame.loc[2, "when"] = pandas.NaT
    for table in (frame, polars.from_pandas(frame), arrow.Table.from_pandas(frame)):
        assert read_table(table).column("when")[1:3] == ["2026-01-01 01:00+01:00", None]
        with pytest.raises(InputError, match=r"row 3 of the column 'when' .* a time; got none"):
            read_series(table, gaps="carry")


def test_values_keep_their_types(tmp_path):
    rows = (
        '{"n": 1, "ok": true, "tags": ["a", "b"], "user": {"age": 3}}\n\n{"n": 2.5, "s": "1,5"}\n'
    )
    table = read_table(written("rows.ndjson", rows)(tmp_path))
    assert table.header == ["n", "ok", "tags", "user.age", "s"]
    assert table.values("n") == [1, 2.5]
    assert table.values("ok") == [True, None]
    assert table.values("tags") == [["a", "b"], None]
    assert table.column("user.age") == ["3", None]
    assert table.column("n") == ["1", "2.5"]
    assert table.numbers("s").values.tolist()[1] == 1.5
    assert list(table.rows) == [1, 3]
    with pytest.raises(InputError, match=r"row 1 of the column 'tags' .* must be text.*got \['a'"):
        table.column("tags")
    with pytest.raises(InputError, match=r"row 1 of the column 'ok' .* a number; got 'True'"):
        table.numbers("ok")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", '{"a": 1}\n[2]', "line 2 of a.json must be a JSON object; got list"),
        ("a.json", "[1, 2]", "item 1 of a.json must be a JSON object; got int. A table in JSON is"),
        ("a.json", "[]", "a.json is empty. It needs a header and a row for each row"),
        ("a.json", "[{}", "a.json is damaged: it is not JSON from line 1 on"),
        ("a.jsonl", '{"a.b": 1, "a": {"b": 2}}', "names in line 1 .* different ones; got 'a.b'"),
        ("a.parquet", "none", "a.parquet is damaged"),
        ("a.xlsx", "none", "a.xlsx is damaged"),
        ("a.xls", "none", "a.xls is of a kind that is not read. Save it as .xlsx or CSV"),
        ("a.csv.gz", "none", "a.csv.gz is damaged: .* Unpack it, or restore it"),
        ("a.zip", "none", "a.zip is damaged: "),
    ],
)
def test_files_that_are_no_tables(tmp_path, name, content, message):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    if name.endswith("xlsx"):
        pytest.importorskip("openpyxl")
    with pytest.raises(InputError, match=message):
        read_table(written(name, content)(tmp_path))


def test_an_archive_of_several_files(tmp_path):
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a.csv", "x\n1\n")
        archive.writestr("b.csv", "x\n1\n")
    with pytest.raises(InputError, match=r"two\.zip must be an archive of one file; got 2 files"):
        read_table(tmp_path / "two.zip")


@pytest.mark.parametrize(("ending", "package"), [("parquet", "pyarrow"), ("xlsx", "openpyxl")])
def test_a_package_that_is_not_installed_is_named(tmp_path, monkeypatch, ending, package):
    path = written(f"a.{ending}", "none")(tmp_path)
    for module in (package, "pyarrow.parquet"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(FailedError, match=rf"the package {package}, .* pip install 'recur\[tables"):
        read_table(path)


def test_a_workbook_says_what_it_was_read_of(tmp_path):
    book = pytest.importorskip("openpyxl").Workbook()
    book.active.title = "Prices"
    for row in (["x", "y", None], [1, "5 %"], [None], [2, "7,5 %"]):
        book.active.append(row)
    book.create_sheet("More")
    book.save(tmp_path / "a.xlsx")
    table = read_table(tmp_path / "a.xlsx")
    said = "Of the 2 sheets of a.xlsx only the first, 'Prices', was read."
    assert (table.header, list(table.rows), table.notes) == (["x", "y"], [1, 3], (said,))
    series = read_series(tmp_path / "a.xlsx")
    assert series.values.tolist() == [[1, 5], [2, 7.5]]
    assert series.notes[0] == said
    assert "a decimal comma and '%' left out" in series.notes[1]


def test_other_things_are_no_tables():
    pandas = pytest.importorskip("pandas")
    for other in ([1, 2], 5, pandas.NaT):
        with pytest.raises(InputError, match="a table must be the path of a file, or a table of"):
            read_table(other)
    with pytest.raises(InputError, match="decimal must be"):
        read_table("none.csv", decimal="x")


def test_rows_that_end_early():
    assert parse_table("a,b\n1\n2,3\n", "a.csv", short=True).column("b") == [None, "3"]
    assert parse_table("a,b\n1\n", "a.csv", short=True).column("b") == [None]
    with pytest.raises(InputError, match=r"row 1 of a\.csv must be as wide as the header"):
        parse_table("a,b\n1\n2,3\n", "a.csv")
    # Spreadsheets write separators where there is no cell.
    assert parse_table("a,b,,\n1,2,,\n", "a.csv").header == ["a", "b"]


# Numbers.


@pytest.mark.parametrize(
    ("cells", "values", "how"),
    [
        (["1.234,56 EUR", "2,5 EUR"], [1234.56, 2.5], "decimal comma, thousands .*'EUR' left out"),
        (["$1,200.5", "($1,200.5)"], [1200.5, -1200.5], "brackets for a minus and '\\$' left out"),
        (["(3)", "USD 4"], [-3, 4], "brackets for a minus and 'USD' left out"),
        (["12 %", "R$ 13"], [12, 13], r"'%' and 'R\$' left out"),
        (["\u20ac5", "6CHF"], [5, 6], "'CHF' and '\u20ac' left out"),
        (["1,234", "5,678"], [1234, 5678], "the column fits both; decimal '.' or ',' chooses"),
    ],
)
def test_signs_of_money_and_others(cells, values, how):
    rows = [{"x": cell} for cell in cells]
    for table in (
        parse_table("\n".join(["x|z", *(f"{cell}|" for cell in cells)]), "a"),
        read_table(pytest.importorskip("pandas").DataFrame(rows)),
    ):
        numbers = table.numbers("x")
        assert numbers.values.tolist() == values
        assert re.search(how, numbers.how)


def test_a_column_that_is_left_out_is_named(tmp_path):
    path = written("a.csv", "x,weight,name,day\n1,5 kg,3M,1 May 2026\n2,6 kg,b,2 May 2026\n")(
        tmp_path
    )
    series = read_series(path)
    assert series.columns == ("x",)
    assert series.notes[:2] == (
        "The column 'weight' is left out: '5 kg' is no number.",
        "The column 'name' is left out: '3M' is no number.",
    )
    assert read_series(path, columns=["x"]).notes == series.notes[2:]
