"""`write`: what a model that writes writes for data, in the order of the data."""

from __future__ import annotations

import pytest
import torch

from recur import EncoderDecoder, InputError, OneToMany, Sequences
from recur.training import write


@pytest.mark.parametrize("how", [{}, {"search": "beam", "width": 2}])
def test_answers_come_in_the_order_of_the_data_and_without_the_end(how):
    model = EncoderDecoder(vocabulary=6, source_vocabulary=6, end=0, units=4)
    sources = [[1, 2, 3], [4], [5, 1], [2, 2, 2, 2], [3]]
    written = write(model, Sequences(sources), max_steps=5, batch_size=2, **how)
    assert model.training, "its mode is left as it was"
    for source, tokens in zip(sources, written, strict=True):
        alone = model.eval().generate([source], max_steps=5, **how)
        first = alone.tokens[0] if not how else alone.tokens[0, 0]
        assert tokens == first.tolist()
        assert 0 not in tokens


def test_a_model_of_vectors_writes_too():
    model = OneToMany(inputs=3, vocabulary=5, units=4)
    written = write(model, torch.rand(4, 3), max_steps=3)
    assert [len(tokens) for tokens in written] == [3] * 4


def test_a_model_that_does_not_write_is_refused():
    with pytest.raises(InputError, match="the model must be one that writes"):
        write(torch.nn.Linear(2, 2), torch.rand(1, 2), max_steps=1)
