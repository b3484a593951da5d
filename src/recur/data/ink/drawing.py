"""Strokes as files: SVG, still and as the pen goes; PNG; InkML."""

from __future__ import annotations

import io
from xml.sax.saxutils import escape

import numpy as np

from recur.data.ink.strokes import Floats, Ink

MARGIN = 0.6
"""Sizes of the letters around what is written."""
WIDE = 0.09
"""Sizes that a line is wide."""
SPEED, LIFT = 12.0, 0.12
"""Sizes that the pen goes in a second, and the seconds that it takes to be set down anew."""
PIXELS, FINER = 40, 3
"""Of a size in a picture, and how much finer it is drawn before it is made smaller."""
WIDEST = 8000
"""Pixels of height and width at most; longer writing is drawn smaller."""


def svg(ink: Ink, title: str, *, moving: bool = False) -> bytes:
    """Handwriting of about size 1 as an SVG file.

    Args:
        ink: the strokes.
        title: what is written.
        moving: it is drawn stroke by stroke, as a pen goes, from when it is shown.
    """
    points, (width, height) = _placed(ink)
    lines, now = [], 0.0
    for stroke in np.split(points, ink.starts[1:]):
        path = "M" + " L".join(f"{x:.2f} {y:.2f}" for x, y in stroke)
        if len(stroke) == 1:
            path += " l0 0"
        takes = max(float(np.hypot(*np.diff(stroke, axis=0).T).sum()) / SPEED, 0.02)
        lines.append(
            _path(path, now, takes, dot=len(stroke) == 1) if moving else f'<path d="{path}"/>'
        )
        now += takes + LIFT
    body = "\n".join(lines)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.2f} {height:.2f}" '
        f'width="{PIXELS * width:.0f}" height="{PIXELS * height:.0f}" fill="none" stroke="black" '
        f'stroke-width="{WIDE}" stroke-linecap="round" stroke-linejoin="round">\n'
        f"<title>{_said(title)}</title>\n{body}\n</svg>\n"
    ).encode()


def png(ink: Ink) -> bytes:
    """Handwriting of about size 1 as a PNG file, black on white."""
    from PIL import Image, ImageDraw

    points, size = _placed(ink)
    scale = min(PIXELS, WIDEST / max(size))
    finer = scale * FINER
    image = Image.new("L", _pixels(size, finer), 255)
    draw, wide = ImageDraw.Draw(image), WIDE * finer
    for stroke in np.split(points * finer, ink.starts[1:]):
        corners = [tuple(point) for point in stroke.tolist()]
        draw.line(corners, fill=0, width=max(round(wide), 1))
        for x, y in corners:  # round ends and corners
            draw.ellipse((x - wide / 2, y - wide / 2, x + wide / 2, y + wide / 2), fill=0)
    small = image.resize(_pixels(size, scale), Image.Resampling.BOX)
    content = io.BytesIO()
    small.save(content, "PNG")
    return content.getvalue()


def inkml(ink: Ink, text: str) -> bytes:
    """Handwriting as InkML, as `parse_inkml` reads it."""
    traces = "\n".join(
        "<trace>" + ", ".join(f"{x:.4f} {-y:.4f}" for x, y in stroke) + "</trace>"
        for stroke in ink.strokes
    )
    return (
        '<ink xmlns="http://www.w3.org/2003/InkML">\n'
        f'<annotation type="truth">{_said(text)}</annotation>\n{traces}\n</ink>\n'
    ).encode()


def _placed(ink: Ink) -> tuple[Floats, tuple[float, float]]:
    """The points with y downward and a margin around them, and the width and height of all."""
    points = ink.points * (1.0, -1.0)
    points = points - points.min(axis=0) + MARGIN
    width, height = (points.max(axis=0) + MARGIN).tolist()
    return points, (width, height)


def _pixels(size: tuple[float, float], scale: float) -> tuple[int, int]:
    return max(round(scale * size[0]), 1), max(round(scale * size[1]), 1)


def _path(path: str, begin: float, takes: float, *, dot: bool) -> str:
    """A stroke that comes to be seen from its beginning to its end."""
    shown = f'<set attributeName="visibility" to="visible" begin="{begin:.2f}s" fill="freeze"/>'
    if dot:
        return f'<path d="{path}" visibility="hidden">{shown}</path>'
    return (
        f'<path d="{path}" visibility="hidden" pathLength="1" stroke-dasharray="1" '
        f'stroke-dashoffset="1">{shown}<animate attributeName="stroke-dashoffset" from="1" to="0" '
        f'begin="{begin:.2f}s" dur="{takes:.2f}s" fill="freeze"/></path>'
    )


def _said(text: str) -> str:
    """A text as XML may hold it."""
    return escape("".join(each for each in text if each.isprintable()))
