"""How a text goes on: how it is asked for, and written piece by piece."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from recur.data.vocabulary import Vocabulary
from recur.messages import InputError, listed, must
from recur.models.many_to_many import ManyToMany
from recur.tasks.answers import Answer
from recur.tasks.options import Answering, option

UNKNOWN = 0
"""The id of what is not known, as `UNKNOWN_FIRST` has it."""
Tell = Callable[[str], object]
"""Is told a piece of a text as it is written."""
LIKELIEST = 5
"""Next words that an answer lists."""
BETWEEN = "\n\n"
"""What stands between samples."""
ENDS = (".", "!", "?", "\n")
"""What a sentence ends with, or a line."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class LanguageAnswering(Answering):
    """How a text goes on."""

    length: int = option(
        20, "words (characters, subwords) that an answer goes on for, at most", least=1
    )
    sentence: bool = option(False, "stop at the end of a sentence, or of a line")
    samples: int = option(1, "how many times an answer goes on, each another way", least=1)
    temperature: float = option(
        0.8, "how varied an answer is; 0: always the likeliest next word", least=0.0
    )
    top_k: int | None = option(None, "draw from so many of the likeliest", least=1)
    top_p: float | None = option(
        None,
        "draw from the fewest likeliest that together have this probability",
        above=0.0,
        most=1.0,
    )
    min_p: float | None = option(
        None,
        "draw from those with at least this share of the likeliest one's probability",
        least=0.0,
        most=1.0,
    )
    repetition_penalty: float = option(
        1.0,
        "how much less likely a word is that was written before; 1: as likely",
        least=1.0,
        most=1e6,
    )
    seed: int = option(0, "same seed, same words", least=0, most=2**63 - 1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.samples > 1 and not self.temperature:
            todo = "Give a temperature above 0: the likeliest is always the same."
            raise InputError(must("samples", "1 with a temperature of 0", self.samples, todo))
        if self.repetition_penalty > 1 and not self.temperature:
            todo = "Give a temperature above 0: it is a way to draw words."
            expected = "1 with a temperature of 0"
            raise InputError(must("repetition penalty", expected, self.repetition_penalty, todo))

    @property
    def search(self) -> dict[str, Any]:
        """As `ManyToMany.generate` takes it."""
        if not self.temperature:
            return {"search": "greedy"}
        names = ("temperature", "top_k", "top_p", "min_p", "repetition_penalty")
        return {"search": "sample", **{name: getattr(self, name) for name in names}}


@dataclasses.dataclass(frozen=True)
class Continuation(Answer):
    """An answer: how a text goes on.

    Attributes:
        prompt: the text.
        text: the text with what follows.
        others: the same of further samples.
        likeliest: the likeliest next words with their probabilities.
        unknown: words of the prompt that the model does not know.
    """

    prompt: str
    text: str
    likeliest: list[tuple[str, float]]
    unknown: list[str]
    others: list[str]

    def __str__(self) -> str:
        return "\n".join([BETWEEN.join([self.text, *self.others]), self.rest()])

    def rest(self) -> str:
        """As `Answer.rest`."""
        words = "  ".join(f"{_shown(word)} {p:.4f}" for word, p in self.likeliest)
        lines = [f"next: {words}"]
        if self.unknown:
            lines.append(f"not known: {listed(map(repr, self.unknown), 'and')}")
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Returns the answer as JSON; `others` only where several samples were asked for."""
        likeliest = [{"token": word, "probability": p} for word, p in self.likeliest]
        content = {**dataclasses.asdict(self), "likeliest": likeliest}
        if not self.others:
            del content["others"]
        return content


def encoded_prompt(prompt: str, unit: Vocabulary) -> Tensor:
    """The numbers (1, T) of the beginning of a text.

    Raises:
        InputError: if the model knows nothing of it.
    """
    ids = torch.tensor([unit.encode(prompt)], dtype=torch.int64)
    if not len(ids[0]) or bool((ids == UNKNOWN).all()):
        expected = "one with a word that the model knows"
        todo = f"It learnt {len(unit):,} {unit.noun}; try another beginning."
        raise InputError(must("a prompt", expected, repr(prompt), todo))
    return ids


def continued(
    prompt: str,
    model: nn.Module,
    unit: Vocabulary,
    asked: LanguageAnswering,
    tell: Tell | None = None,
) -> Continuation:
    """Continues a text, and tells it as it is written, if somebody wants to know.

    Raises:
        InputError: if the model knows nothing of the text.
    """
    assert isinstance(model, ManyToMany)
    ids, unknown = encoded_prompt(prompt, unit), unit.not_known(prompt)
    scores, state = following(model, ids)
    chances = scores.softmax(dim=-1)
    top = chances.topk(min(LIKELIEST, len(unit) - 1))
    pairs = zip(top.indices.tolist(), top.values.tolist(), strict=True)
    how = asked.search
    if asked.temperature:
        how["generator"] = torch.Generator().manual_seed(asked.seed)
    texts = []
    for number in range(asked.samples):
        page = _Page(prompt, ids[0].tolist(), unit, tell, whole_sentence=asked.sentence)
        model.generate(
            ids[:, -1:],
            state=state,
            max_steps=asked.length,
            never=[UNKNOWN],
            tell=page.write,
            **how,
        )
        texts.append(page.close("\n" if number == asked.samples - 1 else BETWEEN))
    likeliest = [(unit.piece(number), p) for number, p in pairs]
    return Continuation(prompt, texts[0], likeliest, unknown, texts[1:])


class _Page:
    """A text that is written token by token, and told so: no letter that was told changes."""

    def __init__(
        self,
        prompt: str,
        before: list[int],
        unit: Vocabulary,
        tell: Tell | None,
        *,
        whole_sentence: bool,
    ) -> None:
        self.unit, self.tell, self.whole_sentence = unit, tell, whole_sentence
        self.ids, self.given, self.start = list(before), len(before), unit.decode(before)
        # What the person wrote is shown as it was written.
        self.text, self.follows = prompt, ""
        if tell is not None:
            tell(prompt)

    def write(self, token: Tensor) -> bool:
        """Adds a token (1,); says whether the text is over."""
        self.ids.append(int(token))
        if self.tell is not None:
            self._show(self._decoded(), self.tell)
        piece = self.unit.piece(self.ids[-1])
        # A word such as "inc." ends no sentence.
        ends = piece.endswith(ENDS) if self.unit.noun == "subwords" else piece in ENDS
        return self.whole_sentence and ends

    def close(self, end: str) -> str:
        """Tells what is left and the end; returns the text."""
        follows = self._decoded()
        if self.tell is not None:
            self._show(follows, self.tell, last=True)
            self.tell(end)
        return self.text + follows

    def _decoded(self) -> str:
        """What follows the prompt."""
        whole = self.unit.decode(self.ids)
        follows = whole.removeprefix(self.start)
        if not whole.startswith(self.start):
            follows = self.unit.decode(self.ids[self.given :])
        return follows.rstrip("\n") if self.whole_sentence else follows

    def _show(self, follows: str, tell: Tell, *, last: bool = False) -> None:
        # Half of a letter is not shown: its other bytes come with the next subword.
        if follows.startswith(self.follows) and (last or not follows.endswith("\ufffd")):
            tell(follows[len(self.follows) :])
            self.follows = follows


def following(model: nn.Module, ids: Tensor) -> tuple[Tensor, Any]:
    """Scores of the next word, of which the unknown one is none, and the state before the last."""
    assert isinstance(model, ManyToMany)
    with torch.no_grad():
        state = model.remember(ids[:, :-1])
        scores: Tensor = model(ids[:, -1:], state=state)[0, -1]
    scores[UNKNOWN] = -math.inf
    return scores, state


def _shown(word: str) -> str:
    return repr(word) if not word.strip() or word != word.strip() else word
