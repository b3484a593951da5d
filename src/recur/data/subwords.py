"""Byte-level byte-pair encoding: every text can be written, no piece is unknown.

R. Sennrich et al., arXiv:1508.07909; over bytes: A. Radford et al., "Language models are
unsupervised multitask learners", 2019. Learnt by the package `tokenizers`: the same texts give the
same subwords, in whatever order they come.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from recur.data.text import UNKNOWN_WORD
from recur.messages import FailedError, InputError, must

BYTES = 256
"""Subwords that there are before any is learnt."""


def learn(texts: Iterable[str], size: int, *, unknown: bool) -> Any:
    """Learns `size` subwords.

    Args:
        texts: the training texts.
        size: how many, those of a single byte counted, and the unknown one.
        unknown: id 0 stands for what a text writes as "<unk>", and subwords follow from 1.

    Returns:
        a tokenizer of the package tokenizers.

    Raises:
        FailedError: if that package is not installed.
    """
    library = _tokenizers()
    tokenizer = _over_bytes(library, unknown)
    trainer = library.trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[UNKNOWN_WORD] if unknown else [],
        initial_alphabet=library.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def learnt(tokenizer: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The subwords by id, without the unknown one, and the pairs that were joined, in order."""
    model = json.loads(tokenizer.to_str())["model"]
    pieces = sorted(model["vocab"], key=model["vocab"].__getitem__)
    pairs = (pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"])
    return tuple(piece for piece in pieces if piece != UNKNOWN_WORD), tuple(pairs)


def rebuilt(pieces: Sequence[str], pairs: Sequence[str], *, unknown: bool) -> Any:
    """The tokenizer of what `learnt` gave.

    Raises:
        InputError: if the pairs are not pairs of subwords.
        FailedError: if the package tokenizers is not installed.
    """
    library = _tokenizers()
    ids = {piece: n for n, piece in enumerate([*([UNKNOWN_WORD] if unknown else []), *pieces])}
    try:
        merges = [tuple(pair.split(" ")) for pair in pairs]
        built = _over_bytes(library, unknown, vocab=ids, merges=merges)
    except Exception as error:  # the library raises nothing narrower
        raise InputError(must("the pairs of subwords", "pairs of them", str(error))) from error
    if unknown:
        built.add_special_tokens([UNKNOWN_WORD])
    return built


def _over_bytes(library: Any, unknown: bool, **known: Any) -> Any:
    word = {"unk_token": UNKNOWN_WORD} if unknown else {}
    tokenizer = library.Tokenizer(library.models.BPE(**word, **known))
    tokenizer.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = library.decoders.ByteLevel()
    return tokenizer


def _tokenizers() -> Any:
    try:
        import tokenizers
        import tokenizers.decoders
        import tokenizers.models
        import tokenizers.pre_tokenizers
        import tokenizers.trainers
    except ImportError as error:
        raise FailedError(
            "Subwords need the package tokenizers, which is not installed. Install it with: "
            "pip install 'recur[subwords]'"
        ) from error
    return tokenizers
