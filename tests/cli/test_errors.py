"""Bad input as a user meets it: a process, a status, one sentence, and nothing lost.

Every command line runs in a process of its own; `forked.py` imports torch once for all of them.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from recur import files

QUICK = ["--epochs", "1", "--units", "4"]
FORECAST = ["train", "forecast", *QUICK, "--horizon", "3", "--window", "6"]
SENTIMENT = ["train", "sentiment", *QUICK, "--maxlen", "8"]
LANGUAGE = ["train", "language", *QUICK, "--layers", "1", "--truncate", "8"]
OFFLINE = {
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "RECUR_DATA": "",
}


def recur(folder, *jobs):
    """Runs command lines (lists of words, or whole jobs) and returns what each gave."""
    jobs = [job if isinstance(job, dict) else {"words": job} for job in jobs]
    report = folder / "report.json"
    subprocess.run(
        [sys.executable, str(Path(__file__).with_name("forked.py")), str(report)],
        input=json.dumps(jobs),
        text=True,
        cwd=folder,
        check=True,
        timeout=240,
        env={**os.environ, "OMP_NUM_THREADS": "1", "RECUR_CACHE": str(folder / "cache")},
    )
    return json.loads(report.read_text())


def sentence(result):
    """The one sentence of a command that failed."""
    assert "Traceback" not in result["err"], result["err"]
    assert result["out"] == ""
    lines = [line for line in result["err"].splitlines() if line.startswith("recur: ")]
    assert len(lines) == 1, result["err"]
    assert result["err"].splitlines()[-1] == lines[0]
    return lines[0].removeprefix("recur: ")


def reviews(path, labels=("good", "bad"), n=60):
    rows = [(f"a {labels[i % len(labels)]} film {i}", labels[i % len(labels)]) for i in range(n)]
    files.write_csv(path, ("text", "label"), rows)


def prices(path, n=80, **changes):
    days = np.arange(np.datetime64("2024-01-01"), np.datetime64("2024-01-01") + n)
    rows = [[str(day), f"{10 + np.sin(step):.3f}"] for step, day in enumerate(days)]
    for row, value in changes.items():
        number = int(row.removeprefix("row"))
        rows[number - 1 : number] = [[rows[number - 1][0], value]] if value is not None else []
    files.write_csv(path, ("date", "close"), rows)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Data, good and bad, and one trained run."""
    place = tmp_path_factory.mktemp("errors")
    reviews(place / "reviews.csv")
    reviews(place / "one.csv", labels=("good",))
    prices(place / "prices.csv")
    prices(place / "word.csv", row7="n.m.")
    prices(place / "nan.csv", row7="nan")
    prices(place / "gap.csv", row7=None)
    prices(place / "short.csv", n=5)
    (place / "book.txt").write_text("the sun shines, and the rain falls.\n" * 40)
    (place / "blank.txt").write_text("\n \t\n" * 20)
    (place / "bytes.txt").write_bytes(bytes(range(256)))
    (place / "word.txt").write_text("word")
    (place / "words.txt").write_text("word\n" * 40)
    (place / "empty.csv").write_bytes(b"")
    (place / "header.csv").write_text("text,label\n")
    (place / "latin.csv").write_bytes("date,close,text,label\ncafé,1,a,b\n".encode("latin-1"))
    trained = recur(
        place,
        [*SENTIMENT, "--data", "reviews.csv", "--out", "run"],
        [*FORECAST, "--data", "prices.csv", "--out", "prices"],
        [*LANGUAGE, "--data", "book.txt", "--out", "book"],
    )
    for result in trained:
        assert result["status"] == 0, result["err"]
    return place


WRONG = {
    "unknown task": (["train", "sentimnt"], "got 'sentimnt'. Did you mean 'sentiment'?"),
    "unknown command": (["trian", "sentiment"], "Did you mean 'train'?"),
    "unknown cell": ([*SENTIMENT, "--cell", "lsmt"], "got 'lsmt'. Did you mean 'lstm'?"),
    "unknown option": ([*SENTIMENT, "--epoch", "3"], "no option --epoch. Did you mean '--epochs'?"),
    "no number": ([*SENTIMENT, "--units", "few"], "--units must be a whole number; got 'few'."),
    "missing file": ([*SENTIMENT, "--data", "gone.csv"], "There is no file gone.csv."),
    "missing series": ([*FORECAST, "--data", "gone.csv"], "There is no file gone.csv."),
    "unknown dataset": ([*FORECAST, "--data", "sunspot"], "Did you mean 'sunspots'?"),
    "a folder": (
        [*SENTIMENT, "--data", "run"],
        "run must be a folder of texts for each of two classes at least",
    ),
    "empty file": ([*SENTIMENT, "--data", "empty.csv"], "empty.csv is empty."),
    "empty series": ([*FORECAST, "--data", "empty.csv"], "empty.csv is empty."),
    "header only": ([*SENTIMENT, "--data", "header.csv"], "header.csv is empty."),
    "not UTF-8": ([*SENTIMENT, "--data", "latin.csv"], "latin.csv is not UTF-8 text: line 2"),
    "series not UTF-8": ([*FORECAST, "--data", "latin.csv"], "latin.csv is not UTF-8 text: line 2"),
    "no such column": (
        [*SENTIMENT, "--data", "reviews.csv", "--label", "stars"],
        "reviews.csv has no column 'stars'; it has 'text' and 'label'.",
    ),
    "no such target": (
        [*FORECAST, "--data", "prices.csv", "--target", "colse"],
        "prices.csv has no column 'colse'; it has 'date' and 'close'. Did you mean 'close'?",
    ),
    "one class": ([*SENTIMENT, "--data", "one.csv"], "at least two classes; got only 'good'"),
    "a word for a number": ([*FORECAST, "--data", "word.csv"], "row 7 of the column 'close'"),
    "NaN": ([*FORECAST, "--data", "nan.csv"], "nan.csv has no value in row 7 of the column"),
    "a gap": ([*FORECAST, "--data", "gap.csv"], "gap.csv has a gap after 2024-01-06"),
    "too short": ([*FORECAST, "--data", "short.csv"], "at least"),
    "out exists": (
        [*SENTIMENT, "--data", "reviews.csv", "--out", "run"],
        "out run exists already, and nothing is overwritten.",
    ),
    "no run": (["evaluate", "gone"], "There is no run directory gone. Check the path."),
    "not a run": (["predict", ".", "a film"], ". is no run directory: it has no config.json."),
    "resume nothing": ([*SENTIMENT, "--out", "gone", "--resume"], "There is no run directory gone"),
    "resume another task": ([*FORECAST, "--out", "run", "--resume"], "must be a run of forecast"),
    "nothing to judge": (["predict", "run"], "sentiment needs a text that is not empty"),
    "series to judge": (["predict", "prices", "gone.csv"], "There is no file gone.csv"),
    "pieces of 0": ([*LANGUAGE, "--truncate", "0"], "truncate must be at least 1; got 0."),
    "a vocabulary of 1": ([*LANGUAGE, "--vocabulary", "1"], "vocabulary must be at least 3; got 1"),
    "a temperature below 0": (
        ["predict", "book", "the sun", "--temperature", "-1"],
        "temperature must be at least 0",
    ),
    "an answer of 0": (
        ["predict", "book", "the sun", "--length", "0"],
        "length must be at least 1; got 0.",
    ),
    "how to answer in training": (
        [*LANGUAGE, "--length", "5"],
        "recur train language has no option --length. How to answer is asked for in predict: "
        "`recur predict RUN --length ...`.",
    ),
    "an empty text": ([*LANGUAGE, "--data", "empty.csv"], "empty.csv must be long enough to learn"),
    "a blank text": ([*LANGUAGE, "--data", "blank.txt"], "blank.txt must be long enough to learn"),
    "bytes": ([*LANGUAGE, "--data", "bytes.txt"], "bytes.txt is not UTF-8 text: line"),
    "one word": ([*LANGUAGE, "--data", "word.txt"], "word.txt must be long enough to learn"),
    "documents of one word": (
        [*LANGUAGE, "--data", "words.txt", "--documents", "lines"],
        "the training part of words.txt must be a text with two words in a row at least; got 32 "
        "tokens. Add more text.",
    ),
    "a folder of texts": ([*LANGUAGE, "--data", "book"], "book is a folder."),
    "nothing to score": (
        ["evaluate", "book", "--data", "blank.txt"],
        "blank.txt must be at least one document to test on; got none.",
    ),
    "a word to score": (
        ["evaluate", "book", "--data", "word.txt"],
        "word.txt must be a text with two words in a row at least; got 1 token.",
    ),
    "an empty prompt": (["predict", "book", " "], "language needs the beginning of a text"),
    "prompts in an empty file": (
        ["predict", "book", "--file", "empty.csv"],
        "language needs the beginning of a text",
    ),
    "unknown words": (
        ["predict", "book", "qux zod"],
        "a prompt must be one with a word that the model knows; got 'qux zod'.",
    ),
    "why unknown words": (["predict", "book", "qux", "--why"], "that the model knows; got 'qux'."),
    "other pieces in the middle": (
        ["train", "language", "--out", "book", "--resume", "--truncate", "3"],
        "truncate of a run that goes on must be the same, 8; got 3.",
    ),
}


def test_wrong_input_gets_one_sentence_and_status_2(folder):
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    results = recur(folder, *(words for words, _ in WRONG.values()))
    failed = {}
    for (name, (_, expected)), result in zip(WRONG.items(), results, strict=True):
        if result["status"] != 2 or expected not in sentence(result):
            failed[name] = result
    assert not failed
    (folder / "report.json").unlink()
    after = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    before.pop(folder / "report.json", None)
    assert before == after  # nothing was made, nothing was changed


def test_runs_that_are_no_longer_whole(folder):
    for name in ("incomplete", "newer", "cut", "changed", "text"):
        shutil.copytree(folder / "run", folder / name)
    (folder / "incomplete" / "model.safetensors").unlink()
    config = files.read_json(folder / "newer" / "config.json")
    files.write_json(folder / "newer" / "config.json", {**config, "format": 99})
    weights = (folder / "run" / "model.safetensors").read_bytes()
    (folder / "cut" / "model.safetensors").write_bytes(weights[:-100])
    (folder / "changed" / "model.safetensors").write_bytes(weights[:-1] + b"\x55")
    (folder / "text" / "model.safetensors").write_text("not weights")
    expected = {
        "incomplete": "The run incomplete is incomplete: model.safetensors is missing.",
        "newer": "was written by a newer recur",
        "cut": "model.safetensors is damaged",
        "changed": "model.safetensors is damaged",
        "text": "model.safetensors is damaged",
    }
    results = recur(folder, *(["predict", name, "a film"] for name in expected))
    for (name, words), result in zip(expected.items(), results, strict=True):
        assert result["status"] == 2
        assert words in sentence(result), name


def test_a_dataset_that_is_nowhere_says_where_it_would_be(folder):
    job = {"words": [*FORECAST, "--data", "ett"], "env": OFFLINE}
    (result,) = recur(folder, job)
    assert result["status"] == 1
    for words in ("https://raw.githubusercontent.com/", "2.6 MB", "RECUR_DATA", "ETTh1.csv"):
        assert words in sentence(result)


def test_a_full_disk_while_saving_loses_nothing(folder):
    shutil.copytree(folder / "run", folder / "full")
    before = {path: path.read_bytes() for path in (folder / "full").rglob("*") if path.is_file()}
    more = [*SENTIMENT[:2], "--out", "full", "--resume", "--epochs", "2"]
    new = [*SENTIMENT, "--data", "reviews.csv", "--out", "new"]
    jobs = [{"words": words, "limit": 2_000} for words in (more, new)]
    for result in recur(folder, *jobs):
        assert result["status"] == 1
        assert "could not be written" in sentence(result)
        assert "File too large" in sentence(result)
    kept = {path: path.read_bytes() for path in (folder / "full").rglob("*") if path.is_file()}
    assert kept.keys() == before.keys()
    assert {path.name for path in kept if kept[path] != before[path]} <= {
        "config.json",
        "layers.csv",
    }
    assert not (folder / "new").exists()  # nothing was learnt yet
    # With room again, one goes on and the other begins anew.
    evaluated, resumed, fresh = recur(folder, ["evaluate", "full"], more, new)
    assert evaluated["status"] == resumed["status"] == fresh["status"] == 0


def test_a_full_disk_under_standard_output(folder):
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    (result,) = recur(folder, {"words": ["predict", "run", "a film"], "stdout": "/dev/full"})
    assert result["status"] == 1
    assert sentence(result) == "Standard output could not be written: No space left on device."


def test_json_is_all_that_is_on_standard_output(folder):
    trained, *others = recur(
        folder,
        [*SENTIMENT, "--data", "reviews.csv", "--json"],
        ["evaluate", "run", "--json"],
        ["predict", "run", "a film", "--json"],
        ["predict", "prices", "--json"],
        ["plot", "run", "--json"],
        ["datasets", "--json"],
    )
    assert json.loads(trained["out"])["run"] == os.path.join("runs", "sentiment-1")
    assert "epoch 1/1" in trained["err"]
    for result in others:
        assert result["status"] == 0
        assert isinstance(json.loads(result["out"]), dict)


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX")
def test_ctrl_c_saves_says_how_to_go_on_and_goes_on(folder):
    """The real thing: `python -m recur`, a real SIGINT, then the command that was printed."""
    words = ["train", "sentiment", "--data", "reviews.csv", "--epochs", "100000", "--units", "4"]
    process = subprocess.Popen(
        [sys.executable, "-m", "recur", *words, "--out", "stopped"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    state = folder / "stopped" / "checkpoint" / "state.safetensors"
    until = time.monotonic() + 60
    while not state.exists() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    line = sentence({"out": out, "err": err})
    assert line.startswith("Stopped in epoch ")
    command = line.partition("Go on with: ")[2].split()
    assert command == ["recur", "train", "sentiment", "--out", "stopped", "--resume"]
    done = len(err.splitlines())
    (resumed,) = recur(folder, [*command[1:], "--epochs", str(done + 3)])
    assert resumed["status"] == 0, resumed["err"]
    assert f"epoch {done + 3}/{done + 3}" in resumed["err"]
