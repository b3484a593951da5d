"""OCR: what the contract of all tasks does not say."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from recur import InputError, run, tasks
from recur.data.datasets import mnist_rows, printed, typefaces
from recur.data.line_pictures import size_of
from recur.tasks import preparing
from recur.tasks.ocr import STRIDES

SMALL = {"height": 8, "filters": 8, "features": 16, "units": 16, "layers": 1, "shorten": 1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tasks.find("ocr").tiny(tmp_path_factory.mktemp("ocr")).options["data"]


@pytest.fixture(scope="module")
def trained(folder, tmp_path_factory):
    how = {"epochs": 15, "batch_size": 4, "learning_rate": 0.01, "dropout": 0.0, "distort": 0.2}
    out = tmp_path_factory.mktemp("run") / "run"
    return run.train("ocr", data=folder, out=out, progress=False, **{**SMALL, **how})


def prepared(data, **given):
    task = tasks.find("ocr")
    return preparing.prepare(task, task.options.of("ocr", {**SMALL, "data": str(data), **given}))


def block_of(text):
    """A line as the tiny data have them, as an array."""
    columns = [c for letter in text for c in [0, 0] + [1] * (2 if letter == "I" else 6)]
    return (255 - 200 * np.outer([0, 0, *[1] * 4, 0, 0], [*columns, 0, 0])).astype(np.uint8)


def test_it_learns_two_letters_and_says_where(trained):
    assert trained.scores.values["accuracy"] == 1
    assert trained.scores.values["pieces_accuracy"] == 1, "which letters that stand apart are for"
    image = block_of("IWI")
    first, twice, light = trained.predict([image, Image.fromarray(image), 255 - image])
    assert [each.text for each in (first, twice, light)] == ["IWI"] * 3
    assert [label for label, _, _ in first.letters] == ["I", "W", "I"]
    columns = [column for _, column, _ in first.letters]
    assert columns == sorted(columns)
    assert 0 <= columns[0] < columns[-1] < image.shape[1]
    assert 0.5 < first.confidence <= 1
    assert first.to_json()["picture"] == "picture 1"
    assert trained.predict([image], beam=8)[0].text == "IWI"


def test_a_line_of_another_size_is_read_without_being_stretched(trained):
    wide = np.kron(block_of("WI"), np.ones((3, 3), np.uint8))
    assert trained.predict([wide])[0].text == "WI"
    assert trained.predict([wide])[0].features.shape[0] == block_of("WI").shape[1]


def test_the_pixels_that_mattered_are_drawn_over_the_line(trained):
    (why,) = trained.why([block_of("WI")])
    assert why.numbers.shape == why.line.shape == block_of("WI").T.shape
    assert np.allclose(why.numbers.sum(axis=1), why.values, atol=1e-5)
    (path,) = trained.draw_why([why])
    assert path.stat().st_size > 1000


def test_the_figures_name_the_lines(trained):
    answers = trained.predict([block_of("W"), block_of("I")])
    assert [path.stem for path in trained.draw(answers)] == ["read-1", "read-2"]
    assert [path.stem for path in trained.draw_evaluation(trained.evaluate())] == ["confusion"]


def test_only_what_is_learnt_from_is_distorted_and_the_workers_change_no_number(folder):
    batches = []
    for workers in (0, 3):
        found = prepared(folder, workers=workers)
        assert not found.validation.augment
        assert not found.test.examples.augment
        torch.manual_seed(4)
        batches += [found.train.batch([0, 1, 2]).x for _ in range(2)]
    assert torch.equal(batches[0], batches[2])
    assert torch.equal(batches[1], batches[3])
    assert batches[0].shape != batches[1].shape or not torch.equal(batches[0], batches[1])
    assert not prepared(folder, distort=0.0).train.augment


def test_a_transcript_that_no_alignment_can_say_is_left_out_with_a_count(tmp_path, folder):
    rows = ["path,transcript"]
    for number in range(12):
        Image.fromarray(block_of("I" * (number % 3 + 1))).save(tmp_path / f"{number}.png")
        rows.append(f"{number}.png,{'I' * (number % 3 + 1)}")
    rows[-1] += "a long sentence in a narrow picture"
    (tmp_path / "lines.csv").write_text("\n".join(rows))
    found = prepared(tmp_path / "lines.csv")
    said = "1 line left out (11.png): each is too narrow for its transcript."
    assert any(said.replace("11.png", str(tmp_path / "11.png")) in n for n in found.test.notes)
    assert sum(map(len, (found.train, found.validation, found.test.examples))) == 11


def test_characters_never_learnt_count_as_errors_and_are_said(trained, tmp_path):
    Image.fromarray(block_of("W")).save(tmp_path / "a.png")
    (tmp_path / "a.txt").write_text("ż", encoding="utf-8")
    scores = trained.evaluate(str(tmp_path))
    assert scores.values["accuracy"] == 0
    assert any("'ż'" in note for note in scores.notes)


def test_the_shortest_alignment_is_as_wide_as_is_asked_for(folder):
    """What `reaches` lets through is enough for the loss, whatever shortens the line."""
    task = tasks.find("ocr")
    for shorten in STRIDES:
        options = task.options.of("ocr", {**SMALL, "data": folder, "shorten": shorten})
        fitted = preparing.prepare(task, options).preprocessing
        model = task.model(options, fitted)
        for width in range(1, 30):
            steps = model(torch.zeros(1, width, 8)).shape[1]
            needed = [n for n in range(40) if width >= max(1, (n - 1) * shorten + 1)]
            assert steps >= max(needed)


def test_what_is_no_line_is_refused(trained, tmp_path):
    Image.new("L", (50, 1)).save(tmp_path / "flat.png")
    for given, said in (
        (tmp_path / "flat.png", "of at least 4 pixels in height; got 50 by 1"),
        (tmp_path / "gone.png", "There is no file"),
        (3, "picture 1 must be a path, a picture of Pillow or an array; got int"),
    ):
        with pytest.raises(InputError, match=said):
            trained.predict([given])


def test_no_font_and_no_line_of_print_is_in_two_parts():
    families = [set(some) for some in typefaces.FAMILIES.values()]
    assert len(set.union(*families)) == sum(map(len, families))
    words = {part: printed._words(part) for part in printed.LINES}
    sizes = [len(each) for each in words.values()]
    assert min(sizes) > 1000
    found = {}
    for number, part in enumerate(words):
        lines = printed.texts(part, np.random.default_rng(number))
        found[part] = {line for line in (next(lines) for _ in range(300)) if len(line) > 15}
    assert not found["train"] & found["test"]
    assert not found["validation"] & found["test"]
    for line in set.union(*found.values()):
        assert line.isascii()
        assert line == " ".join(line.split())
        assert len(line) <= printed.LONGEST


def test_lines_of_print_are_as_wide_as_was_said_and_always_the_same(monkeypatch):
    monkeypatch.setitem(typefaces.FAMILIES, "train", ("DejaVuSans", "STIXGeneral"))
    monkeypatch.setitem(printed.LINES, "train", 6)
    lines = printed._drawn("train")
    assert set(lines.groups) <= {"DejaVuSans", "STIXGeneral"}
    for picture, size in zip(lines.pictures, lines.sizes, strict=True):
        assert size_of(picture) == size
        assert np.array_equal(picture.content(), picture.content())
    assert lines.transcripts == printed._drawn("train").transcripts


def test_rows_of_digits_are_as_far_apart_as_chance_says():
    digits = [np.pad(np.full((20, 8), 200, np.uint8), ((4, 4), (10, 10)))] * 5
    rows = [mnist_rows.row_of(digits, seed) for seed in range(20)]
    assert len({row.shape[1] for row in rows}) > 5
    assert all(row.shape[0] == mnist_rows.HEIGHT and row.max() == 200 for row in rows)
    labels = np.arange(5, dtype=np.uint8)
    lines = mnist_rows._rows(np.stack(digits), labels, 8, 0)
    assert all(3 <= len(text) <= 8 for text in lines.transcripts)
    assert [picture.content().shape[::-1] for picture in lines.pictures] == lines.sizes
