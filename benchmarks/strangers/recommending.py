"""What somebody will click on next. The clicks are made."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch

from strangers.program import Program, Ran, timed


def deepctr(epochs: int) -> Ran:
    """The library's DIEN over histories of goods, with its example's features."""
    from deepctr_torch.inputs import DenseFeat, SparseFeat, VarLenSparseFeat, get_feature_names
    from deepctr_torch.models import DIEN

    size, longest = 2048, 50
    draw = np.random.default_rng(1)
    columns = [
        SparseFeat("user", size, embedding_dim=10),
        SparseFeat("item_id", 1000, embedding_dim=8),
        SparseFeat("cate_id", 50, embedding_dim=4),
        DenseFeat("pay_score", 1),
        VarLenSparseFeat(
            SparseFeat("hist_item_id", 1000, embedding_dim=8, embedding_name="item_id"),
            maxlen=longest,
            length_name="seq_length",
        ),
        VarLenSparseFeat(
            SparseFeat("hist_cate_id", 50, embedding_dim=4, embedding_name="cate_id"),
            maxlen=longest,
            length_name="seq_length",
        ),
    ]
    lengths = draw.integers(5, longest + 1, size)
    valid = np.arange(longest) < lengths[:, None]
    data = {
        "user": np.arange(size),
        "item_id": draw.integers(1, 1000, size),
        "cate_id": draw.integers(1, 50, size),
        "pay_score": draw.random(size),
        "hist_item_id": draw.integers(1, 1000, (size, longest)) * valid,
        "hist_cate_id": draw.integers(1, 50, (size, longest)) * valid,
        "seq_length": lengths,
    }
    clicked = draw.integers(0, 2, size)
    names = get_feature_names(columns)
    model = DIEN(columns, ["item_id", "cate_id"], device="cpu")
    model.compile("adam", "binary_crossentropy")
    given = {name: data[name] for name in names}
    torch.manual_seed(1)

    def fit() -> None:
        model.fit(given, clicked, batch_size=256, epochs=epochs, verbose=0)

    return timed(fit, lambda: model.predict(given, batch_size=256))


def torch_rechub(epochs: int) -> Ran:
    """The library's GRU4Rec, one bought thing against three that were not.

    Embeddings start at 0.1, not at its 1e-4, which batch normalisation blows up: with 1e-7 of the
    GRU's last state changed, plain torch leaves weights a hundredth apart after an epoch.
    """
    from torch.utils.data import DataLoader
    from torch_rechub.basic.features import SequenceFeature, SparseFeature
    from torch_rechub.basic.initializers import RandomNormal
    from torch_rechub.models.matching import GRU4Rec
    from torch_rechub.trainers import MatchTrainer
    from torch_rechub.utils.data import TorchDataset

    size, longest = 2048, 50
    draw = np.random.default_rng(1)
    random.seed(1)
    torch.manual_seed(1)
    each: dict[str, Any] = {"embed_dim": 16, "initializer": RandomNormal(0, 0.1)}
    shared = {"vocab_size": 1000, "shared_with": "item", "pooling": "concat", **each}
    model = GRU4Rec(
        user_features=[SparseFeature("user", vocab_size=size, **each)],
        history_features=[SequenceFeature("history", **shared)],
        item_features=[SparseFeature("item", vocab_size=1000, **each)],
        neg_item_feature=[SequenceFeature("not_bought", **shared)],
        user_params={"dims": [128, 64, 16]},
    )
    data = {
        "user": np.arange(size),
        "item": draw.integers(1, 1000, size),
        "history": draw.integers(1, 1000, (size, longest)),
        "not_bought": draw.integers(1, 1000, (size, 3)),
    }
    batches = DataLoader(TorchDataset(data, np.zeros(size, dtype=np.int64)), batch_size=256)
    trainer = MatchTrainer(model, mode=2, n_epoch=epochs, device="cpu")
    losses: list[float] = []
    trainer.criterion.register_forward_hook(lambda _, given, loss: losses.append(loss.item()))
    return timed(lambda: trainer.fit(batches), lambda: losses)


PROGRAMS = [
    Program(
        "deepctr-torch",
        "DIEN",
        "2 GRUs of 12, packed batches of 256 of 5 to 50, epochs: {}",
        deepctr,
        steps=2,
    ),
    Program(
        "torch-rechub",
        "GRU4Rec",
        "2 layers of 16, batch 256 of 50, epochs: {}",
        torch_rechub,
        5,
        few=2,
    ),
]
