"""Encoding, decoding and sampling of every autoencoder, and the density that a plain one samples from."""

import math

import pytest
import torch
import yaml
from coders import DIGIT, DIM, EVERY, IMAGES, autoencoder, vae
from moves import in_move
from PIL import Image
from tiny import digits, fit, points

from ganzoo.checkpoints import folder_format, loading
from ganzoo.common.errors import GanzooError
from ganzoo.models.autoencoder import Autoencoder
from ganzoo.networks.autoencoder import ConvDecoder, ConvEncoder, MLPEncoder
from ganzoo.networks.mlp import MLPGenerator
from ganzoo.training.callbacks.keep import Last


def some(model, n):
    return torch.randn(n, *model.encoder.shape).clamp(-1, 1)


@pytest.mark.parametrize("name", EVERY)
def test_any_number_of_samples_goes_to_codes_and_back_and_leaves_no_trace(name):
    model = EVERY[name]()
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    x = some(model, 600)
    codes, again = model.encode(x), model.reconstruct(x)
    assert (codes.shape, again.shape) == ((600, DIM), x.shape)
    torch.testing.assert_close(model.decode(codes), again)
    for n in (0, 1, 5):
        torch.testing.assert_close(model.encode(x[:n]), codes[:n])
        torch.testing.assert_close(model.reconstruct(x[:n]), again[:n])
    assert not codes.requires_grad
    assert not again.requires_grad
    assert model.encoder.training
    assert model.decoder.training
    assert all(torch.equal(tensor, before[key]) for key, tensor in model.state_dict().items())


@pytest.mark.parametrize("name", IMAGES)
def test_images_are_redrawn_in_their_range(name):
    model = EVERY[name]()
    assert model.decode(50 * torch.randn(20, DIM)).abs().max() <= 1


@pytest.mark.parametrize("name", EVERY)
def test_a_sample_depends_on_the_seed_and_its_place_alone(name):
    model = EVERY[name]()
    samples = model.sample(100, seed=3)
    assert samples.shape == (100, *model.decoder.shape)
    for n in (0, 1, 64, 65):
        torch.testing.assert_close(model.sample(n, seed=3), samples[:n])
    assert not torch.equal(model.sample(5, seed=4), samples[:5])
    assert not torch.equal(model.sample(5), model.sample(5))
    typical = model.sample(9, seed=3, truncation=0.0)
    torch.testing.assert_close(typical, typical[:1].expand_as(typical))  # of one part before training
    with pytest.raises(GanzooError, match="unconditional"):
        model.sample(2, torch.tensor([0, 1]))


@pytest.mark.parametrize("name", EVERY)
def test_samples_are_decoded_draws_of_the_prior(name):
    model = EVERY[name]()
    torch.testing.assert_close(model.sample(7, seed=1), model.decode(model.latent(7, seed=1)))


@pytest.mark.parametrize("name", IMAGES)
def test_averages_are_used_where_they_are_kept(name, tmp_path):
    model = EVERY[name](ema=0.9)
    fit(tmp_path, model, digits(), 3)
    x = some(model, 4)
    codes = model.averages["encoder"].module(x)[:, :DIM]
    torch.testing.assert_close(model.encode(x), codes)
    torch.testing.assert_close(model.decode(codes), model.generate(model.averages["decoder"].module, codes, None))
    assert not torch.allclose(model.encode(x), model.encoder(x)[:, :DIM])


@pytest.mark.parametrize("name", IMAGES)
def test_it_learns_to_redraw(name, tmp_path):
    model, data = EVERY[name](lr=1e-2), digits(batch_size=100)
    data.setup()
    x = data.split("test")[0].float() / 127.5 - 1
    blank = (x - x.mean(0)).square().mean()  # what could be reached without looking
    fit(tmp_path, model, data, 60)
    assert (model.reconstruct(x) - x).square().mean() < 0.8 * blank


@pytest.mark.parametrize("name", IMAGES)
def test_trains_in_bfloat16_on_float32_losses(name, tmp_path):
    model = EVERY[name]()
    assert fit(tmp_path, model, digits(), 2, precision="bf16-mixed").global_step == 2
    assert all(map(math.isfinite, model.notes.means().values()))
    with torch.autocast("cpu", torch.bfloat16):
        assert {term.dtype for term in in_move(model.loss, some(model, 3), None).values()} == {torch.float32}


@pytest.mark.parametrize("name", EVERY)
def test_networks_that_do_not_fit_each_other_are_refused(name):
    model = EVERY[name]()
    given = [MLPEncoder([2], model.features_per_number * DIM + 1), MLPGenerator([2], DIM, squash=False)]
    wanted = f"{model.features_per_number * DIM} features are wanted, {model.features_per_number} for each"
    with pytest.raises(GanzooError, match=rf"model\.encoder: {wanted}"):
        type(model)(*given, *([model.discriminator] if name == "aae" else []))


def test_networks_that_do_not_fit_the_data_are_refused(tmp_path):
    with pytest.raises(GanzooError, match=r"model\.encoder: it is made for samples of shape \(1, 8, 8\)"):
        fit(tmp_path, vae(), points(), 1)
    with pytest.raises(GanzooError, match=r"model\.decoder: it is made for samples of shape \(1, 16, 16\)"):
        fit(tmp_path, Autoencoder(ConvEncoder(8, 1, 4, DIM), ConvDecoder(16, 1, 4, DIM)), digits(), 1)


@pytest.mark.parametrize("name", IMAGES)
def test_an_exported_model_is_the_same_one(name, tmp_path):
    model = EVERY[name](ema=0.9)
    fit(tmp_path, model, digits(), 4)
    loaded = exported(model, name, tmp_path)
    x = some(model, 5)
    for ours, theirs in zip(
        (model.sample(20, seed=1), model.reconstruct(x), model.encode(x)),
        (loaded.sample(20, seed=1), loaded.reconstruct(x), loaded.encode(x)),
        strict=True,
    ):
        torch.testing.assert_close(theirs, ours, atol=0.02, rtol=0.02)  # half precision


CLASSES = {"autoencoder": "autoencoder.Autoencoder", "vae": "vae.VAE", "aae": "aae.AAE"}


def exported(model, name, folder):
    """What comes back from a checkpoint folder of a model."""

    def network(path, **arguments):
        return {"class_path": f"ganzoo.networks.{path}", "init_args": arguments}

    said = {
        "encoder": network(
            "autoencoder.MLPEncoder", shape=DIGIT, code_dim=model.features_per_number * DIM, hidden=[64]
        ),
        "decoder": network("mlp.MLPGenerator", shape=DIGIT, latent_dim=DIM, hidden=[64], squash=model.decoder.squash),
    }
    if name == "aae":
        said["discriminator"] = network("mlp.MLPDiscriminator", shape=[DIM], hidden=[32], dropout=0.0)
    if name == "autoencoder":
        said["components"] = 2
    recipe = {"model": {"class_path": f"ganzoo.models.{CLASSES[name]}", "init_args": said}}
    folder_format.save_folder(model, folder / name, yaml.safe_dump(recipe), "", Image.new("L", (1, 1)))
    return loading.load(folder / name)


# The plain autoencoder's density


def test_the_latest_codes_are_kept():
    model = autoencoder(keep=5)
    for start in (0, 3, 6):
        model.remember(torch.arange(start, start + 3.0)[:, None].expand(3, DIM))
    assert model.seen == 9
    assert sorted(model.kept[:, 0].tolist()) == [4, 5, 6, 7, 8]
    model.remember(torch.arange(100.0, 112.0)[:, None].expand(12, DIM))
    assert sorted(model.kept[:, 0].tolist()) == [107, 108, 109, 110, 111]


def test_codes_are_kept_while_training_live_or_averaged(tmp_path):
    for ema in (None, 0.5):
        model, seen = autoencoder(ema=ema), []
        encoder = model.averaged("encoder")
        encoder.register_forward_hook(lambda module, x, codes, seen=seen: seen.append(codes.detach().clone()))
        fit(tmp_path, model, digits(), 3)
        assert model.seen == 450
        torch.testing.assert_close(model.kept[:450], torch.cat(seen))


def test_the_density_follows_the_codes_and_is_fitted_only_when_there_are_others(monkeypatch):
    model, fits = autoencoder(), []
    real = type(model.density).fit
    monkeypatch.setattr(type(model.density), "fit", lambda self, codes: (fits.append(len(codes)), real(self, codes)))
    torch.testing.assert_close(model.latent(4000, seed=0).T.cov(), torch.eye(DIM), atol=0.1, rtol=0)
    codes = torch.randn(400, DIM) * torch.tensor([0.1, 1.0, 2.0, 3.0]) + 7
    model.remember(codes)
    drawn = model.latent(4000, seed=0)
    torch.testing.assert_close(drawn.mean(0), codes.mean(0), atol=0.2, rtol=0)
    torch.testing.assert_close(drawn.std(0), codes.std(0), atol=0, rtol=0.1)
    model.sample(3)
    model.exported()
    assert fits == [400]
    model.remember(codes[:8] - 100)
    model.exported()
    assert fits == [400, 408]
    model.remember(torch.full((1, DIM), torch.nan))
    assert model.sample(3).isfinite().all()
    assert fits == [400, 408]


def test_the_density_outlives_export_and_goes_on_from_there(tmp_path):
    model = autoencoder()
    fit(tmp_path, model, digits(), 4)
    loaded = exported(model, "autoencoder", tmp_path)
    torch.testing.assert_close(loaded.latent(50, seed=2), model.latent(50, seed=2), atol=0.02, rtol=0.01)
    assert loaded.seen == 0
    assert loaded.exported().keys() == {"encoder", "decoder", "density"}
    fit(tmp_path, loaded, digits(), 2)
    assert loaded.seen == 300
    assert not torch.allclose(loaded.latent(50, seed=2), model.latent(50, seed=2), atol=0.02)


def test_a_training_checkpoint_draws_what_the_run_would(tmp_path):
    model = autoencoder()
    fit(tmp_path, model, digits(), 4, Last())
    state = torch.load(tmp_path / "last.ckpt", weights_only=True)["state_dict"]
    assert state["fitted"] == 0  # nothing was drawn in this run
    other = autoencoder()
    other.load_state_dict(state)
    assert torch.equal(other.sample(5, seed=0), model.sample(5, seed=0))


def test_too_few_codes_are_refused():
    with pytest.raises(GanzooError, match=r"model\.keep: 3 codes are too few for 4 components"):
        autoencoder(components=4, keep=3)
