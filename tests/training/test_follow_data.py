"""Networks take from the data what nobody states, and a recipe's words on its own pictures stay with those."""

import pytest
import yaml
from commands import NARROW, NARROW_INSIDE, SMALL, ganzoo
from picture_folders import paint
from torch import Tensor, nn

from ganzoo import from_recipe, load
from ganzoo.common import registry
from ganzoo.common.data_spec import DataSpec, require_labels
from ganzoo.common.errors import GanzooError
from ganzoo.data import ImageFolder, LowResolution, ShiftedMNIST
from ganzoo.models.dann import DANN
from ganzoo.networks.dcgan import DCGANGenerator
from ganzoo.networks.lenet import Head, LeNetFeatures
from ganzoo.networks.patch import PatchGAN
from ganzoo.training.follow_data import REQUIRED, argument_defaults


class Foreign(nn.Module):
    """A generator of somebody else's; it takes what the data are by the usual names, and has no defaults."""

    def __init__(self, size: int, channels: int, n_classes: int, shape: list[int], latent_dim: int = 3) -> None:
        super().__init__()
        self.shape, self.latent_dim, self.n_classes = (channels, size, size), latent_dim, n_classes
        self.told = shape
        self.net = nn.Linear(latent_dim + n_classes, channels * size**2)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        return self.net(nn.functional.pad(z, (0, self.n_classes))).view(-1, *self.shape).tanh()


class Wide(DCGANGenerator):
    """Passes all but one argument on to its base."""

    def __init__(self, width: int = 5, **options: object) -> None:
        super().__init__(width=width, **options)  # type: ignore[arg-type]


class Grey(DCGANGenerator):
    """Sets an argument of its base's itself."""

    def __init__(self, **options: object) -> None:
        super().__init__(channels=1, **options)  # type: ignore[arg-type]


@pytest.fixture
def pets(tmp_path):
    for name in ("cat", "dog", "owl"):
        paint(tmp_path / "pets" / name, 4)
    return tmp_path / "pets"


def resolved(recipe: str, *options: str, **overrides: object) -> dict:
    """The resolved recipe, all of it stated."""
    model, *_ = from_recipe(recipe, **overrides)
    return yaml.safe_load(model.recipe)


def networks(recipe: dict) -> list[dict]:
    """The arguments of a resolved recipe's generator and discriminator, and of those inside."""
    sections = [recipe["model"]["init_args"][name]["init_args"] for name in ("generator", "discriminator")]
    return [inner for section in sections for inner in (section, section.get("network", {}).get("init_args", {}))]


@pytest.mark.parametrize(("mode", "channels"), [("RGB", 3), ("L", 1)])
@pytest.mark.parametrize("size", [12, 25])
def test_networks_take_size_and_channels_from_the_pictures(tmp_path, mode, channels, size):
    root = paint(tmp_path / "own", mode=mode)
    model, data, _ = from_recipe("dcgan_faces", data__root=root, data__size=size, runs=tmp_path)
    assert data.shape == model.generator.shape == model.discriminator.shape == (channels, size, size)
    recipe = yaml.safe_load(model.recipe)
    assert [(inner["size"], inner["channels"]) for inner in networks(recipe)[::2]] == 2 * [(size, channels)]
    assert recipe["data"]["init_args"]["channels"] == channels


def test_networks_take_the_number_of_classes_from_the_folders(pets, tmp_path):
    recipe = resolved("cgan_mnist", data="ganzoo.data.ImageFolder", data__root=pets, data__size=16, runs=tmp_path)
    generator, inside, discriminator, judge = networks(recipe)
    assert generator["n_classes"] == discriminator["n_classes"] == 3
    assert (inside["channels"], judge["channels"], inside["size"], judge["size"]) == (3, 6, 16, 16)


@pytest.mark.parametrize("name", ["acgan_mnist", "projection_gan_mnist", "projection_gan_cifar10"])
def test_every_conditional_game_asks_its_networks_for_the_datas_classes(name, pets, tmp_path):
    width = {f"model__{path}__width": 4 for path in ("generator", "discriminator__network")}
    small = width if name.endswith("cifar10") else {}
    data = {"data": "ganzoo.data.ImageFolder", "data__root": pets, "data__size": 16}
    model, *_ = from_recipe(name, **data, **small, runs=tmp_path)
    assert (model.n_classes, model.generator.n_classes) == (3, 3)


def test_an_unconditional_game_asks_for_none(tmp_path, pets):
    data = {"data": "ganzoo.data.ImageFolder", "data__root": pets, "data__size": 16}
    small = {"model__generator__width": 4, "model__discriminator__width": 4}
    model, *_ = from_recipe("sngan_cifar10", **data, **small, runs=tmp_path)
    assert (model.generator.n_classes, model.generator.shape) == (0, (3, 16, 16))


@pytest.mark.parametrize("name", ["pix2pix_edges2faces", "srresnet_faces", "began_faces", "vae_mnist", "gan_mnist"])
def test_translators_autoencoders_and_perceptrons_follow_too(name, tmp_path):
    root = paint(tmp_path / "own", 20)
    kind = {} if name.endswith("faces") else {"data": "ganzoo.data.ImageFolder"}
    model, data, _ = from_recipe(name, **kind, data__root=root, data__size=32, runs=tmp_path)
    data.inspect()
    model.fits(data)
    assert data.shape == (3, 32, 32)
    if name.startswith("pix2pix"):
        assert (model.generator.source_shape, model.discriminator.channels) == ((1, 32, 32), 4)


def test_a_way_back_and_an_enlargement_follow_source_and_target():
    from ganzoo.models.cyclegan import CycleGAN
    from ganzoo.networks.resnet_translator import ResNetTranslator
    from ganzoo.networks.srresnet import SRResNetGenerator

    spec = DataSpec((3, 64, 64), (1, 16, 16))
    assert SRResNetGenerator.follow(spec, {}) == {"factor": 4}
    assert ResNetTranslator.follow(spec, {}) == {"channels": 1}
    assert spec.arguments()["out_channels"] == 3
    back = CycleGAN.follow(spec, {})
    assert ResNetTranslator.follow(back["back"], {}) == {"channels": 3}
    assert back["back"].arguments()["out_channels"] == 1
    assert back["discriminator_back"].arguments()["channels"] == 1


def test_what_is_stated_is_left_as_it_is(tmp_path):
    root = paint(tmp_path / "own")
    recipe = resolved("dcgan_faces", data__root=root, model__generator__channels=1, data__size=16, runs=tmp_path)
    assert [inner["channels"] for inner in networks(recipe)[::2]] == [1, 3]
    said = ganzoo(
        "fit", "--recipe", "dcgan_faces", "--data.root", root, "--model.generator.size=16", "--runs", tmp_path / "runs"
    )
    assert said.error.startswith(
        "model.generator: it is made for samples of shape (3, 16, 16), but the data gives (3, 64"
    )
    assert not (tmp_path / "runs").exists()


def test_a_network_of_anybodys_follows_by_the_names_of_its_arguments(pets, tmp_path):
    file = tmp_path / "own.yaml"
    file.write_text(
        "model:\n  class_path: ganzoo.models.gan.VanillaGAN\n  init_args:\n"
        "    generator: test_follow_data.Foreign\n"
        "    discriminator:\n      class_path: ganzoo.networks.conditional.Projection\n"
        "      init_args: {network: ganzoo.networks.mlp.MLPDiscriminator}\n"
        f"data:\n  class_path: ganzoo.data.ImageFolder\n  init_args: {{root: {pets}, size: 9}}\n"
    )
    model, *_ = from_recipe(str(file), runs=tmp_path)
    assert (model.generator.shape, model.generator.told, model.generator.n_classes) == ((3, 9, 9), [3, 9, 9], 3)
    assert (model.discriminator.shape, model.discriminator.n_classes) == ((3, 9, 9), 3)
    model, *_ = from_recipe("dcgan_mnist", model__generator="test_follow_data.Wide", data__size=24, runs=tmp_path)
    assert model.generator.shape == (1, 24, 24)


def test_arguments_are_found_through_those_that_a_class_passes_on():
    assert argument_defaults(Wide) == {"width": 5, "size": 64, "channels": 3, "latent_dim": 100}
    assert argument_defaults(Grey) == {"size": 64, "width": 128, "latent_dim": 100}
    assert argument_defaults(Foreign)["size"] is REQUIRED
    assert argument_defaults(LowResolution)["title"] is None


def test_networks_in_a_list_follow_as_well(tmp_path):
    from jsonargparse import Namespace

    from ganzoo.training.follow_data import of_networks

    patch = Namespace(class_path="ganzoo.networks.patch.PatchGAN", init_args=Namespace(width=4))
    node = Namespace(class_path="test_follow_data.Several", init_args=Namespace(judges=[patch, 3]))
    (leaf,) = of_networks(node, DataSpec((2, 8, 8)))
    assert leaf == ("init_args.judges", [{"class_path": patch.class_path, "init_args": {"width": 4, "channels": 2}}, 3])


class Several(nn.Module):
    """Several judges."""

    def __init__(self, judges: list[PatchGAN]) -> None:
        super().__init__()


@pytest.mark.parametrize("path", sorted(registry.CHECKPOINTS.glob("*-mnist")), ids=lambda path: path.name)
def test_recipes_resolve_to_the_networks_of_their_published_checkpoints(path, tmp_path):
    kept = yaml.safe_load((path / "recipe.yaml").read_text())
    recipe = resolved(path.name.replace("-", "_"), runs=tmp_path)
    for name, section in kept["model"]["init_args"].items():
        if isinstance(section, dict) and ".networks." in section.get("class_path", ""):
            now = recipe["model"]["init_args"][name]
            assert subset(section, now), name


def subset(old: object, new: object) -> bool:
    """Whether everything old is still so; arguments may have been added since."""
    if isinstance(old, dict):
        return isinstance(new, dict) and all(key in new and subset(value, new[key]) for key, value in old.items())
    return old == new


# Classes


@pytest.mark.parametrize("stated", [2, 4])
def test_other_classes_than_the_folders_are_one_line_before_training(pets, tmp_path, stated):
    words = ["--recipe", "cgan_mnist", "--data", "ganzoo.data.ImageFolder", "--data.root", pets, "--data.size=16"]
    words += [f"--model.{network}.n_classes={stated}" for network in ("generator", "discriminator")]
    said = ganzoo("fit", *words, *SMALL, *NARROW_INSIDE, "--runs", tmp_path / "runs")
    assert said.error.startswith(f"model.generator: it is made for {stated} classes, but the data has 3. Leave")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("name", ["cgan_mnist", "acgan_mnist", "projection_gan_mnist"])
def test_a_conditional_game_on_pictures_without_labels_is_one_line(tmp_path, name):
    root = paint(tmp_path / "flat")
    words = ["--recipe", name, "--data", "ganzoo.data.ImageFolder", "--data.root", root, "--runs", tmp_path / "runs"]
    said = ganzoo("fit", *words)
    assert said.error.startswith("model.generator: LabelledGenerator takes labels, but the data has none. Put the")
    stated = [f"--model.generator.n_classes={n}" for n in (3,)]
    if name != "acgan_mnist":
        stated += ["--model.discriminator.n_classes=3"]
    said = ganzoo("fit", *words, *stated)
    assert said.error.startswith("model.generator: it is made for 3 classes, but the data has no labels. Put the")
    assert not (tmp_path / "runs").exists()


def test_compare_says_of_classes_before_it_trains(pets, tmp_path):
    keys = ["data=ganzoo.data.ImageFolder", f"data.root={pets}", "data.size=16", "model.generator.n_classes=2"]
    said = ganzoo("compare", "acgan_mnist", "--runs", tmp_path, "-o", tmp_path / "out", "--set", *keys)
    assert said.error.startswith("model.generator: it is made for 2 classes, but the data has 3.")
    assert not [*tmp_path.glob("acgan_mnist/*")]


def test_labels_that_are_not_there_are_not_asked_for():
    require_labels("model.generator", 0, 3)
    require_labels("model.generator", 3, None)
    require_labels("model.generator", 3, 3)


def test_danns_heads_fit_their_features_and_the_classes(tmp_path):
    features = LeNetFeatures(32, 3, maps=(4, 4))
    with pytest.raises(GanzooError, match=r"model\.classifier\.n_features: 768 given, but the features are 100 long"):
        DANN(features, Head(), Head(100, n_logits=1))
    with pytest.raises(GanzooError, match=r"model\.discriminator\.n_features: 768 given"):
        DANN(features, Head(100), Head(n_logits=1))
    model = DANN(LeNetFeatures(28, 3), Head(n_logits=7), Head(hidden=(9,), n_logits=1))
    with pytest.raises(GanzooError, match=r"model\.classifier: it is made for 7 classes, but the data has 10"):
        model.fits(ShiftedMNIST())
    recipe = resolved("dann_mnist", runs=tmp_path)["model"]["init_args"]
    assert (recipe["classifier"]["init_args"]["n_logits"], recipe["discriminator"]["init_args"]["n_logits"]) == (10, 1)


# What a recipe shows without data


def test_a_recipe_can_be_printed_where_its_data_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("GANZOO_DATA", str(tmp_path))
    said = ganzoo("fit", "--recipe", "dcgan_faces", "--print_config")
    assert (said.status, said.err) == (0, "")
    assert yaml.safe_load(said.out)["model"]["class_path"] == "ganzoo.models.dcgan.DCGAN"
    said = ganzoo("fit", "--recipe", "dcgan_faces", "--data.root", paint(tmp_path / "own"), "--print_config")
    assert networks(yaml.safe_load(said.out))[0]["channels"] == 3
    said = ganzoo("fit", "--recipe", "dcgan_faces", "--runs", tmp_path / "runs")
    assert said.error.startswith("data.root: faces192.zip does not exist")
    assert not (tmp_path / "runs").exists()


def test_a_checkpoint_needs_no_data_to_be_loaded(tmp_path):
    root = paint(tmp_path / "own")
    words = ["--recipe", "dcgan_faces", "--data.root", root, "--data.size=16", *SMALL, *NARROW]
    said = ganzoo("fit", *words, "--runs", tmp_path)
    assert said.status == 0, said.err
    for file in root.iterdir():
        file.unlink()
    assert load(tmp_path / "dcgan_faces" / "version_0" / "export").sample(2, seed=0).shape == (2, 3, 16, 16)


def test_data_made_for_the_networks_is_the_data_that_is_trained_on(tmp_path, monkeypatch):
    looks = []
    inspect = ImageFolder.inspect
    monkeypatch.setattr(ImageFolder, "inspect", lambda self: (looks.append(id(self)), inspect(self))[1])
    _, data, _ = from_recipe("dcgan_faces", data__root=paint(tmp_path / "own"), data__size=16, runs=tmp_path)
    assert set(looks) == {id(data)}
