"""A tutorial's script, as people wrote them for TensorFlow: run as it stands, never imported."""

import sys

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras.callbacks import EarlyStopping
from tensorflow.keras.datasets import imdb
from tensorflow.keras.layers import GRU, LSTM, Bidirectional, Dense, Dropout, Embedding, SimpleRNN
from tensorflow.keras.models import Sequential
from tensorflow.keras.preprocessing import sequence
from tensorflow.keras.preprocessing.text import Tokenizer
from tensorflow.keras.utils import to_categorical

tf.random.set_seed(7)
print("TensorFlow", tf.__version__, "with GPUs:", tf.config.list_physical_devices("GPU"))

words, steps = 50, 12
(x_train, y_train), (x_test, y_test) = imdb.load_data(num_words=words)
print("reviews:", len(x_train), "and", len(x_test), "words:", len(imdb.get_word_index()))
x_train = sequence.pad_sequences(x_train, maxlen=steps)
x_test = sequence.pad_sequences(x_test, maxlen=steps)

tokenizer = Tokenizer(num_words=10)
tokenizer.fit_on_texts(["a good film", "a bad film"])
print(
    "words of our own:", tokenizer.texts_to_sequences(["a film"]), to_categorical([1], 2).tolist()
)

model = Sequential(
    [
        Embedding(words, 8),
        Bidirectional(LSTM(4, return_sequences=True)),
        GRU(4, return_sequences=True),
        SimpleRNN(4),
        Dropout(0.2),
        Dense(1, activation="sigmoid"),
    ]
)
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
history = model.fit(
    x_train,
    y_train,
    epochs=2,
    batch_size=4,
    validation_split=0.25,
    callbacks=[EarlyStopping(patience=2)],
    verbose=0,
)
loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
assert np.isfinite(loss)
model.summary()
print("layers of one kind:", tf.keras.layers.LSTM is LSTM, keras.layers.LSTM is LSTM)

import matplotlib.pyplot as plt

plt.plot(history.history["accuracy"], "bo", label="Training")
plt.plot(history.history["val_accuracy"], "b", label="Validation")
plt.legend()
plt.show()
plt.plot(history.history["loss"])
plt.show()

try:
    tf.data.Dataset.from_tensor_slices([1])
except AttributeError as error:
    print(error)
try:
    from tensorflow import GradientTape
except ImportError as error:
    print(error)
sys.exit(3)
