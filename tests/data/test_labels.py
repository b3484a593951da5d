"""What labels say: one class, several, or a rating; in tables and in folders."""

from __future__ import annotations

import json

import numpy as np
import pytest

from recur.data import labels
from recur.data.labelled import read_labelled_text
from recur.data.labelled_folder import read_labelled_folder
from recur.data.records.labelled import LabelledTexts, stratified
from recur.messages import InputError


@pytest.mark.parametrize(
    ("given", "column", "kind", "first"),
    [
        (["a", "b", "a"], "label", labels.ONE, "a"),
        (["1", "2", "3"], "label", labels.ONE, "1"),  # numbers may be names
        (["1", "2", "3"], "stars", labels.ORDINAL, "1"),
        (["1", "2", "good"], "rating", labels.ONE, "1"),
        (["0", "1", "0"], "score", labels.ONE, "0"),
        (["a|b", "a", "c|"], "label", labels.SEVERAL, ("a", "b")),
        (["a; b;a", "c"], "label", labels.SEVERAL, ("a", "b")),
        (["a, b", "a", "b"], "label", labels.SEVERAL, ("a", "b")),
        (["Paris, France", "Rome, Italy"], "label", labels.ONE, "Paris, France"),
        ([("a",), (), ("b", "c")], "label", labels.SEVERAL, ("a",)),
    ],
)
def test_what_labels_are_is_found_and_said(given, column, kind, first):
    found = labels.meant(given, column)
    assert (found.kind, found.labels[0]) == (kind, first)
    assert bool(found.notes) == (kind != labels.ONE)
    told = labels.meant(given, column, kind)
    assert told.labels == found.labels
    assert not any("is read as" in note for note in told.notes)


def test_what_is_told_is_taken():
    assert labels.meant(["a|b", "c"], "label", labels.ONE).labels == ["a|b", "c"]
    assert labels.meant(["a/b", "c"], "label", "", "/").labels == [("a", "b"), ("c",)]
    assert labels.meant(["", "a"], "label", labels.SEVERAL).labels == [(), ("a",)]
    assert labels.ordered(["10", "9", "-1.5"], labels.ORDINAL) == ("-1.5", "9", "10")
    with pytest.raises(InputError, match="'stars' must be numbers, for labels ordinal; got 'good'"):
        labels.meant(["1", "good"], "stars", labels.ORDINAL)
    with pytest.raises(InputError, match="labels must be 'several' where 'label' holds lists"):
        labels.meant([("a",), ("b",)], "label", labels.ONE)
    with pytest.raises(InputError, match=r"a label must be 'one' or 'two'; got 'tow'.*mean 'two'"):
        labels.numbered(["one", "tow"], ["one", "two"])


def test_lists_come_out_of_json_and_empty_cells_mean_none_where_that_is_said(tmp_path):
    path = tmp_path / "texts.jsonl"
    rows = [{"text": "x", "label": ["a", "b"]}, {"text": "y", "label": []}, {"text": "z"}]
    path.write_text("\n".join(map(json.dumps, rows[:2])))
    assert read_labelled_text(path, lists=True).labels == [("a", "b"), ()]
    path.write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(InputError, match="has no label in row 3"):
        read_labelled_text(path, lists=True)
    table = tmp_path / "texts.csv"
    table.write_text("text,label\nx,a\ny,\nz,b\n")
    with pytest.raises(InputError, match="has no label in row 2"):
        read_labelled_text(table)
    assert read_labelled_text(table, empty=True).labels == ["a", "", "b"]


def test_several_labels_are_held_out_alike():
    chance = np.random.default_rng(0)
    sets = [tuple(np.flatnonzero(chance.random(6) < 0.4).astype(str)) for _ in range(200)]
    records = LabelledTexts([f"text {n}" for n in range(200)], sets, labels.SEVERAL)
    kept, held = stratified(records, 0.2)
    assert (len(kept), held.kind) == (200 - len(held), labels.SEVERAL)
    assert 35 <= len(held) <= 45
    assert {name for names in held.labels for name in names} == set("012345")


def write(folder, texts):
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(text.encode("cp1252"))


def test_a_folder_for_each_class(tmp_path):
    write(tmp_path, {"b/2.txt": "two", "a/1.txt": "one", "a/10": "ten", "a/.x": "", "b/n.md": "-"})
    train, validation, test = read_labelled_folder(tmp_path)
    assert (train.texts, train.labels) == (["one", "ten", "two"], ["a", "a", "b"])
    assert validation is None
    assert test is None


def test_a_folder_with_parts(tmp_path):
    parts = ("news-train", "dev", "news-test")
    write(
        tmp_path, {f"{part}/{label}/1.txt": f"{part} {label}" for part in parts for label in "ab"}
    )
    found = read_labelled_folder(tmp_path)
    assert [part.texts for part in found] == [[f"{part} a", f"{part} b"] for part in parts]


def test_folders_that_are_none(tmp_path):
    with pytest.raises(InputError, match=r"two classes at least .*; got 0 texts of 0 classes"):
        read_labelled_folder(tmp_path)
    write(tmp_path, {"a/1.txt": "one", "b/1.txt": " ", "b/2.txt": "größer"})
    with pytest.raises(InputError, match=r"2.txt is not UTF-8 text"):
        read_labelled_folder(tmp_path)
    with pytest.raises(InputError, match=r"1.txt is empty. Remove such files"):
        read_labelled_folder(tmp_path, encoding="cp1252")
    found = read_labelled_folder(tmp_path, encoding="cp1252", drop_bad=True).train
    assert found.texts == ["one", "größer"]
    assert found.notes == (f"1 of 3 files of {tmp_path.name} left out: empty.",)
