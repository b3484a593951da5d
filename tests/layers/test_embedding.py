"""The embedding in the place of torch.nn's: the same bits, and who computes them."""

from __future__ import annotations

import copy
import inspect
import pickle

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import parametrizations

import recur
from recur.engine.cpu import embedding, library

VARIANTS = library.runnable()
compiled = pytest.mark.skipif(not VARIANTS, reason="no compiled engine in this installation")


@pytest.fixture
def ours_always(monkeypatch):
    """Takes the compiled loops for few tokens too, and counts their gradients."""
    calls = []
    summed = embedding._sum
    monkeypatch.setattr(embedding, "FEW", 0)
    monkeypatch.setattr(embedding, "_sum", lambda *given: calls.append(1) or summed(*given))
    return calls


def pair(*args, **options):
    """Torch's embedding and recur's, with the same table."""
    a, b = nn.Embedding(*args, **options), recur.Embedding(*args, **options)
    b.load_state_dict(a.state_dict())
    return a, b


def same(a, b, tokens):
    """The outputs and the gradient are the same bits."""
    rows = [layer(tokens) for layer in (a, b)]
    assert torch.equal(*rows)
    incoming = torch.randn_like(rows[0])
    for layer, each in zip((a, b), rows, strict=True):
        layer.weight.grad = None
        each.backward(incoming)
    assert a.weight.grad.is_sparse == b.weight.grad.is_sparse
    assert torch.equal(a.weight.grad.to_dense(), b.weight.grad.to_dense())


@compiled
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@given(
    rows=st.integers(1, 9),
    columns=st.integers(0, 40),
    shape=st.lists(st.integers(0, 6), max_size=3),
    padding=st.one_of(st.none(), st.integers(0, 8)),
    narrow=st.booleans(),
)
def test_the_bits_are_torch_s(variant, dtype, rows, columns, shape, padding, narrow):
    with pytest.MonkeyPatch.context() as patch:
        loaded = library.load(variant)
        patch.setattr(library, "library", lambda: loaded)
        patch.setattr(embedding, "FEW", 0)
        padding = None if padding is None else min(padding, rows - 1)
        a, b = pair(rows, columns, padding, dtype=dtype)
        tokens = torch.randint(0, rows, shape, dtype=torch.int32 if narrow else torch.int64)
        same(a, b, tokens)


@compiled
@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("columns", [5, 16, 33, 64])
def test_the_bits_do_not_depend_on_the_threads(threads, columns, ours_always):
    tokens = torch.randint(0, 700, (32, 100))
    tokens[:, :60] = 0  # a row that is hit thousands of times
    a, b = pair(700, columns)
    try:
        torch.set_num_threads(threads)
        same(a, b, tokens)
    finally:
        torch.set_num_threads(1)
    assert ours_always


@compiled
def test_sums_are_exact_for_small_integers(ours_always):
    layer = recur.Embedding(3, 20, padding_idx=2)
    tokens = torch.tensor([[0, 1, 1, 2], [1, 2, 0, 1]]).repeat(200, 1)
    layer(tokens).backward(torch.arange(20.0).expand(400, 4, 20))
    hits = torch.tensor([400.0, 800.0, 0.0]).unsqueeze(1)
    assert torch.equal(layer.weight.grad, hits * torch.arange(20.0))
    assert ours_always


@compiled
def test_tables_tokens_and_gradients_that_lie_crosswise(ours_always):
    a, b = pair(6, 4)
    for layer in (a, b):
        layer.weight = nn.Parameter(torch.arange(24.0).reshape(4, 6).t())
    tokens = torch.randint(0, 6, (5, 3)).t()
    incoming = torch.randn(4, 5, 3).permute(2, 1, 0)
    for layer in (a, b):
        layer(tokens).backward(incoming)
    assert torch.equal(a(tokens), b(tokens))
    assert torch.equal(a.weight.grad, b.weight.grad)
    assert ours_always


def test_the_constructor_is_torch_s():
    given = inspect.signature(nn.Embedding).parameters
    assert list(inspect.signature(recur.Embedding).parameters) == list(given)
    torch.manual_seed(3)
    a = nn.Embedding(5, 3, padding_idx=-1)
    torch.manual_seed(3)
    b = recur.Embedding(5, 3, padding_idx=-1)
    assert torch.equal(a.weight, b.weight)
    assert b.padding_idx == 4
    assert repr(a) == repr(b)
    assert isinstance(b, nn.Embedding)
    table = torch.randn(4, 2)
    frozen = recur.Embedding.from_pretrained(table, padding_idx=1)
    assert type(frozen) is recur.Embedding
    assert frozen.weight.data_ptr() == table.data_ptr()
    assert not frozen.weight.requires_grad
    assert not frozen(torch.tensor([1, 2])).requires_grad
    assert recur.Embedding(4, 2, _weight=table, _freeze=True).weight.data_ptr() == table.data_ptr()
    assert recur.Embedding(4, 2, device="meta", dtype=torch.float16).weight.is_meta


@pytest.mark.parametrize(
    "options",
    [
        {"sparse": True},
        {"scale_grad_by_freq": True},
        {"max_norm": 1.0},
        {"max_norm": 1.0, "norm_type": 1.0, "padding_idx": 2},
        {"dtype": torch.bfloat16},
        {"dtype": torch.float16},
    ],
    ids=str,
)
def test_what_is_left_to_torch(options, ours_always):
    tokens = torch.tensor([[0, 1, 1, 2], [4, 2, 0, 1]])
    same(*pair(5, 3, **options), tokens)
    assert not ours_always


def test_without_the_compiled_engine(monkeypatch, ours_always):
    monkeypatch.setattr(library, "library", lambda: None)
    same(*pair(5, 3), torch.tensor([[0, 1, 1, 2], [4, 2, 0, 1]]))
    assert not ours_always


@pytest.mark.parametrize("few", [0, 512])
@pytest.mark.parametrize("tokens", [[5], [-1], [0, 2**40]], ids=str)
def test_tokens_outside_the_table(tokens, few, monkeypatch):
    monkeypatch.setattr(embedding, "FEW", few)
    layer = recur.Embedding(5, 3)
    with pytest.raises(IndexError, match="index out of range in self"):
        layer(torch.tensor(tokens))
    with torch.no_grad(), pytest.raises(IndexError, match="index out of range in self"):
        layer(torch.tensor(tokens))


@pytest.mark.parametrize("sizes", [(10**23, 3), (3, 10**23)])
def test_tables_that_no_machine_has_room_for(sizes):
    with pytest.raises(recur.InputError, match=r"_(embeddings|dim) must be at most 2,147,483,647"):
        recur.Embedding(*sizes)


def test_tokens_that_are_no_integers():
    for layer in pair(5, 3):
        with pytest.raises(RuntimeError, match="Expected tensor for argument #1 'indices'"):
            layer(torch.tensor([0.0]))


@compiled
def test_gradients_can_be_differentiated_again(ours_always):
    tokens = torch.tensor([[0, 1, 1], [2, 0, 1]])
    found = []
    for layer in pair(4, 3, padding_idx=2, dtype=torch.float64):
        rows = layer(tokens)
        (first,) = torch.autograd.grad(rows.pow(3).sum(), layer.weight, create_graph=True)
        first.square().sum().backward()
        found += [first.detach(), layer.weight.grad]
    torch.testing.assert_close(found[:2], found[2:])
    table = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: embedding.embed(t, tokens), table)
    assert torch.autograd.gradgradcheck(lambda t: embedding.embed(t, tokens).sin(), table)
    assert ours_always  # gradcheck's first derivatives


@pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")
def test_function_transforms():
    a, b = pair(6, 3)
    tokens = torch.randint(0, 6, (2, 7))
    tables = torch.stack([a.weight.detach(), 2 * a.weight.detach()])

    def loss(layer):
        def function(table, tokens):
            return torch.func.functional_call(layer, {"weight": table}, (tokens,)).pow(2).sum()

        return function

    for each in (
        lambda f: torch.func.vmap(torch.func.grad(f), (0, None))(tables, tokens),
        lambda f: torch.func.vmap(torch.func.grad(f), (None, 0))(tables[0], tokens),
        lambda f: torch.func.jvp(lambda t: f(t, tokens), (tables[0],), (tables[1],))[1],
    ):
        torch.testing.assert_close(each(loss(b)), each(loss(a)))


@compiled
def test_several_gradients_at_once(ours_always):
    tokens = torch.randint(0, 6, (7,))
    found = []
    incoming = torch.randn(4, 7, 3)
    for layer in pair(6, 3):
        found.append(
            torch.autograd.grad(layer(tokens), layer.weight, incoming, is_grads_batched=True)[0]
        )
    torch.testing.assert_close(*found)


def test_the_compiler_sees_no_break():
    a, b = pair(600, 4, padding_idx=0)
    tokens = torch.randint(0, 600, (30, 20))
    quick = torch.compile(b, backend="aot_eager", fullgraph=True)
    rows = quick(tokens)
    rows.sum().backward()
    a(tokens).sum().backward()
    assert torch.equal(rows, a(tokens))
    assert torch.equal(a.weight.grad, b.weight.grad)
    torch._dynamo.reset()
    exported = torch.export.export(b, (tokens,)).module()
    assert torch.equal(exported(tokens), a(tokens))


def test_fake_tensors_and_dispatch_modes():
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.utils.flop_counter import FlopCounterMode

    with FakeTensorMode():
        layer = recur.Embedding(600, 4)
        rows = layer(torch.zeros(30, 20, dtype=torch.int64))
        assert rows.shape == (30, 20, 4)
        rows.sum().backward()
        assert layer.weight.grad.shape == (600, 4)
    with FlopCounterMode(display=False):
        recur.Embedding(600, 4)(torch.zeros(600, dtype=torch.int64)).sum().backward()


@compiled
def test_a_parametrized_and_a_tied_table(ours_always):
    a, b = pair(6, 4)
    tokens = torch.randint(0, 6, (7,))
    for layer in (a, b):
        parametrizations.weight_norm(layer)
        (layer(tokens) @ layer.weight.t()).sum().backward()
    for name, weight in a.named_parameters():
        torch.testing.assert_close(b.get_parameter(name).grad, weight.grad)
    assert ours_always


@compiled
def test_copied_and_pickled(ours_always):
    layer = recur.Embedding(6, 4, padding_idx=1)
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert type(twin) is recur.Embedding
        same(layer, twin, torch.tensor([0, 1, 5, 1]))
    assert ours_always


@compiled
def test_tokens_changed_before_the_way_back_are_noticed(ours_always):
    tokens = torch.tensor([0, 1, 5, 1])
    rows = recur.Embedding(6, 4)(tokens)
    tokens[0] = 3
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        rows.sum().backward()
