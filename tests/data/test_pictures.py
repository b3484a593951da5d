"""Pictures of any depth, and what is no picture."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from recur import InputError
from recur.data.pictures import Picture, asked, upright


def tiff(values: np.ndarray) -> Picture:
    content = io.BytesIO()
    Image.fromarray(values).save(content, "TIFF")
    return Picture("deep.tif", content.getvalue)


STEPS = np.arange(0, 256, 17).reshape(2, 8)


@pytest.mark.parametrize(
    "deep",
    [
        STEPS.astype(np.uint8),
        (STEPS * 257).astype(np.uint16),
        STEPS.astype(np.int32),
        (STEPS * 257).astype(np.int32),
        (STEPS * 1_000_000).astype(np.int32),
        (STEPS / 1000).astype(np.float32),
    ],
)
def test_every_depth_is_read_alike(deep):
    found = np.asarray(upright(tiff(deep), "L")).astype(int)
    assert np.abs(found - STEPS).max() <= 1


def test_a_number_that_is_none_is_refused():
    values = STEPS.astype(np.float32)
    values[0, 0] = np.nan
    with pytest.raises(InputError, match=r"deep\.tif must be a picture of numbers"):
        upright(tiff(values), "L")


def test_a_folder_is_no_picture(tmp_path: Path):
    with pytest.raises(InputError, match="must be a picture; got a folder"):
        asked([tmp_path], "image")
