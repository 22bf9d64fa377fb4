"""StyleGAN2: penalties against the authors' figures, lazy steps, mixing, truncation towards w's mean."""

import json
import math

import numpy as np
import pytest
import torch
from official import FOLDER, official
from official_stylegan2 import of_synthesis, renamed
from shades import Shades
from tiny import conv, fit, mlp

from ganzoo.checkpoints.build import build_model
from ganzoo.common import registry
from ganzoo.common.errors import GanzooError
from ganzoo.games.pipe import Pipe
from ganzoo.losses.path_length import lengths_of, path_lengths, path_penalty
from ganzoo.losses.penalties import r1_penalty
from ganzoo.models.stylegan2 import StyleGAN2
from ganzoo.networks.stylegan2 import StyleGAN2Discriminator, StyleGAN2Generator, Synthesis
from ganzoo.stabilisers import ADA, PathLength

SAID = json.loads((FOLDER / "stylegan2_losses.json").read_text())


def wave(*shape):
    """The input rule of the official files."""
    return torch.from_numpy(np.sin(0.3 * np.arange(math.prod(shape)) + 1).astype(np.float32)).view(shape)


def stylegan2(**options) -> StyleGAN2:
    torch.manual_seed(0)
    generator = StyleGAN2Generator(32, 3, 8, 8, 2, 64, 8, n_classes=2)
    return StyleGAN2(generator, StyleGAN2Discriminator(32, 3, 64, 8, n_classes=2, mapping_layers=2), **options)


def test_path_lengths_and_their_penalty_are_the_authors():
    said = SAID["path_length_on_a_fixed_gradient"]
    lengths = lengths_of(wave(4, 6, 8))
    assert lengths.tolist() == pytest.approx(said["lengths"], rel=1e-5)
    penalty, mean = path_penalty(lengths, torch.zeros(()))
    assert mean.item() == pytest.approx(said["mean_after_first_update_from_0"], rel=1e-5)
    assert 2 * penalty.item() == pytest.approx(said["loss_mean_with_weight_2"], rel=1e-5)
    assert path_penalty(lengths, mean)[1].item() == pytest.approx(
        said["mean_after_second_update_with_the_same_lengths"], rel=1e-5
    )


def test_path_lengths_of_the_official_synthesis_and_their_gradients():
    said, network = SAID["path_length_on_the_network_stylegan2_synthesis"], Synthesis(16, 3, 8, 64, 8)
    network.load_state_dict(of_synthesis(official("stylegan2_synthesis").state))
    styles = wave(2, 6, 8).requires_grad_()
    images = network(styles, [torch.zeros(2, *shape) for shape in network.noise_shapes])
    lengths = path_lengths(images, styles, wave(2, 3, 16, 16) / 16)
    assert lengths.tolist() == pytest.approx(said["lengths"], rel=1e-4)
    penalty, mean = path_penalty(lengths, torch.zeros(()))
    assert mean.item() == pytest.approx(said["mean_after_update_from_0"], rel=1e-4)
    assert 2 * penalty.item() == pytest.approx(said["loss"], rel=1e-4)
    (2 * penalty).backward()
    norms = {name: p.grad.norm().item() for name, p in network.named_parameters() if p.grad is not None}
    for theirs, norm in said["gradient_norms_of_the_loss"].items():
        (ours,) = of_synthesis({theirs: None})
        assert norms[ours] == pytest.approx(norm, rel=1e-3), theirs


def test_r1_through_the_official_discriminator():
    said = SAID["r1_on_the_network_stylegan2_discriminator"]
    network = StyleGAN2Discriminator(16, 3, 64, 8, group=2)
    network.load_state_dict(renamed(official("stylegan2_discriminator").state))
    loss = 10 * r1_penalty(lambda x, y: network(x), wave(4, 3, 16, 16))
    assert loss.item() == pytest.approx(said["loss_with_gamma_10"], rel=1e-4)


def test_optimizers_are_corrected_for_lazy_steps_and_these_happen(tmp_path):
    model = stylegan2(r1_every=2, path_every=4)
    run = fit(tmp_path, model, Shades(batch_size=10), 4)
    d, g = (optimizer.param_groups[0] for optimizer in run.optimizers)
    assert (d["lr"], g["lr"]) == (pytest.approx(0.0025 * 2 / 3), pytest.approx(0.002))
    assert g["betas"] == (0, pytest.approx(0.991992, abs=1e-6))
    steps = [{int(state["step"]) for state in optimizer.state.values()} for optimizer in run.optimizers]
    assert [max(each) for each in steps] == [4 + 2, 4 + 1]
    assert {"r1/r1", "pl/penalty", "pl/length"} <= model.notes.means().keys()
    assert model.stabilisers[1].mean > 0
    without = stylegan2(path_weight=0)
    group = fit(tmp_path / "without", without, Shades(batch_size=10), 1).optimizers[1].param_groups[0]
    assert group["lr"] == pytest.approx(0.002)  # as in the code, whose weight for CIFAR-10 is 0


@pytest.mark.parametrize(
    ("name", "sizes"),
    [("stylegan2_cifar10", (19_947_539, 20_720_641)), ("stylegan2_cifar10_conditional", (20_215_315, 23_089_664))],
)
def test_recipes_have_the_published_sizes_and_the_published_augmentations(name, sizes):
    file = registry.RECIPES / f"{name}.yaml"
    with torch.device("meta"):
        model = build_model(file.read_text(), file)
    networks = model.generator, model.discriminator
    assert tuple(sum(p.numel() for p in network.parameters()) for network in networks) == sizes
    assert model.stabilisers[1].pipe == Pipe()


def test_samples_are_truncated_towards_the_mean_of_w():
    model = stylegan2()
    model.generator.w_mean.copy_(torch.randn(8))
    model.averages["generator"].module.w_mean.copy_(model.generator.w_mean)
    assert model.space.name == "w"
    still = model.sample(4, torch.zeros(4, dtype=torch.long), seed=0, truncation=0.0)
    torch.testing.assert_close(still[1:], still[:1].expand(3, -1, -1, -1))
    assert not torch.equal(model.sample(2, seed=0)[0], model.sample(2, seed=1)[0])
    assert len(model.generator.style_affines) == model.generator.n_styles


def test_it_trains_beside_ada(tmp_path):
    model = stylegan2(stabilisers=[ADA(interval=1, images=100)], r1_every=2)
    fit(tmp_path, model, Shades(batch_size=10), 2)
    assert all(math.isfinite(number) for number in model.notes.means().values())


def test_what_has_no_styles_has_no_paths():
    with pytest.raises(GanzooError, match="PathLength needs a style-based generator"):
        mlp(stabilisers=[PathLength()]).check((2,))
    with pytest.raises(GanzooError, match=r"model\.stabilisers\.every: must be at least 2, not 1"):
        conv(stabilisers=[PathLength(every=1)])
