"""Graphs, sound, and training that keeps secrets."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from strangers.program import Program, Ran, timed, weights


def torch_geometric(epochs: int) -> Ran:
    """A network on a graph that the library makes, its layers joined by an LSTM over them."""
    from torch_geometric import seed_everything
    from torch_geometric.datasets import FakeDataset
    from torch_geometric.nn import GCN

    seed_everything(1)
    graph = FakeDataset(num_graphs=1, avg_num_nodes=2000, num_classes=4, task="node")[0]
    model = GCN(graph.num_features, 64, num_layers=6, out_channels=4, jk="lstm")
    adam = torch.optim.Adam(model.parameters(), lr=0.01)
    # The labels are noise: the answers come to nothing, too little to be compared by.
    losses = []

    def learn() -> None:
        for _ in range(epochs):
            adam.zero_grad()
            loss = nn.functional.cross_entropy(model(graph.x, graph.edge_index), graph.y)
            loss.backward()  # type: ignore[no-untyped-call]
            adam.step()
            losses.append(loss.detach())

    return timed(learn, lambda: torch.stack(losses))


def transformers(steps: int) -> Ran:
    """Encodec's encoder and decoder of sound, without what it rounds to between them."""
    from transformers import EncodecConfig, EncodecModel

    torch.manual_seed(1)
    model = EncodecModel(EncodecConfig())
    seconds = torch.arange(24000) / 24000
    tones = [torch.sin(2 * torch.pi * tone * seconds) for tone in (220, 440, 550, 660)]
    sound = torch.stack(tones).unsqueeze(1)
    adam = torch.optim.Adam(model.parameters(), lr=3e-4)

    def learn() -> None:
        for _ in range(steps):
            adam.zero_grad()
            again = model.decoder(model.encoder(sound))[..., : sound.shape[-1]]
            loss = nn.functional.l1_loss(again, sound)
            loss.backward()  # type: ignore[no-untyped-call]
            adam.step()

    return timed(learn, lambda: model.encoder(sound).detach())


def silero_vad(seconds: int) -> Ran:
    """Is that speech: the library's trained network, in TorchScript, over a hum."""
    from silero_vad import load_silero_vad

    threads = torch.get_num_threads()
    model = load_silero_vad()
    torch.set_num_threads(threads)  # it set one
    draw = np.random.default_rng(1)
    time = np.arange(16000 * seconds) / 16000
    hum = sum(np.sin(2 * np.pi * 120 * order * time) / order for order in range(1, 20))
    sound = torch.from_numpy((0.2 * hum + 0.05 * draw.normal(size=len(time))).astype(np.float32))
    found = []
    return timed(
        lambda: found.append(model.audio_forward(sound, sr=16000)), lambda: found[0].numpy()
    )


def opacus(epochs: int) -> Ran:
    """Names by language, learned without remembering whose: the library's own LSTM of cells."""
    from opacus import PrivacyEngine
    from opacus.layers import DPLSTM
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(1)

    class Names(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.letters = nn.Embedding(128, 64)
            self.reader = DPLSTM(64, 128, batch_first=True)
            self.language = nn.Linear(128, 18)

        def forward(self, letters: torch.Tensor) -> torch.Tensor:
            judged: torch.Tensor = self.language(self.reader(self.letters(letters))[0][:, -1])
            return judged

    names = TensorDataset(torch.randint(0, 128, (512, 15)), torch.randint(0, 18, (512,)))
    plain = Names()
    model, optimizer, batches = PrivacyEngine().make_private(
        module=plain,
        optimizer=torch.optim.SGD(plain.parameters(), lr=2.0),
        data_loader=DataLoader(names, batch_size=64),
        noise_multiplier=1.0,
        max_grad_norm=1.5,
    )

    def learn() -> None:
        for _ in range(epochs):
            for letters, language in batches:
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(model(letters), language)
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()

    return timed(learn, lambda: weights(model))


PROGRAMS = [
    Program(
        "torch-geometric",
        'GCN, jk="lstm"',
        "LSTM of 192 both ways, 2,000 rows of 6, epochs: {}",
        torch_geometric,
        steps=10,
        few=3,
    ),
    Program(
        "transformers",
        "Encodec",
        "2 LSTMs of 512, batch 4 of 75, steps: {}",
        transformers,
        2,
        few=2,
    ),
    Program(
        "silero-vad",
        "load_silero_vad",
        "a cell of 128 in TorchScript, 1 row, seconds of sound: {}",
        silero_vad,
        steps=60,
        few=5,
    ),
    Program(
        "opacus", "DPLSTM", "1 layer of 128 in its own cells, batch 64 of 15, epochs: {}", opacus, 2
    ),
]
