"""What every recurrent layer promises about lengths, masks, resets and pieces.

Compared with the oracle of the engine's tests: each row alone, without its padding, layer by layer.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.engine import oracle
from tests.layers.kinds import KINDS, initial, ours, tensors
from torch.nn.utils.rnn import pack_padded_sequence

from recur import last_hidden, last_output

TIME, BATCH, INPUTS, HIDDEN = 6, 4, 3, 5
LENGTHS = [6, 0, 1, 4]


@pytest.fixture(params=[*KINDS, "lstm, projected"])
def kind(request):
    return request.param


def layer_of(kind, **options):
    if kind == "lstm, projected":
        kind, options["proj_size"] = "lstm", 2
    return ours(kind, INPUTS, HIDDEN, dtype=torch.float64, **options)


def by_oracle(kind, layer, x, hx, exists, reset):
    """All layers and directions over x (T, B, I); outputs and final states."""
    kind = kind.partition(",")[0]
    states = hx if isinstance(hx, tuple) else (hx,)
    finals = []
    for level in range(layer.num_layers):
        outputs = []
        for direction in range(layer.directions):
            at = level * layer.directions + direction
            weights = layer.weights(level, direction)._asdict()
            y, final = oracle.walk(
                kind,
                x,
                tuple(s[at] for s in states),
                {k: v for k, v in weights.items() if v is not None},
                exists=exists,
                reset=reset,
                reverse=direction == 1,
            )
            outputs.append(y)
            finals.append(final)
        x = torch.cat(outputs, dim=-1)
    return [x, *(torch.stack(parts) for parts in zip(*finals, strict=True))]


def flags(shape):
    random = torch.Generator().manual_seed(7)
    return {
        "none": None,
        "some": torch.rand(TIME, BATCH, generator=random) < 0.6,
        "left": torch.arange(TIME).unsqueeze(1) >= torch.tensor([0, 6, 5, 2]),
    }[shape]


@pytest.mark.parametrize("batch_first", [False, True], ids=["time first", "batch first"])
@pytest.mark.parametrize("bidirectional", [False, True], ids=["one way", "both ways"])
@pytest.mark.parametrize("resets", ["none", "some"])
@pytest.mark.parametrize("mask", ["none", "some", "left"])
@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["full", "lengths"])
def test_two_layers_with_lengths_masks_and_resets(
    kind, lengths, mask, resets, bidirectional, batch_first
):
    layer = layer_of(kind, num_layers=2, bidirectional=bidirectional, batch_first=batch_first)
    x = torch.randn(TIME, BATCH, INPUTS, dtype=torch.float64)
    hx = initial(layer, BATCH, torch.float64)
    mask, reset = flags(mask), flags(resets)
    exists = torch.ones(TIME, BATCH, dtype=torch.bool) if mask is None else mask.clone()
    if lengths is not None:
        exists &= torch.arange(TIME).unsqueeze(1) < torch.tensor(lengths)
    started = torch.zeros_like(exists) if reset is None else reset
    clean = torch.where(exists.unsqueeze(-1), x, 0).requires_grad_()
    want = by_oracle(kind, layer, clean, hx, exists, started)
    incoming = [torch.randn(w.shape, dtype=w.dtype) for w in want]
    leaves = [clean, *layer.parameters()]
    want += torch.autograd.grad(want, leaves, incoming)

    poisoned = torch.where(exists.unsqueeze(-1), x, torch.nan).requires_grad_()
    turn = (lambda t: t.transpose(0, 1)) if batch_first else (lambda t: t)
    output, state = layer(
        turn(poisoned),
        hx,
        lengths=lengths,
        mask=None if mask is None else turn(mask),
        reset=None if reset is None else turn(reset),
    )
    got = [turn(output), *tensors(state)]
    leaves = [poisoned, *layer.parameters()]
    got += torch.autograd.grad(got, leaves, incoming, retain_graph=True)
    for a, b in zip(got, want, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("bidirectional", [False, True], ids=["one way", "both ways"])
def test_lengths_are_a_packed_sequence(kind, bidirectional):
    layer = layer_of(kind, num_layers=2, bidirectional=bidirectional)
    x = torch.randn(TIME, 3, INPUTS, dtype=torch.float64)
    lengths = [2, 6, 5]
    packed = pack_padded_sequence(x, torch.tensor(lengths), enforce_sorted=False)
    output, state = layer(x, lengths=lengths)
    from_packed, packed_state = layer(packed)
    again = pack_padded_sequence(output, torch.tensor(lengths), enforce_sorted=False)
    torch.testing.assert_close(again.data, from_packed.data)
    for a, b in zip(tensors(state), tensors(packed_state), strict=True):
        torch.testing.assert_close(a, b)


def test_a_mask_on_the_right_is_lengths_and_one_on_the_left_moves_the_row(kind):
    layer = layer_of(kind, bidirectional=True)
    x = torch.randn(TIME, BATCH, INPUTS, dtype=torch.float64)
    steps, lengths = torch.arange(TIME).unsqueeze(1), torch.tensor(LENGTHS)
    want = layer(x, lengths=LENGTHS)
    right = layer(x, mask=steps < lengths)
    moved = torch.full_like(x, torch.nan)
    for row, length in enumerate(LENGTHS):
        moved[TIME - length :, row] = x[:length, row]
    output, state = layer(moved, mask=steps >= TIME - lengths)
    for a, b in zip(tensors(right), tensors(want), strict=True):
        torch.testing.assert_close(a, b)
    for a, b in zip(tensors(state), tensors(want[1]), strict=True):
        torch.testing.assert_close(a, b)
    for row, length in enumerate(LENGTHS):
        torch.testing.assert_close(output[TIME - length :, row], want[0][:length, row])
        assert not output[: TIME - length, row].any()


def test_a_row_is_what_it_is_alone(kind):
    layer = layer_of(kind, num_layers=2, bidirectional=True)
    x = torch.randn(TIME, BATCH, INPUTS, dtype=torch.float64)
    output, state = layer(x, lengths=LENGTHS)
    for row, length in enumerate(LENGTHS):
        alone, last = layer(x[:length, row])
        torch.testing.assert_close(output[:length, row], alone)
        assert not output[length:, row].any()
        for a, b in zip(tensors(state), tensors(last), strict=True):
            torch.testing.assert_close(a[:, row], b)


def test_a_sequence_in_pieces_is_the_sequence_at_once(kind):
    layer = layer_of(kind, num_layers=2)
    x = torch.randn(TIME, BATCH, INPUTS, dtype=torch.float64)
    reset, lengths = flags("some"), torch.tensor(LENGTHS)
    output, state = layer(x, lengths=lengths, reset=reset)
    hx, outputs = None, []
    for low, high in ((0, 2), (2, 3), (3, TIME)):
        left = (lengths - low).clamp(0, high - low)
        y, hx = layer(x[low:high], hx, lengths=left, reset=reset[low:high])
        outputs.append(y)
    torch.testing.assert_close(torch.cat(outputs), output)
    for a, b in zip(tensors(hx), tensors(state), strict=True):
        torch.testing.assert_close(a, b)


def test_a_reset_makes_separate_sequences_of_a_row(kind):
    """In both directions; the state handed in belongs to the part that is walked first."""
    layer = layer_of(kind, bidirectional=True)
    x = torch.randn(TIME, 1, INPUTS, dtype=torch.float64)
    reset = torch.zeros(TIME, 1, dtype=torch.bool)
    reset[[0, 2, 5]] = True
    output, state = layer(x, reset=reset)
    parts = [layer(x[low:high]) for low, high in ((0, 2), (2, 5), (5, 6))]
    torch.testing.assert_close(output, torch.cat([y for y, _ in parts]))
    for mine, first, last in zip(
        tensors(state), tensors(parts[0][1]), tensors(parts[-1][1]), strict=True
    ):
        torch.testing.assert_close(mine[0], last[0])
        torch.testing.assert_close(mine[1], first[1])


@pytest.mark.parametrize("given", ["packed", "lengths", "mask", "full", "unbatched"])
@pytest.mark.parametrize("batch_first", [False, True], ids=["time first", "batch first"])
@pytest.mark.parametrize("bidirectional", [False, True], ids=["one way", "both ways"])
def test_the_last_output_is_taken_at_each_row_s_own_end(kind, bidirectional, batch_first, given):
    options = {"num_layers": 2, "bidirectional": bidirectional, "batch_first": batch_first}
    whole = layer_of(kind, **options)
    last = layer_of(kind, return_sequences=False, **options)
    both = layer_of(kind, return_sequences=False, return_state=True, **options)
    plain = layer_of(kind, return_sequences=True, **options)
    for other in (last, both, plain):
        other.load_state_dict(whole.state_dict())
    x = torch.randn(TIME, BATCH, INPUTS, dtype=torch.float64)
    if batch_first:
        x = x.transpose(0, 1)
    arguments, lengths = {}, [TIME] * BATCH
    if given == "packed":
        lengths = [2, 6, 3, 1]
        x = pack_padded_sequence(
            x, torch.tensor(lengths), batch_first=batch_first, enforce_sorted=False
        )
    elif given == "lengths":
        lengths = arguments["lengths"] = LENGTHS
    elif given == "mask":
        lengths = LENGTHS
        mask = torch.arange(TIME).unsqueeze(1) < torch.tensor(lengths)
        arguments["mask"] = mask.t() if batch_first else mask
    elif given == "unbatched":
        x = torch.randn(TIME, INPUTS, dtype=torch.float64)

    output, state = whole(x, **arguments)
    ends = last(x, **arguments)
    h_n = tensors(state)[0]
    h_n = h_n.unsqueeze(1) if given == "unbatched" else h_n
    want = last_hidden(h_n, bidirectional=bidirectional)
    torch.testing.assert_close(ends, want[0] if given == "unbatched" else want)
    pair = both(x, **arguments)
    for a, b in zip(tensors(pair), [ends, *tensors(state)], strict=True):
        torch.testing.assert_close(a, b)
    torch.testing.assert_close(tensors(plain(x, **arguments)), tensors(output))
    if given not in ("packed", "unbatched"):
        by_helper = last_output(
            output, lengths, batch_first=batch_first, bidirectional=bidirectional
        )
        torch.testing.assert_close(ends, by_helper)


@pytest.mark.parametrize(
    "lengths",
    [
        LENGTHS,
        tuple(LENGTHS),
        [torch.tensor(n) for n in LENGTHS],
        [np.int64(n) for n in LENGTHS],
        np.array(LENGTHS),
        np.array(LENGTHS, dtype=np.int32),
        np.array(LENGTHS, dtype=np.uint8),
        np.array(LENGTHS[::-1])[::-1],
        np.repeat(LENGTHS, 2)[::2],
        torch.tensor(LENGTHS),
        torch.tensor(LENGTHS, dtype=torch.int32),
        torch.tensor(LENGTHS, dtype=torch.uint8),
        torch.tensor([LENGTHS, LENGTHS]).t()[:, 0],
    ],
    ids=lambda value: f"{type(value).__name__} {getattr(value, 'dtype', '')}",
)
def test_lengths_as_people_have_them(lengths):
    layer = layer_of("gru")
    x = torch.randn(TIME, BATCH, INPUTS, dtype=torch.float64)
    want, _ = layer(x, lengths=LENGTHS)
    assert torch.equal(layer(x, lengths=lengths)[0], want)
    if isinstance(lengths, np.ndarray):
        lengths.flags.writeable = False
        assert torch.equal(layer(x, lengths=lengths)[0], want)


def test_lengths_of_one_sequence_and_of_none():
    layer = layer_of("lstm")
    x = torch.randn(TIME, INPUTS, dtype=torch.float64)
    want, (h, _) = layer(x[:2])
    for lengths in (2, [2], np.int32(2), np.array(2), torch.tensor(2), torch.tensor([2])):
        output, (h_n, _) = layer(x, lengths=lengths)
        torch.testing.assert_close(output[:2], want)
        torch.testing.assert_close(h_n, h)
    assert layer(x.new_zeros(4, 0, INPUTS), lengths=[])[0].shape == (4, 0, HIDDEN)


@pytest.mark.parametrize("make", [torch.tensor, np.array, list], ids=["tensor", "array", "list"])
@pytest.mark.parametrize("numbers", [bool, int, float])
def test_flags_as_people_have_them(make, numbers):
    layer = layer_of("gru")
    x = torch.randn(TIME, BATCH, INPUTS, dtype=torch.float64)
    flag = flags("some")
    given = make([[numbers(v) for v in row] for row in flag.tolist()])
    want = layer(x, mask=flag, reset=flag)
    assert torch.equal(layer(x, mask=given, reset=given)[0], want[0])
