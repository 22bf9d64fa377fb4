"""BigGAN's networks against the first author's: outputs, statistics after a pass, and published sizes."""

from copy import deepcopy

import pytest
import torch
from official import official
from torch import nn

from ganzoo.common.errors import GanzooError
from ganzoo.networks.attention import SelfAttention2d
from ganzoo.networks.biggan import BigGANDiscriminator, BigGANGenerator, spectral
from ganzoo.networks.spectral import PowerIteration, power_iteration

LAYERS = {"conv_sc": "shortcut", "bn1": "norm1", "bn2": "norm2", "shared": "embed"}
ATTENTION = {"theta": "query", "phi": "key", "g": "value", "o": "out"}


def renamed(state, wanted):
    """The official tensors under our names; singular values, which nothing reads, left out."""
    ours = {}
    for key, value in state.items():
        *path, last = key.split(".")
        path = [LAYERS.get(part, part) for part in path]
        if path[:1] == ["blocks"]:
            path = ["attention" if path[2] == "1" else "blocks", path[1], *path[3:]]
        if path[:1] == ["output_layer"]:
            path = ["norm" if path[1] == "0" else "last"]
        if (path and path[0] == "attention") or not path or path[0] in ATTENTION:
            path = [ATTENTION.get(part, part) for part in path]
        place = ".".join(path)
        if last in {"stored_mean", "stored_var"}:
            inside = "" if path[-1] == "norm" else ".norm"
            ours[f"{place}{inside}.running_{last.removeprefix('stored_')}"] = value
        elif path[-1:] == ["norm"]:
            ours[f"norm.{'weight' if last == 'gain' else 'bias'}"] = value
        elif last == "u0":
            ours[f"{place}.parametrizations.weight.0.u"] = value.flatten()
        elif last == "weight" and f"{place}.weight" not in wanted:
            ours[f"{place}.parametrizations.weight.original"] = value
        elif last != "sv0":
            ours[f"{place}.{last}".removeprefix(".")] = value
    return ours


def load(network, state):
    """Takes all parameters and statistics from `state`; a count of batches alone may be missing."""
    missing, unexpected = network.load_state_dict(renamed(state, network.state_dict()), strict=False)
    assert not unexpected
    assert all(name.endswith("num_batches_tracked") for name in missing)


def check(said, network, *inputs):
    """Compares outputs in evaluation and in training, and what the pass in training leaves behind."""
    with torch.no_grad():
        said.check("eval", network.eval()(*inputs))
        said.check("train", network.train()(*inputs))
    after = network.state_dict()
    names = [name for name in said.output if name.startswith("after training forward: ") and not name.endswith("sv0")]
    assert names
    for name in names:
        key = name.removeprefix("after training forward: ")
        (ours,) = renamed({key: torch.zeros(1)}, after)
        said.check(name, after[ours])


@pytest.mark.parametrize("name", ["biggan32_generator", "biggan32_generator_shared_hier_attention"])
def test_the_generator_is_the_authors(name):
    said = official(name)
    options = said.arguments
    sides = [int(side) for side in options["G_attn"].split("_") if int(side)]
    network = BigGANGenerator(
        32,
        3,
        options["G_ch"],
        options["dim_z"],
        options["n_classes"],
        options.get("shared_dim", 0),
        options.get("hier", False),
        sides,
    )
    load(network, said.state)
    assert sum(p.numel() for p in network.parameters()) == said.parameter_count
    check(said, network, said.x, said.labels)


@pytest.mark.parametrize("name", ["biggan32_discriminator", "biggan32_discriminator_attention"])
def test_the_discriminator_is_the_authors(name):
    said = official(name)
    options = said.arguments
    attention = range(4) if options["D_attn"] == "16" else ()
    network = BigGANDiscriminator(32, 3, options["D_ch"], options["n_classes"], attention)
    load(network, said.state)
    assert sum(p.numel() for p in network.parameters()) == said.parameter_count
    check(said, network, said.x, said.labels)


def test_attention_is_the_authors():
    plain, normalised = official("biggan_attention_block_plain"), official("biggan_attention_block")
    network = SelfAttention2d(16)
    load(network, plain.state)
    with torch.no_grad():
        plain.check("output", network(plain.x))
    network = SelfAttention2d(16, spectral)
    load(network, normalised.state)
    check(normalised, network, normalised.x)


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_published_sizes():
    """The author's CIFAR-10 script; StudioGAN's BigGAN at 32 pixels; the author's ImageNet script at 128."""
    with torch.device("meta"):
        assert count(BigGANGenerator()) == 4_304_387
        assert count(BigGANDiscriminator()) == 4_207_361
        shared = {"shared_dim": 128, "hierarchical": True}
        assert count(BigGANGenerator(32, 3, 96, 80, 10, **shared, attention=[16])) == 9_416_196
        assert count(BigGANGenerator(128, 3, 96, 120, 1000, **shared, attention=[64])) == 70_433_988
        assert count(BigGANDiscriminator(128, 3, 96, 1000, attention=[0])) == 87_982_370


def test_attention_begins_as_the_identity_and_its_gate_alone_moves_first():
    torch.manual_seed(0)
    network, x = SelfAttention2d(16), torch.randn(2, 16, 8, 8)
    assert torch.equal(network(x), x)
    network(x).square().sum().backward()
    assert network.gamma.grad.abs() > 0
    assert all(layer.weight.grad.abs().max() == 0 for layer in (network.query, network.key, network.value, network.out))


def test_attention_is_a_mean_over_a_quarter_of_the_places():
    network = SelfAttention2d(8)
    with torch.no_grad():
        network.gamma.fill_(1)
        for layer in (network.query, network.key):
            layer.weight.zero_()  # all places alike
    x = torch.randn(1, 8, 4, 4)
    values = nn.functional.max_pool2d(network.value(x), 2).mean((2, 3), keepdim=True)
    torch.testing.assert_close(network(x), x + network.out(values))


def test_chunks_of_the_latent_vector_reach_their_blocks():
    torch.manual_seed(0)
    network = BigGANGenerator(32, 3, 4, 16, 3, shared_dim=6, hierarchical=True).eval()
    z, y = torch.randn(2, 16), torch.tensor([0, 1])
    for chunk in range(4):
        moved = z.clone()
        moved[:, 4 * chunk : 4 * chunk + 4] += 1
        assert (network(moved, y) - network(z, y)).abs().max() > 1e-6
    with pytest.raises(GanzooError, match="a latent_dim that 4 divides"):
        BigGANGenerator(32, 3, 4, 18, 3, shared_dim=6, hierarchical=True)
    with pytest.raises(GanzooError, match="attention: 64 given, but there are the sides of maps 8, 16, 32"):
        BigGANGenerator(attention=[16, 64])
    with pytest.raises(GanzooError, match="attention: 16 given, but there are the numbers of blocks 0, 1, 2, 3"):
        BigGANDiscriminator(attention=[16])
    with pytest.raises(GanzooError, match="attention needs maps of at least 8 channels, not 4"):
        BigGANGenerator(width=1, attention=[16])
    with pytest.raises(GanzooError, match="size: 48 given, but a BigGAN network is for 32, 64, 128, 256 pixels"):
        BigGANGenerator(48)


def test_spectral_norms_are_one_after_passes_and_evaluation_changes_nothing():
    torch.manual_seed(0)
    layer = spectral(nn.Linear(12, 8))
    for _ in range(30):
        layer(torch.zeros(1, 12))
    assert torch.linalg.matrix_norm(layer.weight, 2).item() == pytest.approx(1, abs=1e-3)
    kept = layer.parametrizations.weight[0].u.clone()
    layer.eval()(torch.zeros(1, 12))
    assert torch.equal(layer.parametrizations.weight[0].u, kept)
    assert isinstance(layer.parametrizations.weight[0], PowerIteration)


@pytest.mark.parametrize("iterate", [False, True])
@pytest.mark.parametrize("training", [False, True])
def test_spectral_norms_are_taken_under_autocast_in_training_and_in_evaluation(training, iterate):
    torch.manual_seed(0)
    layer, x = power_iteration(nn.Linear(12, 8), iterate).train(training), torch.randn(4, 12)
    wanted = deepcopy(layer)(x)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(layer(x).float(), wanted, rtol=0.05, atol=0.05)
