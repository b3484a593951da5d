"""Texts with labels, as people have them."""

from __future__ import annotations

import json

import pytest

from recur import InputError
from recur.data.labelled import read_labelled_text


@pytest.fixture
def file(tmp_path):
    def write(content: str | bytes, name: str = "reviews.csv") -> str:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return str(path)

    return write


def test_csv_with_quotes_line_breaks_and_a_byte_order_mark(file):
    path = file('\ufefftext,stars\r\n"Good, very ""good""\nfilm",5\r\nbad,1\r\n')
    texts, labels, _ = read_labelled_text(path, label="stars")
    assert texts == ['Good, very "good"\nfilm', "bad"]
    assert labels == ["5", "1"]


def test_tabs(file):
    path = file("label\ttext\npos\tgood, really\nneg\tbad\n", "reviews.tsv")
    assert read_labelled_text(path)[:2] == (["good, really", "bad"], ["pos", "neg"])


@pytest.mark.parametrize("ending", ["jsonl", "ndjson"])
def test_json_lines(file, ending):
    rows = [{"text": "good\u2028film", "label": 1}, {"text": "bad", "label": 0, "more": None}]
    content = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n\n"
    path = file(content, f"reviews.{ending}")
    assert read_labelled_text(path)[:2] == (["good\u2028film", "bad"], ["1", "0"])


def test_a_text_longer_than_csv_allows_by_default(file):
    long = "word " * 50_000
    path = file(f"text,label\n{long},a\nb,b\n")
    assert read_labelled_text(path)[0][0] == long


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty. It needs a header and a row for each text"),
        ("text,label\n", "is empty. It needs a header and a row for each text"),
        (b"text,label\ngood,\xff\n", "is not UTF-8 text: line 2 has the byte 0xff"),
        (
            "review,stars\ngood,1\nbad,0\n",
            "has no column 'text'; it has 'review' and 'stars'",
        ),
        ("Text,label\ngood,1\nbad,0\n", "it has 'Text' and 'label'. Did you mean 'Text'?"),
        ("text,label\ngood,1\nbad\n", "has no label in row 2"),
        ("text,label\ngood,1\nbad, \n", "has no label in row 2"),
        (
            "text,label\ngood,1\nbad,1\n",
            "must be labels of at least two classes; got only '1' in 2 rows. Add examples",
        ),
        (
            "label,text\n1,good, very good\n0,bad\n",
            r"row 1 of .* must be as wide as the header \(2 columns\); got 3 columns. Put texts",
        ),
        (
            'text,label\n"good,1\nbad,0\n',
            "is damaged after its header: unexpected end of data. Check",
        ),
    ],
)
def test_wrong_csv(file, content, message):
    with pytest.raises(InputError, match=message):
        read_labelled_text(file(content))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ('{"text": "good", "label": 1}\n{"text": "bad"', "line 2 of .* is damaged: it is not JSON"),
        ('["good", 1]\n', "line 1 of .* must be a JSON object; got list"),
        ('{"text": "good", "stars": 1}\n', "has no column 'label'; it has 'text' and 'stars'"),
        ('{"text": null, "label": 1}\n', "has no text in row 1"),
    ],
)
def test_wrong_json_lines(file, content, message):
    with pytest.raises(InputError, match=message):
        read_labelled_text(file(content, "reviews.jsonl"))


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"There is no file .*none\.csv"):
        read_labelled_text(tmp_path / "none.csv")


def test_rows_without_a_text_are_bad(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"text": ["good", None, "bad", " "], "label": [1, 0, None, 1]})
    frame.to_csv(tmp_path / "a.csv", index=False)
    for source in (frame, tmp_path / "a.csv"):
        with pytest.raises(InputError, match="has no text or label in rows 2, 3 and 4"):
            read_labelled_text(source)
    more = pandas.concat([frame, frame.iloc[:1].assign(label=0)])
    found = read_labelled_text(more, drop_bad=True)
    assert found[:2] == (["good", "good"], ["1", "0"])
    assert found.notes == ("3 of 5 rows of the DataFrame left out: no text or label.",)
    with pytest.raises(InputError, match="has no row with a text and a label"):
        read_labelled_text(frame.iloc[1:3], drop_bad=True)
