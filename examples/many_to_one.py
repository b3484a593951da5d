"""Many-to-one: brackets of any number, and whether each one is closed. The state has to count."""

import random

import torch

import recur

random.seed(0)
torch.manual_seed(0)


def brackets() -> tuple[list[int], float]:
    """A string of brackets, and 1 where each closes one that is open, and none stays open."""
    text = random.choices("()", k=2 * random.randint(1, 7))
    if random.random() < 0.6:  # half of all shall be right: a random bracket seldom is
        text, opened = [], 0
        for left in range(2 * random.randint(1, 7), 0, -1):
            opens = opened == 0 or (opened < left and random.random() < 0.5)
            text.append("(" if opens else ")")
            opened += 1 if opens else -1
    depths = [sum(1 if c == "(" else -1 for c in text[:n]) for n in range(1, len(text) + 1)]
    return [1 + "()".index(c) for c in text], float(min(depths) == 0 == depths[-1])


(x, y), (x_test, y_test) = (zip(*(brackets() for _ in range(n)), strict=True) for n in (1500, 500))
model = recur.ManyToOne(vocabulary=3, outputs=1, cell="lstm", units=16, embedding=4)
loss = "binary_crossentropy_with_logits"
recur.fit(model, list(x), y, loss=loss, epochs=12, learning_rate=0.02, seed=0, progress=False)

guess = max(sum(y_test) / len(y_test), 1 - sum(y_test) / len(y_test))
found = recur.evaluate(model, list(x_test), y_test, loss=loss, metrics=["accuracy"])
print(f"accuracy on brackets of other strings: {found['accuracy']:.3f} (a guess: {guess:.2f})")
