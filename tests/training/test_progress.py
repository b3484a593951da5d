"""What a person sees: plain lines, a bar on a terminal, or nothing; always on standard error."""

from __future__ import annotations

import io
import re
import subprocess
import sys

import pytest
import torch
from tests.training.problems import LOGITS, dense, line_model, ragged_data, token_model
from torch import nn

from recur.training import evaluate, fit, predict, progress
from recur.training.progress import Progress

GIVEN = {"loss": LOGITS, "metrics": ["accuracy"], "seed": 0, "batch_size": 8}


class Terminal(io.StringIO):
    def isatty(self):
        return True

    def shown(self):
        """All that was drawn, without colours and cursor movements."""
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self.getvalue())


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")
    for name in ("NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)

    def begin():
        """To be called in the test: pytest puts its own standard error in place before."""
        monkeypatch.setattr(sys, "stderr", Terminal())
        return sys.stderr

    return begin


@pytest.mark.parametrize("show", [None, True])
def test_a_plain_line_an_epoch_where_there_is_no_terminal(show, capsys):
    x, y = dense()
    history = fit(line_model(), x, y, **GIVEN, epochs=2, validation_data=(x, y), progress=show)
    out, err = capsys.readouterr()
    assert out == ""
    expected = [
        f"epoch {epoch}/2  loss {row['loss']:.4f}  accuracy {row['accuracy']:.4f}  "
        f"val_loss {row['val_loss']:.4f}  val_accuracy {row['val_accuracy']:.4f}  "
        f"{row['seconds']:.1f} s"
        for epoch, row in enumerate(history.rows, start=1)
    ]
    assert err.splitlines() == expected


class Gone(Terminal):
    """A terminal that was closed after the first look at it."""

    def write(self, text=""):
        raise OSError(5, "Input/output error")

    flush = write


@pytest.mark.parametrize("stream", [None, Gone(), "closed"])
def test_no_standard_error_stops_no_training(monkeypatch, capsys, stream):
    if stream == "closed":
        stream = io.StringIO()
        stream.close()
    monkeypatch.setattr(sys, "stderr", stream)
    assert len(fit(line_model(), *dense(), **GIVEN, epochs=2)) == 2
    evaluate(line_model(), *dense(), loss=LOGITS)
    assert capsys.readouterr().out == ""


def test_nothing_at_all(capsys, terminal):
    screen = terminal()
    x, y = dense()
    fit(line_model(), x, y, **GIVEN, progress=False)
    evaluate(line_model(), x, y, loss=LOGITS, progress=False)
    assert screen.getvalue() == ""
    assert capsys.readouterr() == ("", "")


def test_notes_are_shown(capsys):
    model = nn.Sequential(nn.Embedding(12, 1), nn.Flatten(), nn.LazyLinear(1))
    data = ragged_data(8)
    model(data.batch(range(8)).x)  # as wide as the longest sequence
    fit(model, data, **GIVEN, epochs=1)
    assert capsys.readouterr().err.startswith("The model's forward takes no `lengths`")


def test_a_bar_with_time_left_loss_and_metrics(terminal, monkeypatch, capsys):
    screen = terminal()
    monkeypatch.setattr(progress, "DRAW_EVERY", 0.0)
    x, y = dense()
    fit(line_model(), x, y, **GIVEN, epochs=2, validation_data=(x, y))
    shown = screen.shown()
    assert re.search(r"epoch 1/2 .*━.* 3/6 +0:00 left, 0:00 in all  loss 0\.\d+  accuracy", shown)
    assert re.search(r"epoch 2/2 .*━.* 3/6 +0:00 left  loss", shown)
    assert "validating" in shown
    # The lines of the epochs stay; the bar goes.
    last = shown.rstrip().splitlines()[-1]
    assert last.strip().startswith("epoch 2/2  loss")
    assert capsys.readouterr().out == ""


def test_the_bar_is_drawn_some_times_a_second_not_for_every_batch(terminal, monkeypatch):
    terminal()
    drawn = []
    monkeypatch.setattr(progress, "DRAW_EVERY", 3600.0)
    shown = Progress(1, 1000, None)
    with shown:
        shown.begin(1, 0)
        for _ in range(1000):
            shown.batch(lambda: drawn.append(1) or {})
    assert len(drawn) == 1


def test_time_left_is_estimated_from_what_was_seen(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: clock[0])
    bar = Progress(3, 10, None)
    bar.show = False
    bar.begin(1, 0)
    clock[0] += 8
    for _ in range(4):
        bar.batch(dict)
    # 2 s a batch: 6 batches to do, and two epochs of 10.
    assert bar._time_left() == "0:12 left, 0:52 in all"
    bar.end(1, {"seconds": 25.0})
    bar.begin(2, 5)  # gone on with in the middle
    clock[0] += 9
    for _ in range(3):
        bar.batch(dict)
    assert bar._time_left() == "0:06 left, 0:31 in all"
    assert Progress(1, 0, None)._time_left() == ""


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "0:00"), (59.6, "1:00"), (754, "12:34"), (3725, "1:02:05")]
)
def test_clock(seconds, words):
    assert progress._clock(seconds) == words


def test_evaluate_and_predict_show_a_bar_only_if_they_take_long(terminal, monkeypatch):
    screen = terminal()
    data = ragged_data(64)
    evaluate(token_model(), data, loss=LOGITS, batch_size=8)
    predict(token_model(), data, batch_size=8)
    assert screen.getvalue() == ""
    monkeypatch.setattr(progress, "LONG", 0.0)
    monkeypatch.setattr(progress, "DRAW_EVERY", 0.0)
    evaluate(token_model(), data, loss=LOGITS, batch_size=8)
    predict(token_model(), data, batch_size=8)
    shown = screen.shown()
    assert re.search(r"evaluating .*━.* 4/8 +0:00 left", shown)
    assert "predicting" in shown


def test_the_terminal_is_whole_again_after_an_error(terminal):
    screen = terminal()

    def fails(epoch, row):
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        fit(line_model(), *dense(), **GIVEN, on_epoch=fails)
    hidden, shown = screen.getvalue().count("\x1b[?25l"), screen.getvalue().count("\x1b[?25h")
    assert hidden == shown == 1


def test_rich_is_imported_for_a_bar_only():
    code = (
        "import sys, torch; from recur.training import fit;"
        "assert 'rich.progress' not in sys.modules;"
        "x = torch.randn(8, 2); fit(torch.nn.Linear(2, 1), x, x[:, 0], loss='mse');"
        "assert 'rich.progress' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_a_stream_has_no_end_in_sight(terminal, monkeypatch):
    screen = terminal()
    monkeypatch.setattr(progress, "DRAW_EVERY", 0.0)

    class Stream(torch.utils.data.IterableDataset):
        def __iter__(self):
            return iter(zip(*dense(), strict=True))

    fit(line_model(), Stream(), **GIVEN)
    assert re.search(r"epoch 1/1 .* 6/\?", screen.shown())
