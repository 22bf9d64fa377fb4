"""`ganzoo evaluate`: models and pictures, their scores, and everything that the scores depend on."""

import json
import re
import shutil
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import pytest
import torch
import yaml
from commands import ganzoo
from huggingface_hub import constants
from PIL import Image
from tiny import digits, mlp, recolour

from ganzoo import __version__
from ganzoo.checkpoints import folder_format, loading
from ganzoo.checkpoints.origin import Origin
from ganzoo.common.errors import GanzooError
from ganzoo.drawing.pictures import to_image
from ganzoo.drawing.save import write_samples
from ganzoo.games.game import Game
from ganzoo.metrics.sampling import draw
from ganzoo.networks.classifiers import shipped
from ganzoo.tools.evaluate.subjects import common_shape, read_album, recipe_data, recipe_quality

BRIEF = ("--bootstrap", 8)
ALL = ("fid", "is", "kid", "prdc", "ms_ssim", "swd", "memorisation")


class Chooser(Game):
    """Takes every digit for a nought."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Linear(1, 1)

    def players(self):
        return ()

    def classify(self, x):
        return torch.eye(10)[torch.zeros(len(x), dtype=torch.long)]


def evaluated(*words, out):
    """Runs the command, and returns what it printed and wrote."""
    said = ganzoo("evaluate", *words, "-o", out)
    assert (said.status, said.err) == (0, ""), said.err
    return said.out, json.loads(Path(out).read_text())


def save(images, folder, mode=None):
    """Writes uint8 images (N, 1, H, W) as PNG files."""
    folder.mkdir(parents=True)
    for number, pixels in enumerate(images.permute(0, 2, 3, 1).numpy()):
        image = to_image(pixels)
        (image.convert(mode) if mode else image).save(folder / f"{number:04d}.png")
    return folder


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Digits of 28 pixels as files: 80 that are trained on, 80 that are held out, and 80 of the latter degraded."""
    home, module = tmp_path_factory.mktemp("drawn"), digits(size=28)
    train, test = (module.split(name)[0] for name in ("train", "test"))
    noise = torch.randint(90, test.shape, generator=torch.Generator().manual_seed(0)).byte()
    for name, images in (
        ("seen", train[:80]),
        ("unseen", test[:80]),
        ("poor", test[80:160].clamp(max=160) + noise[:80]),
    ):
        save(images, home / name)
    return home


# Models


def test_a_checkpoints_json_holds_every_condition(digits_run, tmp_path, monkeypatch):
    folder = digits_run.folder / "export"
    monkeypatch.chdir(tmp_path)
    said = ganzoo("evaluate", folder, "--samples", 60, *BRIEF)
    assert (said.status, said.err) == (0, "")
    assert said.out.endswith("\nexport-scores.json\n")
    found = json.loads((tmp_path / "export-scores.json").read_text())
    assert [*found["scores"]] == ["swd[60/test]", "memorisation[60/test]", "memorisation_z[60/test]"]
    about = found["conditions"]
    weights = about["subject"].pop("weights")
    assert about["subject"] == {"kind": "checkpoint", "makes": "60 samples", "class": "ganzoo.models.wgan_gp.WGANGP"}
    card = loading.load(folder).card
    assert weights == {
        "file": "model.safetensors",
        "sha256": sha256((folder / "model.safetensors").read_bytes()).hexdigest(),
        "chosen": "best",
        "step": yaml.safe_load(card.split("---\n")[1])["ganzoo"]["steps"],
        "averaged": True,
        "stored": "float16",
        "computed": "float32",
    }
    assert about["reference"] == {
        "data": "scikit-learn digits",
        "split": "test",
        "count": 297,
        "shape": [1, 8, 8],
        "kind": "images",
        "sha256": digits().fingerprint("test"),
    }
    assert (about["samples"], about["seed"], about["extractor"]) == (60, 0, None)
    assert about["resize"]["samples"] is None
    assert about["settings"]["memorisation"]["training_images"] == 1500
    assert about["precision"] == {"swd": "float32", "memorisation": "float32"}
    assert {key: about["intervals"][key] for key in ("resamples", "level", "seed")} == {
        "resamples": 8,
        "level": 0.95,
        "seed": 0,
    }
    assert about["versions"]["ganzoo"] == __version__
    for package in ("torch", "torchmetrics"):
        assert about["versions"][package] == version(package)
    for key, value in found["scores"].items():
        assert found["intervals"][key]["low"] <= value <= found["intervals"][key]["high"]
        assert f"\n{key} " in said.out
        assert f"{value:.4g}" in said.out


def test_the_same_command_gives_the_same_and_another_seed_something_else(digits_run, tmp_path):
    words = (digits_run.folder / "export", "--samples", 60, *BRIEF)
    table, found = evaluated(*words, out=tmp_path / "a.json")
    again, same = evaluated(*words, out=tmp_path / "b.json")
    assert same == found
    assert again.replace("b.json", "a.json") == table
    _, other = evaluated(*words, "--seed", 1, out=tmp_path / "c.json")
    assert other["scores"] != found["scores"]
    plain, without = evaluated(*words[:-2], "--bootstrap", 0, out=tmp_path / "d.json")
    assert without["scores"] == found["scores"]
    assert without["intervals"] == {}
    assert without["conditions"]["intervals"] is None
    assert "INTERVAL" not in plain


def test_a_run_has_best_and_last_weights(digits_run, tmp_path):
    for chosen, words in (("best", ()), ("last", ("--weights", "last"))):
        _, found = evaluated(
            *(digits_run.folder, *words, "--samples", 30, "--metrics", "swd", "--bootstrap", 0), out=tmp_path / "r.json"
        )
        weights = found["conditions"]["subject"]["weights"]
        file = digits_run.folder / f"{chosen}.ckpt"
        assert (weights["chosen"], weights["file"]) == (chosen, file.name)
        assert weights["sha256"] == sha256(file.read_bytes()).hexdigest()
        assert weights["step"] == torch.load(file, weights_only=True)["global_step"]
        assert weights["stored"] == "float32"
    _, direct = evaluated(
        digits_run.folder / "last.ckpt", *words[2:], "--samples", 30, "--metrics", "swd", out=tmp_path / "c"
    )
    assert direct["scores"] == found["scores"]
    assert direct["conditions"]["subject"]["kind"] == "training checkpoint"


def test_a_models_samples_score_like_their_files(digits_run, tmp_path):
    export = digits_run.folder / "export"
    write_samples(torch.cat([drawn.x for drawn in draw(loading.load(export), 60, 500, seed=0)]), tmp_path / "files")
    words = ("--data", "digits", "--metrics", "swd", "memorisation", "--bootstrap", 0)
    _, ours = evaluated(export, *words, "--samples", 60, out=tmp_path / "m.json")
    _, files = evaluated(tmp_path / "files", *words, out=tmp_path / "f.json")
    assert files["scores"] == pytest.approx(ours["scores"], rel=0.02)
    assert files["scores"]["memorisation_z[60/test]"] == ours["scores"]["memorisation_z[60/test]"]
    # and a model's samples can be held against files
    save(digits().split("test")[0], tmp_path / "reals")
    _, against = evaluated(
        *(export, "--data", tmp_path / "reals", "--metrics", "swd", "--samples", 60, "--bootstrap", 0),
        out=tmp_path / "r.json",
    )
    assert against["scores"]["swd[60/297 train]"] == pytest.approx(ours["scores"]["swd[60/test]"], rel=1e-5)


def test_translators_and_classifiers_get_scores_of_their_own(tmp_path):
    def publish(name, model, data, described):
        folder_format.save_folder(
            model, tmp_path / name, yaml.safe_dump({"model": described, "data": {"class_path": data}}), "# It\n", None
        )
        return evaluated(tmp_path / name, *BRIEF, out=tmp_path / f"{name}.json")[1]

    networks = {"generator": {"class_path": "tiny.Tint"}, "discriminator": None}
    described = {"class_path": "tiny.Recolour", "init_args": networks}
    found = publish("t", recolour(discriminator=None), "tiny.Negatives", described)
    assert [*found["scores"]] == ["psnr[test]", "ssim[test]", "l1[test]"]
    assert [*found["intervals"]] == [*found["scores"]]
    assert found["conditions"]["subject"]["makes"] == "297 translations"
    found = publish("c", Chooser(), "ganzoo.data.Digits", {"class_path": "test_evaluate.Chooser"})
    labels = digits().split("test")[1]
    assert found["scores"] == {"accuracy[test]": pytest.approx((labels == 0).double().mean().item())}
    assert (found["conditions"]["samples"], found["conditions"]["subject"]["makes"]) == (297, "all of it classified")
    assert "--samples: " in ganzoo("evaluate", tmp_path / "c", "--samples", 50).error
    assert "which are scored on its recipe's data" in ganzoo("evaluate", tmp_path / "c", "--data", "digits").error


def test_a_repository_is_scored_from_the_cache_with_its_commit(digits_run, tmp_path, monkeypatch):
    commit, home = "0" * 39 + "1", tmp_path / "hub" / "models--someone--gan"
    shutil.copytree(digits_run.folder / "export", home / "snapshots" / commit)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text(commit)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    _, found = evaluated("someone/gan", "--samples", 30, "--metrics", "swd", *BRIEF, out=tmp_path / "h.json")
    subject = found["conditions"]["subject"]
    assert (subject["kind"], subject["weights"]["commit"]) == ("repository", commit)
    assert found["conditions"]["reference"]["data"] == "scikit-learn digits"  # as its recipe says


def test_a_strangers_recipe_opens_no_files_and_imports_nothing():
    stranger = Origin(Path("x"), "", (), name="x/y", own=False)
    with pytest.raises(GanzooError, match="not ganzoo's"):
        recipe_data(stranger, {"data": {"class_path": "os.system"}}, None)
    section = {"class_path": "ganzoo.data.ImageFolder", "init_args": {"root": "/etc", "size": 16}}
    data = recipe_data(stranger, {"data": section}, None)
    assert (data.named, data.shape) == (False, (3, 16, 16))
    for section in ("features", ["mnist"], None, {"features": "/tmp/some.safetensors", "seed": "0", "batch_size": -1}):
        assert recipe_quality(stranger, {"quality": section}) == {}
    section = {"features": "mnist", "seed": 3, "metrics": ["no"], "batch_size": 7}
    assert recipe_quality(stranger, {"quality": section}) == {"features": "mnist", "seed": 3, "batch_size": 7}
    own = Origin(Path("x"), "", (), name="x")
    assert recipe_quality(own, {"quality": {"features": "my.safetensors"}}) == {"features": "my.safetensors"}


def test_a_strangers_words_about_data_count_or_are_refused():
    stranger = Origin(Path("x"), "", (), name="x/y", own=False)
    toy = {"class_path": "ganzoo.data.Toy2D", "init_args": {"kind": "grid", "modes": None, "std": 0.01}}
    assert recipe_data(stranger, {"data": toy}, None).title == "2-D points, grid"
    folder = {"size": 16, "source": "https://x.org/?", "title": "Faces", "licence": "CC BY 4.0"}
    data = recipe_data(stranger, {"data": {"class_path": "ganzoo.data.ImageFolder", "init_args": folder}}, None)
    assert (data.title, data.licence, data.source) == ("Faces", "CC BY 4.0", "")
    for said in ("{class_path: x.Y}", ["ring"], {"a": 1}):
        toy["init_args"]["kind"] = said
        with pytest.raises(GanzooError, match="neither a plain word nor a number: kind; give a data set"):
            recipe_data(stranger, {"data": toy}, None)


# Pictures


def test_a_folder_against_itself_is_perfect(drawn, tmp_path):
    words = (drawn / "unseen", "--data", drawn / "unseen", "--features", "mnist", "--metrics", *ALL, *BRIEF)
    said, found = evaluated(*words, out=tmp_path / "s.json")
    scores = {key.partition("[")[0]: value for key, value in found["scores"].items()}
    assert [key.partition("[")[2] for key in found["scores"]][:1] == ["mnist,80/train]"]
    assert scores["swd"] == 0
    assert scores["fid"] == 0
    (fid,) = [interval for key, interval in found["intervals"].items() if key.startswith("fid")]
    assert fid["low"] == 0
    assert re.search(r"^fid\S+ +0 +0 to ", said, re.MULTILINE)
    assert abs(scores["kid"]) < 0.1 * scores["is"]
    whole = ("precision", "recall", "density", "coverage", "memorisation")
    assert [scores[name] for name in whole] == pytest.approx([1] * 5)
    extractor = found["conditions"]["extractor"]
    assert extractor["sha256"] == sha256(shipped("mnist").read_bytes()).hexdigest()
    assert (extractor["name"], extractor["features"]) == ("mnist", 96)
    assert found["conditions"]["settings"]["ms_ssim"] == {"scales": 2, "pairs": 40, "window": 11}
    assert found["conditions"]["subject"]["sizes"] == {"28x28": 80}
    for key, interval in found["intervals"].items():
        assert interval["low"] <= found["scores"][key] <= interval["high"], key


def test_five_pictures_get_the_scores_that_they_are_enough_for(drawn, tmp_path):
    five = save(digits(size=28).split("test")[0][:5], tmp_path / "five")
    said, found = evaluated(five, "--data", drawn / "seen", "--features", "mnist", *BRIEF, out=tmp_path / "f.json")
    assert [*found["scores"]] == ["fid[mnist,5/80 train]", "kid[mnist,5/80 train]"]
    assert found["conditions"]["left_out"]["is"] == "needs at least 11 samples, and there are 5"
    assert "left out: is needs at least 11 samples, and there are 5; precision, recall, density, coverage need" in said


def test_worse_pictures_score_worse_and_zips_are_folders(drawn, tmp_path):
    archive = shutil.make_archive(str(tmp_path / "poor"), "zip", drawn / "poor")
    words = ("--data", drawn / "seen", "--features", "mnist", "--metrics", "fid", "prdc", "swd", "--bootstrap", 0)
    good, poor, same = (
        evaluated(source, *words, out=tmp_path / "x.json")[1]["scores"]
        for source in (drawn / "unseen", archive, drawn / "poor")
    )
    assert poor == same
    for key, value in good.items():
        higher = key.startswith(("precision", "recall", "density", "coverage"))
        assert (value > poor[key]) == higher, key


def test_memorisation_flags_copies_of_training_images_and_not_held_out_ones(drawn, tmp_path):
    words = ("--data", "digits", *BRIEF)
    _, copies = evaluated(drawn / "seen", *words, out=tmp_path / "c.json")
    assert [key.partition("[")[0] for key in copies["scores"]] == ["swd", "ms_ssim", "memorisation", "memorisation_z"]
    assert copies["scores"]["memorisation[80/test]"] == 1
    assert copies["scores"]["memorisation_z[80/test]"] < -10
    table, fresh = evaluated(drawn / "unseen", *words, out=tmp_path / "f.json")
    assert fresh["scores"]["memorisation[80/test]"] < 0.15
    assert abs(fresh["scores"]["memorisation_z[80/test]"]) < 3
    assert "copies nothing" in table


def test_some_of_the_pictures_are_chosen_at_random(drawn, tmp_path):
    words = (drawn / "poor", "--data", drawn / "seen", "--metrics", "ms_ssim", "--bootstrap", 0, "--samples", 20)
    (one, again, other) = (
        evaluated(*words, "--seed", seed, out=tmp_path / "x.json")[1]["scores"]["ms_ssim[20]"] for seed in (0, 0, 1)
    )
    assert one == again != other


def test_sizes_and_colours_must_agree_or_be_said(drawn, tmp_path):
    small = save(digits(size=16).split("test")[0][:20], tmp_path / "small")
    coloured = save(digits(size=28).split("test")[0][:20], tmp_path / "coloured", mode="RGB")
    words = ("evaluate", small, "--data", drawn / "seen", "--metrics", "swd")
    assert "--size: not given" in (told := ganzoo(*words).error)
    assert f"{small}: 16x16; {drawn / 'seen'}: 28x28" in told
    _, found = evaluated(*words[1:], "--size", 16, *BRIEF, out=tmp_path / "s.json")
    resized = found["conditions"]["resize"]
    assert resized["samples"] is None
    assert resized["reference"] == {
        "from": {"28x28": 80},
        "to": "16x16",
        "interpolation": "Lanczos (Pillow)",
        "antialias": True,
        "crop": "middle square",
    }
    words = ("evaluate", coloured, "--data", drawn / "unseen", "--metrics", "swd")
    assert "--channels: some of what is compared is grey" in ganzoo(*words).error
    _, found = evaluated(*words[1:], "--channels", 1, *BRIEF, out=tmp_path / "g.json")
    assert found["conditions"]["reference"]["shape"] == [1, 28, 28]
    assert "shapes (channels, height, width) differ" in ganzoo("evaluate", coloured, "--data", "digits").error
    Image.new("L", (40, 30)).save(tmp_path / "small" / "wide.png")
    assert read_album(str(small), "NAME").sizes() == {"16x16": 20, "40x30": 1}
    for drawn_shape, size, told in (
        ((1, 8, 8), 16, "draws 8x8, which are not resized"),
        ((1, 8, 8), None, "not given"),
    ):
        with pytest.raises(GanzooError, match=told):
            common_shape([read_album(str(small), "NAME")], size, None, drawn_shape)
    assert common_shape([read_album(str(small), "NAME")], 8, None, (1, 8, 8)) == (1, 8, 8)


def test_what_does_not_fit_is_told_in_one_line(drawn, digits_run, tmp_path):
    few = save(digits(size=28).split("test")[0][:4], tmp_path / "few")
    (tmp_path / "empty").mkdir()
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "a.png").write_bytes(b"no picture")
    seen, export = drawn / "seen", digits_run.folder / "export"
    for words, told in (
        ((tmp_path / "nowhere", "--data", seen), "there is no checkpoint, run or folder of pictures"),
        (("wgan-gp-mnits",), "Did you mean 'wgan-gp-mnist'?"),
        ((tmp_path / "empty", "--data", seen), "NAME: no pictures in"),
        ((seen, "--data", tmp_path / "empty"), "--data: no pictures in"),
        ((seen, "--data", broken), "--data: none of the 1 pictures"),
        ((seen, "--data", "mnsit"), "Did you mean 'mnist'?"),
        ((seen,), "--data: not given"),
        ((seen, "--data", seen, "--metrics", "fdi"), "Did you mean 'fid'?"),
        ((seen, "--data", seen, "--metrics", "fid"), "fid needs an extractor"),
        ((seen, "--data", seen, "--features", tmp_path / "x.safetensors"), "no file"),
        ((seen, "--data", seen, "--features", "mnits"), "Did you mean 'mnist'?"),
        (
            (few, "--data", seen, "--features", "mnist", "--metrics", "prdc"),
            "precision needs at least 6 samples, and there are 4; with so few give --metrics fid kid swd",
        ),
        (
            (seen, "--data", few, "--features", "mnist", "--metrics", "prdc", "-k", 4),
            "precision needs at least 5 items of the reference, and there are 4",
        ),
        ((seen, "--data", seen, "--samples", 81), "--samples: 81 given, but"),
        (
            (seen, "--data", seen, "--samples", 1),
            "too little for any score: even swd needs at least 2 samples, and there are 1",
        ),
        ((seen, "--data", seen, "--bootstrap", 1), "--bootstrap: 1"),
        ((tmp_path / "nowhere", "-k", 0), "-k: 0 given, but it must be at least 1"),
        ((tmp_path / "nowhere", "--seed", 10**20), f"--seed: {10**20} given, but it must lie between 0 and 2^63 - 1"),
        ((seen, "--data", seen, "--metrics", "psnr"), "psnr given, but the model makes samples"),
        ((seen, "--data", seen, "--weights", "last"), "--weights: "),
        ((export, "--metrics", "ms_ssim"), "ms_ssim given, but it takes images of at least 11x11"),
        ((export, "--revision", "v2"), "lies on this disk, and only Hub repositories have revisions"),
        ((seen, "--data", seen, "--revision", "v2"), "lies on this disk, and only Hub repositories have revisions"),
        ((export, "--size", 8), "--size: it is for pictures"),
        ((export, "--data", "cifar10"), "shapes (channels, height, width) differ"),
    ):
        assert told in ganzoo("evaluate", *words, "-o", tmp_path / "no.json").error, words
    assert not (tmp_path / "no.json").exists()
    assert "is a folder; name the JSON file" in ganzoo("evaluate", tmp_path / "nowhere", "-o", tmp_path).error


def test_points_are_called_points(tmp_path):
    model = {"class_path": "ganzoo.models.gan.VanillaGAN", "init_args": {}}
    for part in ("generator", "discriminator"):
        arguments = {"shape": [2], "hidden": [16]} | (
            {"latent_dim": 4, "squash": False} if part == "generator" else {"dropout": 0.0}
        )
        name = f"ganzoo.networks.mlp.MLP{part.capitalize()}"
        model["init_args"][part] = {"class_path": name, "init_args": arguments}
    data = {"class_path": "ganzoo.data.Toy2D", "init_args": {"samples": 256}}
    folder_format.save_folder(mlp(), tmp_path / "toy", yaml.safe_dump({"model": model, "data": data}), "# Toy\n", None)
    said, found = evaluated(tmp_path / "toy", "--samples", 100, *BRIEF, out=tmp_path / "toy.json")
    assert " points of " in said
    assert "images" not in said
    assert {interval["of"] for interval in found["intervals"].values()} == {"samples", "samples and reference"}
