"""Pictures changed at random, a whole batch at once: shifted, turned, larger or smaller, lighter.

P. Simard, D. Steinkraus and J. Platt, "Best practices for convolutional neural networks applied to
visual document analysis", ICDAR 2003, section 2: what stays a 7 when it is turned a little is worth
learning from.

Letters: B pictures, C channels, S height and width.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class PictureChanges:
    """How far pictures are changed; each time anew, and evenly up to these bounds.

    Attributes:
        shift: share of height and width that a picture is moved by.
        rotate: degrees that it is turned by.
        zoom: share that it grows or shrinks by, and across more than down by half of that.
        shear: share of the height that its top is moved against its bottom.
        flip: half of the pictures are seen in a mirror.
        light: how much lighter or darker it is, and its contrast; shares.
    """

    shift: float = 0.0
    rotate: float = 0.0
    zoom: float = 0.0
    shear: float = 0.0
    flip: bool = False
    light: float = 0.0

    def __bool__(self) -> bool:
        return any((self.shift, self.rotate, self.zoom, self.shear, self.flip, self.light))

    def of(self, pictures: Tensor, chance: np.random.Generator) -> Tensor:
        """Returns pictures (B, C, S, S) from 0 to 1, changed; what comes in is as at the edge."""
        drawn = torch.from_numpy(chance.uniform(-1, 1, (len(pictures), 9)).astype(np.float32))
        where = F.affine_grid(self._places(drawn), list(pictures.shape), align_corners=False)
        moved = F.grid_sample(pictures, where, padding_mode="border", align_corners=False)
        if not self.light:
            return moved
        lighter, contrast = (self.light * drawn[:, n].view(-1, 1, 1, 1) for n in (7, 8))
        middle = moved.mean(dim=(1, 2, 3), keepdim=True)
        return ((moved - middle) * (1 + contrast) + middle + lighter).clamp(0, 1)

    def _places(self, drawn: Tensor) -> Tensor:
        """(B, 2, 3) from a place in what comes out to one in what is there, from -1 to 1."""
        turn = math.radians(self.rotate) * drawn[:, 0]
        grow = self.zoom * drawn[:, 1]
        across = torch.exp(-grow - self.zoom / 2 * drawn[:, 2])
        down = torch.exp(-grow + self.zoom / 2 * drawn[:, 2])
        if self.flip:
            across = torch.where(drawn[:, 3] < 0, -across, across)
        lean = 2 * self.shear * drawn[:, 4]
        rows = (
            turn.cos() * across,
            (lean * turn.cos() - turn.sin()) * down,
            2 * self.shift * drawn[:, 5],
            turn.sin() * across,
            (lean * turn.sin() + turn.cos()) * down,
            2 * self.shift * drawn[:, 6],
        )
        return torch.stack(rows, dim=1).view(-1, 2, 3)
