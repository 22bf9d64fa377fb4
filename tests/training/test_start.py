"""Trainings that start from a checkpoint's networks: fine-tuning on somebody's own pictures by one flag."""

import numpy as np
import pytest
import torch
from commands import ganzoo
from PIL import Image

import ganzoo as package
from ganzoo.common.errors import GanzooError
from ganzoo.models.dcgan import DCGAN
from ganzoo.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from ganzoo.training.start import find_networks

FEW = [
    "--data.batch_size",
    20,
    "--data.num_workers",
    0,
    "--trainer.val_check_interval",
    2,
    "--trainer.accelerator",
    "cpu",
]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Sixty pictures of discs, stored in colour."""
    home = tmp_path_factory.mktemp("own")
    (home / "mine").mkdir()
    rows, columns = np.mgrid[:64, :64]
    for i in range(60):
        disc = (rows - 20 - i % 10 * 2) ** 2 + (columns - 20 - i // 10 * 4) ** 2 < (5 + i % 7) ** 2
        Image.fromarray((disc * 200 + i).astype(np.uint8)).convert("RGB").save(home / "mine" / f"{i}.png")
    return home


@pytest.fixture(scope="module")
def run(home):
    """A run of two updates from the bundled faces, by one flag."""
    words = ["fit", "--recipe", "dcgan_faces", "--start", "dcgan-faces", "--data.root", home / "mine", *FEW]
    said = ganzoo(*words, "--trainer.max_steps", 2, "--runs", home / "runs", "--model.g_lr", 0, "--model.d_lr", 0)
    assert said.status == 0, said.err
    return home / "runs" / "dcgan_faces" / "version_0", said


def content(file):
    return torch.load(file, weights_only=True)


def test_fine_tuning_starts_from_generator_and_discriminator(run):
    folder, said = run
    assert "starts from dcgan-faces: generator, discriminator" in said.out
    bundled, state = package.load("dcgan-faces"), content(folder / "last.ckpt")["state_dict"]
    for part in ("generator", "discriminator"):  # with learning rates of 0 they stay what they were
        for name, parameter in getattr(bundled, part).named_parameters():
            torch.testing.assert_close(state[f"{part}.{name}"], parameter.data, atol=0, rtol=0)
    for name, parameter in bundled.generator.named_parameters():
        torch.testing.assert_close(state[f"averages.generator.module.{name}"], parameter.data, atol=1e-6, rtol=0)


def test_the_run_says_where_its_weights_come_from(run):
    folder, _ = run
    origin = package.load("dcgan-faces").origin
    assert "\nstart: dcgan-faces\n" in (folder / "recipe.yaml").read_text()
    line = f"Started from `dcgan-faces` (sha256 `{origin.sha256[:12]}`): generator, discriminator"
    assert f"- {line}\n" in (folder / "export" / "README.md").read_text()
    assert package.load(folder / "export").sample(2, seed=0).shape == (2, 3, 64, 64)


def test_a_resumed_run_goes_on_and_does_not_start_again(run, home, monkeypatch):
    folder, _ = run
    state = content(folder / "last.ckpt")
    monkeypatch.chdir(home)
    words = ["fit", "--config", folder / "recipe.yaml", "--ckpt_path", "last", "--runs", home / "runs"]
    other = ganzoo(*words, "--start", "began-faces", "--trainer.max_steps", 4)
    assert other.status
    assert "start: 'began-faces' given, but the run has begun from 'dcgan-faces'" in other.err
    said = ganzoo(*words, "--trainer.max_steps", 4, "--model.g_lr", 1e-3)
    assert said.status == 0, said.err
    assert "starts from" not in said.out
    now = content(folder / "last.ckpt")
    assert now["global_step"] == 4
    moved = [name for name in state["state_dict"] if name.startswith("generator.") and name.endswith("weight")]
    assert any(not now["state_dict"][name].equal(state["state_dict"][name]) for name in moved)
    assert now["callbacks"]["Start"] == state["callbacks"]["Start"] != {"sources": []}
    assert "Started from `dcgan-faces`" in (folder / "export" / "README.md").read_text()


def test_some_networks_only(home):
    words = ["fit", "--recipe", "dcgan_faces", "--start", "dcgan-faces", "--start_networks", "generator", *FEW]
    words += ["--data.root", home / "mine", "--model.d_lr", 0, "--model.g_lr", 0]
    said = ganzoo(*words, "--trainer.max_steps", 1, "--runs", home / "some")
    assert said.status == 0, said.err
    bundled = package.load("dcgan-faces")
    state = content(home / "some" / "dcgan_faces" / "version_0" / "last.ckpt")["state_dict"]
    same = {
        part: all(p.data.equal(state[f"{part}.{name}"]) for name, p in getattr(bundled, part).named_parameters())
        for part in ("generator", "discriminator")
    }
    assert same == {"generator": True, "discriminator": False}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--start", "dcgan-facez"], "start: there is no checkpoint 'dcgan-facez'"),
        (["--start_networks", "generator"], "start_networks: given without --start"),
        (
            ["--start", "dcgan-faces", "--start_networks", "generatr"],
            "start_networks: 'generatr' given, but the model has generator, discriminator. Did you mean 'generator'?",
        ),
        (["--start", "vae-mnist"], "no name in common"),
        (
            ["--start", "dcgan-faces", "--model.discriminator.width", 16],
            "start: the discriminator of 'dcgan-faces' has other layers",
        ),
        (
            ["--start", "dcgan-faces", "--data.size", 32],
            "is made for samples of shape (3, 64, 64), and this one for (3, 32, 32); nothing of it fits",
        ),
    ],
)
def test_what_does_not_fit_is_one_line_before_any_training(home, more, message):
    runs = home / "refused"
    said = ganzoo("fit", "--recipe", "dcgan_faces", "--data.root", home / "mine", *FEW, "--runs", runs, *more)
    assert said.status
    assert message in said.err
    assert said.err.strip().count("\n") == 0
    assert not [*runs.glob("*/*")]


def test_a_misfit_says_what_fits():
    generator = DCGANGenerator(64, 3, 32, latent_dim=100)
    model = DCGAN(generator, DCGANDiscriminator(64, 3, 16, norm="none", spectral=True))
    with pytest.raises(GanzooError, match=r"--start_networks generator takes what fits\.$"):
        find_networks(model, "dcgan-faces")
    source, networks = find_networks(model, "dcgan-faces", ["generator"])
    assert [*networks] == source["networks"] == ["generator"]


@pytest.mark.parametrize("name", ["vae-mnist", "aae-mnist", "pix2pix-edges2faces", "cyclegan-mnist", "srgan-faces"])
def test_every_kind_of_game_can_start_from_its_own_checkpoint(name):
    model = package.load(name)
    source, networks = find_networks(model, name)
    assert source["networks"] == [part for part, module in model.parts().items() if module.state_dict()]
    assert {part: [*module.state_dict()] for part, module in networks.items()} == {
        part: [*getattr(model, part).state_dict()] for part in networks
    }
