"""The types of recurrent network, a file each: what goes in, what comes out, and where."""

from recur.models.ctc import CTC
from recur.models.encoder_decoder import EncoderDecoder
from recur.models.many_to_many import ManyToMany
from recur.models.many_to_one import ManyToOne
from recur.models.one_to_many import OneToMany
from recur.models.one_to_one import OneToOne
from recur.models.scribe import Scribe
from recur.models.segment_rnn import SegmentRNN

__all__ = [
    "CTC",
    "EncoderDecoder",
    "ManyToMany",
    "ManyToOne",
    "OneToMany",
    "OneToOne",
    "Scribe",
    "SegmentRNN",
]
