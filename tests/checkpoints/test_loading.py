"""Starting, loading and drawing take nothing that they do not need; and what is drawn is an ordinary tensor."""

import json
import sys

import pytest
import torch
from commands import process
from tiny import conv

import ganzoo
from ganzoo.models.dcgan import DCGAN
from ganzoo.networks.dcgan import DCGANDiscriminator, DCGANGenerator

HEAVY = ["torchvision", "torchmetrics", "matplotlib", "sklearn", "scipy", "PIL", "pandas", "huggingface_hub"]
# Lightning imports some of them on its own; who asks is found on the stack of each import.
DRAW = """
import builtins, json, sys, torch, lightning.pytorch
before, asked, heavy = set(sys.modules), [], set({heavy})
original = builtins.__import__

def watched(name, globals=None, locals=None, fromlist=(), level=0):
    if level == 0 and name.partition(".")[0] in heavy and (globals or {{}}).get("__name__", "").startswith("ganzoo"):
        asked.append((globals["__name__"], name))
    return original(name, globals, locals, fromlist, level)

builtins.__import__ = watched
import ganzoo
for name in ganzoo.list_checkpoints():
    model = ganzoo.load(name)
    if hasattr(model, "sample"):
        made = model.sample(16)
    else:
        answer = model.translate if hasattr(model, "translate") else model.reconstruct
        made = answer(torch.zeros(2, *(n or 32 for n in model.generator.source_shape)))
    assert made.isfinite().all()
print(json.dumps([asked, sorted((set(sys.modules) - before) & heavy)]))
"""
COMMAND = """
import sys
from ganzoo.cli import main
assert main(sys.argv[1:]) == 0
print(*sys.modules, file=sys.stderr)
"""


def run(*words):
    with process(*words) as running:
        out, err = running.communicate(timeout=240)
    assert running.returncode == 0, err
    return out, err


def test_loading_and_drawing_import_nothing_heavy_beyond_lightning():
    out, _ = run("-c", DRAW.format(heavy=HEAVY))
    asked, more = json.loads(out)
    assert asked == []
    assert more == []


@pytest.mark.parametrize("words", [["--help"], ["list"], ["--version"], ["info", "dcgan-mnist"]])
def test_answers_without_a_model_need_no_pytorch(words):
    out, err = run("-c", COMMAND, *words)
    assert out
    loaded = set(err.split())
    assert "ganzoo.cli" in loaded
    assert loaded.isdisjoint(
        [*HEAVY, "torch", "lightning", "numpy", "jsonargparse", "ganzoo.games.game", "ganzoo.checkpoints.folder_format"]
    )


def test_importing_the_package_needs_nothing_but_python():
    out, _ = run("-c", "import sys; before = set(sys.modules); import ganzoo; print(*(set(sys.modules) - before))")
    loaded = {name.partition(".")[0] for name in out.split()}
    assert loaded <= {"ganzoo", *sys.stdlib_module_names}


def test_loaded_convolutions_lie_channels_last_and_samples_do_not():
    model = ganzoo.load("dcgan-mnist")
    kernels = [parameter for parameter in model.parameters() if parameter.dim() == 4]
    assert kernels
    assert all(kernel.is_contiguous(memory_format=torch.channels_last) for kernel in kernels)
    coloured = DCGAN(DCGANGenerator(16, 3, width=4), DCGANDiscriminator(16, 3, width=4))
    before = coloured.sample(5, seed=1)
    coloured.lay_out()
    after = coloured.sample(5, seed=1)
    assert after.is_contiguous()
    assert after.view(5, -1).shape == (5, 3 * 16 * 16)
    torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-5)


def test_samples_can_be_trained_on_and_changed_in_place():
    """Tensors of inference mode could be neither."""
    samples = conv().sample(4)
    assert not samples.is_inference()
    layer = torch.nn.Conv2d(1, 1, 3)
    layer(samples).sum().backward()
    assert layer.weight.grad.abs().sum() > 0
    samples.requires_grad_().square().sum().backward()
    assert torch.equal(samples.grad, 2 * samples)
    samples.detach().add_(1)
