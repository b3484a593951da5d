"""What says what it hears while sound comes, remembering no more than a state of fixed size."""

from __future__ import annotations

import abc
import dataclasses

from recur.data.audio import Samples
from recur.tasks.answers import Answer


@dataclasses.dataclass(frozen=True)
class Said(Answer):
    """What was heard anew.

    Attributes:
        new: what the text has grown by; empty where it only ends.
        text: the phrase so far.
        seconds: when that was decided.
        ends: whether the phrase ends here, since nothing more was said for a while.
    """

    new: str
    text: str
    seconds: float
    ends: bool

    def __str__(self) -> str:
        return self.new + ("\n" if self.ends else "")


class Listener(abc.ABC):
    """Hears sound as it comes.

    Attributes:
        rate: samples a second of what comes.
    """

    rate: int

    @abc.abstractmethod
    def hear(self, samples: Samples, *, last: bool = False) -> list[Said]:
        """Hears samples (S,), and says what it understood anew.

        Args:
            samples: what follows on the ones before; may be empty.
            last: nothing comes any more.
        """
