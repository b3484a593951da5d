"""The classic tutorial: is a movie review positive? See `--help` for other cells."""

import argparse

import torch
from torch import nn

import recur
from recur.datasets import imdb

parser = argparse.ArgumentParser(description="The classic IMDB tutorial.")
parser.add_argument("--cell", choices=["rnn", "lstm", "gru"], default="rnn")
parser.add_argument("--bidirectional", action="store_true")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--epochs", type=int, default=5)
chosen = parser.parse_args()

# Load the data and set the parameters: the 10,000 most frequent words, 500 words of each review.
num_words, maxlen, units = 10_000, 500, 32
(x_train, y_train), (x_test, y_test) = imdb.load_data(num_words=num_words)

# Pad: short reviews are filled up in front, long ones lose their beginning.
x_train = recur.pad_sequences(x_train, maxlen=maxlen)
x_test = recur.pad_sequences(x_test, maxlen=maxlen)

# Build the model.
torch.manual_seed(chosen.seed)
Layer = {"rnn": recur.SimpleRNN, "lstm": recur.LSTM, "gru": recur.GRU}[chosen.cell]
model = nn.Sequential(
    nn.Embedding(num_words, units),
    Layer(
        units, units, batch_first=True, bidirectional=chosen.bidirectional, return_sequences=False
    ),
    nn.Linear(2 * units if chosen.bidirectional else units, 1),
    nn.Sigmoid(),
)
print(recur.summary(model, x_train))

# Compile and train, with a fifth of the training data for validation.
history = recur.fit(
    model,
    x_train,
    y_train,
    optimizer="adam",
    loss="binary_crossentropy",
    metrics=["accuracy"],
    clip_norm=None,
    epochs=chosen.epochs,
    batch_size=32,
    validation_split=0.2,
    seed=chosen.seed,
)

# Evaluate, and plot training and validation accuracy and loss.
print(recur.evaluate(model, x_test, y_test, loss="binary_crossentropy", metrics=["accuracy"]))
print("plots:", *history.plot("runs/imdb-example"))
