"""Latent GAN: what is judged and what is drawn, the latents' scale, and a frozen autoencoder from a VQGAN's run."""

import pytest
import torch
from coded import CODED, LATENT, LATENTS, autoencoder, latent_gan
from commands import ganzoo
from equality import alike
from moves import in_move
from short_recipes import ON_DIGITS
from tiny import digits, fit

from ganzoo import load
from ganzoo.checkpoints.loading import read_training_checkpoint
from ganzoo.common.errors import GanzooError
from ganzoo.games.capabilities import output_of
from ganzoo.models.latent_gan import LatentGAN, LatentScale
from ganzoo.networks.mlp import MLPDiscriminator, MLPGenerator


def images(n=6):
    return torch.rand(n, 1, 8, 8, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_latents_have_no_mean_and_unit_variance_in_each_channel_whatever_the_batches():
    latents = torch.randn(50, 3, 2, 2, generator=torch.Generator().manual_seed(0)) * torch.tensor(
        [[[[5.0]], [[0.1]], [[1]]]]
    )
    latents = latents + torch.tensor([100.0, 0, -3])[:, None, None]
    scale, whole = LatentScale(3), LatentScale(3)
    scale.fit(latents.split(7))
    whole.fit([latents])
    torch.testing.assert_close(scale.state_dict(), whole.state_dict())
    scaled = scale(latents)
    torch.testing.assert_close(scaled.mean((0, 2, 3)), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(scaled.std((0, 2, 3), correction=0), torch.ones(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(scale.inverse(scaled), latents)


def test_the_discriminator_sees_scaled_continuous_latents_on_either_side():
    model, seen = latent_gan(), []
    model.scale.fit([model.encode(images())])
    model.discriminator.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    in_move(model.d_loss, images())
    in_move(model.g_loss, images())
    real, *fakes = seen
    torch.testing.assert_close(real, model.scale(model.encode(images())))
    assert not real.requires_grad
    codes = model.scale(model.autoencoder.codebook.codes.data.T[None, :, :, None])[0, :, :, 0].T
    for latents in seen:
        assert latents.shape == (6, *LATENT)
        vectors = latents.detach().movedim(1, -1).flatten(0, 2)
        assert torch.cdist(vectors, codes).min() > 0  # none is a code
    assert fakes[1].requires_grad
    assert fakes[1].detach().abs().max() > 0


def test_images_are_reconstructed_by_the_autoencoder_alone():
    model = latent_gan()
    model.scale.fit([model.encode(images())])
    wanted = model.autoencoder.decode(model.autoencoder.encode(images())).clamp(-1, 1)
    torch.testing.assert_close(model.reconstruct(images()), wanted)
    assert output_of(model) == "samples"


def test_samples_are_decoded_from_the_codes_nearest_to_what_is_drawn(tmp_path):
    model = latent_gan()
    fit(tmp_path, model, digits(), 2)
    assert output_of(model) == "samples"
    sampled = model.sample(5, seed=3)
    assert sampled.shape == (5, 1, 8, 8)
    assert sampled.abs().max() <= 1
    generator = model.averaged("generator")
    with torch.no_grad():
        latents = model.scale.inverse(generator(model.latent(5, seed=3)))
        indices = model.autoencoder.codebook(latents).indices
        torch.testing.assert_close(sampled, model.autoencoder.decode_indices(indices).clamp(-1, 1))


def test_training_leaves_the_autoencoder_as_it_is_and_in_evaluation_mode(tmp_path):
    model = latent_gan()
    fit(tmp_path, model, digits(), 3)
    assert alike(dict(model.autoencoder.state_dict()), dict(autoencoder().state_dict()))
    assert model.train().training
    assert not any(module.training for module in model.autoencoder.modules())
    assert not any(parameter.requires_grad for parameter in model.autoencoder.parameters())
    held = {id(p) for o in model.trainer.optimizers for group in o.param_groups for p in group["params"]}
    assert not held & {id(p) for p in model.autoencoder.parameters()}
    moved = latent_gan()
    assert not alike(dict(model.generator.state_dict()), dict(moved.generator.state_dict()))


def test_players_for_other_latents_are_refused():
    with pytest.raises(GanzooError, match=r"model\.generator: it is made for \(1, 8, 8\), but latents have"):
        LatentGAN(MLPGenerator([1, 8, 8], 6, (16,)), MLPDiscriminator(LATENT, (16,)), autoencoder())
    with pytest.raises(GanzooError, match=r"model\.autoencoder: it is made for samples of shape"):
        latent_gan().fits(digits(size=16))
    with pytest.raises(GanzooError, match=r"model\.autoencoder: it has no latents"):
        LatentGAN(MLPGenerator(LATENT, 6, (16,)), MLPDiscriminator(LATENT, (16,)), MLPGenerator(LATENT))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a VQGAN's run, two recipes, and a function that trains the second one."""
    home = tmp_path_factory.mktemp("latents")
    (home / "coded.yaml").write_text(CODED + ON_DIGITS)
    (home / "latents.yaml").write_text(LATENTS + f"    init: {home}/vq/coded/version_0/last.ckpt\n" + ON_DIGITS)
    answer = ganzoo("fit", "--recipe", home / "coded.yaml", "--runs", home / "vq", "--trainer.max_steps=2")
    assert answer.status == 0, answer.err

    def train(runs, *more):
        answer = ganzoo("fit", "--recipe", home / "latents.yaml", "--runs", home / runs, *more)
        assert answer.status == 0, answer.err
        return home / runs / "latents" / "version_0"

    return home, train


def test_a_run_starts_from_a_vqgans_checkpoint_and_its_own_needs_that_no_more(home, tmp_path):
    folder, train = home
    vqgan = read_training_checkpoint(folder / "vq" / "coded" / "version_0" / "last.ckpt")
    whole = train("whole")
    model = read_training_checkpoint(whole / "last.ckpt")
    assert alike(dict(model.autoencoder.state_dict()), dict(vqgan.generator.state_dict()))
    part = train("part", "--trainer.max_steps=2")
    rest = train("part", "--ckpt_path=last", "--trainer.max_steps=4")
    ends = [torch.load(run / "last.ckpt", weights_only=True) for run in (whole, rest)]
    for key in ("state_dict", "optimizer_states", "global_step"):
        assert alike(ends[0][key], ends[1][key]), key
    assert part == rest
    for file in (folder / "vq").rglob("*.ckpt"):
        file.unlink()
    loaded = load(whole / "export")
    assert loaded.sample(3, seed=0).shape == (3, 1, 8, 8)
    assert "frozen" in loaded.card
    answer = ganzoo("export", whole / "export", "--format", "onnx", "-o", tmp_path / "g.onnx")
    assert answer.status == 0, answer.err  # it compares what the file draws with what the model does
    with pytest.raises(GanzooError, match="it is to start from"):
        fit(tmp_path / "again", latent_gan(init=str(folder / "vq" / "none.ckpt")), digits(), 1)


def test_a_checkpoint_of_other_layers_is_one_line(tmp_path):
    (tmp_path / "latents.yaml").write_text(LATENTS + "    init: dcgan-mnist\n" + ON_DIGITS)
    answer = ganzoo("fit", "--recipe", tmp_path / "latents.yaml", "--runs", tmp_path / "runs")
    assert "'dcgan-mnist' has no generator with the layers of this one" in answer.error
