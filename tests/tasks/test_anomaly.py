"""Anomaly: tables of its own, kinds that are held out, tokens of cells, and the threshold."""

from __future__ import annotations

import json

import numpy as np
import pandas
import pytest

from recur import InputError, run, tasks
from recur.data.datasets import made_traffic
from recur.data.records.connections import Connections, latest, read_connections, unseen
from recur.scoring.thresholds import forest, threshold
from recur.tasks.anomaly import UNKNOWN, Cells


def connections(labels, **columns):
    columns = columns or {"size": np.arange(len(labels), dtype=float)}
    return Connections(columns, list(labels), "normal", [f"row {n}" for n in range(len(labels))])


def test_validation_holds_out_whole_kinds_and_the_same_share_of_the_usual():
    labels = ["normal"] * 50 + ["flood"] * 30 + ["scan"] * 10 + ["guess"] * 5 + ["leak"] * 5
    kept, held = unseen(connections(labels), 0.2)
    strange = set(held.labels) - {"normal"}
    assert strange
    assert not strange & set(kept.labels)
    assert "flood" in kept.labels  # more than half of the anomalies
    assert held.labels.count("normal") == 10
    assert len(kept) + len(held) == 100
    again = unseen(connections(labels), 0.2)
    assert (again[0].places, again[1].places) == (kept.places, held.places)


def test_of_one_kind_the_same_share_of_every_label_is_held_out():
    kept, held = unseen(connections(["normal", "attack"] * 20), 0.25)
    assert held.labels.count("attack") == held.labels.count("normal") == 5
    assert len(kept) == 30


def test_the_last_rows_are_tested_on_where_they_hold_both_kinds():
    kept, held = latest(connections(["normal", "attack"] * 10), 0.2)
    assert held.places == [f"row {n}" for n in range(16, 20)]
    kept, held = latest(connections(["attack"] * 10 + ["normal"] * 10), 0.2)
    assert set(held.labels) == set(kept.labels) == {"attack", "normal"}


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


def test_the_threshold():
    scores, strange = np.array([0.1, 0.2, 0.3, 0.7, 0.8, 0.9]), np.array([0, 0, 0, 1, 1, 1])
    assert 0.3 <= threshold(scores, strange) < 0.7
    usual = np.linspace(0, 1, 101)
    both = np.concatenate([usual, [2.0]])
    line = threshold(both, [False] * 101 + [True], false_alarms=0.05)
    assert (usual > line).mean() <= 0.05
    for wrong in ([0] * 6, [1] * 6, [1]):
        with pytest.raises(InputError):
            threshold(scores, wrong)


def test_the_forest_knows_symbols_and_gaps():
    rows = {"flag": np.array(["a", "b"] * 20, dtype=object), "size": np.full(40, np.nan)}
    asked = {"flag": np.array(["a", "b", "c"], dtype=object), "size": np.array([np.nan, 1, 2])}
    found = forest(rows, [False, True] * 20, asked)
    assert found[0] < 0.5 < found[1]


@pytest.mark.parametrize(
    ("rows", "options", "said"),
    [
        ("size,kind\n1,normal\n2,bad", {}, "has no column 'label'"),
        ("size,label\n1,normal\n2,", {}, "row 2 of the column 'label'"),
        ("size,label\n1,good\n2,bad", {}, "Name what is no anomaly"),
        ("size,label\n1,normal\n2,normal", {}, "usual rows and anomalies"),
        ("label\nnormal\nbad", {}, "columns beside the label"),
        ("size,label\n1,normal\n2,bad", {"ignored": ["time"]}, "has no column 'time'"),
    ],
)
def test_tables_that_do_not_fit_are_named(rows, options, said, tmp_path):
    (tmp_path / "rows.csv").write_text(rows)
    with pytest.raises(InputError, match=said):
        read_connections(str(tmp_path / "rows.csv"), **options)


def test_any_words_for_the_usual(tmp_path):
    (tmp_path / "rows.csv").write_text("size,day,label\n1,x,0\n2,y,1\n3,z,1")
    assert read_connections(str(tmp_path / "rows.csv")).train.anomalous.tolist() == [0, 1, 1]
    frame = pandas.DataFrame({"size": [1, 2], "code": ["1", "2a"], "label": ["fine", "odd"]})
    found = read_connections(frame, usual="fine", ignored=["size"]).train
    assert found.usual == "fine"
    assert found.columns["code"].tolist() == ["1", "2a"]
    assert list(found.columns) == ["code"]


def test_made_traffic_has_kinds_in_the_test_part_alone():
    found = made_traffic.load()
    only = set(found.test.labels) - set(found.train.labels)
    assert only == set(made_traffic.UNKNOWN)
    assert 0.25 < found.train.anomalous.mean() < 0.4
    assert len(found.train) == 2 * len(found.test) == made_traffic.NUMBER


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("anomaly")
    tiny = tasks.find("anomaly").tiny(folder)
    path = folder / "rows.csv"  # with one kind of anomalies, which are learnt from
    path.write_text(path.read_text().replace("flood", "attack").replace("guess", "attack"))
    options = {"epochs": 12, "batch_size": 8, "units": 8, "learning_rate": 0.02}
    return run.train("anomaly", out=folder / "run", **tiny.options, **options), tiny


def test_it_finds_what_stands_out_and_says_why(trained):
    finished, tiny = trained
    usual, strange = finished.predict(list(tiny.inputs))
    assert strange.score > usual.score
    assert strange.threshold == finished.trained.calibration["threshold"]
    assert finished.scores.values["roc_auc"] > 0.9
    assert finished.scores.values["forest_roc_auc"] > 0.9
    reason = finished.why([tiny.inputs[1]])[0]
    assert reason.labels == ("service=ssh", "bytes=0", "tries=3")


def test_rows_come_as_tables_objects_and_frames(trained, tmp_path):
    finished, _ = trained
    rows = [
        {"service": "http", "bytes": 150, "tries": 0},
        {"service": "x", "bytes": "", "tries": 1},
    ]
    frame = pandas.DataFrame(rows)
    path = tmp_path / "new.csv"
    frame.to_csv(path, index=False)
    wanted = [each.score for each in finished.predict(rows)]
    for given in ([str(path)], [frame], [json.dumps(row) for row in rows]):
        assert [each.score for each in finished.predict(given)] == pytest.approx(wanted)
    assert finished.predict(rows)[0].row == "http, 150, 0"
    asked = finished.task.inputs_of(str(path))
    assert [each.row for each in finished.predict(asked)] == ["row 1", "row 2"]
    assert [each.score for each in finished.predict(asked)] == pytest.approx(wanted)
    assert str(finished.predict(str(path))[1]).endswith("row 2")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ('{"service": "http"}', "row 1 must be with 'bytes'"),
        ('{"service": "http", "bytes": "many", "tries": 0}', "'bytes' of row 1 must be a number"),
        ('{"service": ', "must be a JSON object"),
        (3, "rows must be a table"),
    ],
)
def test_rows_that_do_not_fit_are_named(row, said, trained):
    with pytest.raises(InputError, match=said):
        trained[0].predict([row])
