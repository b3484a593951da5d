"""The faces that text is drawn with: of fonts that packages carry, by family and part.

The packages fontpkg-NAME hold the fonts of a family as its makers publish them, under the SIL Open
Font License 1.1 (Roboto Slab: Apache 2.0); matplotlib holds DejaVu and STIX.
"""

from __future__ import annotations

import functools
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from recur.messages import FailedError

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

FAMILIES = {
    "train": (
        *("arvo", "bitter", "cabin", "cardo", "crimson-text", "dm-serif-text", "ibm-plex-mono"),
        *("ibm-plex-sans", "karla", "libre-baskerville", "pt-sans", "pt-serif", "roboto-slab"),
        *("slabo-27px", "source-code-pro", "titillium-web", "vollkorn"),
        *("DejaVuSans", "DejaVuSansMono", "DejaVuSerif", "STIXGeneral"),
    ),
    "validation": ("lora", "source-sans-3"),
    "test": ("arimo", "domine", "space-mono", "work-sans"),
}
"""The families of each part: serifs, without serifs, slabs, and letters of one width."""
_STATIC = re.compile(r".*[-_](Regular|Bold|Italic|BoldItalic)\.ttf")
_OLD = re.compile(r"(?P<family>DejaVu\w+|STIXGeneral)(?:-?(?:Bold|Bol|Oblique|Italic|Ita)+)?\.ttf")
WEIGHTS = ("Regular", "Bold")
"""Of a font whose weight can be chosen."""


@dataclass(frozen=True)
class Face:
    """A face that text is drawn with.

    Attributes:
        family: what it belongs to.
        path: of its file.
        weight: the name of a weight, of a font that has several in one file; else empty.
    """

    family: str
    path: Path
    weight: str = ""

    def at(self, size: int) -> FreeTypeFont:
        """The face with letters of that size in pixels."""
        return _opened(self.path, self.weight, size)


def faces(part: str) -> list[Face]:
    """The faces of a part, upright, bold and slanted ones.

    Raises:
        FailedError: if a package that holds some is not installed.
    """
    return [face for family in FAMILIES[part] for face in _of(family)]


def _of(family: str) -> list[Face]:
    if family[0].isupper():
        folder = _folder("matplotlib") / "mpl-data" / "fonts" / "ttf"
        paths = sorted(folder.glob("*.ttf"))
        named = [(path, _OLD.fullmatch(path.name)) for path in paths]
        return [Face(family, path) for path, name in named if name and name["family"] == family]
    paths = sorted((_folder(f"fontpkg_{family.replace('-', '_')}") / "files").glob("*.ttf"))
    return [
        Face(family, path, weight)
        for path in paths
        for weight in (WEIGHTS if "[" in path.name else ("",) if _STATIC.match(path.name) else ())
    ]


def _folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        todo = "Install all of them with: pip install 'recur[ocr]'"
        raise FailedError(f"Fonts of the package {package} are not installed. {todo}")
    return Path(spec.origin).parent


@functools.lru_cache(maxsize=512)  # all faces in the three sizes of printed lines
def _opened(path: Path, weight: str, size: int) -> FreeTypeFont:
    from PIL import ImageFont

    # The other layout, where it is there, sets letters elsewhere.
    font = ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)
    if weight:
        names = {name.decode().replace(" ", ""): name for name in font.get_variation_names()}
        slanted = "Italic" if weight == "Regular" else f"{weight}Italic"
        font.set_variation_by_name(names.get(weight) or names[slanted])
    return font
