"""Title, licence and source belong to the pictures that are used."""

import pytest
import yaml
from commands import NARROW, SMALL, ganzoo
from picture_folders import paint

from ganzoo import from_recipe
from ganzoo.training.provenance import WORDS, dropped, layers, same_place

RECIPE = {"class_path": "ganzoo.data.ImageFolder", "root": "a.zip", "title": "A", "licence": "MIT"}


def layer(**data):
    return {"data": data, "quality": {}}


def words_of(recipe: str, **overrides: object) -> tuple[str, str, str]:
    """Title, licence and source of the data that a recipe makes."""
    _, data, _ = from_recipe(recipe, **overrides)
    return data.title, data.licence, data.source


@pytest.mark.parametrize(
    ("later", "left_out"),
    [
        ([], []),
        ([layer(size=3)], []),
        ([layer(root="a.zip")], []),
        ([layer(root="b")], ["title", "licence"]),
        ([layer(root="b", licence="CC0")], ["title"]),
        ([layer(root="b", licence="MIT")], ["title"]),  # stated again, of the other pictures
        ([layer(class_path="ganzoo.data.Edges")], ["title", "licence"]),
        ([layer(class_path="Edges", root="b", title="B", licence="")], []),
        ([layer(root="b", title="B"), layer(root="c")], ["title", "licence"]),
        ([layer(root="b", title="B"), layer(licence="CC0")], []),
        ([layer(root="b", title="B"), layer(root="a.zip")], ["title"]),
    ],
)
def test_words_are_dropped_with_the_pictures_that_they_are_about(later, left_out):
    assert dropped([layer(**RECIPE), *later, layer()], "data", WORDS) == left_out


def test_a_recipe_that_names_no_pictures_may_speak_of_those_that_are_given():
    own = {key: value for key, value in RECIPE.items() if key != "root"}
    assert dropped([layer(**own, channels=1), layer(root="b")], "data", [*WORDS, "channels"]) == []
    published = [layer(**own, root=None, channels=1), layer(root="b")]  # where they lay is not published
    assert dropped(published, "data", [*WORDS, "channels"]) == ["title", "licence"]


def test_options_and_files_are_read_in_their_order(tmp_path):
    (tmp_path / "data.yaml").write_text("{class_path: X, init_args: {title: T}}")
    for name, text in {
        "a": "data: {class_path: x.X, init_args: {root: r, title: t}}\nquality: {features: mnist}",
        "b": "data: data.yaml",
        "c": "data: x.Y",
        "d": "- no mapping",
    }.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    files = [word for name in "abcd" for word in ("--config", str(tmp_path / f"{name}.yaml"))]
    options = ["--data.root", "p", "--data.init_args.title=a: b", "--quality.monitor", "swd", "--data.flip=true"]
    a, b, c, d, last = layers(["fit", *files, *options])
    assert a == {"data": {"class_path": "x.X", "root": "r", "title": "t"}, "quality": {"features": "mnist"}}
    assert (b["data"], c["data"], d["data"]) == ({"class_path": "X", "title": "T"}, {"class_path": "x.Y"}, {})
    assert {**last["data"]} == {"root": "p", "title": {"a": "b"}, "flip": True}
    assert last["quality"] == {"monitor": "swd"}
    for option in ('--data={"class_path": "X", "init_args": {"title": "t"}}', "--data.init_args={title: t}"):
        assert layers([option])[-1]["data"]["title"] == "t"
    assert layers(["-c", str(tmp_path / "none.yaml")])[0] == {"data": {}, "quality": {}}


def test_a_path_is_the_same_wherever_it_is_named_from(tmp_path, monkeypatch):
    (tmp_path / "own").mkdir()
    monkeypatch.setenv("GANZOO_DATA", str(tmp_path))
    assert same_place("own", str(tmp_path / "own"))
    assert same_place("own", "own/")
    assert same_place(None, None)
    assert not same_place("own", None)
    assert not same_place("own", str(tmp_path))


def test_other_pictures_have_the_recipes_words_neither_in_a_run_nor_in_its_recipe(tmp_path):
    root = paint(tmp_path / "own")
    assert words_of("dcgan_faces", data__root=root, runs=tmp_path) == ("own", "unknown", "")
    stated = {"data__title": "Ours", "data__licence": "CC BY 4.0", "data__source": "Us."}
    assert words_of("dcgan_faces", data__root=root, **stated, runs=tmp_path) == ("Ours", "CC BY 4.0", "Us.")
    (tmp_path / "portraits.zip").mkdir()
    paint(tmp_path / "portraits.zip")
    other = {"data": "ganzoo.data.LowResolution", "data__root": root}
    assert words_of("srresnet_faces", **other, runs=tmp_path) == ("own", "unknown", "")


def test_a_recipes_own_pictures_keep_its_words_under_any_path(tmp_path, monkeypatch):
    paint(tmp_path / "faces192.zip")  # a folder, whatever it is called
    monkeypatch.setenv("GANZOO_DATA", str(tmp_path))
    for root in ({}, {"data__root": tmp_path / "faces192.zip"}):
        title, licence, source = words_of("dcgan_faces", **root, runs=tmp_path)
        assert (title, licence) == ("Portraits of members of Congress", "public domain")
        assert source.startswith("807 official portraits")


def test_a_run_keeps_its_own_words_when_it_goes_on_and_when_it_is_published(tmp_path):
    root = paint(tmp_path / "own")
    small = [*SMALL, *NARROW, "--data.size=16"]
    said = ganzoo(
        "fit", "--recipe", "dcgan_faces", "--data.root", root, "--data.licence", "MIT", *small, "--runs", tmp_path
    )
    assert said.status == 0, said.err
    run = tmp_path / "dcgan_faces" / "version_0"
    for folder in (run, run / "export"):
        data = yaml.safe_load((folder / "recipe.yaml").read_text())["data"]["init_args"]
        assert [data[name] for name in WORDS] == ["own", "MIT", ""]
    again = ["--config", run / "recipe.yaml", "--ckpt_path", "last", "--trainer.max_steps=2", "--runs", tmp_path]
    said = ganzoo("fit", *again)
    assert said.status == 0, said.err
    assert "Data: own, licence: MIT" in (run / "export" / "README.md").read_text()
    other = paint(tmp_path / "other")
    assert words_of(str(run / "export" / "recipe.yaml"), data__root=other, runs=tmp_path) == ("other", "unknown", "")


def test_evaluate_speaks_of_the_pictures_that_it_was_given(tmp_path):
    root = paint(tmp_path / "own", 8, (64, 64))
    words = [
        "evaluate",
        "dcgan-faces",
        "--root",
        root,
        "--samples",
        4,
        "--metrics",
        "swd",
        "-o",
        tmp_path / "scores.json",
    ]
    said = ganzoo(*words)
    assert said.status == 0, said.err
    reference = yaml.safe_load((tmp_path / "scores.json").read_text())["conditions"]["reference"]
    assert (reference["data"], reference["count"]) == ("own", 8)


def test_a_recipes_extractor_stays_with_its_kind_of_data(tmp_path):
    root = paint(tmp_path / "own")
    recipe = ["--recipe", "dcgan_mnist", "--data", "ganzoo.data.ImageFolder", "--data.root", root, "--data.size=16"]
    said = ganzoo("fit", *recipe, *SMALL, *NARROW, "--runs", tmp_path)
    assert said.status == 0, said.err
    assert "quality: features, monitor of the recipe are for its own data and left out" in said.out
    kept = yaml.safe_load((tmp_path / "dcgan_mnist" / "version_0" / "recipe.yaml").read_text())["quality"]
    assert (kept["features"], kept["monitor"]) == (None, None)
    said = ganzoo("fit", *recipe, *SMALL, *NARROW, "--runs", tmp_path, "--quality.features", "inception_v9")
    assert "inception_v9" in said.error
    *_, model = [from_recipe("dcgan_mnist", data="ganzoo.data.FashionMNIST", runs=tmp_path)[0]]
    assert yaml.safe_load(model.recipe)["quality"]["features"] == "mnist"  # a kind of MNIST


def test_a_root_of_pictures_does_not_follow_to_data_of_another_kind(tmp_path):
    _, data, _ = from_recipe("dcgan_faces", data="ganzoo.data.MNIST", data__size=64, runs=tmp_path)
    assert data.root.name != "faces192.zip"
