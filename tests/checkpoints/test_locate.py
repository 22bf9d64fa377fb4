"""Names and places: what a name stands for when there is more than one thing of that name."""

import re
from pathlib import Path

import pytest
from commands import ganzoo
from published import publish, tiny_model

import ganzoo as package
from ganzoo.checkpoints.card import Facts, write_card
from ganzoo.common import registry

NAME = "dcgan-faces"  # is bundled


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A checkpoint folder called like a bundled one, in the current folder; it draws images of 8 pixels."""
    monkeypatch.chdir(tmp_path)
    publish(tiny_model(), Path(NAME))
    return Path(NAME)


def test_an_own_folder_goes_before_a_bundled_checkpoint_and_that_is_said(own, caplog, tmp_path):
    assert package.load(NAME).sample(1).shape == (1, 1, 8, 8)
    assert f"'{NAME}' is both here and bundled: the one here is taken ({own.resolve()})" in caplog.text
    for command in (["sample", NAME, "-n", 1, "-o", "a.png"], ["interpolate", NAME, "-o", "b.png"], ["info", NAME]):
        caplog.clear()
        said = ganzoo(*command)
        assert said.status == 0, said.err
        assert "the one here is taken" in caplog.text, command
    assert "# A tiny GAN" in said.out
    assert "813 official portraits" not in said.out
    said = ganzoo("push", NAME, "--repo", "me/it", "--dry-run")
    assert "# A tiny GAN" in said.out
    assert "licence     mit" in said.out


def test_a_path_names_one_thing_and_nothing_is_said(own, caplog, monkeypatch):
    assert package.load(f"./{NAME}").sample(1).shape == (1, 1, 8, 8)
    monkeypatch.chdir(registry.CHECKPOINTS)
    assert package.load(NAME).sample(1).shape == (1, 3, 64, 64)  # here it is the bundled one itself
    assert caplog.text == ""


def test_a_folder_that_is_no_model_does_not_hide_a_bundled_checkpoint(tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    assert ganzoo("sample", NAME, "-n", 2, "-o", NAME).status == 0
    assert package.load(NAME).sample(1).shape == (1, 3, 64, 64)
    assert f"'{NAME}' here is no model: the bundled checkpoint of that name is taken, not ./{NAME}" in caplog.text


def test_a_place_is_called_so_that_it_is_found(own, tmp_path):
    assert registry.name_or_path(own) == f"./{NAME}"
    assert registry.name_or_path(registry.CHECKPOINTS / NAME) == NAME
    assert registry.name_or_path(Path("/elsewhere/x")) == "/elsewhere/x"
    assert registry.title_of(Path("runs/wgan_mnist/version_3/export")) == "wgan-mnist-version-3"


def test_a_path_with_a_space_can_be_pasted():
    facts = Facts(
        *("it", "wgan_mnist", "ganzoo.models.wgan.WGAN", "x", "MIT", "", (1, 8, 8), 4, 6, None, 0, "32-true", "last"),
        *("a machine", {}, {}),
        place="./my models/it",
        class_names=("barn owl", "cat"),
    )
    text = write_card(facts)
    assert "ganzoo sample './my models/it' -n 16 --labels 'barn owl' cat\n" in text
    assert "- Time: not recorded, on a machine" in text
    assert not re.search(r"seconds:", text)
