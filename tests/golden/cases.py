"""The cases: a task, its options and tiny data, made here from a seed.

Only `random.Random.random` is drawn from, which every Python promises to keep. Nothing of recur is
imported: the cases are the same, whatever code runs them.
"""

from __future__ import annotations

import json
import math
import random
from datetime import date, timedelta
from typing import Any, NamedTuple

WORDS = ("good", "fine", "bad", "dull", "long", "film", "plot", "the", "a", "was", "not", "very")
CHORDS = ([60, 64, 67], [65, 69, 72], [62, 67, 71], [57, 60, 64], [])


class Case(NamedTuple):
    """What is trained.

    Attributes:
        task: its name.
        data: the name of its file in `FILES`, which may lie in a folder with others; empty if it
            takes none.
        options: the others, as `recur.train` takes them.
    """

    task: str
    data: str
    options: dict[str, Any]


def below(chance: random.Random, most: int) -> int:
    return int(chance.random() * most)


def words(chance: random.Random) -> str:
    return " ".join(WORDS[below(chance, len(WORDS))] for _ in range(2 + below(chance, 9)))


def reviews(*labels: str) -> str:
    """72 texts in a CSV file; the label is the last word of each."""
    chance = random.Random(1)
    rows = [(words(chance), labels[below(chance, len(labels))]) for _ in range(72)]
    return "\n".join(["text,label", *(f"{text} {label},{label}" for text, label in rows)])


def topics(*labels: str) -> str:
    """72 texts with one label or two."""
    chance, rows = random.Random(6), []
    for _ in range(72):
        both = {labels[below(chance, len(labels))] for _ in range(1 + below(chance, 2))}
        rows.append(f"{words(chance)} {' '.join(sorted(both))},{'|'.join(sorted(both))}")
    return "\n".join(["text,label", *rows])


def lines() -> str:
    """80 lines of text."""
    chance = random.Random(2)
    return "\n".join(words(chance) for _ in range(80))


def prices() -> str:
    """140 days of two columns, with a week in them."""
    chance, first, rows = random.Random(3), date(2024, 1, 1), []
    for day in range(140):
        wave = math.sin(2 * math.pi * day / 7)
        close, volume = 10 + wave + 0.2 * chance.random(), 5 - wave + 0.5 * chance.random()
        rows.append(f"{first + timedelta(day)},{volume:.3f},{close:.3f}")
    return "\n".join(["date,volume,close", *rows])


def counted() -> str:
    """120 values without times."""
    chance = random.Random(4)
    values = (math.cos(step / 3) + 0.1 * chance.random() for step in range(120))
    return "\n".join(["value", *(f"{value:.3f}" for value in values)])


def pieces() -> str:
    """24 pieces of a few chords."""
    chance = random.Random(5)
    made = [
        [CHORDS[below(chance, len(CHORDS))] for _ in range(3 + below(chance, 6))] for _ in range(24)
    ]
    return json.dumps(made)


def pairs() -> str:
    """72 texts, each with the same from its end after a tab."""
    chance = random.Random(7)
    texts = (words(chance).split() for _ in range(72))
    return "\n".join(f"{' '.join(text)}\t{' '.join(text[::-1])}" for text in texts)


def tagged() -> str:
    """60 sentences in CoNLL-U; a word's tag hangs on the word before it."""
    chance, rows = random.Random(8), []
    for _ in range(60):
        before = ""
        for number, word in enumerate(words(chance).split(), start=1):
            tag = "VERB" if before < word else "NOUN"
            rows.append("\t".join([str(number), word, "_", tag, *"______"]))
            before = word
        rows.append("")
    return "\n".join([*rows, ""])


def rows() -> str:
    """96 rows of four columns, of two kinds of anomalies."""
    chance, made = random.Random(7), []
    for _ in range(96):
        kind = ("normal", "normal", "flood", "guess")[below(chance, 4)]
        size = 0 if kind == "flood" else 100 + below(chance, 100)
        tries = 2 + below(chance, 3) if kind == "guess" else 0
        made.append(
            f"{('web', 'mail')[below(chance, 2)]},{size},{tries},{chance.random():.2f},{kind}"
        )
    return "\n".join(["service,size,tries,share,label", *made])


def movements() -> str:
    """36 recordings of two channels, of two kinds and three to seven steps, in one table."""
    chance, made = random.Random(10), []
    for number in range(36):
        label = ("still", "swinging")[below(chance, 2)]
        for step in range(3 + below(chance, 5)):
            wave = math.sin(2 * step) if label == "swinging" else 0.0
            x, y = wave + 0.2 * chance.random(), chance.random()
            made.append(f"{number},{label},{x:.3f},{y:.3f}")
    return "\n".join(["recording,label,x,y", *made])


def headlines() -> str:
    """72 texts, each with its rarest words after a tab: names that no other text has."""
    chance, rows = random.Random(9), []
    for number in range(72):
        text = f"{words(chance)} name{number} {words(chance)}"
        rows.append(f"{text}\tname{number} {text.split()[0]}")
    return "\n".join(rows)


def blocks() -> dict[str, str]:
    """60 pictures of lines, in the form of PGM that is text, and the table that names them."""
    chance, rows, found = random.Random(10), ["path,transcript"], {}
    for number in range(60):
        text = "".join("iml"[below(chance, 3)] for _ in range(1 + below(chance, 3)))
        columns = [0]
        for letter in text:
            columns += {"i": [5], "m": [5, 5, 5, 5], "l": [7, 7]}[letter] + [0, 0]
        pixels = [
            250 - 40 * min(high, 5) * (7 - row < high) - below(chance, 20)
            for row in range(8)
            for high in columns
        ]
        found[f"lines/{number}.pgm"] = f"P2 {len(columns)} 8 255\n{' '.join(map(str, pixels))}\n"
        rows.append(f"{number}.pgm,{text}")
    return {"lines/lines.csv": "\n".join(rows), **found}


def strokes() -> str:
    """60 short texts of two letters by five writers, as strokes in JSON lines."""
    chance, rows = random.Random(10), []
    forms = {"l": [[0, 8], [1, 0]], "u": [[0, 4], [1, 0], [3, 0], [3, 4]]}
    for number in range(60):
        text = "".join("lu"[below(chance, 2)] for _ in range(1 + below(chance, 3)))
        drawn = [
            [[x + 5 * place + chance.random(), y + chance.random()] for x, y in forms[letter]]
            for place, letter in enumerate(text)
        ]
        rows.append(json.dumps({"text": text, "writer": f"w{number % 5}", "strokes": drawn}))
    return "\n".join(rows)


FILES = {
    "two.csv": reviews("bad", "good"),
    "three.csv": reviews("bad", "good", "fair"),
    "topics.csv": topics("red", "green", "blue"),
    "stars.csv": reviews("1", "2", "3", "4"),
    "lines.txt": lines(),
    "prices.csv": prices(),
    "counted.csv": counted(),
    "pieces.json": pieces(),
    "pairs.txt": pairs(),
    "tagged.conllu": tagged(),
    "rows.csv": rows(),
    "movements.csv": movements(),
    "headlines.txt": headlines(),
    **blocks(),
    "strokes.jsonl": strokes(),
}

COMMON = {"epochs": 2, "batch_size": 8, "units": 6, "seed": 3}

# Between them every task, cell, kind of data and of loss, and what a task does to learn well.
CASES = {
    "sentiment": Case("sentiment", "two.csv", {"maxlen": 10}),
    "sentiment-classes": Case(
        "sentiment",
        "three.csv",
        {"cell": "lstm", "bidirectional": True, "layers": 2, "pooling": "mean", "dropout": 0.2},
    ),
    "sentiment-padded": Case(
        "sentiment",
        "two.csv",
        {"cell": "gru", "padding": "pre", "maxlen": 8, "pooling": "last", "decay": False},
    ),
    "classify": Case("classify", "three.csv", {"embedding": 5, "class_weight": "balanced"}),
    "classify-several": Case("classify", "topics.csv", {"embedding": 5, "cell": "lstm"}),
    "classify-ratings": Case(
        "classify", "stars.csv", {"embedding": 5, "cell": "rnn", "labels": "ordinal"}
    ),
    "activity": Case("activity", "movements.csv", {"filters": 4}),
    "activity-plain": Case(
        "activity",
        "movements.csv",
        {"filters": 0, "cell": "lstm", "pooling": "last", "scale": 0.0, "warp": 0.0, "crop": 0.0},
    ),
    "video": Case("video", "", {"limit": 24, "size": 8, "features": 5, "shift": 1}),
    "anomaly": Case("anomaly", "rows.csv", {"together": 2, "members": 2}),
    "anomaly-unlabelled": Case("anomaly", "prices.csv", {"window": 8, "cell": "lstm"}),
    "forecast": Case("forecast", "prices.csv", {"horizon": 3}),
    "forecast-features": Case(
        "forecast",
        "prices.csv",
        {"cell": "lstm", "features": "all", "target": "close", "window": 9, "horizon": 2},
    ),
    "forecast-counted": Case(
        "forecast",
        "counted.csv",
        {"cell": "rnn", "bidirectional": True, "differences": False, "horizon": 1, "window": 5},
    ),
    "language-words": Case("language", "lines.txt", {"documents": "lines", "truncate": 7}),
    "language-characters": Case(
        "language",
        "lines.txt",
        {
            "unit": "characters",
            "cell": "gru",
            "layers": 1,
            "embedding": 5,
            "tied": False,
            "recurrent_dropout": 0.1,
            "weight_drop": 0.1,
            "truncate": 20,
            "decay_after": 1,
            "optimizer": "sgd",
            "learning_rate": 0.5,
        },
    ),
    "music": Case("music", "pieces.json", {}),
    "music-transposed": Case(
        "music", "pieces.json", {"cell": "rnn", "transpose": 1, "optimizer": "adamw"}
    ),
    "image": Case("image", "", {"data": "digits", "limit": 60}),
    "image-pixels": Case(
        "image",
        "",
        {
            "data": "digits",
            "limit": 40,
            "order": "permuted",
            "cell": "lstm",
            "bidirectional": False,
            "layers": 1,
            "chrono": True,
            "shift": 0.0,
            "rotate": 0.0,
            "zoom": 0.0,
            "shear": 0.0,
            "ema": 0.9,
        },
    ),
    "image-plain": Case(
        "image",
        "",
        {"data": "digits", "limit": 60, "network": "plain", "flip": True, "light": 0.2},
    ),
    "face": Case("face", "", {"data": "drawn-faces", "size": 12, "embedding": 8}),
    "face-unseen": Case(
        "face",
        "",
        {
            "data": "drawn-faces",
            "unseen": True,
            "size": 10,
            "embedding": 8,
            "cell": "lstm",
            "order": "columns",
            "pooling": "last",
            "flip": False,
        },
    ),
    "memory-adding": Case("memory", "", {"lag": 8, "examples": 80, "recurrent_init": "orthogonal"}),
    "memory-copying": Case(
        "memory",
        "",
        {"problem": "copying", "lag": 5, "examples": 80, "cell": "lstm", "chrono": True},
    ),
    "memory-agreement": Case(
        "memory",
        "",
        {
            "problem": "agreement",
            "lag": 6,
            "examples": 80,
            "cell": "rnn",
            "activation": "relu",
            "recurrent_init": "identity",
            "mixed": True,
        },
    ),
    "translate": Case(
        "translate",
        "pairs.txt",
        {"unit": "words", "embedding": 5, "units": 16, "learning_rate": 0.05, "epochs": 5},
    ),
    "translate-plain": Case(
        "translate",
        "pairs.txt",
        {
            "unit": "characters",
            "cell": "lstm",
            "layers": 2,
            "attention": "none",
            "bridge": "last",
            "bidirectional": False,
            "decay": False,
            "ema": None,
            "label_smoothing": 0.0,
        },
    ),
    "tag": Case("tag", "tagged.conllu", {}),
    "tag-plain": Case(
        "tag", "tagged.conllu", {"cell": "lstm", "bidirectional": False, "decay": False}
    ),
    "summarize": Case(
        "summarize",
        "headlines.txt",
        {"coverage": 1.0, "vocabulary": 12, "embedding": 5},
    ),
    "summarize-generated": Case(
        "summarize",
        "headlines.txt",
        {
            "copy": False,
            "cell": "lstm",
            "attention": "multiplicative",
            "input_feeding": True,
            "decay": False,
            "ema": None,
        },
    ),
    "ocr": Case("ocr", "lines/lines.csv", {"height": 8, "filters": 3, "features": 5, "shorten": 1}),
    "caption": Case("caption", "", {"limit": 24, "size": 16, "features": 6, "embedding": 5}),
    "caption-plain": Case(
        "caption",
        "",
        {
            "limit": 24,
            "size": 12,
            "features": 6,
            "embedding": 5,
            "cell": "lstm",
            "attention": "none",
            "condition": "input",
            "crop": 0.1,
            "decay": False,
        },
    ),
    "handwriting": Case(
        "handwriting", "strokes.jsonl", {"filters": 5, "distance": 0.5, "stride": 1, "order": 3}
    ),
    "pen": Case("pen", "strokes.jsonl", {"components": 3, "gaussians": 2, "tolerance": 0.02}),
}
