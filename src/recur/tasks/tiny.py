"""Tiny data of every kind, made from a seed: what a task is tried on.

A task says by `Task.tiny` which of these it takes. The contract of all tasks trains on
them, so that a new task is tested as soon as its file is there.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from recur import files

WORDS = ("good", "fine", "bad", "dull", "film", "plot", "the", "a", "was")
NUMBER = 60
"""Records of each kind."""


@dataclasses.dataclass(frozen=True)
class Tiny:
    """What to train on, and what to ask.

    Attributes:
        options: the options that name the data and make training quick.
        inputs: what `predict` is asked.
    """

    options: Mapping[str, Any]
    inputs: Sequence[str]


def labelled(path: Path) -> str:
    """Writes short texts with two labels, as a CSV file; returns its path."""
    rng = np.random.default_rng(0)
    rows = []
    for number in range(NUMBER):
        label = "pos" if number % 3 else "neg"
        words = [*rng.choice(WORDS, rng.integers(1, 9)), "good" if label == "pos" else "bad"]
        rows.append((" ".join(words), label))
    files.write_csv(path, ("text", "label"), rows)
    return str(path)


def series(path: Path) -> str:
    """Writes 120 days with a week in them, as a CSV file; returns its path."""
    days = np.arange("2024-01-01", "2024-04-30", dtype="datetime64[D]")
    rng = np.random.default_rng(0)
    values = 10 + np.sin(np.arange(len(days)) * 2 * np.pi / 7) + 0.1 * rng.normal(size=len(days))
    rows = [(str(day), f"{value:.4f}") for day, value in zip(days, values, strict=True)]
    files.write_csv(path, ("date", "close"), rows)
    return str(path)


def lines(path: Path) -> str:
    """Writes short texts, a line each; returns its path."""
    rng = np.random.default_rng(0)
    texts = (" ".join(rng.choice(WORDS, rng.integers(2, 9))) for _ in range(NUMBER))
    files.write_text(path, "\n".join(texts))
    return str(path)


def pairs(path: Path) -> str:
    """Writes short texts and the same from the end, with a tab between; returns the path."""
    rng = np.random.default_rng(0)
    texts = [list(rng.choice(WORDS, rng.integers(2, 7))) for _ in range(NUMBER)]
    files.write_text(path, "\n".join(f"{' '.join(t)}\t{' '.join(t[::-1])}" for t in texts))
    return str(path)


def pictures(folder: Path) -> list[str]:
    """Writes pictures of one colour, captions beside each, into a folder; returns their paths."""
    from PIL import Image

    files.make_folder(folder)
    rng = np.random.default_rng(0)
    paths = []
    for number in range(NUMBER):
        colour, shade = ("red", (255, 0, 0)) if number % 2 else ("blue", (0, 0, 255))
        path = folder / f"{number:02}.png"
        Image.new("RGB", (12, 9), shade).save(path)
        files.write_text(path.with_suffix(".txt"), f"all is {colour}\n{rng.choice(WORDS)}\n")
        paths.append(str(path))
    return paths


def pictures_by_class(folder: Path) -> list[str]:
    """Writes pictures, lit from above or from the left, into a folder for each; returns the paths.

    Two of them are the same, as pictures on a disk often are.
    """
    from PIL import Image

    rng = np.random.default_rng(0)
    paths = []
    for number in range(NUMBER):
        side = ("above", "left")[number % 2]
        files.make_folder(folder / side)
        light = np.linspace(255, 0, 9).reshape(-1, 1) + rng.uniform(-40, 40, (9, 9))
        path = folder / side / f"{number:02}.png"
        grey = np.clip(light if side == "above" else light.T, 0, 255).astype(np.uint8)
        Image.fromarray(grey).resize((12, 9)).save(path)
        paths.append(str(path))
    files.write_bytes(Path(paths[-1]), files.read_bytes(paths[-3]))
    return paths


def movements(folder: Path) -> list[str]:
    """Writes short recordings of two channels, a CSV file in a folder a class; their paths."""
    rng = np.random.default_rng(0)
    paths = []
    for number in range(NUMBER):
        label = "shaking" if number % 3 else "resting"
        values = rng.normal(size=(rng.integers(3, 9), 2)) * (2.0 if number % 3 else 0.1)
        path = folder / label / f"{number:02}.csv"
        files.write_csv(path, ("x", "y"), [[f"{each:.3f}" for each in row] for row in values])
        paths.append(str(path))
    return paths


def clips(folder: Path) -> list[str]:
    """Writes short GIFs of one colour in a folder for each, a tag a frame beside; their paths."""
    from PIL import Image

    files.make_folder(folder)
    rng = np.random.default_rng(0)
    paths = []
    for number in range(NUMBER):
        colour, shade = ("red", (255, 0, 0)) if number % 2 else ("blue", (0, 0, 255))
        tags = rng.choice(["light", "dark"], rng.integers(2, 5)).tolist()
        frames = [
            Image.new("RGB", (8, 6), tuple(each // (1 if tag == "light" else 2) for each in shade))
            for tag in tags
        ]
        for n, frame in enumerate(frames):  # those that are alike would be put together
            frame.putpixel((n, 0), (255, 255, 255))
        path = folder / colour / f"{number:02}.gif"
        files.make_folder(path.parent)
        frames[0].save(path, save_all=True, append_images=frames[1:], loop=0, duration=40)
        files.write_text(path.with_suffix(".txt"), "\n".join(tags))
        paths.append(str(path))
    return paths


def pieces(path: Path) -> str:
    """Writes short pieces of three chords, as JSON; returns its path."""
    rng = np.random.default_rng(0)
    chords = ([60, 64, 67], [65, 69, 72], [62, 67, 71])
    made = [[chords[n] for n in rng.integers(0, 3, rng.integers(2, 9))] for _ in range(NUMBER)]
    files.write_json(path, made)
    return str(path)


def tagged_words(path: Path) -> str:
    """Writes short sentences whose words have tags, as a CoNLL-U file; returns its path."""
    rng = np.random.default_rng(0)
    kinds = {
        "DET": ("the", "a"),
        "NOUN": ("film", "plot", "song", "end", "book", "cat", "saw", "light"),
        "AUX": ("was", "is"),
        "ADV": ("very", "so", "not", "never", "quite", "too"),
        "ADJ": ("good", "fine", "bad", "dull", "light"),
    }
    rows = []
    for _ in range(NUMBER):
        for number, tag in enumerate(list(kinds)[: rng.integers(4, 6)], start=1):
            rows.append("\t".join([str(number), str(rng.choice(kinds[tag])), "_", tag, *"______"]))
        rows.append("")
    files.write_text(path, "\n".join([*rows, ""]))
    return str(path)


def strokes(path: Path) -> str:
    """Writes short texts of two letters as strokes of a pen, as JSON lines; returns its path."""
    rng = np.random.default_rng(0)
    forms = {"l": [[0.0, 8.0], [0.5, 0.0]], "u": [[0.0, 4.0], [1.0, 0.0], [3.0, 0.0], [3.0, 4.0]]}
    lines = []
    for number in range(NUMBER):
        text = "".join(rng.choice(list(forms), rng.integers(1, 4)))
        drawn = [
            (np.array(forms[letter]) + rng.normal((5.0 * place, 0.0), 0.2)).round(2).tolist()
            for place, letter in enumerate(text)
        ]
        piece = {"id": f"{number}", "text": text, "writer": f"w{number % 5}", "strokes": drawn}
        lines.append(json.dumps(piece))
    files.write_text(path, "\n".join(lines))
    return str(path)
