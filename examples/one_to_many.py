"""One-to-many: a number below 100, and its name, letter by letter."""

import torch

import recur

torch.manual_seed(0)
LETTERS = ".abcdefghijklmnopqrstuvwxyz-"  # the first one ends a name
NAMES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
SMALL = [*NAMES.split(), *(f"{each}teen" for each in ("fif", "six", "seven", "eigh", "nine"))]
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def name(n: int) -> str:
    """The name of a number below 100."""
    if n < 20:
        return SMALL[n]
    return TENS[n // 10 - 2] + (f"-{SMALL[n % 10]}" if n % 10 else "")


def digits(numbers: list[int]) -> torch.Tensor:
    """(N, 20): which digit stands in the first place, and which in the second."""
    n = torch.tensor(numbers)
    return torch.cat([torch.eye(10)[n // 10], torch.eye(10)[n % 10]], dim=1)


unseen = [23, 38, 41, 56, 64, 72, 85, 97]
known = [n for n in range(100) if n not in unseen]
names = [torch.tensor([LETTERS.index(c) for c in f"{name(n)}."]) for n in known]
y = torch.nn.utils.rnn.pad_sequence(names, batch_first=True, padding_value=-100)

model = recur.OneToMany(
    inputs=20, vocabulary=len(LETTERS), end=0, cell="gru", units=48, condition="input"
)
x, rate = digits(known), 0.01
recur.fit(model, x, y, loss="cross_entropy", epochs=120, learning_rate=rate, seed=0, progress=False)

found = model.eval().generate(digits(unseen), max_steps=20)
for n, row, length in zip(unseen, found.tokens.tolist(), found.lengths.tolist(), strict=True):
    print(n, "".join(LETTERS[token] for token in row[:length]))
