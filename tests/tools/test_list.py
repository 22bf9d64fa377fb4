"""`ganzoo list`: recipes, their data, and what came of them, filtered."""

import json
import sys
from functools import cache

import pytest
from commands import ganzoo

from ganzoo.checkpoints.hashes import card_metadata
from ganzoo.common import registry
from ganzoo.tools import list as listing


def names(*words):
    return [line.split("  ")[0] for line in ganzoo("list", *words).out.splitlines()[1:]]


def test_it_shows_every_recipe_with_its_variant():
    header, *lines = ganzoo("list").out.splitlines()
    assert header.split() == ["RECIPE", "YEAR", "DATA", "MB", "SCORE", "VARIANT"]
    assert names() == sorted(path.stem for path in registry.RECIPES.glob("*.yaml"))
    (digits,) = [line for line in lines if line.startswith("wgan_gp_digits ")]
    assert digits.split()[1:6] == ["2017", "scikit-learn", "digits", "-", "-"]
    assert digits.endswith("  WGAN-GP: the critic kept near 1-Lipschitz by a penalty on its gradient.")


def test_words_filter_by_name_data_year_and_variant():
    assert {*names("mnist")} >= {name for name in registry.list_recipes() if name.endswith("_mnist")}
    assert "sngan_cifar10" not in names("mnist")
    assert names("Fashion-MNIST") == ["dcgan_fashion_mnist", "gan_fashion_mnist"]
    assert {"dcgan_faces", "srgan_faces", "stylegan2_faces_small"} <= {*names("portraits")}
    assert {"dcgan_cifar10_small", "sngan_cifar10"} <= {*names("cifar-10")} == {*names("cifar10")}
    assert names("wgan-gp", "digits") == ["wgan_gp_digits"]  # all of the words
    assert {"gan_mnist", "vae_mnist"} <= {*names("2014")}
    assert {"dcgan_mnist", "dcgan_faces"} <= {*names("made", "GANs", "train")}


def test_the_trained_are_those_with_a_checkpoint():
    trained = names("--trained")
    assert sorted(registry.checkpoint_of(name).name for name in trained) == registry.list_checkpoints()
    assert all(name in (recipe, f"{recipe}_small") for name in trained for recipe in [name.removesuffix("_small")])
    assert "dragan_mnist" not in names("mnist", "--trained")


@cache
def tasks():
    return {entry["recipe"]: entry["tasks"] for entry in json.loads(ganzoo("list", "--json").out)}


def test_every_recipe_has_a_task_and_help_names_them_all():
    known = {task for own in tasks().values() for task in own}
    assert [name for name, own in tasks().items() if not own] == []
    text = listing.list.__doc__.partition("task: what models are for:")[2].partition(".")[0]
    assert {name.strip() for name in text.replace(" or ", ",").split(",")} == known


@pytest.mark.parametrize(
    ("task", "some", "others"),
    [
        (
            "unconditional",
            ["dcgan_mnist", "vae_mnist", "vgan_clips", "infogan_mnist"],
            ["cgan_mnist", "midinet_chorales"],
        ),
        ("class-conditional", ["cgan_mnist", "biggan_cifar10", "stylegan2_cifar10_conditional"], ["stylegan2_cifar10"]),
        ("translation", ["pix2pix_facades", "cyclegan_mnist"], ["srgan_faces", "video_prediction_digits"]),
        ("super-resolution", ["srgan_faces", "srresnet_folder"], ["pix2pix_facades"]),
        ("reconstruction", ["vae_mnist", "vqgan_cifar10"], ["latent_gan_cifar10"]),
        ("video", ["vgan_clips", "video_prediction_digits"], ["dcgan_mnist"]),
        ("voxels", ["three_d_gan_shapes"], ["vgan_clips"]),
        ("music", ["midinet_chorales"], ["gan_toy"]),
        ("text", ["stackgan_folder", "stackgan_emoji_small", "stackgan_mnist_small"], ["cgan_mnist"]),
        ("domain-adaptation", ["dann_mnist"], ["acgan_mnist"]),
    ],
)
def test_tasks_filter_by_what_models_are_for(task, some, others):
    listed = names("--task", task)
    assert {*some} <= {*listed}
    assert not {*others} & {*listed}
    assert listed == [name for name, own in tasks().items() if task in own]


def test_data_filter_by_a_name_that_is_theirs_before_a_part_of_it():
    faces = names("--data", "faces")
    assert {"dcgan_faces", "stylegan2_faces_small", "srgan_faces"} <= {*faces}
    assert not {"pix2pix_edges2faces", "dcgan_mnist"} & {*faces}
    assert names("--data", "mnist") == names("--data", "MNIST")
    assert "gan_fashion_mnist" not in names("--data", "mnist")
    assert names("--data", "Fashion-MNIST") == ["dcgan_fashion_mnist", "gan_fashion_mnist"]
    assert {"biggan_cifar10", "dcgan_cifar10_small"} <= {*names("--data", "CIFAR-10")} == {*names("--data", "cifar10")}
    assert {"gan_fashion_mnist"} < {*names("--data", "fashion")}
    assert {"srgan_folder", "srresnet_folder"} <= {*names("--data", "LowResolution")}
    assert names("--data", "mnist", "--task", "class-conditional", "--trained") == [
        name for name in ("acgan_mnist", "cgan_mnist", "projection_gan_mnist") if registry.checkpoint_of(name)
    ]


def test_size_and_score_are_those_of_the_checkpoint():
    folder = registry.CHECKPOINTS / "dcgan-faces"
    (line,) = ganzoo("list", "dcgan_faces").out.splitlines()[1:]
    (score,) = card_metadata((folder / "README.md").read_text())["model-index"][0]["results"][0]["metrics"]
    assert f"{score['name']} {score['value']:.4g}" in line
    assert f"{(folder / 'model.safetensors').stat().st_size / 1e6:.1f}" in line


def test_the_score_that_chose_the_checkpoint_comes_first():
    entries = {entry["recipe"]: entry for entry in json.loads(ganzoo("list", "--json").out)}
    assert [*entries] == registry.list_recipes()
    assert next(iter(entries["pix2pix_edges2faces"]["scores"])).startswith(
        "kid"
    )  # its recipe's monitor; the card has l1
    assert entries["gan_toy"]["scores"] == {}
    assert (entries["gan_toy"]["checkpoint"], entries["gan_toy"]["megabytes"]) == (None, None)
    mnist = entries["wgan_gp_mnist"]
    assert (mnist["checkpoint"], mnist["data"], mnist["year"]) == ("wgan-gp-mnist", "MNIST", "2017")
    assert mnist["url"] == "https://arxiv.org/abs/1704.00028"
    assert len(mnist["scores"]) > 1


def test_json_is_filtered_alike():
    assert [entry["recipe"] for entry in json.loads(ganzoo("list", "--json", "faces", "--trained").out)] == names(
        "faces", "--trained"
    )


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["mnits"], ["'mnits'", "'mnist'", "ganzoo list"]),
        (["--json", "wgan", "horses"], ["'horses'"]),
        (["cifar10", "faces"], ["'cifar10' and 'faces'"]),
        (["digits", "--trained"], ["'digits' and a bundled checkpoint"]),
        (["--task", "vidoe"], ["--task", "'vidoe'", "'video'", "translation"]),
        (["--data", "mnits"], ["--data", "'mnits'", "'mnist'"]),
        (["--data", "cifar10", "--task", "video"], ["the task video and the data 'cifar10'"]),
        (["--scores", "--task", "video"], ["--scores"]),
    ],
)
def test_a_filter_that_leaves_nothing_is_one_line(words, parts):
    error = ganzoo("list", *words).error
    assert [part for part in parts if part not in error] == [], error


@pytest.mark.parametrize("columns", [70, 80, 120])
def test_a_terminal_gets_lines_that_fit(columns, monkeypatch):
    class Terminal:
        def isatty(self):
            return True

    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr(sys, "stdout", Terminal())
    lines = listing.list().splitlines()
    monkeypatch.undo()
    assert max(map(len, lines)) <= columns
    header, *lines = lines
    assert header.split()[:4] == ["RECIPE", "YEAR", "DATA", "MB"]
    assert ("SCORE" in header, "VARIANT" in header) == (True, columns == 120)
    assert "ganzoo sample NAME" in " ".join(lines[-3:])


def test_a_card_in_another_form_has_no_scores():
    for card in ("", "# mine\n", "---\nlicense: mit\n---\n", "---\n- [\n---\n", "---\nmodel-index: 3\n---\n"):
        assert listing._scores(card, {}) == {}
