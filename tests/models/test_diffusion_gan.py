"""Diffusion-GAN: StyleGAN2's game in all but the noise, at the published settings and sizes."""

import math

import pytest
import torch
from chains import GROWING, diffusion_gan, noisy_maps
from shades import Shades
from tiny import fit

from ganzoo.checkpoints.build import build_model
from ganzoo.common import registry
from ganzoo.models.stylegan2 import StyleGAN2
from ganzoo.networks.stylegan2 import StyleGAN2Discriminator, StyleGAN2Generator
from ganzoo.stabilisers import Diffusion


def test_it_is_stylegan2_behind_noise(tmp_path):
    model = diffusion_gan(r1_every=2, gamma=1.0)
    run = fit(tmp_path / "own", model, Shades(batch_size=10), 3)
    torch.manual_seed(0)
    generator = StyleGAN2Generator(32, 3, 8, 8, 2, 64, 8)
    discriminator = StyleGAN2Discriminator(32, 3, 64, 8, group=2, mapping_layers=2, timed=True)
    options = {"gamma": 1.0, "r1_every": 2, "path_weight": 0, "mixing": 0}
    base = StyleGAN2(generator, discriminator, **options, stabilisers=[Diffusion()])
    fit(tmp_path / "base", base, Shades(batch_size=10), 3)
    for name in ("generator", "discriminator"):
        for key, tensor in getattr(base, name).state_dict().items():
            assert torch.equal(getattr(model, name).state_dict()[key], tensor), key
    d, g = (optimizer.param_groups[0] for optimizer in run.optimizers)
    assert (d["lr"], g["lr"]) == (pytest.approx(0.0025 * 2 / 3), pytest.approx(0.002))
    assert {"r1/r1", "d/diffusion_r", "d/diffusion_t"} <= model.notes.means().keys()
    assert all(math.isfinite(number) for number in model.notes.means().values())


def test_the_step_is_learnt_from(tmp_path):
    model = diffusion_gan()
    before = model.discriminator.mapping.embed.weight.clone()
    fit(tmp_path, model, Shades(batch_size=10), 1)
    assert not torch.equal(model.discriminator.mapping.embed.weight, before)
    x = torch.zeros(2, 3, 32, 32)
    clean, noisy = (model.discriminator(x, None, torch.full((2,), t)) for t in (0, 9))
    assert not torch.allclose(clean, noisy)
    torch.testing.assert_close(model.discriminator(x), clean)  # without noise unless it is told


def test_the_recipe_has_the_published_sizes_and_settings():
    file = registry.RECIPES / "diffusion_gan_cifar10.yaml"
    with torch.device("meta"):
        model = build_model(file.read_text(), file)
        sizes = [sum(p.numel() for p in network.parameters()) for network in (model.generator, model.discriminator)]
        ten = StyleGAN2Discriminator(architecture="orig", group=32, n_classes=10)
    # StyleGAN2's, and its discriminator for ten classes with one number in their place
    assert sizes == [19_947_539, 23_089_664 - 9 * 512]
    assert sum(p.numel() for p in ten.parameters()) == 23_089_664
    diffusion = model.stabilisers[0]
    assert (diffusion.t_min, diffusion.t_max, diffusion.sigma, diffusion.target) == (10, 1000, 0.05, 0.6)
    assert (diffusion.images, diffusion.interval, diffusion.draw, diffusion.share) == (100_000, 4, "priority", 0.5)


def test_projected_gan_trains_behind_noise_on_its_maps(tmp_path):
    model = noisy_maps()
    fit(tmp_path, model, Shades(batch_size=10), 4)
    diffusion = model.stabilisers[0]
    assert diffusion.p.item() == pytest.approx(4 * 10 / GROWING["images"])
    assert diffusion.last == 5 + round(0.1 * 495)
    assert all(math.isfinite(number) for number in model.notes.means().values())
