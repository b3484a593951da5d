"""What writes a sequence token by token: the half that one-to-many and encoder-decoder share.

Letters: B sequences, R rows (B, or B * W with W hypotheses for each), N steps at once, S steps of
the source, M numbers of each, E size of the embedding, H units, V tokens, X more that only copying
gives.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from recur import decoding
from recur.data.targets import target_lengths
from recur.layers import Attention, Embedding
from recur.layers.attention import Memory
from recur.messages import InputError, count, must, real, whole
from recur.models.checks import check_sizes, never_written
from recur.models.deep import by_row, deep, from_rows
from recur.models.reading import share
from recur.models.teacher_forcing import Schedule, check_ratio

# Read before the first token; it is not in the vocabulary, and cannot be written.
START = -1


class Context(NamedTuple):
    """What a decoder knows of a sequence, the same at every step.

    Attributes:
        beside: (B, F) numbers read beside each token; None without.
        memory: what attention asks; None without.
        source: (B, S) tokens that can be copied; None without copying.
    """

    beside: Tensor | None = None
    memory: Memory | None = None
    source: Tensor | None = None


class DecoderState(NamedTuple):
    """What changes from step to step.

    Attributes:
        hidden: the states (R, layers, H) of the recurrent layers.
        fed: (R, H), or (R, E) with tied weights, what the last step gave, with input feeding; else
            None.
        covered: (R, S) how much each step of the source was looked at so far, with coverage; else
            None.
    """

    hidden: tuple[Tensor, ...]
    fed: Tensor | None = None
    covered: Tensor | None = None


class Said(NamedTuple):
    """What N steps came to, before they are scored.

    Attributes:
        fed: (R, N, H) what is scored; (R, N, E) where the last layer has the embedding's weights.
        read: (R, N, E) the tokens' vectors.
        y: (R, N, H) the recurrent outputs.
        answers: (R, N, M) of attention; None without.
        weights: (R, N, S) of attention; None without.
        again: (R, N) how much of the weights went where others went before; None without coverage.
    """

    fed: Tensor
    read: Tensor
    y: Tensor
    answers: Tensor | None = None
    weights: Tensor | None = None
    again: Tensor | None = None


class Decoder(nn.Module):
    """Recurrent layers that read the last token and score the next.

    With attention, the recurrent output h asks the memory and gets the answer c; what is scored is
    tanh(W [c; h]) (M.-T. Luong et al., arXiv:1508.04025, section 3).

    Args:
        vocabulary: V.
        embedding: E; H if None.
        cell: the recurrent cell, a name of `recur.models.deep.CELLS`: "rnn", "lstm", "gru" ...
        units: H.
        layers: recurrent layers stacked.
        dropout: the part dropped before the recurrent layers, between them, and before the last
            linear layer, while training.
        embedding_dropout: the part dropped before the recurrent layers, if another.
        residual: each recurrent layer but the first adds its input to its outputs.
        beside: F, numbers read beside each token.
        attention: the kind; None without. See `recur.layers.Attention`.
        memory_size: M, with attention.
        input_feeding: what the last step gave before scoring is read with the next token (Luong,
            section 3.3): attention knows where it was. Learning then walks step by step.
        copy: the next token is generated or copied from the source, as a learnt switch says (the
            pointer-generator of A. See et al., arXiv:1704.04368).
        extended: X, tokens from V on that stand for words which only one source has: they can be
            copied, and are read as `unknown`.
        unknown: the token that stands for them where they are read.
        coverage: attention is told where it looked before, so that nothing is said twice (See,
            section 2.3), and learns it by a loss of its own: this number times the mean over the
            tokens of sum_i min(a_i, c_i), a the weights and c the sum of those before. It is left
            in `added_loss`, which `recur.fit` adds to its own. None: no coverage; 0: without loss.
        tied: the last linear layer uses the embedding's weights (O. Press and L. Wolf,
            arXiv:1608.05859), which start from U(-0.1, 0.1). What attention gave then has the
            embedding's size; without attention the embedding needs that of the units.
        teacher_forcing: the ratio of true tokens read while training, or a schedule of it; see
            `recur.models.teacher_forcing`. Its own tokens are the likeliest ones.
        options: more arguments for the recurrent layers.

    Raises:
        InputError: arguments that do not fit together.
    """

    taught: Tensor
    added_loss: Tensor | None = None

    def __init__(
        self,
        *,
        vocabulary: int,
        embedding: int | None,
        cell: str,
        units: int,
        layers: int,
        dropout: float,
        residual: bool,
        tied: bool,
        teacher_forcing: float | Schedule,
        embedding_dropout: float | None = None,
        beside: int = 0,
        attention: str | None = None,
        memory_size: int = 0,
        input_feeding: bool = False,
        copy: bool = False,
        extended: int = 0,
        unknown: int | None = None,
        coverage: float | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        check_sizes(dropout, vocabulary=vocabulary, embedding=embedding, units=units, layers=layers)
        _check(attention, input_feeding, copy, extended, unknown, vocabulary, coverage)
        if not callable(teacher_forcing):
            check_ratio("teacher_forcing", teacher_forcing)
        self.teacher_forcing = teacher_forcing
        self.vocabulary, self.extended, self.unknown = vocabulary, extended, unknown
        self.input_feeding, self.coverage = input_feeding, coverage
        width = embedding or units
        self.fed = width if tied and attention is not None else units
        self.embedding = Embedding(vocabulary, width)
        self.start = nn.Parameter(torch.empty(width).uniform_(-0.1, 0.1))
        self.input_dropout = nn.Dropout(share("embedding_dropout", embedding_dropout, dropout))
        self.dropout = nn.Dropout(dropout)
        self.recurrent = deep(
            cell,
            width + beside + (self.fed if input_feeding else 0),
            units,
            layers=layers,
            dropout=dropout,
            residual=residual,
            **options,
        )
        self.attention: Attention | None = None
        if attention is not None:
            covers = coverage is not None
            self.attention = Attention(units, memory_size, kind=attention, coverage=covers)
            self.combine = nn.Linear(memory_size + units, self.fed)
        self.switch = nn.Linear(memory_size + units + width, 1) if copy else None
        self.head = nn.Linear(self.fed, vocabulary)
        if tied:
            if width != self.fed:
                raise InputError(must("the embedding of tied weights", f"of {units} units", width))
            nn.init.uniform_(self.embedding.weight, -0.1, 0.1)
            self.head.weight = self.embedding.weight
        # Kept with the weights, so that a training that goes on is where the schedule was.
        self.register_buffer("taught", torch.zeros((), dtype=torch.int64))

    def teach(
        self, targets: Tensor, state: DecoderState, context: Context
    ) -> tuple[Tensor, Tensor | None]:
        """Scores of each token, given the true ones before it (or its own; see `teacher_forcing`).

        In evaluation mode the true ones are always read.

        Args:
            targets: (B, T), filled up with -100.
            state: the state before the first step.
            context: see `Context`.

        Returns:
            (B, T, V + X), zeros beyond a row's length; log-probabilities with copying, else raw
            scores. And the weights of attention (B, T, S), or None.

        Raises:
            InputError: targets of a wrong shape, or outside the vocabulary.
        """
        tokens, lengths, within = self._before(targets, state)
        ratio = self._ratio()
        if ratio < 1:
            scores, said = self._step_by_step(tokens, state, context, ratio)
            scores = scores.masked_fill(~within.unsqueeze(-1), 0)
        else:
            said = self._read(tokens, state, context, lengths)
            scores = self._scores_within(said, context, within)
        self.added_loss = self._repetition(said, within)
        return scores, said.weights

    def copied(self, targets: Tensor, state: DecoderState, context: Context) -> Tensor:
        """How much of each target token's probability comes from copying each step of the source.

        Arguments and errors as for `teach`; of a decoder that copies.

        Returns:
            (B, T, S); what is missing to 1 over the steps was generated. Not defined beyond a row's
            length.
        """
        tokens, lengths, _ = self._before(targets, state)
        said = self._read(tokens, state, context, lengths)
        assert context.source is not None
        assert said.weights is not None
        chosen = targets.clamp(min=0).unsqueeze(-1)
        probability = self._scores(said, context).gather(-1, chosen).exp()
        same = context.source.unsqueeze(1) == chosen
        return (1 - self._switch(said)) * said.weights * same / probability

    def _before(self, targets: Tensor, state: DecoderState) -> tuple[Tensor, Tensor, Tensor]:
        """The true tokens before each target (B, T), the lengths, and which steps exist (B, T)."""
        lengths = target_lengths(targets, classes=self.vocabulary + self.extended)
        rows = len(state.hidden[0])
        if len(targets) != rows:
            raise InputError(
                must("targets", f"a row for each of {rows}", count(len(targets), "row"))
            )
        tokens = torch.cat([torch.full_like(targets[:, :1], START), targets[:, :-1]], dim=1)
        within = torch.arange(targets.shape[1], device=targets.device) < lengths.unsqueeze(1)
        return tokens, lengths, within

    def _repetition(self, said: Said, within: Tensor) -> Tensor | None:
        if not self.training or not self.coverage or said.again is None:
            return None
        return self.coverage * (said.again * within).sum() / within.sum().clamp(min=1)

    def _ratio(self) -> float:
        if not self.training:
            return 1.0
        ratio = self.teacher_forcing
        if callable(ratio):
            ratio = check_ratio("what a schedule gives", ratio(int(self.taught)))
        self.taught += 1
        return ratio

    def _step_by_step(
        self, tokens: Tensor, state: DecoderState, context: Context, ratio: float
    ) -> tuple[Tensor, Said]:
        """Reads its own tokens in the place of some: each step needs the scores of the last."""
        scores: list[Tensor] = []
        steps: list[Said] = []
        for t in range(tokens.shape[1]):
            token = tokens[:, t]
            if t:
                true = torch.rand(len(token), device=token.device) < ratio
                token = torch.where(true, token, scores[-1][:, 0].detach().argmax(dim=-1))
            said, state = self._walk(self._embed(token.unsqueeze(1)), state, context)
            steps.append(said)
            scores.append(self._scores(said, context))
        if not steps:
            said, _ = self._walk(self._embed(tokens), state, context)
            return self._scores(said, context), said
        return torch.cat(scores, dim=1), _together(steps)

    def _read(self, tokens: Tensor, state: DecoderState, context: Context, lengths: Tensor) -> Said:
        """Reads all of the true tokens."""
        vectors = self._embed(tokens)  # together: the table's gradient is made once
        if not self.input_feeding or not tokens.shape[1]:
            return self._walk(vectors, state, context, lengths)[0]
        steps: list[Said] = []
        for vector in torch.split(vectors, 1, dim=1):
            said, state = self._walk(vector, state, context)
            steps.append(said)
        return _together(steps)

    def advance(
        self, tokens: Tensor, state: DecoderState, context: Context, lengths: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None, DecoderState]:
        """Reads N tokens of each row; one, with input feeding.

        Args:
            tokens: (R, N), -1 before the first.
            state: the state before them.
            context: of B sequences; the rows of a sequence lie side by side.
            lengths: (R,) steps that exist; None if all do.

        Returns:
            scores (R, N, V + X) of what follows each token, weights (R, N, S) or None, and the
            state after the last one.
        """
        said, state = self._walk(self._embed(tokens), state, context, lengths)
        return self._scores(said, context), said.weights, state

    def _walk(
        self, read: Tensor, state: DecoderState, context: Context, lengths: Tensor | None = None
    ) -> tuple[Said, DecoderState]:
        """As `advance`, from vectors (R, N, E) up to what is scored."""
        rows, steps = read.shape[:2]
        parts = [read]
        if context.beside is not None:
            beside = _for_rows(context.beside, rows)
            parts.append(beside.unsqueeze(1).expand(-1, steps, -1))
        if state.fed is not None:
            parts.append(state.fed.unsqueeze(1).expand(-1, steps, -1))
        x = self.input_dropout(torch.cat(parts, dim=-1))
        y, final = self.recurrent(x, from_rows(state.hidden), lengths=lengths)
        said, covered = Said(y, read, y), state.covered
        if self.attention is not None:
            assert context.memory is not None
            said, covered = self._looked(self.attention, said, context.memory, covered)
        after = said.fed[:, -1] if self.input_feeding and steps else state.fed
        return said, DecoderState(by_row(final), after, covered)

    def _looked(
        self, attention: Attention, said: Said, memory: Memory, covered: Tensor | None
    ) -> tuple[Said, Tensor | None]:
        again = None
        if covered is None:
            answers, weights = self._ask(attention, said.y, memory)
        else:
            answers, weights, again, covered = self._in_turn(attention, said.y, memory, covered)
        fed = self.combine(torch.cat([answers, said.y], dim=-1)).tanh()
        return said._replace(fed=fed, answers=answers, weights=weights, again=again), covered

    def _in_turn(
        self, attention: Attention, y: Tensor, memory: Memory, covered: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Asks step by step: where each looked is told to the next."""
        found = []
        for question in torch.split(y, 1, dim=1) if y.shape[1] else (y,):
            answer, weights = self._ask(attention, question, memory, covered)
            before = covered.unsqueeze(1)
            found.append((answer, weights, torch.minimum(weights, before).sum(dim=-1)))
            covered = covered + weights.sum(dim=1)
        answers, weights, again = (torch.cat(parts, dim=1) for parts in zip(*found, strict=True))
        return answers, weights, again, covered

    def _scores_within(self, said: Said, context: Context, within: Tensor) -> Tensor:
        """Scores of the steps that exist, zeros beyond: padding costs no product."""
        if self.switch is not None:
            return self._scores(said, context).masked_fill(~within.unsqueeze(-1), 0)
        scores: Tensor = self.head(self.dropout(said.fed)[within])
        return scores.new_zeros(*within.shape, scores.shape[-1]).index_put((within,), scores)

    def _scores(self, said: Said, context: Context) -> Tensor:
        scores: Tensor = self.head(self.dropout(said.fed))
        if self.switch is None:
            return scores
        assert said.weights is not None
        return self._with_copies(scores, self._switch(said), said.weights, context)

    def _switch(self, said: Said) -> Tensor:
        """(R, N, 1) the probability of generating a token and not copying one."""
        assert self.switch is not None
        assert said.answers is not None
        assert said.weights is not None
        switch = self.switch(torch.cat([said.answers, said.y, said.read], dim=-1)).sigmoid()
        # A source without any step leaves nothing to copy.
        return torch.where(said.weights.sum(dim=-1, keepdim=True) > 0, switch, 1)

    def _embed(self, tokens: Tensor) -> Tensor:
        known = tokens.clamp(min=0)
        if self.unknown is not None:
            known = torch.where(known < self.vocabulary, known, self.unknown)
        return torch.where((tokens < 0).unsqueeze(-1), self.start, self.embedding(known))

    def _ask(
        self, attention: Attention, y: Tensor, memory: Memory, covered: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        # All hypotheses ask the one memory of their sequence: nothing is copied.
        batch, (rows, steps, units) = len(memory.values), y.shape
        asked = rows * steps // batch if batch else 0
        if covered is not None:  # a step at a time
            covered = covered.reshape(batch, asked, covered.shape[-1])
        answers, weights = attention(y.reshape(batch, asked, units), memory, covered)
        shape = (rows, steps)
        return (
            answers.reshape(*shape, answers.shape[-1]),
            weights.reshape(*shape, weights.shape[-1]),
        )

    def _with_copies(
        self, scores: Tensor, switch: Tensor, weights: Tensor, context: Context
    ) -> Tensor:
        """Log-probabilities of both ways: generated as the switch says, copied with the rest."""
        assert context.source is not None
        rows, steps, _ = scores.shape
        source = _for_rows(context.source, rows).unsqueeze(1).expand(-1, steps, -1)
        generated = switch * scores.softmax(dim=-1)
        more = generated.new_zeros(rows, steps, self.extended)
        copied = (1 - switch) * weights
        both = torch.cat([generated, more], dim=-1).scatter_add(-1, source, copied)
        return both.clamp(min=torch.finfo(both.dtype).tiny).log()

    def __getstate__(self) -> dict[str, Any]:
        # The loss of the last batch belongs to no copy; its graph cannot be copied.
        return {**self.__dict__, "added_loss": None}

    def write(
        self,
        state: DecoderState,
        context: Context,
        *,
        max_steps: int,
        search: str,
        end: int | None,
        never: Sequence[int] = (),
        **how: Any,
    ) -> decoding.Decoded:
        """Writes a sequence for each row of the state, by a search of `recur.decoding`.

        Raises:
            InputError: arguments that do not fit; in `never` others than tokens, or all.
        """
        barred = never_written(never, self.vocabulary + self.extended, self.start.device)
        start = torch.full((len(state.hidden[0]),), START, device=self.start.device)

        def step(state: DecoderState, token: Tensor) -> tuple[Tensor, DecoderState]:
            scores, _, state = self.advance(token.unsqueeze(1), state, context)
            last = scores.squeeze(1).index_fill(-1, barred, -torch.inf)
            return last.log_softmax(dim=-1), state

        return decoding.decode(search, step, state, start, max_steps=max_steps, end=end, **how)


def _together(steps: Sequence[Said]) -> Said:
    """Steps side by side, of which each came to something of its own."""
    parts: Any = zip(*steps, strict=True)
    together: Any = (None if each[0] is None else torch.cat(each, dim=1) for each in parts)
    return Said(*together)


def _for_rows(tensor: Tensor, rows: int) -> Tensor:
    """(B, ...) repeated to (R, ...), those of a sequence side by side."""
    if rows == len(tensor):
        return tensor
    return tensor.repeat_interleave(rows // len(tensor), dim=0)


def _check(
    attention: str | None,
    input_feeding: bool,
    copy: bool,
    extended: int,
    unknown: int | None,
    vocabulary: int,
    coverage: float | None,
) -> None:
    if attention is None and (input_feeding or copy):
        what = "input_feeding" if input_feeding else "copy"
        raise InputError(must(what, "False where there is no attention", True))
    if coverage is not None:
        if attention is None:
            raise InputError(must("coverage", "None where there is no attention", coverage))
        real("coverage", coverage, lambda c: 0 <= c < math.inf, "a number of at least 0")
    whole("extended", extended, least=0)
    if extended and not copy:
        raise InputError(must("extended", "0 where nothing is copied", extended))
    if extended and unknown is None:
        raise InputError("extended needs unknown: the token that the words beyond are read as.")
    if unknown is not None and not 0 <= unknown < vocabulary:
        raise InputError(must("unknown", f"a token from 0 to {vocabulary - 1}", unknown))
