"""What stands before recurrent layers: from what is read to the features of each step, a file each.

    model = recur.ManyToOne(front=Frames((1, 64, 64), 128), outputs=10)

Words, several tokens at once, plain numbers, numbers whose time is shortened, pictures that follow
one another, one picture that is read column by column, and one whose cells are steps.
"""

from recur.models.fronts.bags import Bags
from recur.models.fronts.cells import Cells
from recur.models.fronts.columns import Columns
from recur.models.fronts.evidence import Evidence
from recur.models.fronts.features import Features
from recur.models.fronts.frames import Frames, Spread, convolutions
from recur.models.fronts.front import Front
from recur.models.fronts.pairs import TokensAndPairs
from recur.models.fronts.strided import Strided
from recur.models.fronts.tokens import Tokens
from recur.models.fronts.words import WordsAndCharacters

__all__ = [
    "Bags",
    "Cells",
    "Columns",
    "Evidence",
    "Features",
    "Frames",
    "Front",
    "Spread",
    "Strided",
    "Tokens",
    "TokensAndPairs",
    "WordsAndCharacters",
    "convolutions",
]
