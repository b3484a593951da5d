"""Figures: what is drawn, that files appear whole, and that matplotlib stays out until needed."""

from __future__ import annotations

import datetime
import subprocess
import sys

import numpy as np
import pytest

from recur import plots
from recur.messages import FailedError, InputError

COLUMNS = {
    "epoch": [1, 2, 3],
    "loss": [0.7, 0.5, 0.4],
    "accuracy": [0.5, 0.7, 0.8],
    "gradient_norm": [1.0, 1.0, 1.0],
    "val_loss": [0.6, 0.6, 0.5],
    "val_accuracy": [0.4, 0.6, 0.7],
    "seconds": [1.0, 1.0, 1.0],
}


def lines(axes):
    return {line.get_label(): list(line.get_ydata()) for line in axes.get_lines()}


def test_curves_draw_loss_and_accuracy_on_training_and_validation():
    figures = dict(plots.curves(COLUMNS))
    assert list(figures) == ["loss", "accuracy"]
    for name, figure in figures.items():
        (axes,) = figure.axes
        assert lines(axes) == {"training": COLUMNS[name], "validation": COLUMNS[f"val_{name}"]}
        assert axes.get_lines()[0].get_xdata().tolist() == [1, 2, 3]
        assert axes.get_xlabel() == "epoch"
        assert axes.get_ylabel() == name
        assert axes.get_title("left") == f"{name.capitalize()} during training"
        assert [t.get_text() for t in axes.get_legend().get_texts()] == ["training", "validation"]


def test_curves_without_validation_have_one_line():
    ((_, figure),) = plots.curves({"loss": [0.7, 0.5]})
    assert lines(figure.axes[0]) == {"training": [0.7, 0.5]}


def test_an_accuracy_below_a_half_is_inside_the_picture():
    figures = dict(plots.curves({**COLUMNS, "accuracy": [0.1, 0.2, 0.3]}))
    low, high = figures["accuracy"].axes[0].get_ylim()
    assert low < 0.1
    assert high > 1


def test_values_that_are_not_finite_do_not_stop_the_drawing(tmp_path):
    columns = {"loss": [0.7, float("nan"), 0.4], "accuracy": [float("nan")] * 3}
    for name, figure in plots.curves(columns):
        assert plots.save(figure, tmp_path / f"{name}.png").stat().st_size > 1000


def test_overview_has_a_panel_for_each_curve():
    assert [a.get_ylabel() for a in plots.overview(COLUMNS).axes] == ["loss", "accuracy"]


@pytest.mark.parametrize("columns", [{}, {"accuracy": [1.0]}, {"loss": []}])
def test_nothing_to_draw_is_said(columns):
    with pytest.raises(InputError, match="a loss of at least one epoch"):
        plots.curves(columns)


def test_forecast_joins_the_last_known_value():
    figure = plots.forecast([1, 2, 3], [4, 5], actual=[4, 4], naive=[3, 3], value="price [USD]")
    (axes,) = figure.axes
    drawn = lines(axes)
    assert drawn["known"] == [1, 2, 3]
    assert drawn["forecast"] == [3, 4, 5]
    assert drawn["what came"] == [3, 4, 4]
    assert drawn["naive forecast"] == [3, 3, 3]
    assert axes.get_ylabel() == "price [USD]"
    assert axes.get_lines()[0].get_xdata().tolist() == [-2, -1, 0]


@pytest.mark.parametrize("kind", [lambda day: day, np.datetime64])
def test_forecast_has_dates_on_its_axis(kind, tmp_path):
    days = [kind(datetime.datetime(2020, 2, 26) + datetime.timedelta(days=i)) for i in range(8)]
    figure = plots.forecast(range(6), [6, 7], past_times=days[:6], times=days[6:])
    plots.save(figure, tmp_path / "forecast.png")
    ticks = [tick.get_text() for tick in figure.axes[0].get_xticklabels()]
    assert "Mar" in ticks
    assert "27" in ticks


def test_a_forecast_may_have_an_interval():
    figure = plots.forecast([1, 2], [3, 4], low=[2, 2], high=[4, 6])
    (band,) = figure.axes[0].collections
    ends = {tuple(point) for point in band.get_paths()[0].vertices.tolist()}
    assert {(0, 2), (1, 2), (1, 4), (2, 2), (2, 6)} <= ends
    with pytest.raises(InputError, match="low and high must be given both or neither"):
        plots.forecast([1, 2], [3, 4], low=[2, 2])
    with pytest.raises(InputError, match="high must be of length 2; got 1"):
        plots.forecast([1, 2], [3, 4], low=[2, 2], high=[4])


def test_a_backtest_has_a_line_from_each_origin_and_the_errors_by_step(tmp_path):
    days = np.arange("2024-01-01", "2024-01-06", dtype="datetime64[D]")
    errors = {"this model": [1.0, 2.0], "naive": [2.0, 3.0]}
    figure = plots.backtest([1, 2, 3, 4, 5], [(0, [1, 1]), (2, [3, 3])], errors, times=days)
    above, below = figure.axes
    assert [list(line.get_ydata()) for line in above.get_lines()] == [
        [1, 2, 3, 4, 5],
        [1, 1],
        [3, 3],
    ]
    assert above.get_lines()[2].get_xdata().tolist() == days[2:4].tolist()
    assert lines(below) == errors
    assert plots.save(figure, tmp_path / "backtest.png").stat().st_size > 5000
    with pytest.raises(InputError, match="times must be of length 5; got 4"):
        plots.backtest([1, 2, 3, 4, 5], [(0, [1, 1])], errors, times=days[:4])
    with pytest.raises(InputError, match="a backtest must be values, forecasts and errors"):
        plots.backtest([], [], errors)


def test_forecast_refuses_lengths_that_do_not_fit():
    with pytest.raises(InputError, match="naive must be of length 2; got 3"):
        plots.forecast([1], [1, 2], naive=[1, 2, 3])
    with pytest.raises(InputError, match="given both or neither"):
        plots.forecast([1], [1, 2], times=[1, 2])
    with pytest.raises(InputError, match="at least one value"):
        plots.forecast([], [1])


@pytest.mark.parametrize(
    ("name", "start"), [("a.png", b"\x89PNG"), ("a.svg", b"<?xml"), ("a.pdf", b"%PDF")]
)
def test_save_follows_the_name(name, start, tmp_path):
    path = plots.save(plots.overview(COLUMNS), tmp_path / "new" / name)
    assert path.read_bytes().startswith(start)
    assert [p.name for p in path.parent.iterdir()] == [name]


def test_save_refuses_other_names_and_writes_nothing(tmp_path):
    with pytest.raises(InputError, match=r"pdf.*png.*svg"):
        plots.save(plots.overview(COLUMNS), tmp_path / "a.txt")
    assert not list(tmp_path.iterdir())


def test_save_that_fails_keeps_the_old_file(tmp_path):
    folder = tmp_path / "not-a-folder"
    folder.write_text("here")
    with pytest.raises(FailedError, match="could not be written"):
        plots.save(plots.overview(COLUMNS), folder / "a.png")
    assert folder.read_text() == "here"


def boxes(figure):
    """The labels of the boxes by row: inputs, states, outputs."""
    rows = {0: [], 1: [], 2: []}
    for text in figure.axes[0].texts:
        if text.get_text():
            rows[text.get_position()[1]].append(text.get_text())
    return list(rows.values())


def arrows(figure):
    return [(text.xyann, text.xy) for text in figure.axes[0].texts if not text.get_text()]


def test_unrolled_draws_the_inputs_and_outputs_that_exist():
    figure = plots.unrolled("many-to-one")
    inputs, states, outputs = boxes(figure)
    assert inputs == ["$x_1$", "$x_2$", "$x_3$", "$x_4$"]
    assert states == ["$h_1$", "$h_2$", "$h_3$", "$h_4$"]
    assert outputs == ["$y$"]
    up = [((t, 0), (t, 1)) for t in range(4)] + [((3, 1), (3, 2))]
    onwards = [((t, 1), (t + 1, 1)) for t in range(3)]
    assert sorted(arrows(figure)) == sorted(up + onwards)


def test_unrolled_draws_what_is_fed_back_and_looked_at():
    plain, asking = (set(arrows(plots.unrolled(n))) for n in ("encoder-decoder", "attention"))
    assert {((3, 2), (4, 0)), ((4, 2), (5, 0))} <= plain
    assert asking - plain == {((h, 1), (s, 1)) for h in range(3) for s in (3, 4, 5)} - {
        ((2, 1), (3, 1))
    }
    assert len(arrows(plots.unrolled("one-to-one"))) == 2


@pytest.mark.parametrize("name", plots.UNROLLED)
def test_every_type_can_be_drawn(name, tmp_path):
    path = plots.save(plots.unrolled(name), tmp_path / "picture.png")
    assert 1000 < path.stat().st_size < 100_000


def test_a_network_of_ones_own():
    own = plots.Unrolled(("a", "b"), ("", "c"), ("h", "h"), attended=(0,))
    assert boxes(plots.unrolled(own)) == [["$a$", "$b$"], ["$h$", "$h$"], ["$c$"]]
    with pytest.raises(InputError, match=r"^outputs must be as many as the states, 2; got 1\.$"):
        plots.unrolled(plots.Unrolled(("a", "b"), ("c",), ("h", "h")))
    with pytest.raises(InputError, match=r"Did you mean 'many-to-one'"):
        plots.unrolled("many-to-ones")


def test_notebooks_can_show_a_figure():
    assert plots.overview(COLUMNS)._repr_png_().startswith(b"\x89PNG")


def test_the_style_of_the_user_is_left_out_and_left_alone(tmp_path):
    """With LaTeX that is not installed, for one, no picture would be drawn."""
    import matplotlib

    plain = plots.save(plots.overview(COLUMNS), tmp_path / "plain.png").read_bytes()
    styled = {"text.usetex": True, "axes.facecolor": "black", "savefig.dpi": 10}
    with matplotlib.rc_context(styled):
        figure = plots.overview(COLUMNS)
        assert plots.save(figure, tmp_path / "x.png").read_bytes() == plain
        assert figure._repr_png_() == plain
        assert matplotlib.rcParams["axes.facecolor"] == "black"


def test_matplotlib_is_imported_when_the_first_figure_is_drawn(monkeypatch):
    """Also where a notebook hands down a backend that is not installed here."""
    monkeypatch.setenv("MPLBACKEND", "module://no_such.backend")
    code = (
        "import sys; from recur import plots; assert 'matplotlib' not in sys.modules;"
        "plots.overview({'loss': [1.0]}); assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_gradients_are_drawn_over_their_largest():
    figure = plots.gradients({"rnn": [4.0, 2.0, 0.0], "gru": [1.0, 2.0, float("inf")]})
    (axes,) = figure.axes
    drawn = lines(axes)
    assert drawn["rnn"][:2] == [1.0, 0.5]
    assert np.isnan(drawn["rnn"][2])  # a logarithm has no zero
    assert drawn["gru"][:2] == [0.5, 1.0]
    assert axes.get_yscale() == "log"
    for nothing in ({}, {"rnn": []}):
        with pytest.raises(InputError, match="at least one norm"):
            plots.gradients(nothing)


def test_layer_sizes_have_a_line_for_each_layer():
    columns = {"gradient a": [1, 2], "gradient b": [3, 4], "update a": [0.1, float("nan")]}
    left, right = plots.layer_sizes(columns).axes
    assert lines(left) == {"a": [1, 2], "b": [3, 4]}
    assert list(lines(right)) == ["a"]
    with pytest.raises(InputError, match=r"must be sizes of gradients or updates; got \['loss'\]"):
        plots.layer_sizes({"loss": [1.0]})


def test_heatmaps_show_units_over_time_and_signs_by_colour():
    values = {"h": np.array([[-1.0, 0.5], [0.2, 0.3], [0.0, 2.0]]), "gate": np.full((3, 4), 0.5)}
    figure = plots.heatmaps(values, steps=["a", "b", "c"])
    first, second = (axes for axes in figure.axes if axes.get_images())
    assert np.array_equal(first.get_images()[0].get_array(), values["h"].T)
    assert first.get_images()[0].get_clim() == (-2, 2)
    assert second.get_images()[0].get_clim() == (0, 1)
    with pytest.raises(InputError, match=r"arrays \(T, H\) of the same T"):
        plots.heatmaps({"a": np.ones((2, 3)), "b": np.ones((3, 3))})
    with pytest.raises(InputError, match="steps must be of length 3; got 2"):
        plots.heatmaps(values, steps=["a", "b"])


def test_alignments_and_attributions_have_their_words():
    figure = plots.alignment([[0.2, 0.8], [1.0, 0.0]], source=["a", "$b"], target=["x", "y"])
    axes = figure.axes[0]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["a", r"\$b"]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["x", "y"]
    (bars,) = plots.attribution([1.0, -2.0], ["good", "bad"]).axes
    assert [bar.get_height() for bar in bars.patches] == [1.0, -2.0]
    with pytest.raises(InputError, match=r"of two axes \(Q, S\), not empty; got \(2,\)"):
        plots.alignment([1.0, 2.0])
    with pytest.raises(InputError, match="target must be of length 1; got 2"):
        plots.alignment([[1.0]], target=["a", "b"])
    with pytest.raises(InputError, match="at least one; got none"):
        plots.attribution([])


def test_a_piano_roll_has_a_bar_for_each_key_that_sounds(tmp_path):
    known, following = np.zeros((3, 5)), np.zeros((2, 5))
    known[0, 1] = known[2, 3] = following[1, 2] = 1
    figure = plots.piano_roll(known, following, keys=["a", "b", "", "d", "e"], title="A title")
    (axes,) = figure.axes
    bars = {(bar.get_x(), round(bar.get_y() + 0.4, 6)) for bar in axes.patches}
    assert bars == {(-2.5, 1), (-0.5, 3), (1.5, 2)}  # the last step given is step 0
    assert [label.get_text() for label in axes.get_yticklabels()] == ["b", "d"]
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["given", "follows"]
    assert plots.save(figure, tmp_path / "roll.png").stat().st_size > 1000


def test_a_piano_roll_refuses_what_does_not_fit():
    with pytest.raises(InputError, match=r"given must be an array \(steps, 3\)"):
        plots.piano_roll(np.zeros((2, 2)), np.zeros((2, 3)), keys=["a", "b", "c"])
    with pytest.raises(InputError, match="at least one note; got none"):
        plots.piano_roll(np.zeros((2, 3)), np.zeros((2, 3)), keys=["a", "b", "c"])


def test_epochs_are_marked_at_whole_numbers():
    for number in (1, 2, 3):
        losses = [1.0 / n for n in range(1, number + 1)]
        columns = {"loss": losses, "gradient a": losses, "update a": losses}
        figures = [plots.curves({"loss": losses})[0][1], plots.layer_sizes(columns)]
        for axes in (axes for figure in figures for axes in figure.axes):
            low, high = axes.get_xlim()
            marks = [mark for mark in axes.get_xticks() if low <= mark <= high]
            assert marks == list(range(1, number + 1))


@pytest.mark.parametrize("words", [["很", "好看"], ["🙂", "good"], ["naïve", "Ω"]])
def test_letters_that_no_font_has_are_drawn_as_numbers_without_a_warning(tmp_path, words):
    from recur.plots import letters

    figure = plots.attribution([0.5, -0.2], words, title=words[0])
    plots.save(figure, tmp_path / "why.png")
    (axes,) = figure.axes
    assert axes.get_title(loc="left") == letters.drawable(words[0])
    assert [mark.get_text() for mark in axes.get_xticklabels()] == [*map(letters.drawable, words)]
    aligned = plots.alignment([[0.5, 0.5], [0.1, 0.9]], source=words, target=words)
    plots.save(aligned, tmp_path / "alignment.png")
    assert letters.drawable("naïve Ω") == "naïve Ω"
    assert letters.drawable("\U0010fffd good") == "U+10FFFD  good"


NAMES = ["../../outside", "/tmp/outside", "..", ".", "", "a/b", "a\\b", "nul\0", "x" * 5000, "-",
         "$\\frac$", "<lambda>", "\ud800", "é" * 200]  # fmt: skip


def test_no_name_of_a_figure_leads_out_of_its_folder(tmp_path):
    """And no two of them to one file; an ordinary name stays as it is."""
    folder = tmp_path / "a" / "plots"
    figure = plots.curves({"loss": [1.0]})[0][1]
    paths = plots.save_each(((name, figure) for name in [*NAMES, "loss", "val_f1"]), folder)
    assert len(set(paths)) == len(NAMES) + 2
    assert {path.parent for path in paths} == {folder}
    assert sorted(tmp_path.rglob("*.png")) == sorted(paths)
    assert [path.name for path in paths[-2:]] == ["loss.png", "val_f1.png"]


@pytest.mark.filterwarnings("ignore:Glyph", "ignore:constrained_layout")
def test_any_name_can_be_drawn():
    columns = {"loss": [1.0], **{name: [1.0] for name in NAMES if "\ud800" not in name and name}}
    for _, figure in plots.curves(columns):
        assert figure._repr_png_()
    sizes = {f"{kind} {name}": [1.0] for name in columns for kind in ("gradient", "update")}
    assert plots.layer_sizes(sizes)._repr_png_()
    with pytest.raises(InputError, match="at most 64 metrics; got 65"):
        plots.curves({"loss": [1.0], **{str(n): [1.0] for n in range(64)}})


def test_handwriting_is_drawn_in_the_colours_of_its_letters(tmp_path):
    path = np.array([[0, 0], [1, 2], [2, 0], [3, 5], [50, 0], [51, 2], [52, 0]], dtype=float)
    lifted = np.array([True, False, False, True, True, False, False])
    figure = plots.handwriting(path, lifted, letters=[("v", 1), ("語", 5)], title="a: v$_x")
    rows = figure.axes
    assert [len(row.collections[0].get_segments()) for row in rows] == [2, 2]  # far apart
    assert rows[0].texts[0].get_text() == "v"
    (blue,), (orange,) = ({tuple(c) for c in row.collections[0].get_colors()} for row in rows)
    assert blue != orange
    assert len(rows[0].collections[1].get_offsets()) == 1  # a dot is a stroke of one point
    assert plots.save(figure, tmp_path / "a.png").stat().st_size > 1000
    assert plots.handwriting(path, lifted).axes
    with pytest.raises(InputError, match="points and lifted must be"):
        plots.handwriting(path, lifted[1:])
