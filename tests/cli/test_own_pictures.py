"""A run on somebody's own pictures, in folders by class: what its card says, and the names that its classes keep."""

import json
import re
import shutil

import numpy as np
import pytest
import torch
from commands import ganzoo
from PIL import Image

import ganzoo as package
from ganzoo.checkpoints.hashes import card_metadata
from ganzoo.checkpoints.licences import UNKNOWN_LICENCE, hub_licence, licence_of, with_licence
from ganzoo.common.curves import read_metrics

SIZE = ["--data.size", 8, "--data.channels", 1, "--data.batch_size", 8, "--data.num_workers", 0]
PARTS = "--model.init_args.{}.init_args.network.init_args.{}"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A conditional GAN's run of two updates on 6 cats, 5 dogs and 7 owls."""
    home = tmp_path_factory.mktemp("own")
    noise = np.random.default_rng(0)
    for name, count in {"cat": 6, "dog": 5, "owl": 7}.items():
        (home / "pets" / name).mkdir(parents=True)
        for i in range(count):
            Image.fromarray(noise.integers(256, size=(8, 8), dtype=np.uint8)).save(home / "pets" / name / f"{i}.png")
    words = ["fit", "--recipe", "cgan_mnist", "--data", "ganzoo.data.ImageFolder", "--data.root", home / "pets", *SIZE]
    for part, channels in {"generator": 1, "discriminator": 1 + 3}.items():
        for name, value in {"size": 8, "channels": channels, "width": 8}.items():
            words += [PARTS.format(part, name), value]
        words += [f"--model.init_args.{part}.init_args.n_classes", 3]
    words += [
        "--quality.features",
        "null",
        "--quality.monitor",
        "null",
        "--quality.samples",
        40,
        "--runs",
        home / "runs",
    ]
    said = ganzoo(*words, "--trainer.max_steps", 2, "--trainer.val_check_interval", 2, "--trainer.accelerator", "cpu")
    assert said.status == 0, said.err
    return home / "runs" / "cgan_mnist" / "version_0", said


@pytest.fixture
def folder(run, tmp_path, monkeypatch):
    """The run, from a folder that holds it."""
    monkeypatch.chdir(run[0].parents[2])
    return run[0].relative_to(run[0].parents[2])


def card(run):
    return (run[0] / "export" / "README.md").read_text()


# The card


def test_the_card_names_the_data_that_was_used_and_counts_it(run):
    about, text = card_metadata(card(run)), card(run)
    assert "- Data: pets, licence: unknown.\n" in text
    assert "- Counts: 18 images to train on; scores refer to 18, the same, for nothing is held out\n" in text
    assert about["license"] == "unknown"
    assert "license_name" not in about
    assert "MNIST" not in text.replace("cgan_mnist", "")
    assert "It is not known under which terms" in text
    assert "pip install ganzoo-lightning" in text
    assert about["model-index"][0]["results"][0]["dataset"] == {"name": "pets", "type": "pets"}


def test_scores_say_the_counts_of_both_sides_in_card_run_and_best_weights(run):
    key = "swd[40/18 train]"
    assert key in card(run)
    assert "Here 40 samples meet the 18 images of `train`." in card(run)
    assert [name for name in read_metrics(run[0] / "metrics.csv") if "[" in name] == [key]
    state = torch.load(run[0] / "best.ckpt", weights_only=True)["callbacks"]
    assert key in {value.get("monitor") for value in state.values()}


def test_the_cards_lines_load_this_very_model_from_where_it_was_written(run, tmp_path, monkeypatch):
    monkeypatch.chdir(run[0].parents[2])
    for out in ("cgan-mnist", tmp_path / "elsewhere" / "cgan-mnist"):  # called like a bundled checkpoint
        assert ganzoo("export", run[0], "-o", out, "--samples", 20).status == 0
        text = (run[0].parents[2] / out / "README.md").read_text()
        (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
        names: dict = {}
        exec(code, names)
        assert names["images"].equal(package.load(run[0].parents[2] / out).sample(16, seed=0))
    assert 'ganzoo.load("./cgan-mnist")' in (run[0].parents[2] / "cgan-mnist" / "README.md").read_text()
    shutil.rmtree("cgan-mnist")


def test_an_own_export_is_not_titled_like_a_bundled_checkpoint(run):
    assert "\n# cgan-mnist-version-0\n" in card(run)


def test_the_run_says_that_the_licence_is_unknown_and_no_time_of_nought(run):
    out = run[1].out
    assert re.search(r"^licence of the data +unknown; --data\.licence says it", out, re.MULTILINE)
    assert not re.search(r"(?<![\d.])0 s\b", out)


# Class names


def test_class_names_are_kept_in_every_kind_of_checkpoint(run):
    for file in (run[0] / "export", run[0] / "best.ckpt", run[0] / "last.ckpt", run[0]):
        assert package.load(file).class_names == ("cat", "dog", "owl")
    assert "- Classes: 0 cat, 1 dog, 2 owl\n" in card(run)
    assert "The classes take turns: cat, dog, owl." in card(run)
    assert card_metadata(card(run))["ganzoo"]["class_names"] == ["cat", "dog", "owl"]


def test_classes_are_named_wherever_labels_are_asked_for(folder, tmp_path):
    for command, by_name, by_number in (
        (["sample", folder, "-n", 4], ["--labels", "owl", "cat"], ["--labels", 2, 0]),
        (["interpolate", folder, "-n", 2, "--steps", 2], ["--labels", "owl"], ["--labels", 2]),
        (["factorise", folder, "--directions", 2], ["--label", "owl"], ["--label", 2]),
        (["arithmetic", folder, "--plus", 1, "--minus", 2], ["--label", "owl"], ["--label", 2]),
    ):
        written = []
        for words in (by_name, by_number):
            out = tmp_path / f"{len(written)}.png"
            assert ganzoo(*command, *words, "-o", out).status == 0
            written.append(out.read_bytes())
        assert written[0] == written[1], command
        error = ganzoo(*command, by_name[0], "owel", "-o", tmp_path / "no.png").err.splitlines()[-1]
        assert "there is no class 'owel'. Did you mean 'owl'? Classes: 0 cat, 1 dog, 2 owl." in error
    assert not (tmp_path / "no.png").exists()


def test_info_shows_a_run_its_weights_its_export_and_a_recipes_file(folder):
    for name in (folder, folder / "export", folder / "last.ckpt"):
        assert "0 cat, 1 dog, 2 owl" in ganzoo("info", name).out
    assert "step 2, " in ganzoo("info", folder).out
    assert "# cgan-mnist-version-0" in ganzoo("info", folder).out
    said = ganzoo("info", folder / "recipe.yaml").out
    assert said.startswith("CGAN: both networks")
    assert "n_classes: 3" in said
    assert "and is none itself; the newest is " in ganzoo("info", folder.parent).error
    (folder.parent / "other.yaml").write_text("a: 1\n")
    assert "is no recipe: it names no model" in ganzoo("info", folder.parent / "other.yaml").error


def test_a_name_goes_before_a_number():
    class Model:
        n_classes, class_names = 3, ("1", "2", "3")

    from ganzoo.common.class_names import class_list, class_numbers, parse_class_names

    assert class_numbers(Model(), ["1", "3", "0"]) == [0, 2, 0]
    assert class_list(("0", "1", "cat")) == "0, 1, 2 cat"
    assert parse_class_names({"class_names": json.dumps(["a", "b"])}, 2) == ("a", "b")
    for nonsense in ("[", "{}", '["a"]', '["a", 1]', json.dumps(["a", "b" * 101]), "[" * 100_000):
        assert parse_class_names({"class_names": nonsense}, 2) == ()


def test_data_that_everybody_knows_name_their_classes():
    from ganzoo.data import CIFAR10, MNIST, Digits, FashionMNIST

    assert MNIST.class_names == Digits.class_names == tuple("0123456789")
    assert (CIFAR10.class_names[3], FashionMNIST.class_names[9]) == ("cat", "Ankle boot")
    for data in (MNIST, Digits, FashionMNIST, CIFAR10):
        assert len(data.class_names) == data.n_classes


# A run in the place of a checkpoint


def test_commands_take_a_run_and_say_what_they_took(folder, tmp_path, caplog):
    assert ganzoo("sample", folder, "-n", 3, "--npz", tmp_path / "a.npz").status == 0
    assert f"'{folder}' is a run: its best.ckpt is taken" in caplog.text
    assert ganzoo("sample", folder / "best.ckpt", "-n", 3, "--npz", tmp_path / "b.npz").status == 0
    a, b = (np.load(tmp_path / name)["samples"] for name in ("a.npz", "b.npz"))
    assert (a == b).all()
    assert ganzoo("gallery", folder, "-o", tmp_path / "page.html").status == 0
    page = re.sub(r"</?span>", "", (tmp_path / "page.html").read_text())
    assert f"its export is taken ({folder}" in caplog.text
    assert f"ganzoo sample ./{folder}/export -n 64" in page
    assert "ganzoo fit" not in page  # with the recipe alone it would learn from other data
    assert "licence of the data" in page
    assert "holds 1 run(s), and is none itself" in ganzoo("sample", folder.parent).error
    words = ("--checkpoints", "--samples", 20, "--set", "data.init_args.root=pets", "-o", tmp_path / "table")
    assert ganzoo("compare", folder, *words).status == 0
    assert "(`cgan-mnist-version-0`)" in (tmp_path / "table" / "comparison.md").read_text()


def test_a_run_without_its_weights_is_its_export(run, tmp_path):
    shutil.copytree(run[0] / "export", tmp_path / "thin" / "export")
    assert package.load(tmp_path / "thin").class_names == ("cat", "dog", "owl")
    shutil.copytree(run[0], tmp_path / "bare", ignore=shutil.ignore_patterns("export", "best.ckpt"))
    assert package.load(tmp_path / "bare").trained
    error = ganzoo("push", tmp_path / "bare", "--repo", "me/it").error
    assert f"write one with ganzoo export {tmp_path / 'bare'} -o FOLDER" in error


# What a push would send


def test_a_dry_run_shows_files_sizes_licence_and_the_card_and_asks_nobody(folder, monkeypatch):
    monkeypatch.setattr("huggingface_hub.HfApi", None)
    said = ganzoo("push", folder / "export", "--repo", "me/pets", "--dry-run", "--private", "-m", "Pets")
    assert said.status == 0, said.err
    size = (folder / "export" / "model.safetensors").stat().st_size
    for words in ("me/pets (private), branch main", "commit      Pets", "licence     unknown; --licence names it"):
        assert words in said.out
    assert re.search(rf"^file +model\.safetensors +{size / 1e3:,.1f} kB$", said.out, re.MULTILINE)
    assert 'ganzoo.load("me/pets")' in said.out
    assert "ganzoo sample me/pets -n 16 --labels cat dog" in said.out
    assert str(folder) not in said.out
    assert "licence     cc-by-4.0\n" in ganzoo(
        "push", folder, "--repo", "me/pets", "--dry-run", "--licence", "CC BY 4.0"
    ).out.replace("CC BY 4.0", "cc-by-4.0")


def test_a_push_of_an_unknown_licence_asks_for_it(folder, monkeypatch):
    words = ("push", folder / "export", "--repo", "me/pets")
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    assert "--licence: the card of" in ganzoo(*words).error
    assert "must be a name, such as cc-by-4.0" in ganzoo(*words, "--licence", " ").error
    sent = []
    monkeypatch.setattr("ganzoo.checkpoints.publishing.push", lambda *given: sent.append(given) or "address")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda prompt: "cc-by-nc-4.0")
    assert ganzoo(*words).out.endswith("address\n")
    assert sent[0][-1] == "cc-by-nc-4.0"


def test_another_licence_changes_the_card_in_words_and_metadata(run):
    text = with_licence(card(run), "CC BY-NC 4.0")
    assert card_metadata(text)["license"] == "cc-by-nc-4.0"
    assert licence_of(text) == "CC BY-NC 4.0"
    assert "- Data: pets, licence: CC BY-NC 4.0.\n" in text
    assert "It is not known under which terms" not in text
    assert card_metadata(text)["ganzoo"] == card_metadata(card(run))["ganzoo"]
    assert hub_licence("my own terms") == {"license": "other", "license_name": "my-own-terms"}
    assert (hub_licence(UNKNOWN_LICENCE), hub_licence("MIT")) == ({"license": "unknown"}, {"license": "mit"})
    assert licence_of("# no card at all") == UNKNOWN_LICENCE
