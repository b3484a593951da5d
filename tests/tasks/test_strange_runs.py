"""Runs from a stranger: whatever their files hold, a sentence or an answer, and nothing outside.

The whole search is long: here a sample of it, always the same one.
"""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest
from tests.tasks.test_contract import NAMES, QUICK, TOY

from recur import files, run, tasks
from recur.messages import MOST_TEXT, RecurError
from recur.training import checkpoint

DEEP: list = []
for _ in range(300):
    DEEP = [DEEP]
WRONG = [None, True, "", [], {}, -1, 0, 0.5, 1e308, 10**15, 10**200, DEEP, "../../x", "a" * 100_000,
         [[]], [1, 2], {"a": 1}]  # fmt: skip
TEXTS = ['{"format": 1e400}', "1" * 5000, "[" * 100_000, "NaN", "", "\0", '"\ud800"']
TRIES = 12


def places(content, way=()):
    """The way to every part of a JSON content; of long lists three parts."""
    yield way
    if isinstance(content, dict):
        for name in content:
            yield from places(content[name], (*way, name))
    if isinstance(content, list):
        for index in sorted({0, len(content) // 2, len(content) - 1} & set(range(len(content)))):
            yield from places(content[index], (*way, index))


def changed(content, way, value):
    if not way:
        return value
    content = json.loads(json.dumps(content))
    part = content
    for step in way[:-1]:
        part = part[step]
    part[way[-1]] = value
    return content


def used(asked):
    """All that a user does with a run; the only errors are sentences."""
    try:
        opened = run.load("run")
        assert str(opened.scores)
        for answer in opened.predict(asked):
            assert isinstance(str(answer), str)  # of a text without words, none
            json.dumps(answer.to_json())
        opened.evaluate()
    except RecurError as error:
        assert len(str(error)) <= MOST_TEXT + 100  # noqa: PT017


@pytest.fixture(params=sorted([*NAMES, TOY]))
def made(request, counting, tmp_path):
    tiny = tasks.find(request.param).tiny(tmp_path)
    run.train(request.param, **{**QUICK, **tiny.options})
    # Without its seal, which would refuse every change: here the checks behind it are tried.
    weights, _ = files.read_tensors("run/model.safetensors")
    files.write_tensors("run/model.safetensors", weights)
    shutil.copytree("run", "whole")
    return request.param, tiny.inputs


def test_any_value_in_any_place_is_a_sentence_or_an_answer(made, tmp_path):
    name, asked = made
    there = {path.name for path in tmp_path.iterdir()}
    chance = random.Random(name)
    for _ in range(TRIES):
        file = chance.choice(sorted(path.name for path in (tmp_path / "whole").glob("*.json")))
        whole = files.read_json(f"whole/{file}")
        text = json.dumps(changed(whole, chance.choice([*places(whole)]), chance.choice(WRONG)))
        if chance.random() < 0.1:
            text = chance.choice(TEXTS)
        (tmp_path / "run" / file).write_text(text, errors="surrogatepass")
        used(asked)
        shutil.copy(f"whole/{file}", f"run/{file}")
    assert {path.name for path in tmp_path.iterdir()} == there


OUTSIDE = ["../../outside", "../outside", "{}/outside", "..", "/outside"]


@pytest.mark.parametrize("made", ["counting", "forecast"], indirect=True)
def test_no_name_in_any_file_leads_outside(made, tmp_path):
    """In the place of every key and every text of every file, one file at a time."""
    name, asked = made
    names = [each.format(tmp_path) for each in OUTSIDE]

    def renamed(content):
        if isinstance(content, dict):
            content = {key: renamed(value) for key, value in content.items()}
            return content | dict.fromkeys(names, next(iter(content.values()), 1.0))
        if isinstance(content, list):
            return [renamed(each) for each in content]
        return names[0] if isinstance(content, str) else content

    for file in sorted(path.name for path in (tmp_path / "whole").glob("*.json")):
        files.write_json(f"run/{file}", renamed(files.read_json(f"whole/{file}")))
        used(asked)
        shutil.copy(f"whole/{file}", f"run/{file}")
    for file in ("history.csv", "layers.csv"):
        header, *rows = files.read_text(f"whole/{file}").splitlines()
        files.write_text(
            f"run/{file}",
            "\n".join([",".join([header, *names]), *(row + ",1" * len(names) for row in rows)]),
        )
    tensors, header = files.read_tensors("run/checkpoint/" + checkpoint.FILE)
    position = json.loads(header["position"])
    position["rows"] = [row | dict.fromkeys(names, 1.0) for row in position["rows"]]
    header["position"] = json.dumps(position)
    files.write_tensors("run/checkpoint/" + checkpoint.FILE, tensors, header)
    opened = run.load("run")
    opened.plot()
    opened.draw_inside(opened.inspect())
    opened.draw(opened.predict(asked))
    opened = run.train(name, out="run", resume=True, progress=False)
    assert any("outside" in path.name for path in opened.plot())
    assert {path.parent for path in tmp_path.rglob("*outside*")} == {tmp_path / "run" / "plots"}
    assert not [*tmp_path.parent.glob("outside*"), *Path("/").glob("outside*")]
