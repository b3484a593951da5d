"""One-to-one: a point of the plane, and on which of three rings it lies. No time, no memory."""

import torch

import recur

torch.manual_seed(0)


def points(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Points on rings of radius 1, 2 and 3, and the number of each one's ring."""
    ring, angle = torch.randint(0, 3, (n,)), 2 * torch.pi * torch.rand(n)
    radius = ring + 1 + 0.1 * torch.randn(n)
    return torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1), ring


x, y = points(1000)
model = recur.OneToOne(inputs=2, outputs=3, units=32)
print(recur.summary(model, x))
recur.fit(model, x, y, loss="cross_entropy", epochs=10, learning_rate=0.02, seed=0, progress=False)

found = recur.evaluate(model, *points(1000), loss="cross_entropy", metrics=["accuracy"])
print(f"accuracy on points it never saw: {found['accuracy']:.3f}")
