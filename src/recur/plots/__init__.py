"""Arrays to figures, and nothing else.

Every function takes numbers and returns a matplotlib figure; `save` writes one. Figures are made
without pyplot: no window opens, no display is needed, and nothing stays in memory afterwards.
matplotlib is imported when the first figure is drawn.
"""

from recur.plots.alarms import alarms, separation
from recur.plots.captioned import captioned
from recur.plots.cells import looked, marked_cells
from recur.plots.confusion import confusion
from recur.plots.figure import save, save_each
from recur.plots.ink import handwriting
from recur.plots.inside import alignment, attribution, gradients, heatmaps, layer_sizes
from recur.plots.learning import curves, overview
from recur.plots.lines import read_line, telling_pixels
from recur.plots.music import piano_roll
from recur.plots.networks import UNROLLED, Unrolled, unrolled
from recur.plots.pictures import beliefs, marked_picture
from recur.plots.recordings import recording
from recur.plots.roc import roc
from recur.plots.series import backtest, forecast
from recur.plots.sound import spectrogram
from recur.plots.strip import film_strip
from recur.plots.tags import tagging
from recur.plots.telling import telling_words
from recur.plots.words import marked_words

__all__ = [
    "UNROLLED",
    "Unrolled",
    "alarms",
    "alignment",
    "attribution",
    "backtest",
    "beliefs",
    "captioned",
    "confusion",
    "curves",
    "film_strip",
    "forecast",
    "gradients",
    "handwriting",
    "heatmaps",
    "layer_sizes",
    "looked",
    "marked_cells",
    "marked_picture",
    "marked_words",
    "overview",
    "piano_roll",
    "read_line",
    "recording",
    "roc",
    "save",
    "save_each",
    "separation",
    "spectrogram",
    "tagging",
    "telling_pixels",
    "telling_words",
    "unrolled",
]
