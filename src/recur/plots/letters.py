"""Letters that matplotlib's own font lacks: from another font of the machine, or as a number.

Words of a user's own may be Chinese, or hold an emoji; boxes and warnings help nobody.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

USUAL = "DejaVu Sans"
"""Matplotlib's own, which is always there."""
OTHERS = (
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans CJK KR", "Noto Sans SC", "Noto Sans JP"),
    *("Source Han Sans SC", "Source Han Sans", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei"),
    *("Droid Sans Fallback", "PingFang SC", "Hiragino Sans", "Heiti TC", "Apple SD Gothic Neo"),
    *("Microsoft YaHei", "SimHei", "Yu Gothic", "MS Gothic", "Malgun Gothic", "Arial Unicode MS"),
    *("Noto Sans", "Noto Sans Devanagari", "Noto Sans Thai", "Noto Sans Arabic"),
    *("Noto Emoji", "Segoe UI Emoji", "Segoe UI Symbol", "Symbola"),
)
"""Fonts with more letters, in the order in which they are asked; those that are there are used."""


def legible(figure: Figure) -> None:
    """Gives a figure's words the fonts that have their letters.

    A letter that no font here has is drawn as its number in Unicode, such as U+4E2D. The words at
    ticks are those that `drawable` returned.
    """
    from matplotlib.text import Text

    texts = [text for text in figure.findobj(Text) if isinstance(text, Text)]
    if all(text.get_text().isascii() for text in texts):
        return
    families = [USUAL, *_others()]
    for text in texts:
        text.set_fontfamily(families)
        text.set_text(drawable(text.get_text()))
    for axes in figure.axes:
        axes.tick_params(labelfontfamily=families)


def drawable(words: str) -> str:
    """Returns words with each letter that no font here has as its number."""
    if words.isascii():
        return words
    known = _letters()
    return "".join(
        letter if ord(letter) in known or letter.isspace() else f"U+{ord(letter):04X} "
        for letter in words
    ).rstrip()


@functools.cache
def _others() -> tuple[str, ...]:
    from matplotlib.font_manager import fontManager

    there = {font.name for font in fontManager.ttflist}
    return tuple(name for name in OTHERS if name in there)


@functools.cache
def _letters() -> frozenset[int]:
    from matplotlib.font_manager import FontProperties, findfont
    from matplotlib.ft2font import FT2Font

    paths = (findfont(FontProperties(family=name)) for name in (USUAL, *_others()))
    return frozenset(code for path in paths for code in FT2Font(path).get_charmap())
