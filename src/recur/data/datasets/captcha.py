"""Captchas: five small letters and digits, distorted and struck through.

R. Wilhelmy and H. Rosas, "captcha dataset", 2013: 1,040 pictures, as Keras' example of reading
captchas has them. The name of a file is what is written in it. No split is official: here a tenth
is tested on, always the same one.
"""

from __future__ import annotations

import re
from functools import partial

from recur.data.datasets.archives import Zip
from recur.data.datasets.source import Source
from recur.data.line_pictures import size_of
from recur.data.pictures import Picture
from recur.data.records.lines import Lines
from recur.data.splits import Splits, at_the_end, mixed
from recur.messages import FailedError

SOURCE = Source(
    name="captcha",
    title="captchas of five letters and digits",
    task="ocr",
    licence="none is stated",
    homepage="https://github.com/AakashKumarNain/CaptchaCracker",
    size="5.2 MB",
    local=("captcha_images_v2.zip",),
)
RECORDS = Lines
TESTED = 0.1
"""The share that is tested on."""
_NAME = re.compile(r"(?:.*/)?(\w+)\.png")


def load() -> Splits[Lines]:
    """Returns 936 pictures to learn from and 104 to test on.

    Raises:
        FailedError: if the file cannot be had, or is damaged.
    """
    archive = Zip(SOURCE.find())
    found = sorted((named[1], name) for name in archive.names if (named := _NAME.fullmatch(name)))
    if len(found) < 3:
        expected = "captcha_images_v2/2b827.png and others"
        raise FailedError(f"{archive.archive} must hold {expected}; it does not. Get it again.")
    pictures = [Picture(f"{text}.png", partial(archive.read, name)) for text, name in found]
    sizes = [size_of(each) for each in pictures]
    train, test = at_the_end(mixed(Lines(pictures, sizes, [text for text, _ in found], [])), TESTED)
    return Splits(train, test=test, about="captchas")
