"""A checkpoint from a stranger: whatever is in it, it is refused in a sentence, before it is used.

Torch's fused steps read and write as far as the weights reach, whatever the state's size.
"""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
import torch
from tests.training.problems import LOGITS, ragged_data, same_bits, token_model, weights

from recur import ManyToMany, files
from recur.messages import InputError, RecurError
from recur.training import TrainingInterrupted, checkpoint, fit, trainer

GIVEN = {"loss": LOGITS, "epochs": 1, "batch_size": 8, "progress": False, "seed": 5}


def made(folder, **given):
    fit(token_model(), ragged_data(), **{**GIVEN, **given}, checkpoint=folder, restore_best=True)
    return files.read_tensors(folder / checkpoint.FILE)


def resume(folder, tensors, header, **given):
    files.write_tensors(folder / checkpoint.FILE, tensors, header)
    model = token_model(seed=3)
    before = weights(model)
    sentence = ""
    try:
        fit(model, ragged_data(), **{**GIVEN, "epochs": 2, **given}, checkpoint=folder, resume=True)
    except InputError as error:
        sentence = str(error)
    if sentence and "sums" not in sentence:
        assert same_bits(weights(model), before)
    return sentence


OTHERS = {
    "shorter": lambda t: t.reshape(-1)[:1].clone(),
    "longer": lambda t: torch.cat([t.reshape(-1)] * 2),
    "turned": lambda t: t.t().contiguous() if t.dim() == 2 else t[None],
    "single": lambda t: t.reshape(-1)[0].clone() if t.dim() else t[None],
    "empty": lambda t: t.reshape(-1)[:0],
    "another type": lambda t: t.double() if t.dtype != torch.float64 else t.long(),
}
KINDS = ("optimizer.0.exp_avg", "optimizer.1.exp_avg_sq", "optimizer.1.step", "model.head.weight",
         "best.recurrent.bias_hh_l0", "random.torch", "random.numpy", "random.python")  # fmt: skip


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    return made(tmp_path_factory.mktemp("stored"))


@pytest.mark.parametrize("name", KINDS)
def test_every_tensor_is_compared_with_what_it_replaces(name, stored, tmp_path):
    tensors, header = stored
    for how, change in OTHERS.items():
        if tensors[name].dim() == 0 and how == "another type":
            continue  # a single number is converted
        sentence = resume(tmp_path, {**tensors, name: change(tensors[name])}, header)
        assert "state.safetensors" in sentence, how
    without = {key: value for key, value in tensors.items() if key != name}
    assert "state.safetensors" in resume(tmp_path, without, header)
    if name.startswith(("model", "best")):
        more = {**tensors, f"{name}9": tensors[name]}
        assert "state.safetensors" in resume(tmp_path, more, header)


@pytest.mark.parametrize("place", [-1, 625, 2**40])
def test_a_place_outside_of_numpys_keys(place, stored, tmp_path):
    tensors, header = stored
    state = tensors["random.numpy"].clone()
    state[-2] = place
    assert "random states" in resume(tmp_path, {**tensors, "random.numpy": state}, header)


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("groups", lambda g: [{**g[0], "fused": True}]),
        ("groups", lambda g: [{**g[0], "params": [0, 0, 0]}]),
        ("groups", lambda g: [{**g[0], "betas": [0.9]}]),
        ("groups", lambda g: [{**g[0], "lr": "fast"}]),
        # With it the state has one tensor more.
        ("groups", lambda g: [{**g[0], "amsgrad": True}]),
        ("groups", lambda g: g * 2),
        ("slots", lambda s: {**s, "99": {}}),
        ("slots", lambda s: {**s, "-1": {}}),
        ("slots", lambda s: {**s, "0": 3}),
        ("slots", lambda s: {**s, "0": {"exp_avg": 3}}),
        ("position", lambda p: {**p, "batch": -1}),
        ("position", lambda p: {**p, "batch": 10**30}),
        ("position", lambda p: {**p, "tallies": [{"sums": [1.0] * 9}]}),
        ("position", lambda p: {**p, "tallies": [], "sums": [1.0] * 9}),  # as format 1 has them
        ("position", lambda p: {**p, "rows": [{"loss": "low"}]}),
        ("position", lambda p: {**p, "best": None}),
        ("position", lambda p: {**p, "norms": {"number": 1.5}}),
        ("position", lambda p: []),
        ("settings", lambda s: {**s, "batch_size": [[]]}),
        ("carried", lambda c: [[0]]),
        ("format", lambda f: "1"),
    ],
)
def test_a_strange_header(part, change, stored, tmp_path):
    tensors, header = stored
    header = {**header, part: json.dumps(change(json.loads(header[part])))}
    if part == "slots":  # where the saved state says that it has no tensor there
        tensors = {k: t for k, t in tensors.items() if k != "optimizer.0.exp_avg"} | {
            k: t for k, t in tensors.items() if "exp_avg" in k and "99" in header[part]
        }
    assert str(tmp_path) in resume(tmp_path, tensors, header)


@pytest.mark.parametrize("text", ["[" * 100_000, "1" * 5000, "{", '{"a": 1e400', "nul"])
def test_a_header_that_is_no_json(text, stored, tmp_path):
    tensors, header = stored
    for part in ("position", "carried"):
        assert "damaged" in resume(tmp_path, tensors, {**header, part: text})


def test_a_carried_state_of_another_model(tmp_path, monkeypatch):
    x = np.random.default_rng(0).integers(0, 6, (8, 11))
    given = {"epochs": 1, "truncate": 3, "progress": False, "seed": 0, "checkpoint": tmp_path}

    def model(cell="lstm"):
        torch.manual_seed(1)
        return ManyToMany(vocabulary=6, outputs=6, units=5, cell=cell)

    steps = [0]

    def interrupt(module, inputs):
        steps[0] += 1
        if steps[0] == 2:
            raise KeyboardInterrupt

    # Saved in the middle of an epoch: by the clock, which has always run out.
    stopping = model()
    stopping.register_forward_pre_hook(interrupt)
    monkeypatch.setattr(trainer, "SAVE_EVERY", 0.0)
    with pytest.raises((KeyboardInterrupt, TrainingInterrupted)):
        fit(stopping, x, x, loss="cross_entropy", **given)
    tensors, header = files.read_tensors(tmp_path / checkpoint.FILE)
    carried = [name for name in tensors if name.startswith("carried.")]
    assert carried
    for change in OTHERS.values():
        changed = {**tensors, carried[0]: change(tensors[carried[0]])}
        files.write_tensors(tmp_path / checkpoint.FILE, changed, header)
        with pytest.raises(InputError, match="the carried state to go on with"):
            fit(model(), x, x, loss="cross_entropy", **given, resume=True)
    files.write_tensors(tmp_path / checkpoint.FILE, tensors, header)
    fit(model(), x, x, loss="cross_entropy", **given, resume=True)


def test_whatever_is_changed_it_is_refused_or_trains_on(stored, tmp_path):
    """Tensors of random names, shapes and types, many at a time."""
    tensors, header = stored
    chance = random.Random(0)
    refused = 0
    for _ in range(60):
        changed = dict(tensors)
        for name in chance.sample(sorted(tensors), chance.randint(1, 4)):
            change = chance.choice(sorted(OTHERS))
            changed[name] = OTHERS[change](changed[name])
            if chance.random() < 0.2:
                changed[chance.choice(sorted(tensors))] = changed.pop(name)
        try:
            refused += bool(resume(tmp_path, changed, header))
        except RecurError:
            continue
    assert refused > 50
