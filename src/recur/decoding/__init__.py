"""From a model's scores to sequences: greedy, beam, sampling, CTC; of more than tokens: `write`.

These functions know no model. What writes a sequence one token at a time is a function
`step(state, token) -> (log_probabilities, state)`; see `recur.decoding.stepping.Step`. What gives
the probabilities of all steps at once, with blanks, is read by the CTC functions; what sequences
are worth by themselves (a language model that counts, a lexicon) a `Scorer` tells them. What a
model's scores of a step mean, and how a value is drawn by them, an `Emission` knows: tokens, bits,
points.
"""

from recur.decoding.beam import beam_search
from recur.decoding.ctc import ctc_align, ctc_beam_search, ctc_greedy_search
from recur.decoding.decode import decode
from recur.decoding.emission import Bits, Emission, Tokens
from recur.decoding.greedy import greedy_search
from recur.decoding.lexicon import Lexicon
from recur.decoding.mixture import Mixture
from recur.decoding.narrowing import narrowed
from recur.decoding.ngrams import NGrams
from recur.decoding.sampling import sample
from recur.decoding.scorers import Scorer, Together
from recur.decoding.stepping import Decoded, Step
from recur.decoding.writing import Written, write

__all__ = [
    "Bits",
    "Decoded",
    "Emission",
    "Lexicon",
    "Mixture",
    "NGrams",
    "Scorer",
    "Step",
    "Together",
    "Tokens",
    "Written",
    "beam_search",
    "ctc_align",
    "ctc_beam_search",
    "ctc_greedy_search",
    "decode",
    "greedy_search",
    "narrowed",
    "sample",
    "write",
]
