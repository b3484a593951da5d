"""Forecasts of series."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from strangers.program import QUIET, Program, Ran, timed


def neuralforecast(steps: int) -> Ran:
    """Two monthly series of air passengers, a year ahead."""
    from neuralforecast import NeuralForecast
    from neuralforecast.models import LSTM
    from neuralforecast.utils import AirPassengersPanel

    whole = NeuralForecast([LSTM(h=12, max_steps=steps, random_seed=1, **QUIET)], freq="ME")
    return timed(lambda: whole.fit(AirPassengersPanel), lambda: whole.predict()["LSTM"].to_numpy())


def darts(epochs: int) -> Ran:
    """Weekly carbon dioxide of Mauna Loa, a quarter ahead from two years."""
    from darts import TimeSeries
    from darts.models import BlockRNNModel
    from statsmodels.datasets import co2

    values = co2.load_pandas().data["co2"].interpolate().to_numpy(dtype=np.float32)
    series = TimeSeries.from_values((values - values.mean()) / values.std())
    model = BlockRNNModel(
        input_chunk_length=104,
        output_chunk_length=13,
        model="GRU",
        n_epochs=epochs,
        random_state=0,
        pl_trainer_kwargs=QUIET,
    )
    return timed(lambda: model.fit(series), lambda: model.predict(13).values())


def pytorch_forecasting(steps: int) -> Ran:
    """Series that the library makes, as in its tutorial of DeepAR."""
    import lightning.pytorch as lightning
    from pytorch_forecasting import DeepAR, TimeSeriesDataSet
    from pytorch_forecasting.data.examples import generate_ar_data

    lightning.seed_everything(1, verbose=False)
    data = generate_ar_data(seasonality=10.0, timesteps=200, n_series=40, seed=1)
    data["static"] = "2"
    training = TimeSeriesDataSet(
        data,
        time_idx="time_idx",
        target="value",
        categorical_encoders={},
        group_ids=["series"],
        static_categoricals=["static"],
        time_varying_unknown_reals=["value"],
        max_encoder_length=60,
        max_prediction_length=20,
    )
    batches = training.to_dataloader(train=True, batch_size=128, num_workers=0)
    model = DeepAR.from_dataset(training, hidden_size=30, rnn_layers=2, learning_rate=0.1)
    short: dict[str, Any] = {"max_epochs": 1, "limit_train_batches": steps}
    trainer = lightning.Trainer(gradient_clip_val=0.1, **short, **QUIET)

    def loss() -> float:
        return float(trainer.callback_metrics["train_loss_epoch"])

    return timed(lambda: trainer.fit(model, train_dataloaders=batches), loss)


def gluonts(epochs: int) -> Ran:
    """Series that the library makes, twelve days ahead, each path drawn."""
    from gluonts.dataset.artificial import ComplexSeasonalTimeSeries
    from gluonts.torch import DeepAREstimator
    from lightning.pytorch import seed_everything

    np.random.seed(1)
    made = ComplexSeasonalTimeSeries(num_series=20, prediction_length=12, freq_str="D")
    series = [
        {"start": each["start"], "target": np.asarray(each["target"], dtype=np.float32)}
        for each in made.generate().train
    ]
    seed_everything(1, verbose=False)
    # It keeps the best of its epochs by a checkpoint.
    trainer = {**QUIET, "max_epochs": epochs, "enable_checkpointing": True}
    estimator = DeepAREstimator(freq="D", prediction_length=12, trainer_kwargs=trainer)
    found: list[Any] = []

    def said() -> list[float]:
        torch.manual_seed(2)
        return [float(each.mean.mean()) for each in found[0].predict(series)]

    return timed(lambda: found.append(estimator.train(series)), said)


PROGRAMS = [
    Program(
        "neuralforecast",
        "LSTM",
        "2 layers of 128, 128 windows of 36, steps: {}",
        neuralforecast,
        steps=100,
        few=8,
    ),
    Program("darts", "BlockRNNModel, GRU", "1 layer of 25, batch 32 of 104, epochs: {}", darts, 3),
    Program(
        "pytorch-forecasting",
        "DeepAR",
        "2 layers of 30, batch 128 of 60, steps: {}",
        pytorch_forecasting,
        steps=20,
        few=5,
        environment="programs-pandas2",
    ),
    Program(
        "gluonts",
        "DeepAREstimator",
        "2 layers of 40, batch 32, 50 an epoch, epochs: {}",
        gluonts,
        steps=2,
        environment="programs-pandas2",
    ),
]
