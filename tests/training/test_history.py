"""The history: columns, the best epoch, files and pictures."""

from __future__ import annotations

import math

import pytest

from recur.messages import InputError
from recur.training import History


def history():
    made = History()
    for row in (
        {"loss": 0.7, "accuracy": 0.5, "val_loss": 0.6, "val_accuracy": 0.7, "seconds": 1.0},
        {"loss": 0.1 + 0.2, "accuracy": 0.6, "val_loss": 0.4, "val_accuracy": 0.9, "seconds": 1.5},
        {"loss": 0.2, "accuracy": 0.7, "val_loss": 0.4, "val_accuracy": 0.8, "seconds": 1.25},
    ):
        made.append(row)
    return made


def test_columns_by_name_and_as_attributes():
    made = history()
    assert made["loss"] == made.loss == [0.7, 0.1 + 0.2, 0.2]
    assert made.val_accuracy == [0.7, 0.9, 0.8]
    assert made.epoch == [1, 2, 3]
    assert made.history["val_loss"] == [0.6, 0.4, 0.4]
    assert list(made.history) == made.columns
    assert len(made) == 3
    assert repr(made).startswith("History(3 epochs: loss, accuracy")


def test_a_column_that_is_not_there():
    with pytest.raises(InputError, match=r"got 'los'. Did you mean 'loss'"):
        history()["los"]
    with pytest.raises(AttributeError, match="no column 'mae'"):
        history().mae  # noqa: B018
    assert not hasattr(History(), "loss")


def test_best_epoch_counts_from_1_and_knows_which_way_is_up():
    made = history()
    assert made.best_epoch() == 2  # the first of equals
    assert made.best_epoch("loss") == 3
    assert made.best_epoch("val_accuracy") == 2
    made.append({"loss": math.nan, "val_loss": math.nan})
    assert made.best_epoch("loss") == 3
    empty = History()
    empty.append({"loss": math.nan})
    with pytest.raises(InputError, match="no finite value"):
        empty.best_epoch()


def test_csv_both_ways_is_exact(tmp_path):
    made = history()
    made.append({"loss": 1 / 3, "late": -1e-17, "seconds": math.inf})
    made.to_csv(tmp_path / "history.csv")
    read = History.from_csv(tmp_path / "history.csv")
    assert read.rows == made.rows
    assert (tmp_path / "history.csv").read_text().splitlines()[1].startswith("1,0.7,0.5,")


@pytest.mark.parametrize(
    "content", ["epoch,loss\n1,abc\n", 'epoch,loss\n1,"0.5\n', "epoch,loss\n1,2,3\n"]
)
def test_a_damaged_csv_is_named(content, tmp_path):
    path = tmp_path / "history.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=r"history.csv is damaged"):
        History.from_csv(path)


def test_plot_saves_a_picture_for_each_curve(tmp_path):
    paths = history().plot(tmp_path / "plots")
    assert [path.name for path in paths] == ["loss.png", "accuracy.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)
    (path,) = history().plot(tmp_path / "all.svg")
    assert path.read_text().count("during training") or path.stat().st_size > 5000
    figure = history().plot()
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss", "accuracy"]
    assert figure.axes[0].get_lines()[0].get_xdata().tolist() == [1, 2, 3]
    with pytest.raises(InputError, match="at least one epoch"):
        History().plot()
