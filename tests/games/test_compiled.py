"""Networks that are compiled play the same game."""

from functools import partialmethod

import pytest
import torch
from tiny import conv, digits, fit
from torch import nn

from ganzoo.common.errors import GanzooError


@pytest.mark.parametrize("backend", ["aot_eager", pytest.param("inductor", marks=pytest.mark.slow)])
def test_a_compiled_run_agrees_with_an_eager_one(backend, tmp_path, monkeypatch):
    """All but the code generator runs in the fast case: tracing, guards, the backward graph."""
    torch.compiler.reset()
    monkeypatch.setattr(nn.Module, "compile", partialmethod(nn.Module.compile, backend=backend))
    eager, compiled = conv(), conv(compiled=["generator", "discriminator"])
    for model in (eager, compiled):
        fit(tmp_path, model, digits(), 4)
    assert compiled.generator._compiled_call_impl is not None
    assert list(compiled.state_dict()) == list(eager.state_dict())
    for name, tensor in compiled.state_dict().items():
        torch.testing.assert_close(tensor, eager.state_dict()[name], rtol=1e-3, atol=1e-4, msg=name)
    assert compiled.sample(2, seed=0).shape == (2, 1, 8, 8)


def test_a_network_that_is_not_there_cannot_be_compiled(tmp_path):
    with pytest.raises(GanzooError, match="no network 'critic', only generator, discriminator"):
        fit(tmp_path, conv(compiled=["critic"]), digits(), 1)
