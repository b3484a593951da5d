"""From a model's probabilities to sequences: greedy, beam, sampling, CTC.

These functions know no model. What writes a sequence one token at a time is a function
`step(state, token) -> (log_probabilities, state)`; see `recur.decoding.stepping.Step`. What gives
the probabilities of all steps at once, with blanks, is read by the CTC functions.
"""

from recur.decoding.beam import beam_search
from recur.decoding.ctc import ctc_align, ctc_beam_search, ctc_greedy_search
from recur.decoding.decode import decode
from recur.decoding.greedy import greedy_search
from recur.decoding.sampling import narrowed, sample
from recur.decoding.stepping import Decoded, Step

__all__ = [
    "Decoded",
    "Step",
    "beam_search",
    "ctc_align",
    "ctc_beam_search",
    "ctc_greedy_search",
    "decode",
    "greedy_search",
    "narrowed",
    "sample",
]
