"""VQGAN's networks and codebook against the authors': outputs, gradients, published sizes, and codes that come back."""

import json
import re

import pytest
import torch
from official import FOLDER, official, wave

from ganzoo.common.errors import GanzooError
from ganzoo.networks.codebook import Codebook, CodeUsage, nearest_codes, perplexity
from ganzoo.networks.patch import PatchGAN
from ganzoo.networks.vqgan import VQAutoencoder, VQGANDecoder, VQGANEncoder

RENAMED = {
    r"\.block\.": ".blocks.",
    r"nin_shortcut": "shortcut",
    r"(down|up)sample\.": "resample.",
    r"\.attn\.": ".attention.",
    r"\.attn_1\.": ".attention.",
    r"\.block_1\.": ".first.",
    r"\.block_2\.": ".second.",
    r"\.q\.": ".query.",
    r"\.k\.": ".key.",
    r"\.v\.": ".value.",
    r"proj_out": "out",
}


def renamed(key, levels):
    """Our name of an official tensor; our decoder counts its levels from the smallest side on."""
    for pattern, ours in RENAMED.items():
        key = re.sub(pattern, ours, key)
    return re.sub(r"^up\.(\d)", lambda match: f"up.{levels - 1 - int(match[1])}", key)


@pytest.mark.parametrize(("name", "kind"), [("vqgan_encoder", VQGANEncoder), ("vqgan_decoder", VQGANDecoder)])
def test_it_is_the_authors(name, kind):
    said = official(name)
    network = kind(16, 3, 4, 32, (1, 2), 1, (8,))
    network.load_state_dict({renamed(key, 2): value for key, value in said.state.items()})
    assert sum(p.numel() for p in network.parameters()) == said.parameter_count
    with torch.no_grad():
        said.check("output", network(said.x))


def sizes(network):
    count = {name: sum(p.numel() for p in part.parameters()) for name, part in network.named_children()}
    return count["encoder"], count["decoder"], count["before"] + count["codebook"] + count["after"]


@pytest.mark.parametrize(
    ("network", "halvings", "published", "judge"),
    [
        ({}, 70, (29_298_176, 42_449_795, 393_728), 2_765_633),
        (
            {"size": 32, "codes": 256, "code_dim": 64, "z_channels": 64, "width": 64, "multipliers": (1, 2, 2)}
            | {"attention": (8,)},
            34,
            (2_316_032, 3_269_123, 24_704),
            663_361,
        ),
    ],
)
def test_sizes_are_the_published_ones_and_those_of_32_pixels(network, halvings, published, judge):
    with torch.device("meta"):
        made = VQAutoencoder(**network)
        assert sizes(made) == published
        assert sum(p.numel() for p in PatchGAN(3, field=halvings).parameters()) == judge
    side = 16 if not network else 8
    assert made.latent_shape == (made.codebook.codes.shape[1], side, side)


SAID = json.loads((FOLDER / "vqgan_quantiser.json").read_text())


def quantiser(legacy):
    codebook = Codebook(6, 4, legacy=legacy)
    codebook.codes.data = torch.tensor(SAID["codebook"]["values"])
    return codebook, wave((2, 4, 2, 3)).requires_grad_()


@pytest.mark.parametrize("legacy", [True, False])
def test_the_codebook_is_the_authors_with_its_gradients(legacy):
    said = SAID[f"legacy {legacy}"]
    codebook, z = quantiser(legacy)
    latents, loss, indices = codebook(z)
    assert indices.flatten().tolist() == said["indices"]
    torch.testing.assert_close(loss.item(), said["loss"], rtol=1e-6, atol=0)
    torch.testing.assert_close(latents.flatten()[:12], torch.tensor(said["z_q first 12"]), rtol=0, atol=1e-6)
    (loss + (latents * z.detach().flip(1)).sum()).backward()
    gradients = said["gradient of (loss + sum(z_q * x.flip(1)))"]
    torch.testing.assert_close(z.grad.flatten()[:12], torch.tensor(gradients["z, first 12"]), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(z.grad.norm().item(), gradients["z, norm"], rtol=1e-6, atol=0)
    torch.testing.assert_close(codebook.codes.grad, torch.tensor(gradients["codebook"]), rtol=1e-5, atol=1e-6)


def test_a_code_is_quantised_to_itself():
    codebook = Codebook(16, 3)
    codebook.codes.data.normal_(generator=torch.Generator().manual_seed(0))
    indices = torch.arange(16).reshape(1, 4, 4)
    codes = codebook.lookup(indices)
    latents, loss, found = codebook(codes)
    assert latents.equal(codes)
    assert found.equal(indices)
    assert loss == 0


def test_the_gradient_of_the_decoder_passes_the_codebook_unchanged_and_reaches_the_encoder():
    codebook = Codebook(8, 3)
    codebook.codes.data.normal_(generator=torch.Generator().manual_seed(0))
    z, direction = wave((2, 3, 4, 4)).requires_grad_(), torch.randn(2, 3, 4, 4)
    (codebook(z).latents * direction).sum().backward()
    assert z.grad.equal(direction)
    assert codebook.codes.grad is None  # only its own loss moves it


def test_the_nearest_code_is_found_in_half_precision_as_in_float32():
    codebook = Codebook(64, 8)
    codebook.codes.data.normal_(generator=torch.Generator().manual_seed(0)).add_(10)
    z = torch.randn(1, 8, 4, 4, generator=torch.Generator().manual_seed(1)) + 10
    truth = torch.cdist(z.movedim(1, -1).flatten(0, 2).double(), codebook.codes.double()).argmin(1)
    assert nearest_codes(z.movedim(1, -1), codebook.codes).flatten().equal(truth)
    with torch.autocast("cpu", torch.bfloat16):
        assert codebook(z).indices.flatten().equal(truth)


def test_usage_counts_how_long_codes_were_idle():
    usage = CodeUsage(4, window=2)
    for indices, share, idle in [
        ([0, 1], 1.0, [0, 0, 1, 1]),
        ([0, 3], 0.75, [0, 1, 2, 0]),
        ([0, 0], 0.5, [0, 2, 3, 1]),
    ]:
        used, spread = usage.count(torch.tensor(indices).reshape(1, 1, 2))
        assert used == share
        assert usage.idle.tolist() == idle
    assert spread == 1
    assert perplexity(torch.ones(7)).item() == pytest.approx(7)
    assert perplexity(torch.tensor([1.0, 0.0, 1.0])).item() == pytest.approx(2)


def test_dead_codes_alone_are_replaced_by_vectors_of_the_batch():
    usage, codebook = CodeUsage(4, window=2), Codebook(4, 3)
    usage.idle.copy_(torch.tensor([0, 1, 2, 5]))
    before = codebook.codes.detach().clone()
    latents = torch.randn(2, 3, 2, 2) + 5
    torch.manual_seed(0)
    assert usage.revive(codebook.codes, latents) == 2
    assert codebook.codes[:2].equal(before[:2])
    vectors = latents.movedim(1, -1).flatten(0, 2)
    for code in codebook.codes[2:]:
        assert (vectors == code).all(1).any()
    assert usage.idle.tolist() == [0, 1, 0, 0]
    again = Codebook(4, 3)
    usage.idle.copy_(torch.tensor([0, 1, 2, 5]))
    torch.manual_seed(0)
    usage.revive(again.codes, latents)
    assert again.codes[2:].equal(codebook.codes[2:])  # the choice is the seed's


def test_an_autoencoder_decodes_the_nearest_codes():
    network = VQAutoencoder(8, 3, 8, 4, 4, 8, (1, 2), 1, (4,), groups=4).eval()
    x = wave((2, 3, 8, 8))
    with torch.no_grad():
        images, _, indices, latents = network.code(x)
        assert images.shape == x.shape
        assert latents.shape == (2, *network.latent_shape)
        assert network(x).equal(images)
        torch.testing.assert_close(network.decode(latents), images)
        torch.testing.assert_close(network.decode_indices(indices), images)
        near = network.codebook.lookup(indices)
        torch.testing.assert_close(network.decode(near + 1e-6), images)  # as its codes are


@pytest.mark.parametrize(("wrong", "message"), [({"size": 30}, "multiple of 16"), ({"width": 40}, "32 groups")])
def test_sizes_that_do_not_fit_are_refused(wrong, message):
    with pytest.raises(GanzooError, match=message):
        VQAutoencoder(**wrong)
