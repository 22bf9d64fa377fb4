"""The checkpoint folder: what is saved comes back, and what does not fit or is not trusted is refused in one line."""

import hashlib
import os
import re
import sys
from copy import deepcopy

import huggingface_hub
import pytest
import torch
import yaml
from commands import ganzoo
from published import CARD, RECIPE, changed, publish, refusal
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tiny import Each, digits, fit

from ganzoo.checkpoints import build, folder_format, loading
from ganzoo.common import registry
from ganzoo.games.schedules import Schedule
from ganzoo.models.wgan import WGAN
from ganzoo.training.callbacks.keep import Last


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A model of the recipe after a few steps, its run folder, and the checkpoint folder made from it."""
    torch.manual_seed(0)
    home = tmp_path_factory.mktemp("trained")
    model = build.build_model(RECIPE, home)
    model.recipe = RECIPE
    fit(home / "run", model, digits(), 4, Last())
    publish(model, home / "tiny-wgan")
    return model, home / "run", home / "tiny-wgan"


@pytest.fixture
def folder(trained, tmp_path):
    """A checkpoint folder of the test's own to damage; its card has no hashes, as of a careful forger."""
    publish(trained[0], tmp_path / "own")
    (tmp_path / "own" / "README.md").write_text(CARD)
    return tmp_path / "own"


# What is saved comes back


def test_a_saved_model_comes_back_in_half_precision(trained):
    model, _, folder = trained
    loaded = loading.load(folder)
    assert type(loaded) is WGAN
    assert not loaded.training
    assert (loaded.n_critic, loaded.recipe) == (Schedule([2, 1], [0, 0.5]), RECIPE)
    assert loaded.card == (folder / "README.md").read_text()
    for part in ("generator", "discriminator"):
        kept, given = model.averaged(part).state_dict(), getattr(loaded, part).state_dict()
        assert kept.keys() == given.keys()
        for name, tensor in kept.items():
            expected = tensor.half().float() if tensor.is_floating_point() else tensor
            assert torch.equal(given[name], expected), name
            assert given[name].dtype == tensor.dtype
    torch.testing.assert_close(loaded.sample(9, seed=3), model.sample(9, seed=3), rtol=0, atol=0.01)


def test_the_averaged_generator_is_what_is_published(trained):
    model, _, folder = trained
    loaded = loading.load(folder)
    difference = {
        which: max((a - b).abs().max() for a, b in zip(loaded.generator.parameters(), part.parameters(), strict=True))
        for which, part in (("live", model.generator), ("average", model.averaged("generator")))
    }
    assert difference["average"] < 1e-3 < difference["live"]
    for ours, theirs in zip(loaded.generator.parameters(), loaded.averaged("generator").parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_saving_again_changes_no_bit(trained, tmp_path):
    _, _, folder = trained
    publish(loading.load(folder), tmp_path / "again")
    first, second = (load_file(place / "model.safetensors") for place in (folder, tmp_path / "again"))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert (tmp_path / "again" / "recipe.yaml").read_text() == RECIPE
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        folder_format.FILES
    )  # and no temporary file is left


def test_weights_are_half_precision_with_the_format_in_the_header(trained):
    file = trained[2] / "model.safetensors"
    kinds = {tensor.dtype for tensor in load_file(file).values()}
    assert kinds == {torch.float16, torch.int64}
    with safe_open(file, "pt") as handle:
        assert handle.metadata()["ganzoo_format"] == "1"
    assert file.stat().st_mode & 0o777 == 0o644


def test_numbers_beyond_half_precision_are_published_as_they_are(trained, tmp_path):
    model = deepcopy(trained[0])
    bias = model.exported()["generator"].state_dict()["net.0.bias"]
    bias[0] = 70_000.5
    publish(model, tmp_path / "large")
    stored = load_file(tmp_path / "large" / "model.safetensors")
    assert stored["generator.net.0.bias"].dtype == torch.float32
    assert {tensor.dtype for name, tensor in stored.items() if name != "generator.net.0.bias"} == {
        torch.float16,
        torch.int64,
    }
    assert loading.load(tmp_path / "large").generator.state_dict()["net.0.bias"].equal(bias)


def test_a_file_in_place_of_the_folder_is_named(trained, tmp_path):
    (tmp_path / "file").write_text("here")
    for folder in (tmp_path / "file", tmp_path / "file" / "inside"):
        with pytest.raises(OSError, match=r"exists|directory") as error:
            publish(trained[0], folder)
        assert error.value.filename == str(folder)


def test_only_repositories_have_revisions(trained, tmp_path):
    _, run, folder = trained
    for name in ("gan-mnist", folder, run / "last.ckpt"):
        told = refusal(loading.load, name, revision="zzz")
        assert told.startswith(f"revision: 'zzz' given, but '{name}' lies on this disk")
    assert "revision: 'zzz' given" in ganzoo("sample", folder, "--revision", "zzz", "-o", tmp_path / "a.png").error


def test_a_training_checkpoint_loads_without_its_data(trained):
    model, run, _ = trained
    loaded = loading.load(run / "last.ckpt")
    assert not loaded.training
    assert loaded.state_dict().keys() == model.state_dict().keys()
    assert all(torch.equal(tensor, model.state_dict()[name]) for name, tensor in loaded.state_dict().items())
    assert torch.equal(loaded.sample(3, seed=1), model.sample(3, seed=1))
    assert loaded.recipe == RECIPE


@pytest.mark.parametrize("kind", ["folder", "ckpt"])
def test_a_loaded_model_can_be_trained_further(trained, tmp_path, kind):
    _, run, folder = trained
    loaded = loading.load(folder if kind == "folder" else run / "last.ckpt")
    before = [p.clone() for p in loaded.generator.parameters()]
    modes = set()
    note = Each(lambda _, model: modes.add((model.generator.training, model.discriminator.training)))
    assert fit(tmp_path, loaded, digits(), 3, note).global_step == 3
    assert modes == {(True, True)}  # BatchNorm and dropout work as in any training
    assert not any(map(torch.equal, before, loaded.generator.parameters()))


@pytest.mark.parametrize("name", ["tiny-wgan", "tiny_wgan"])
def test_a_bundled_model_loads_by_either_spelling(trained, monkeypatch, name):
    monkeypatch.setattr(registry, "CHECKPOINTS", trained[2].parent)
    assert registry.list_checkpoints() == ["tiny-wgan"]
    assert "# A tiny GAN\n" in loading.load(name).card


def test_the_card_holds_the_hashes_of_what_was_written(trained):
    _, _, folder = trained
    about = yaml.safe_load((folder / "README.md").read_text().split("---\n")[1])
    assert about["license"] == "mit"  # and what it said before
    assert about["ganzoo"]["steps"] == 4
    assert about["ganzoo"]["sha256"] == {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in ("recipe.yaml", "model.safetensors")
    }


def test_a_folder_changed_by_its_owner_loads_once_its_card_says_so(trained, tmp_path):
    publish(trained[0], tmp_path / "own")
    (tmp_path / "own" / "recipe.yaml").write_text(changed("init_args", "g_lr", to=0.5))
    assert f"`ganzoo card {tmp_path / 'own'}` writes the card's hashes anew" in refusal(loading.load, tmp_path / "own")
    said = ganzoo("card", tmp_path / "own")
    assert (said.status, said.out) == (0, f"{tmp_path / 'own' / 'README.md'}\n")
    assert "# A tiny GAN\n" in loading.load(tmp_path / "own").card
    before = (tmp_path / "own" / "README.md").read_text()
    ganzoo("card", tmp_path / "own")
    assert (tmp_path / "own" / "README.md").read_text() == before
    (tmp_path / "own" / "model.safetensors").unlink()
    assert "model.safetensors is missing" in ganzoo("card", tmp_path / "own").error


def test_a_folder_is_replaced_as_a_whole_or_not_at_all(trained, tmp_path):
    class Full:
        def save(self, file):
            raise OSError("no space left")

    publish(trained[0], tmp_path / "own")
    before = {file.name: file.read_bytes() for file in (tmp_path / "own").iterdir()}
    with pytest.raises(OSError, match="no space"):
        folder_format.save_folder(trained[0], tmp_path / "own", changed("init_args", "g_lr", to=0.5), CARD, Full())
    assert {file.name: file.read_bytes() for file in (tmp_path / "own").iterdir()} == before


# What does not fit is refused


def test_an_unknown_name_is_answered_with_the_nearest(trained, monkeypatch):
    monkeypatch.setattr(registry, "CHECKPOINTS", trained[2].parent)
    message = refusal(loading.load, "tiny_wgn")
    assert "no checkpoint 'tiny_wgn'" in message
    assert "Did you mean 'tiny-wgan'?" in message


@pytest.mark.parametrize("name", ["recipe.yaml", "model.safetensors"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    assert f"{name} is missing" in refusal(loading.load, folder)


@pytest.mark.parametrize("share", [0, 0.001, 0.5, 0.999])
def test_truncated_weights_are_refused(folder, share):
    file = folder / "model.safetensors"
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    assert "model.safetensors' is damaged" in refusal(loading.load, folder)


def rewrite(folder, change, version: str | None = "1") -> None:
    file = folder / "model.safetensors"
    weights = load_file(file)
    change(weights)
    save_file(weights, file, {"format": "pt"} | ({} if version is None else {"ganzoo_format": version}))


@pytest.mark.parametrize("version", ["2", None])
def test_another_format_version_is_refused(folder, version):
    rewrite(folder, lambda weights: None, version)
    assert f"format {version}; this ganzoo reads format 1" in refusal(loading.load, folder)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda w: w.pop("generator.project.weight"), "generator.project.weight is missing"),
        (lambda w: w.update({"generator.extra": torch.zeros(2)}), "generator.extra is unknown"),
        (
            lambda w: w.update({"encoder.weight": torch.zeros(2)}),
            "encoder.weight, which the recipe's model does not have",
        ),
        (
            lambda w: w.update({"generator.project.weight": torch.zeros(6, 8, 2, 2)}),
            r"generator.project.weight is .*\(6, 8, 2, 2\), but .* \(6, 8, 4, 4\)",
        ),
        (
            lambda w: w.update({"generator.net.0.bias": torch.zeros(8, dtype=torch.int64)}),
            "generator.net.0.bias is torch.int64",
        ),
    ],
)
def test_weights_of_another_model_are_refused(folder, change, complaint):
    rewrite(folder, change)
    assert re.search(complaint, refusal(loading.load, folder))


def test_a_recipe_of_another_width_is_refused(folder):
    (folder / "recipe.yaml").write_text(changed("init_args", "generator", "init_args", "width", to=16))
    assert re.search(r"weight generator\.[\w.]+ is .* but the recipe's model has", refusal(loading.load, folder))


@pytest.mark.parametrize("text", ["", "a: [", "just text", "data: {}", "model:", "model: {}", "model: []", "\0"])
def test_what_is_no_recipe_is_refused(folder, text):
    (folder / "recipe.yaml").write_text(text)
    assert "recipe.yaml' describes no model" in refusal(loading.load, folder)


@pytest.mark.parametrize(
    ("path", "to", "complaint"),
    [
        (("init_args", "clipp"), 1, r"clipp: .* Did you mean 'clip'"),
        (("init_args", "clip"), "abc", r"model\.clip: .*float.* abc"),
        (("init_args", "accumulate"), 0, r"model\.accumulate: must be at least 1, not 0"),
        (("init_args", "generator", "init_args", "width"), -4, r"negative dimension"),
        (("init_args", "n_critic"), {"values": [1], "at": [2]}, r"schedule: its points must increase"),
        (("init_args", "generator"), 5, r"model\.generator: "),
        (
            ("init_args", "generator", "class_path"),
            "ganzoo.networks.dcgan.Nope",
            r"cannot find ganzoo\.networks\.dcgan\.Nope",
        ),
        (("class_path",), "torch.nn.Linear", r"model: .*torch\.nn\.Linear"),
    ],
)
def test_a_recipe_that_describes_nothing_possible_is_refused(folder, path, to, complaint):
    (folder / "recipe.yaml").write_text(changed(*path, to=to))
    assert re.search(complaint, refusal(loading.load, folder))


def test_a_file_that_is_no_training_checkpoint_is_refused(trained, tmp_path):
    (tmp_path / "text.ckpt").write_text("nothing")
    torch.save({"weights": 1}, tmp_path / "other.ckpt")
    whole = (trained[1] / "last.ckpt").read_bytes()
    (tmp_path / "half.ckpt").write_bytes(whole[: len(whole) // 2])
    for name in ("text", "other", "half"):
        assert "is not a training checkpoint of ganzoo" in refusal(loading.load, tmp_path / f"{name}.ckpt")


class Evil:
    """Unpickling this would leave a file behind."""

    def __init__(self, file) -> None:
        self.file = file

    def __reduce__(self):
        return os.mkdir, (str(self.file),)


def test_a_training_checkpoint_runs_no_code(tmp_path):
    torch.save({"game": {"recipe": RECIPE}, "state_dict": {}, "evil": Evil(tmp_path / "ran")}, tmp_path / "last.ckpt")
    refusal(loading.load, tmp_path / "last.ckpt")
    assert not (tmp_path / "ran").exists()


# What is not trusted is refused before any of it is imported


@pytest.fixture
def evil(tmp_path, monkeypatch):
    """An importable module with a network in it that leaves a trace when it is merely imported."""
    (tmp_path / "evil").mkdir()
    (tmp_path / "evil" / "evil_module.py").write_text(
        f"import pathlib, torch\npathlib.Path({str(tmp_path / 'ran')!r}).touch()\n"
        "class Net(torch.nn.Module):\n    latent_dim = 6\n"
    )
    (tmp_path / "evil" / "net.yaml").write_text("class_path: evil_module.Net\n")
    (tmp_path / "evil" / "net").write_text("class_path: evil_module.Net\n")
    monkeypatch.syspath_prepend(tmp_path / "evil")
    monkeypatch.chdir(tmp_path / "evil")
    monkeypatch.setenv("HOME", str(tmp_path / "evil"))
    yield tmp_path / "ran"
    sys.modules.pop("evil_module", None)


def test_our_own_recipe_is_trusted(trained):
    assert type(folder_format.read_folder(trained[2], trusted=False)) is WGAN


PLACES = [("class_path",), ("init_args", "generator", "class_path"), ("init_args", "optimizer")]


@pytest.mark.parametrize(
    "class_path",
    [
        "os.system",
        "subprocess.Popen",
        "torch.hub.load",
        "torch.load",
        "builtins.eval",
        "evil_module.Net",
        "ganzoo.checkpoints.folder_format.os.system",
        "ganzoo.checkpoints.folder_format.import_module",
        "ganzoo.__main__.Net",
        "torch.nn.init.os.system",
        "torch.nn.functional.relu",
        "torch.nn.Module.__init__",
    ],
)
@pytest.mark.parametrize(
    "place", [("class_path",), ("init_args", "generator", "class_path"), ("init_args", "optimizer")]
)
def test_classes_from_elsewhere_are_not_trusted(evil, class_path, place):
    if place[-1] == "optimizer" and "." not in class_path:
        pytest.skip("no import path")
    recipe = changed(*place, to=class_path)
    assert f"names {class_path}, which is no network or optimizer" in refusal(
        build.build_model, recipe, "there", trusted=False
    )
    assert not evil.exists()


@pytest.mark.parametrize(
    "text",
    [
        '{"class_path": "evil_module.Net"}',
        "class_path: evil_module.Net",
        "{HERE}/net.yaml",
        "{HERE}/net",
        "./net.yaml",
        "~/net.yaml",
        "net",
        "evil_module.Net",
        " evil_module.Net",
        "- evil_module.Net",
        "[evil_module.Net]",
        "évil.Net",
    ],
)
def test_no_text_smuggles_a_class_in(evil, text):
    """The parser takes a string for YAML, or for the name of a file with more YAML, where it stands for an object."""
    recipe = changed("init_args", "generator", to=text.replace("{HERE}", str(evil.parent / "evil")))
    refusal(build.build_model, recipe, "there", trusted=False)
    assert not evil.exists()


def test_a_hub_repository_is_trusted_only_when_told_to(evil, folder, monkeypatch):
    (folder / "recipe.yaml").write_text(changed("init_args", "generator", to={"class_path": "evil_module.Net"}))
    asked = []

    def snapshot(repo, revision, **options):
        asked.append((repo, revision))
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    assert "trust_remote_code=True" in refusal(loading.load, "someone/gan", revision="v2")
    assert not evil.exists()
    refusal(loading.load, "someone/gan", trust_remote_code=True)  # its weights are still not those of such a network
    assert evil.exists()
    assert asked == [("someone/gan", "v2"), ("someone/gan", None)]
