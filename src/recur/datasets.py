"""Public datasets by name: `from recur.datasets import imdb`."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from recur.data.datasets import Source, catalogue, every

if TYPE_CHECKING:  # for checkers of types; what is there is what `every` finds
    from recur.data.datasets import basic_motions as basic_motions
    from recur.data.datasets import captcha as captcha
    from recur.data.datasets import co2 as co2
    from recur.data.datasets import docstrings as docstrings
    from recur.data.datasets import ett as ett
    from recur.data.datasets import flickr8k as flickr8k
    from recur.data.datasets import fsdd as fsdd
    from recur.data.datasets import imdb as imdb
    from recur.data.datasets import japanese_vowels as japanese_vowels
    from recur.data.datasets import jsb_chorales as jsb_chorales
    from recur.data.datasets import made_traffic as made_traffic
    from recur.data.datasets import messages as messages
    from recur.data.datasets import mnist_rows as mnist_rows
    from recur.data.datasets import movie_reviews as movie_reviews
    from recur.data.datasets import moving_digits as moving_digits
    from recur.data.datasets import msr_action3d as msr_action3d
    from recur.data.datasets import multi30k as multi30k
    from recur.data.datasets import news_summary as news_summary
    from recur.data.datasets import nsl_kdd as nsl_kdd
    from recur.data.datasets import plotted_words as plotted_words
    from recur.data.datasets import printed as printed
    from recur.data.datasets import ptb as ptb
    from recur.data.datasets import review_texts as review_texts
    from recur.data.datasets import shapes as shapes
    from recur.data.datasets import shoulder_exercises as shoulder_exercises
    from recur.data.datasets import spoken_digits as spoken_digits
    from recur.data.datasets import stocks as stocks
    from recur.data.datasets import sunspots as sunspots
    from recur.data.datasets import tinyshakespeare as tinyshakespeare
    from recur.data.datasets import turkish_web as turkish_web
    from recur.data.datasets import twenty_newsgroups as twenty_newsgroups
    from recur.data.datasets import ud_english_ewt as ud_english_ewt
    from recur.data.datasets import unipen as unipen
    from recur.data.datasets import wordnet as wordnet

__all__ = ["Source", "catalogue"]


def __getattr__(name: str) -> ModuleType:
    found = every().get(name.replace("_", "-"))
    if found is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return found


def __dir__() -> list[str]:
    return sorted([*__all__, *(name.replace("-", "_") for name in every())])
