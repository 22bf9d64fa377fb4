"""The `ganzoo convert` command: formats, folders, and what it says."""

import json

import pytest
import torch
import yaml
from commands import SMALL, ganzoo
from nvidia_pickles import filled, module, pickled
from official import FOLDER, official
from picture_folders import paint
from safetensors.torch import load_file

from ganzoo.checkpoints.hashes import card_metadata, sha256
from ganzoo.checkpoints.importers.formats import FORMATS


def whole(name):
    """A reference network's tensors, with the filters that it leaves out."""
    return filled(official(name).state, json.loads((FOLDER / f"{name}.json").read_text())["state"])


@pytest.fixture
def file(tmp_path, monkeypatch):
    """A snapshot of stylegan2-ada-pytorch in the present folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.pkl").write_bytes(pickled({"G_ema": module(whole("stylegan2_generator"))}))
    return tmp_path / "net.pkl"


def test_every_format_is_listed():
    lines = ganzoo("convert", "--list").out.splitlines()
    assert [line.split("  ")[0] for line in lines] == [one.name for one in FORMATS]


def test_a_folder_says_where_its_weights_come_from_and_under_which_terms(file):
    words = ["--licence", "cc-by-nc-4.0", "--source", "https://example.org/net.pkl"]
    out = ganzoo("convert", file.name, "-o", "made", *words).out
    assert out.startswith("made  StyleGAN2 of stylegan2-ada-pytorch\n")
    card = (file.parent / "made" / "README.md").read_text(encoding="utf-8")
    about = card_metadata(card)
    assert about["license"] == "cc-by-nc-4.0"
    assert about["ganzoo"]["converted"]["files"] == [{"file": "net.pkl", "sha256": sha256(file)}]
    assert "- From: https://example.org/net.pkl\n" in card
    assert "Not known, or different here: what it was trained on" in card
    recipe = yaml.safe_load((file.parent / "made" / "recipe.yaml").read_text(encoding="utf-8"))
    assert recipe["data"]["init_args"] == {"size": 16, "channels": 3, "batch_size": 16}
    assert (file.parent / "made" / "samples.png").stat().st_size > 500
    assert ganzoo("interpolate", "made", "-n", "2", "--steps", "3", "-o", "walk.png").status == 0
    assert "licence     cc-by-nc-4.0" in ganzoo("push", "made", "--repo", "you/made", "--dry-run").out
    assert "is there already" in ganzoo("convert", file.name, "-o", "made").error


def test_files_and_a_folder_must_be_named(file):
    assert ganzoo("convert", file.name).error.startswith("convert: name the files, and a folder with -o")
    assert ganzoo("convert", "nothing.pkl", "-o", "made").error == "there is no file 'nothing.pkl'."
    assert ganzoo("convert", file.name, "-o", "made", "--licence", " ").error.startswith("--licence: ' ' given")


def test_training_goes_on_from_both_networks(file):
    made = {
        "G_ema": module(whole("stylegan2_generator")),
        "D": module(whole("stylegan2_discriminator"), "Discriminator", settings={"b4.mbstd.group_size": 2}),
    }
    file.write_bytes(pickled(made))
    assert ganzoo("convert", file.name, "-o", "made").status == 0
    paint(file.parent / "mine", 8)
    words = ["--recipe", "made/recipe.yaml", "--start", "./made", "--data.root", "mine", *SMALL, "--runs", "runs"]
    words += ["--model.g_lr", "0", "--model.d_lr", "0", "--data.num_workers", "0"]
    trained = ganzoo("fit", *words)
    assert trained.status == 0, trained.err
    assert "starts from ./made: generator, discriminator" in trained.out
    (run,) = file.parent.glob("runs/*/version_0/last.ckpt")
    state = torch.load(run, weights_only=True)["state_dict"]
    ours = load_file(file.parent / "made" / "model.safetensors")
    for name in ("generator.synthesis.const", "discriminator.out.weight"):
        assert state[name].equal(ours[name])
