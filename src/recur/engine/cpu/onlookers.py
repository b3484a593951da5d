"""Who looks on: whether torch must see an operator, or the loops may be called directly."""

from __future__ import annotations

import torch


def watched() -> bool:
    """Whether a compiler, a trace, a transform or a mode looks on, which must see an operator."""
    # The compiler first: it knows the answer, and cannot trace the other questions.
    return (
        torch.compiler.is_compiling()
        or torch._C._len_torch_dispatch_stack() > 0
        or torch._C._get_tracing_state() is not None
        or torch._C._are_functorch_transforms_active()
        or torch.autograd.forward_ad._current_level >= 0
    )


def batched(gradient: torch.Tensor) -> bool:
    """Whether it is of `torch.autograd.grad(..., is_grads_batched=True)`, an older transform."""
    return torch._C._functorch.is_legacy_batchedtensor(gradient)
