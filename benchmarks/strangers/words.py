"""Texts: languages, translation, tokens. What is read is Python's own manual, or made."""

from __future__ import annotations

import json
import pydoc_data.topics
import random
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from strangers.program import Program, Ran, joined, timed, weights


def manual(letters: int) -> str:
    """The start of what Python's `help` says about its topics."""
    return "\n\n".join(pydoc_data.topics.topics.values())[:letters]


def stanza(steps: int) -> Ran:
    """A language model of characters, by the library's command."""
    from stanza.models import charlm

    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder, "text")
        text.write_text(manual(16 * (250 * steps + 1)))
        held_out = Path(folder, "held_out")
        held_out.write_text(manual(16 * 51))
        words = f"--train_file {text} --eval_file {held_out} --save_dir {folder} --shorthand en"
        small = "--epochs 1 --batch_size 16 --no_checkpoint --cpu --save_name made --cutoff 1"

        def said() -> Any:
            left = torch.load(Path(folder, "made"), weights_only=True)
            return joined(left["model"]["state_dict"].values())

        return timed(lambda: charlm.main([*words.split(), *small.split()]), said)


def joeynmt(epochs: int) -> Ran:
    """Reversed sentences, by the library's command and its own recipe of this task."""
    from joeynmt.config import load_config
    from joeynmt.helpers import set_seed
    from joeynmt.training import train

    with tempfile.TemporaryDirectory() as folder:
        draw = random.Random(1)
        for name, count in {"train": 240, "dev": 20}.items():
            lines = [
                [str(draw.randint(0, 49)) for _ in range(draw.randint(5, 25))] for _ in range(count)
            ]
            Path(folder, f"{name}.src").write_text("\n".join(" ".join(line) for line in lines))
            Path(folder, f"{name}.trg").write_text(
                "\n".join(" ".join(line[::-1]) for line in lines)
            )
        recipe = Path(folder, "recipe.yaml")
        recipe.write_text(json.dumps(_reverse(folder, epochs)))
        Path(folder, "model").mkdir()
        set_seed(42)
        said = Path(folder, "model", "best.ckpt")

        def left() -> Any:
            return joined(torch.load(said, weights_only=True)["model_state"].values())

        return timed(lambda: train(0, 1, load_config(recipe), skip_test=True), left)


def _reverse(folder: str, epochs: int) -> dict[str, Any]:
    """The library's rnn_reverse.yaml; its scheduler's words are no longer torch's, so another."""
    side = {"level": "word", "lowercase": False, "max_length": 25}
    layer = {"rnn_type": "gru", "hidden_size": 64, "dropout": 0.1, "num_layers": 1}
    embeddings = {"embedding_dim": 16, "scale": False}
    return {
        "name": "reverse",
        "joeynmt_version": "2.3.0",
        "model_dir": f"{folder}/model",
        "use_cuda": False,
        "random_seed": 42,
        "data": {
            "train": f"{folder}/train",
            "dev": f"{folder}/dev",
            "dataset_type": "plain",
            "src": {"lang": "src", **side},
            "trg": {"lang": "trg", **side},
        },
        "testing": {
            "n_best": 1,
            "beam_size": 1,
            "batch_size": 10,
            "batch_type": "sentence",
            "max_output_length": 30,
            "eval_metrics": ["bleu"],
        },
        "training": {
            "random_seed": 42,
            "optimizer": "adam",
            "learning_rate": 0.001,
            "learning_rate_min": 0.0002,
            "scheduling": "exponential",
            "batch_size": 12,
            "batch_type": "sentence",
            "epochs": epochs,
            "validation_freq": 20,  # updates: once an epoch
            "logging_freq": 1,
            "overwrite": True,
            "shuffle": True,
            "keep_best_ckpts": 1,
        },
        "model": {
            "initializer": "xavier_uniform",
            "embed_initializer": "normal",
            "encoder": {
                "type": "recurrent",
                "embeddings": embeddings,
                "bidirectional": True,
                **layer,
            },
            "decoder": {
                "type": "recurrent",
                "embeddings": embeddings,
                "hidden_dropout": 0.1,
                "input_feeding": True,
                "init_hidden": "bridge",
                "attention": "luong",
                **layer,
            },
        },
    }


def fastai(batches: int) -> Ran:
    """A language model of words, its recurrent weights dropped out."""
    import pandas as pd
    from fastai.text.all import (
        AWD_LSTM,
        TextDataLoaders,
        language_model_learner,
        set_seed,
    )

    set_seed(1, reproducible=True)
    pages = list(pydoc_data.topics.topics.values())[:40]
    words = pd.DataFrame({"text": pages})
    loaders = TextDataLoaders.from_df(
        words, text_col="text", is_lm=True, valid_pct=0.1, bs=8, seed=1, n_workers=1
    )
    learner = language_model_learner(loaders, AWD_LSTM, pretrained=False)

    def said() -> Any:
        learner.model.reset()
        return learner.model.eval()(learner.dls.valid.one_batch()[0])[0].detach()

    with learner.no_bar(), learner.no_logging():
        return timed(lambda: _few(learner, batches), said)


def _few(learner: Any, batches: int) -> None:
    """Trains on so many batches; its own `fit` takes an epoch or nothing."""
    from fastai.callback.core import Callback, CancelFitException

    class Few(Callback):  # type: ignore[misc]
        def after_batch(self) -> None:
            if self.iter + 1 == batches:
                raise CancelFitException

    learner.fit(1, cbs=[Few()])


class Judge(nn.Module):
    """The module of a user of skorch."""

    def __init__(self) -> None:
        super().__init__()
        self.letters = nn.Embedding(128, 64, padding_idx=0)
        self.reader = nn.LSTM(64, 128, batch_first=True)
        self.judge = nn.Linear(128, 2)

    def forward(self, letters: Tensor) -> Tensor:
        """Returns two scores for each row."""
        judged: Tensor = self.judge(self.reader(self.letters(letters))[1][0][-1])
        return judged


def skorch(epochs: int) -> Ran:
    """Which half of the manual is it: a module made anew at each `fit`."""
    from skorch import NeuralNetClassifier

    letters = np.frombuffer(manual(256 * 200).encode("ascii", "replace"), np.uint8)
    rows = letters[: 256 * 200].astype(np.int64).reshape(256, 200)
    halves = np.repeat([0, 1], 128)
    torch.manual_seed(1)
    made = NeuralNetClassifier(
        Judge,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        max_epochs=epochs,
        iterator_train__shuffle=True,
        verbose=0,
    )
    return timed(lambda: made.fit(rows, halves), lambda: weights(made.module_))


PROGRAMS = [
    Program("stanza", "charlm", "1 LSTM of 1,024, batch 16 of 250, steps: {}", stanza, 3),
    Program(
        "joeynmt",
        "rnn_reverse",
        "GRUs of 64, the decoder's step by step, batch 12 of 5 to 25, epochs: {}",
        joeynmt,
        steps=5,
    ),
    Program(
        "fastai", "AWD_LSTM", "3 LSTMs of 400 and 1,152, batch 8 of 72, steps: {}", fastai, 5, few=2
    ),
    Program(
        "skorch", "NeuralNetClassifier", "1 LSTM of 128, batch 128 of 200, epochs: {}", skorch, 5
    ),
]
