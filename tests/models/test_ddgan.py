"""Denoising diffusion GAN: what its discriminator is shown, its penalty, its rates, and the walk through the chain."""

import math

import pytest
import torch
from chains import ddgan
from moves import in_move
from tiny import Each, digits, fit

from ganzoo.checkpoints.build import build_model
from ganzoo.checkpoints.export_formats import export_generator
from ganzoo.common import registry
from ganzoo.common.errors import GanzooError
from ganzoo.losses.penalties import input_gradient
from ganzoo.networks.ddgan import DDGANDiscriminator

X = torch.rand(64, 1, 8, 8) * 2 - 1


def watched(model):
    """Notes what the networks take, and what the generator makes."""
    asked, guessed = [], []
    model.discriminator.register_forward_pre_hook(lambda module, inputs: asked.append(inputs))
    model.generator.register_forward_hook(lambda module, inputs, output: guessed.append((*inputs, output)))
    return asked, guessed


def test_real_and_generated_images_are_judged_beside_the_same_noisier_one():
    model = ddgan()
    asked, guessed = watched(model)
    in_move(model.d_loss, X)
    ((real, t), (fake, same)), ((noisier, given, _, clean),) = asked, guessed
    assert torch.equal(t, same)
    assert torch.equal(t, given)
    assert set(t.tolist()) == {0, 1, 2, 3}
    assert torch.equal(real[:, 1:], fake[:, 1:])
    assert torch.equal(real[:, 1:], noisier)
    first, later = t == 0, t > 0
    assert torch.equal(real[first, :1], X[first])  # at t = 0 the less noisy one is the image itself
    assert torch.equal(fake[first, :1], clean[first])
    assert ((fake[:, :1] - clean).flatten(1).abs().max(1).values > 0.1)[later].all()  # a draw, not the guess
    one = t == 1  # the noise between the two of a pair is that of one step: not of two draws
    rest = real[one, 1:] - model.chain.scales[2][2] * real[one, :1]
    assert rest.std().item() == pytest.approx(model.chain.noises[2].item(), rel=0.1)


def test_the_generators_move_draws_everything_anew_and_its_gradient_goes_through_the_posterior():
    model = ddgan()
    asked, _ = watched(model)
    in_move(model.d_loss, X)
    terms = in_move(model.g_loss, X)
    assert len(asked) == 3
    assert not torch.equal(asked[2][1], asked[0][1])
    terms["adv"].backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.generator.parameters())


def test_training_draws_the_latent_vectors_that_samples_are_drawn_with():
    model = ddgan(prior="uniform")
    _, guessed = watched(model)
    in_move(model.d_loss, X)
    in_move(model.g_loss, X)
    for _, _, z, _ in guessed:
        assert 0.9 < z.abs().max() <= 1
    assert model.latent(50, seed=0)[:, 64:].abs().max() <= 1


def test_losses_are_logistic():
    model = ddgan(gamma=0.0)
    model.logits = lambda output, view: 0 * output + 3
    d, g = in_move(model.d_loss, X), in_move(model.g_loss, X)
    assert d["adv"].item() == pytest.approx(math.log1p(math.exp(-3)) + math.log1p(math.exp(3)))
    assert g["adv"].item() == pytest.approx(math.log1p(math.exp(-3)))
    assert d.keys() == g.keys() == {"adv"}


def test_the_penalty_is_on_the_less_noisy_image_alone_every_so_often_at_one_weight(tmp_path):
    model = ddgan(gamma=0.4, r1_every=3)
    model.discriminator = Slopes()
    model.batches = 1
    assert in_move(model.d_loss, X)["r1"].item() == pytest.approx(0.4 / 2 * 64 * 2**2)  # not of 5, not times 3
    seen = []

    def look(trainer, model):
        seen.append("d/r1" in model.notes.means())
        model.notes.clear()

    fit(tmp_path, ddgan(r1_every=3), digits(), 7, Each(look))
    assert seen == [True, False, False, True, False, False, True]


class Slopes(torch.nn.Module):
    """Has a slope of 2 with respect to the first image's pixels and of 5 with respect to the second's."""

    def forward(self, x, t):
        return 2 * x[:, 0].sum((1, 2)) + 5 * x[:, 1].sum((1, 2))


def test_the_gradient_of_the_judged_is_that_of_the_first_image():
    model = ddgan()
    model.discriminator = Slopes()
    move = model.open_move()
    gradient = input_gradient(move.judge, X[:4], (X[4:8], torch.zeros(4, dtype=torch.long)))
    torch.testing.assert_close(gradient, torch.full((4, 64), 2.0))


def test_rates_fall_along_half_a_wave_to_the_same_end(tmp_path):
    rates = []
    look = Each(lambda run, _: rates.append([optimizer.param_groups[0]["lr"] for optimizer in run.optimizers]))
    run = fit(tmp_path, ddgan(g_lr=3e-3, d_lr=2e-3, final_lr=1e-3), digits(), 4, look)
    assert [optimizer.defaults["betas"] for optimizer in run.optimizers] == [(0.5, 0.9)] * 2
    middle = rates[1]  # after two of four updates
    assert middle == pytest.approx([1.5e-3, 2e-3])
    assert rates[-1] == pytest.approx([1e-3, 1e-3])
    assert ddgan(final_lr=None).decay is None


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_a_sample_takes_one_call_to_a_step(steps):
    model = ddgan(steps=steps)
    calls = []
    network = model.averaged("generator")
    network.register_forward_hook(lambda module, inputs, output: calls.append(inputs[1].tolist()))
    images = model.sample(3, seed=1)
    assert calls == [[t] * 3 for t in reversed(range(steps))]
    assert images.shape == (3, 1, 8, 8)
    assert images.abs().max() <= 1
    assert len(model.noise_shapes) == steps - 1
    assert model.latent(2).shape == (2, 64 + 4 * steps)
    torch.testing.assert_close(model.sample(2, seed=1), images[:2])
    assert not torch.equal(model.sample(3, seed=2), images)


def test_a_sample_depends_on_first_noise_latent_vectors_and_the_noise_between():
    model = ddgan()
    z, noise = model.latent(1, seed=0), torch.tensor([5])
    image = model.render(z, noise=noise)
    assert torch.equal(model.render(z, noise=noise), image)
    for change in (slice(0, 64), slice(64, 68), slice(76, 80)):  # x_T; the first and the last step's vector
        other = z.clone()
        other[:, change] = torch.randn(1, other[:, change].shape[1], generator=torch.Generator().manual_seed(1))
        assert (model.render(other, noise=noise) - image).abs().max() > 1e-4
    assert (model.render(z, noise=torch.tensor([6])) - image).abs().max() > 1e-4


def test_the_chain_is_no_part_of_a_checkpoint():
    model = ddgan()
    assert set(model.exported()) == {"generator", "discriminator"}
    assert not any(name.startswith("chain") for name in model.state_dict())


@pytest.mark.parametrize(("kind", "steps", "multipliers"), [("onnx", 2, [1]), ("torch_export", 1, [1, 2])])
def test_its_export_walks_the_same_chain(kind, steps, multipliers, tmp_path):
    if kind == "onnx":
        pytest.importorskip("onnxscript")
        pytest.importorskip("onnxruntime")
    file = tmp_path / ("g.onnx" if kind == "onnx" else "g.pt2")
    about, difference = export_generator(ddgan(steps=steps, multipliers=multipliers).eval(), file, kind)
    assert difference < 1e-4
    shapes = {name: entry["shape"] for name, entry in about["inputs"].items()}
    assert shapes == {"z": ["N", 64 + 4 * steps]} | ({"noise": ["N", 64]} if steps > 1 else {})


def test_what_does_not_fit_is_refused():
    with pytest.raises(GanzooError, match="a recorded move is the same on each batch; set r1_every to 1 or gamma to 0"):
        ddgan(capture=True)
    model = ddgan()
    model.discriminator = DDGANDiscriminator(8, 3, 2, (2, 4), time_dim=8)
    with pytest.raises(GanzooError, match=r"model\.discriminator: it is for 3 channels an image, but the data has 1"):
        model.check((1, 8, 8))
    with pytest.raises(GanzooError, match=r"model\.generator: it is made for samples of shape"):
        ddgan().check((1, 16, 16))


def test_the_recipe_has_the_published_sizes():
    file = registry.RECIPES / "ddgan_cifar10.yaml"
    with torch.device("meta"):
        model = build_model(file.read_text(), file)
    sizes = [sum(p.numel() for p in network.parameters()) for network in (model.generator, model.discriminator)]
    assert sizes == [48_432_515, 12_741_633]
    assert model.chain.steps == 4
