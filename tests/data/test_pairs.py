"""Pairs of texts: files side by side, tables, lines with a tab; what is damaged is named."""

from __future__ import annotations

import gzip

import pytest

from recur import InputError
from recur.data.records.pairs import Columns, Pairs, apart, lines_of, read_pairs

pandas = pytest.importorskip("pandas")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in.en").write_text("A dog.\nA\u2028cat.\n\nA cow.\n", encoding="utf-8")
    (tmp_path / "in.de").write_bytes(b"Ein Hund.\r\nEine Katze.\r\n\r\nEine Kuh.")
    return tmp_path


def test_two_files_go_side_by_side_line_by_line(folder):
    found = read_pairs(folder / "in.en", str(folder / "in.de"))
    assert found.train.sources == ["A dog.", "A\u2028cat.", "A cow."]
    assert found.train.targets == ["Ein Hund.", "Eine Katze.", "Eine Kuh."]
    assert found.notes == ("1 of 4 pairs of in.en left out: a side is blank.",)


def test_packed_files_and_targets_that_moved_with_the_sources(folder):
    (folder / "in.en.gz").write_bytes(gzip.compress((folder / "in.en").read_bytes()))
    found = read_pairs(folder / "in.en.gz", "/nowhere/in.de")
    assert len(found.train) == 3


@pytest.mark.parametrize(
    ("name", "content", "columns"),
    [
        ("t.csv", "en,de\nA dog.,Ein Hund.\n", Columns()),
        ("t.tsv", "id\tde\ten\n1\tEin Hund.\tA dog.\n", Columns("en", "de")),
        ("t.jsonl", '{"en": "A dog.", "de": "Ein Hund."}\n', Columns()),
        ("t.txt", "A dog.\tEin Hund.\tCC-BY 2.0\n\n", Columns()),
    ],
)
def test_tables_and_lines_with_a_tab(tmp_path, name, content, columns):
    (tmp_path / name).write_text(content)
    found = read_pairs(tmp_path / name, columns=columns)
    assert (found.train.sources, found.train.targets) == (["A dog."], ["Ein Hund."])


def test_a_table_in_memory():
    table = pandas.DataFrame({"de": ["Ein Hund."], "en": ["A dog."]})
    found = read_pairs(table, columns=Columns("en", "de"))
    assert found.train == Pairs(["A dog."], ["Ein Hund."])


@pytest.mark.parametrize(
    ("name", "content", "target", "says"),
    [
        ("a.txt", "x\ty\nz\n", "", "line 2 of a.txt must be a pair with a tab between"),
        ("a.txt", "x\ny\nz\n", "in.de", r"in.de must be as many lines as a.txt \(3\).*got 4"),
        ("a.csv", "en\nx\n", "", "a.csv must be a column of sources and one of targets"),
        ("a.csv", "en,de\n,y\n", "", "a.csv has no pair of two texts"),
        ("a.txt", "x\n", "gone.de", "There is no file .*gone.de"),
    ],
)
def test_what_is_wrong_is_said(folder, name, content, target, says):
    (folder / name).write_text(content)
    with pytest.raises(InputError, match=says):
        read_pairs(folder / name, target and str(folder / target))


def test_a_source_that_occurs_twice_stands_on_one_side():
    sources = [f"text {n % 20}" for n in range(60)]
    kept, held = apart(Pairs(sources, sources), 0.2)
    assert len(held) == 12
    assert not set(kept.sources) & set(held.sources)


def test_lines_are_those_that_a_person_sees_in_a_file():
    assert lines_of("a\r\n\nb\x0bc\u2028d\n") == ["a", "", "b\x0bc\u2028d"]
    assert lines_of("") == []
