"""Speech as it comes: a transcript that grows, from a network that reads in one direction."""

from __future__ import annotations

from collections.abc import Sequence

from recur.data.audio import Samples
from recur.data.log_mel import LogMel
from recur.data.mel_stream import MelStream
from recur.decoding import CTCGreedyStream
from recur.models.ctc import CTC, CTCStream
from recur.tasks.listener import Listener, Said


class SpeechListener(Listener):
    """Says each label as soon as the likeliest alignment has it.

    Args:
        model: of one direction.
        hear: what is heard, normalised while it runs.
        labels: the labels, from label 1 on.
        between: what stands between two labels of a text.
        stride: frames that become one step.
        rate: samples a second of what comes.
        pause: seconds in which nothing is said, after which a phrase has ended.

    Raises:
        InputError: a model or features that look at what comes later.
    """

    def __init__(
        self,
        model: CTC,
        hear: LogMel,
        labels: Sequence[str],
        *,
        between: str,
        stride: int,
        rate: int,
        pause: float,
    ) -> None:
        self.rate, self.pause, self.labels, self.between = rate, pause, labels, between
        self._mel, self._model = MelStream(hear, rate), CTCStream(model)
        self._said = CTCGreedyStream()
        self._device = next(model.parameters()).device
        self._second = hear.time(stride)
        self._text, self._at = "", 0.0

    def hear(self, samples: Samples, *, last: bool = False) -> list[Said]:
        """As `Listener.hear`."""
        features = self._mel(samples, last=last).to(self._device)
        said = self._said(self._model(features, last=last).cpu())
        found = []
        for label, step, _ in said:
            now = step * self._second
            found += self._ended(now)
            new = self.labels[label - 1]
            new = self.between + new if self._text else new.lstrip()
            if not new:  # a space, and nothing before it
                continue
            self._text, self._at = self._text + new, now
            found.append(Said(new, self._text, round(now, 4), ends=False))
        return found + self._ended(self._said.steps * self._second, last=last)

    def _ended(self, now: float, *, last: bool = False) -> list[Said]:
        """The end of the phrase, where nothing was said for long enough."""
        due = self._at + self.pause  # whatever the pieces
        if not self._text or not (last or now > due):
            return []
        whole, self._text = self._text, ""
        return [Said("", whole, round(min(now, due), 4), ends=True)]
