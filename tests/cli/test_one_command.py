"""One command for anybody's pictures: a run, a score, samples and a card that speak of these pictures alone."""

import numpy as np
import pytest
import yaml
from commands import NARROW, NARROW_INSIDE, SMALL, ganzoo
from picture_folders import paint
from PIL import Image
from sklearn.datasets import load_sample_images

from ganzoo import load

COUNT = 60


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """60 crops, 3:2, of scikit-learn's photographs, in colour."""
    folder = tmp_path_factory.mktemp("own") / "photos"
    folder.mkdir()
    for number, pixels in enumerate(load_sample_images().images):
        for place in range(COUNT // 2):
            left, top = place % 6 * 100, place // 6 * 80
            Image.fromarray(pixels[top : top + 80, left : left + 120]).save(folder / f"{number}_{place:02}.jpg")
    return folder


@pytest.fixture(scope="module")
def run(photos):
    """The run of the one command, with narrow networks and two steps so that it takes seconds."""
    words = ["--trainer.max_steps=2", "--trainer.val_check_interval=2", "--trainer.enable_progress_bar=false", *NARROW]
    runs = photos.parent / "runs"
    said = ganzoo("fit", "--recipe", "dcgan_faces", "--data.root", photos, *words, "--runs", runs)
    assert said.status == 0, said.err
    return runs / "dcgan_faces" / "version_0"


def test_the_card_speaks_of_these_pictures_and_of_no_others(run):
    card = (run / "export" / "README.md").read_text()
    about = yaml.safe_load(card.split("---\n")[1])
    assert about["license"] not in ("cc0-1.0", "mit")
    dataset = about["model-index"][0]["results"][0]["dataset"]
    assert dataset["name"] == "photos"
    for word in ("Congress", "public domain", "cc0-1.0", "813 ", "ortrait"):
        assert word not in card
        assert word not in (run / "export" / "recipe.yaml").read_text()
    assert "Data: photos, licence: unknown" in card
    assert f"{COUNT} images" in card
    (score,) = about["model-index"][0]["results"][0]["metrics"]
    assert score["name"].startswith(f"swd[{COUNT}")
    assert score["value"] > 0


def test_recipe_and_samples_are_in_colour_at_the_recipes_size(run):
    recipe = yaml.safe_load((run / "export" / "recipe.yaml").read_text())
    assert recipe["data"]["init_args"]["channels"] == 3
    for name in ("generator", "discriminator"):
        arguments = recipe["model"]["init_args"][name]["init_args"]
        assert (arguments["size"], arguments["channels"]) == (64, 3)
    assert load(run / "export").sample(2, seed=0).shape == (2, 3, 64, 64)
    assert Image.open(run / "export" / "samples.png").mode == "RGB"
    pixels = np.asarray(Image.open(run / "export" / "neighbours.png")).astype(int)  # of the photographs, too
    assert np.abs(pixels[..., 0] - pixels[..., 2]).max() > 50


def test_a_push_shows_what_it_would_send_and_asks_for_the_licence(run):
    said = ganzoo("push", run / "export", "--repo", "me/photos", "--dry-run")
    assert said.status == 0, said.err
    assert "model.safetensors" in said.out
    assert "unknown" in said.out
    assert "cc0" not in said.out


@pytest.mark.parametrize("name", ["pix2pix_edges2faces", "srresnet_faces", "began_faces"])
def test_every_recipe_of_portraits_takes_them_by_the_same_command(photos, tmp_path, name):
    if name == "began_faces":
        networks = ["generator", "discriminator.encoder", "discriminator.decoder"]
        small = [f"--model.{network}.width=4" for network in networks]
    else:
        small = ["--model.generator.width=4"] + ["--model.discriminator.width=4"] * name.startswith("pix2pix")
    small += ["--quality.features=null", "--quality.metrics=null", "--quality.monitor=null", "--data.size=32"]
    said = ganzoo("fit", "--recipe", name, "--data.root", photos, *SMALL, *small, "--runs", tmp_path)
    assert said.status == 0, said.err
    card = (tmp_path / name / "version_0" / "export" / "README.md").read_text()
    assert "Data: photos, licence: unknown" in card
    assert "Congress" not in card


def test_classes_are_the_folders_by_the_same_command(tmp_path):
    for kind in ("cat", "dog", "owl"):
        paint(tmp_path / "pets" / kind, 4)
    words = ["--recipe", "cgan_mnist", "--data", "ganzoo.data.ImageFolder", "--data.root", tmp_path / "pets"]
    said = ganzoo("fit", *words, *SMALL, *NARROW_INSIDE, "--runs", tmp_path)
    assert said.status == 0, said.err
    model = load(tmp_path / "cgan_mnist" / "version_0" / "export")
    assert (model.n_classes, model.sample(3, seed=0).shape) == (3, (3, 3, 32, 32))
    assert tuple(model.class_names) == ("cat", "dog", "owl")


@pytest.mark.parametrize("size", ["[32,64]", "wide", "0"])
def test_a_size_that_is_none_is_one_line(photos, tmp_path, size):
    said = ganzoo("fit", "--recipe", "dcgan_faces", "--data.root", photos, f"--data.size={size}", "--runs", tmp_path)
    assert said.error.startswith("data.size: ")


@pytest.mark.parametrize(
    ("name", "size", "parts"),
    [
        ("dcgan_faces", 6, ["size: 6 given", "8 pixels or more", "the nearest is 8"]),
        ("began_faces", 12, ["size: 12 given", "16 pixels or more"]),
        ("pix2pix_edges2faces", 12, ["size: 12 given", "16 pixels or more"]),
    ],
)
def test_a_size_that_is_too_small_is_one_line_before_training(photos, tmp_path, name, size, parts):
    runs = tmp_path / "runs"
    error = ganzoo("fit", "--recipe", name, "--data.root", photos, f"--data.size={size}", "--runs", runs).error
    assert [part for part in parts if part not in error] == [], error
    assert not runs.exists()


def test_translators_name_the_nearest_sides(tmp_path):
    for letter in "AB":
        paint(tmp_path / "own" / f"train{letter}", 3)
    words = ["--recipe", "cyclegan_horse2zebra", "--data.root", tmp_path / "own", "--data.size=30"]
    words += ["--model.generator.width=2", "--model.back.width=2", "--runs", tmp_path / "runs"]
    error = ganzoo("fit", *words).error
    assert error.endswith("sides divisible by 4 are taken, the data gives 3x30x30; the nearest are 28 and 32.")
    assert not (tmp_path / "runs").exists()
