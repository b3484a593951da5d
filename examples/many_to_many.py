"""Many-to-many: two numbers bit by bit, the last bit first, and their sum. The state is the carry.

Trained on numbers of 8 bits, it adds numbers of 30.
"""

import torch

import recur

torch.manual_seed(0)


def bits(numbers: torch.Tensor, places: int) -> torch.Tensor:
    """(N, places) of 0 and 1, the last bit first."""
    return (numbers[:, None] >> torch.arange(places)) & 1


def sums(n: int, places: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Both numbers as (n, places + 1, 2), and their sum as (n, places + 1)."""
    a, b = torch.randint(0, 2**places, (2, n))
    both = torch.stack([bits(a, places + 1), bits(b, places + 1)], dim=-1)
    return both.float(), bits(a + b, places + 1).float()[..., None]


model = recur.ManyToMany(inputs=2, outputs=1, cell="rnn", units=16)
x, y = sums(2000, 8)
loss = "binary_crossentropy_with_logits"
recur.fit(model, x, y, loss=loss, epochs=10, learning_rate=0.01, seed=0, progress=False)

x, y = sums(1000, 30)
right = ((recur.predict(model, x) > 0) == (y > 0)).all(dim=1).float().mean()
print(f"sums of 30 bits with every bit right: {right:.3f}")

numbers = (torch.tensor([[123_456_789], [987_654_321]]) >> torch.arange(31)) & 1
said = recur.predict(model, numbers.T[None].float())[0, :, 0] > 0
print("123,456,789 + 987,654,321 =", f"{int((said * 2 ** torch.arange(31)).sum()):,}")
