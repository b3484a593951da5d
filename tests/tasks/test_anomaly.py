"""Anomaly: tables of its own, two ways to learn, rows as they come."""

from __future__ import annotations

import io
import json
import os
import signal
import threading

import numpy as np
import pandas
import pytest
import torch

from recur import InputError, files, run, tasks
from recur.cli.main import main
from recur.data.datasets import made_sensors, made_traffic, nsl_kdd
from recur.data.records.connections import Connections, connections, latest
from recur.data.records.readings import readings
from recur.data.tables import read_table
from recur.run.watching import watch
from recur.tasks.anomaly import AnomalyPreprocessing
from recur.tasks.labelled_rows import Labelled, distinct
from recur.tasks.leaving_out import alarm_loss, unseen_auc
from recur.tasks.preparing import prepare
from recur.tasks.task import Trained
from recur.tasks.watcher import Unread


def rows_of(labels, families=None, **columns):
    columns = columns or {"size": np.arange(len(labels), dtype=float)}
    places = [f"row {n}" for n in range(len(labels))]
    return Connections(columns, list(labels), "normal", places, families or {})


def test_the_last_rows_are_tested_on_where_they_hold_both_kinds():
    _, held = latest(rows_of(["normal", "attack"] * 10), 0.2)
    assert held.places == [f"row {n}" for n in range(16, 20)]
    kept, held = latest(rows_of(["attack"] * 10 + ["normal"] * 10), 0.2)
    assert set(held.labels) == set(kept.labels) == {"attack", "normal"}


def table(path, text):
    path.write_text(text)
    return read_table(str(path))


@pytest.mark.parametrize(
    ("rows", "options", "said"),
    [
        ("size,kind\n1,normal\n2,bad", {}, "has no column 'label'"),
        ("size,label\n1,normal\n2,\n3,bad", {}, "row 2 of the column .label. .* a label; got an"),
        ("size,label\n1,good\n2,bad", {}, "Name what is no anomaly"),
        ("size,label\n1,normal\n2,normal", {}, "usual rows and anomalies"),
        ("label\nnormal\nbad", {}, "columns beside the label"),
        ("size,label\n1,normal\n2,bad", {"ignored": ["time"]}, "has no column 'time'"),
        ("a,label\n1,normal\n2,bad\nx,bad\n4,bad\ny,bad", {},
         "row 3 of the column 'a' .* a number; got 'x'. .*leave such rows out .* 2 rows are so"),
    ],
)  # fmt: skip
def test_tables_that_do_not_fit_are_named(rows, options, said, tmp_path):
    with pytest.raises(InputError, match=said):
        connections(table(tmp_path / "rows.csv", rows), "label", **options)


def test_bad_rows_are_left_out_where_that_is_asked_for(tmp_path):
    text = "a,label\n1,normal\n2,bad\nx,bad\n4,bad\n5,"
    found = connections(table(tmp_path / "rows.csv", text), "label", drop_bad=True)
    assert found.train.columns["a"].tolist() == [1, 2, 4]
    assert found.train.places == ["row 1", "row 2", "row 4"]
    assert "2 rows of 5" in found.notes[0]
    text = "time,a,b\n1,1,2\n2,,3\n3,5,x\n4,7,8"
    with pytest.raises(InputError, match=r"row 2 of the column 'a' .* So in 1 more row: 3\."):
        readings(table(tmp_path / "series.csv", text))
    found = readings(table(tmp_path / "series.csv", text), drop_bad=True)
    assert found.train.values.tolist() == [[1, 2], [7, 8]]
    assert found.train.columns == ("a", "b")


def test_any_words_for_the_usual(tmp_path):
    text = "size,day,label\n1,x,0\n2,y,1\n3,z,1"
    found = connections(table(tmp_path / "rows.csv", text), "label").train
    assert found.anomalous.tolist() == [0, 1, 1]
    frame = pandas.DataFrame({"size": [1, 2], "code": ["1", "2a"], "label": ["fine", "odd"]})
    found = connections(read_table(frame), "label", usual="fine", ignored=["size"]).train
    assert found.usual == "fine"
    assert found.columns["code"].tolist() == ["1", "2a"]
    assert list(found.columns) == ["code"]


def test_datasets_that_are_made():
    found = made_traffic.load()
    assert set(found.test.labels) - set(found.train.labels) == set(made_traffic.UNKNOWN)
    foul = made_sensors.load("contaminated")
    clean = made_sensors.load()
    changed = (foul.train.values != clean.train.values).any(axis=1).mean()
    assert 0.02 < changed < 0.15
    assert {*nsl_kdd.KINDS.values()} == {"dos", "probe", "r2l", "u2r"}


def test_rows_that_are_alike_are_learnt_once():
    sizes = np.array([1.0, 1, 1, 2, 2])
    rows = rows_of(["normal", "normal", "flood", "normal", "normal"], size=sizes)
    options = tasks.find("anomaly").options()
    assert distinct(rows, options).places == ["row 0", "row 2", "row 3"]


# --- with labels ---


def prepared(labels, families=None, **options):
    task = tasks.find("anomaly")
    rows = rows_of(labels, families)
    chosen = task.options(units=3, **options)
    fitted = Labelled().fit(type("", (), {"train": rows})(), chosen)
    torch.manual_seed(0)
    return rows, chosen, fitted, Labelled().model(chosen, fitted)


def test_every_kind_is_left_out_by_one_network_which_never_learns_from_it():
    families = {"a": "x", "b": "x", "c": "y", "d": "y"}
    rows, options, fitted, model = prepared([*"abcd", "normal"] * 3, families, members=2)
    assert fitted.left_out == (("a", "c"), ("b", "d"))
    assert fitted.kinds == ("x", "y")
    batch = Labelled().encode(rows, options, fitted).batch(range(len(rows)))
    for n, member in enumerate(model.members):
        model.zero_grad()
        own = torch.tensor([label in fitted.left_out[n] for label in rows.labels])
        alarm_loss(model(batch.x[own]), batch.y[own]).backward()
        assert not any(p.grad is not None and p.grad.any() for p in member.parameters())
        other = model.members[1 - n]
        assert all(p.grad is not None for p in other.parameters())


def test_the_loss_by_hand():
    outputs = torch.tensor(
        [[[0.5, 1.0, -1.0], [2.0, 0.0, 0.0]], [[-1.0, 9.0, 9.0], [3.0, 9.0, 9.0]]]
    )
    targets = torch.tensor([[1.0, 0, 2, 0], [0.0, -1, 1, -1]])
    first = np.log1p(np.exp(-2.0)) + 0.5 * np.log(2)
    second = (np.log1p(np.exp(-1.0)) + np.log1p(np.exp(3.0))) / 2
    want = (2 * first + second) / 2
    assert float(alarm_loss(outputs, targets)) == pytest.approx(want, rel=1e-5)
    # by network 0, which leaves the anomaly out, 0.5; of the usual row the mean, 1.
    assert float(unseen_auc(outputs, targets)) == 0
    outputs[1, 1, 0] = 1.9
    assert float(unseen_auc(outputs, targets)) == 1
    assert float(unseen_auc(outputs[:1], targets[:1])) == 0.5


def test_one_kind_has_one_network_and_no_kinds():
    _, _, fitted, model = prepared(["attack", "normal"] * 5)
    assert fitted.left_out == ((),)
    assert fitted.kinds == ()
    assert len(model.members) == 1


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("anomaly")
    tiny = tasks.find("anomaly").tiny(folder)
    options = {"epochs": 8, "batch_size": 8, "units": 8, "learning_rate": 0.02}
    return run.train("anomaly", out=folder / "run", **tiny.options, **options), tiny


def test_it_finds_what_stands_out_and_says_why(trained):
    finished, tiny = trained
    usual, strange = finished.predict(list(tiny.inputs))
    assert strange.score > usual.score
    assert strange.threshold == finished.trained.calibration["threshold"]
    assert finished.scores.values["roc_auc"] > 0.9
    assert finished.scores.values["forest_roc_auc"] > 0.9
    assert finished.scores.values["kinds_accuracy"] > 0.6
    reason = finished.why([tiny.inputs[1]])[0]
    assert reason.labels == ("service=ssh", "bytes=0", "tries=3")
    assert abs(reason.error) < 1e-3
    nothing = finished.why([{"service": None, "bytes": None, "tries": None}])[0]
    assert nothing.values == pytest.approx((0, 0, 0))


def test_rows_come_as_tables_objects_and_frames(trained, tmp_path, monkeypatch):
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
    assert [each.row for each in finished.predict([str(path)])] == ["row 1", "row 2"]
    assert finished.task.inputs_of(str(path)) == [str(path)]
    for text in (path.read_text(), "\n".join(map(json.dumps, rows))):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        found = finished.predict(finished.task.inputs_of("-"))
        assert [each.score for each in found] == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ('{"service": "http"}', "row 1 has no 'bytes' and 'tries'"),
        ('{"service": "http", "bytes": "many", "tries": 0}', "'bytes' of .* must be a number"),
        ('{"service": ', "must be a JSON object"),
        (3, "rows must be a table"),
    ],
)
def test_rows_that_do_not_fit_are_named(row, said, trained):
    with pytest.raises(InputError, match=said):
        trained[0].predict([row])


def test_one_bad_row_does_not_keep_the_others_from_being_judged(trained):
    rows = pandas.DataFrame({"service": ["http"] * 3, "bytes": ["1", "x", "3"], "tries": 0})
    with pytest.raises(InputError, match="'bytes' of row 2 must be a number; got 'x'"):
        trained[0].predict(rows)
    found = trained[0].predict(rows, drop_bad=True)
    assert [type(each).__name__ for each in found] == ["Flagged", "Unread", "Flagged"]
    assert str(found[1]) == "BAD    'bytes' of row 2 must be a number; got 'x'."


def test_a_run_of_before_there_were_several_networks_still_answers(tmp_path):
    rows, options, fitted, _ = prepared(["flood", "scan", "normal"] * 4)
    stored = {name: fitted.to_json()[name] for name in ("columns", "usual")}
    old = AnomalyPreprocessing.from_json(stored)
    assert (old.together, old.kinds, old.left_out) == (0, (), ())
    model = Labelled().model(options, old)
    found = Trained(options, old, model.eval(), {"threshold": 0.5})
    x = Labelled().encode(rows, options, old).batch(range(3)).x
    assert x.tolist() == (old.columns[0].tokens(rows.columns["size"])[:3, None]).tolist()
    judged = Labelled().score(found, rows).detail[0]
    want = torch.sigmoid(model(Labelled().encode(rows, options, old).batch(range(12)).x)[:, 0])
    assert judged == pytest.approx(want.tolist())


# --- without labels ---


def waves(rows=500, seed=0):
    chance, steps = np.random.default_rng(seed), np.arange(rows)
    wave = np.sin(steps / 4)
    values = np.stack([wave, wave**2], axis=1) + 0.01 * chance.normal(size=(rows, 2))
    return pandas.DataFrame(values, columns=["a", "b"])


@pytest.fixture(scope="module")
def unlabelled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("series")
    frame = waves()
    frame.to_csv(folder / "series.csv", index=False)
    quick = {"epochs": 20, "batch_size": 16, "units": 8, "window": 16, "learning_rate": 0.02}
    return run.train(
        "anomaly", data=str(folder / "series.csv"), out=folder / "run", adaptive=50, **quick
    )


def faulty():
    frame = waves(120, seed=1)
    frame.loc[80:82, "b"] += 1.0
    return frame


def test_without_labels_what_was_not_expected_is_an_anomaly(unlabelled, tmp_path):
    loaded = run.load(unlabelled.path)
    assert any("Learnt without labels" in note for note in loaded.scores.notes)
    assert 0 <= loaded.scores.values["alarms"] < 0.1
    found = loaded.predict(faulty())
    assert max(range(120), key=lambda n: found[n].score) in range(80, 84)
    assert found[80].anomaly
    assert found[80].column == "b"
    assert np.mean([each.anomaly for each in found[:80]]) < 0.1
    known = faulty().assign(label=[int(80 <= n < 83) for n in range(120)])
    worth = loaded.evaluate(known).values
    assert worth["event_recall"] == 1
    assert worth["vus_pr"] > 0.5
    assert "naive_pr_auc" in worth
    reason = loaded.why(faulty())[80]
    assert reason.labels[1].startswith("b=")
    assert reason.values[1] > reason.values[0]
    assert abs(reason.error) < 1e-9
    for path in [*loaded.draw(found, tmp_path), *loaded.draw_evaluation(loaded.evaluate(known))]:
        assert path.stat().st_size > 1000
    assert loaded.inspect().trained.flows


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"mode": "supervised"}, "has no column 'label'"),
        ({"label": "kind"}, "has no column 'kind'"),
        ({"bidirectional": True}, "bidirectional must be off without labels"),
        ({"window": 400}, "401 rows at least"),
        ({"data": "made-traffic", "mode": "unsupervised"}, "is for mode supervised"),
    ],
)
def test_what_does_not_go_without_labels(options, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    waves().to_csv("series.csv", index=False)
    with pytest.raises(InputError, match=said):
        run.train("anomaly", **{"data": "series.csv", "epochs": 1, "units": 2, **options})


def test_labels_are_not_learnt_from_where_that_is_not_wanted(tmp_path):
    frame = waves().assign(label=["bad" if n % 50 == 49 else "normal" for n in range(500)])
    task = tasks.find("anomaly")
    frame.to_csv(tmp_path / "rows.csv", index=False)
    options = task.options(data=str(tmp_path / "rows.csv"), mode="unsupervised")
    found = prepare(task, options)
    assert found.preprocessing.names == ("a", "b")
    assert found.splits.test.anomalous.sum() == 2
    assert found.splits.test.places[0] == "row 401"
    assert prepare(task, task.options(data=options.data)).preprocessing.usual == "normal"


# --- rows as they come ---


def flow(finished, *parts, state=None):
    """What is said of text that is written into a pipe, part by part."""
    out, into = os.pipe()
    writer = threading.Thread(target=lambda: ([os.write(into, p) for p in parts], os.close(into)))
    writer.start()
    try:
        return [answer for some in watch(finished, out, state=state) for answer in some]
    finally:
        writer.join()
        os.close(out)


def test_rows_are_judged_as_they_come_just_as_in_a_file(unlabelled, trained):
    text = faulty().to_csv(index=False).encode()
    found = flow(unlabelled, text[:700], text[700:701], text[701:])
    want = unlabelled.predict(faulty())
    assert [each.score for each in found] == pytest.approx([each.score for each in want], rel=1e-4)
    assert found[0].row == "line 2"
    rows = b'{"service": "ssh", "bytes": 0, "tries": 3}\n{"bytes": 3}\n\n'
    one, bad = flow(trained[0], rows)
    assert one.score == pytest.approx(trained[0].predict(list(trained[1].inputs))[1].score)
    assert isinstance(bad, Unread)


def test_a_state_is_gone_on_with(unlabelled, trained, tmp_path):
    lines = faulty().to_csv(index=False).encode().splitlines(keepends=True)
    want = flow(unlabelled, *lines[:60], b"bad,\n", *lines[60:])
    state = tmp_path / "state.safetensors"
    first = flow(unlabelled, *lines[:60], b"bad,\n", state=state)
    second = flow(unlabelled, *lines[60:], state=state)
    assert isinstance(first[-1], Unread)
    scores = [getattr(each, "score", None) for each in [*first, *second]]
    want_scores = [getattr(each, "score", None) for each in want]
    kept = [(a, b) for a, b in zip(scores, want_scores, strict=True) if a is not None]
    assert [a for a, _ in kept] == pytest.approx([b for _, b in kept], rel=1e-4)
    assert files.read_tensors(state)[1]["rows"] == "121"
    with pytest.raises(InputError, match="the state of another run"):
        flow(trained[0], lines[0], state=state)
    state.write_bytes(b"no tensors")
    with pytest.raises(InputError, match="is damaged"):
        flow(unlabelled, lines[0], state=state)


def test_a_signal_to_end_saves_the_state(unlabelled, tmp_path):
    out, into = os.pipe()
    os.write(into, faulty().head(5).to_csv(index=False).encode())
    state = tmp_path / "state.safetensors"
    answers = watch(unlabelled, out, state=state)
    assert len(next(answers)) == 5
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt, match=r"Stopped after 5 rows\. The state is saved"):
        next(answers)
    assert files.read_tensors(state)[1]["rows"] == "5"
    os.close(into)
    os.close(out)


def test_the_command_that_watches(trained, tmp_path, monkeypatch, capsys):
    path = tmp_path / "rows.csv"
    path.write_text("service,bytes,tries\nssh,0,3\nssh,x,3\n")
    with path.open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert main(["watch", str(trained[0].path), "--json"]) == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first["row"] == "line 2"
    assert second == {"row": "line 3", "error": "'bytes' of line 3 must be a number; got 'x'."}


def test_a_task_that_judges_no_rows_as_they_come_says_so():
    with pytest.raises(InputError, match="The task forecast judges no rows as they come"):
        tasks.find("forecast").watcher(None)
