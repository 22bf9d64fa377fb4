"""Every recipe on disk through the command line, for two steps on tiny data, and every bundled checkpoint."""

import re
import zipfile
from io import BytesIO

import numpy as np
import pytest
import torch
import yaml
from captioned import write_captions, write_emoji
from commands import Run, ganzoo
from idx import write_cifar10, write_mnist
from PIL import Image
from projecting import installed
from safetensors import safe_open
from tunes import write_chorales

from ganzoo import from_recipe, load
from ganzoo.checkpoints import folder_format, loading
from ganzoo.checkpoints.build import make_datamodule
from ganzoo.common import registry
from ganzoo.common.kinds import IMAGES, POINTS
from ganzoo.common.recipe_files import load_recipe
from ganzoo.common.tasks import tasks_of
from ganzoo.games.capabilities import Reconstructs, output_of, taught_classes
from ganzoo.games.reconstructor import Reconstructor
from ganzoo.games.sampler import Sampler
from ganzoo.games.translator import Translator

RECIPES = sorted(registry.RECIPES.glob("*.yaml"))
CHECKPOINTS = sorted(path for path in registry.CHECKPOINTS.glob("*") if path.is_dir())
STEPS = 2
TINY = f"--trainer.max_steps {STEPS} --data.batch_size 8 --quality.samples 50 --grid.samples 4".split()
TINY += ["--trainer.log_every_n_steps", "1", "--trainer.accelerator", "cpu"]
GROWN = "--model.growth.fade 0 --model.growth.stable 1"  # at the last side from the second batch on
NARROW = ("width 8", "groups 4", "blocks 1", "multipliers [1,1,1]", "codes 16", "code_dim 8", "z_channels 8")
CODED = " ".join(f"--model.generator.{argument}" for argument in NARROW)
OF_CODES = " ".join(f"--model.autoencoder.{argument}" for argument in NARROW) + " --model.init {begun}"
OF_CODES += " --model.generator.widths [16,16] --model.generator.groups [2,2] --model.discriminator.widths [16,16]"
OF_CODES += " --model.discriminator.groups [2,2] --model.stabilisers.every 2"
TEXTUAL = "--model.encoder_steps 2 --model.encoder.hidden 8 --model.encoder.word_dim 4 --model.encoder.text_dim 6 "
TEXTUAL += "--model.generator.condition_dim 6 --model.discriminator.condition_dim 6 --model.generator.width 4 "
TEXTUAL += "--model.discriminator.width 4"
DIGITS = f"{TEXTUAL} --data.samples 40"
REFINED = "--model.stage1.condition_dim 6 --model.stage1.width 4 --model.generator.blocks 1 --model.init {begun}"
# recipes that go on from a checkpoint of another one, {begun} in what they are cut down to
BEGUN = {
    "latent_gan_cifar10": "vqgan_cifar10_small",
    "latent_gan_cifar10_small": "vqgan_cifar10_small",
    "stackgan_mnist_small": "stackgan_mnist_stage1_small",
    "stackgan_folder_256": "stackgan_folder",
}
STYLED = "--model.generator.base {0} --model.generator.largest 8 --model.discriminator.base {0} "
STYLED += "--model.discriminator.largest 8 --model.r1_every 2"
# what a recipe is cut down to
SMALLER = {
    "stackgan_mnist_stage1_small": f"{DIGITS} --data.size 16 --quality.metrics [captions_right,r_precision,swd]",
    "stackgan_mnist_small": f"{DIGITS} --data.size 32 --model.generator.low_size 16 --model.stage1.size 16 {REFINED} "
    "--quality.metrics [captions_right,swd]",
    "stackgan_folder": f"{TEXTUAL} --data.size 16",
    "stackgan_folder_256": f"{TEXTUAL} --data.size 32 --model.generator.low_size 16 --model.stage1.size 16 {REFINED}",
    "stackgan_emoji_small": "--data.size 16 --data.held_out 0.4 --model.encoder_steps 2",
    "conv_gan_faces": "--data.size 32 --model.generator.width 4 --model.discriminator.width 4",
    "cyclegan_horse2zebra": "--data.size 32 --model.generator.width 4 --model.back.width 4",
    "projected_gan_faces": "--data.size 64 --model.generator.width 4 --model.discriminator.width 16 "
    "--model.discriminator.mixing 4 --model.discriminator.resolution 64",
    "projected_gan_faces_small": "--model.discriminator.resolution 64",
    "pix2pix_facades": "--data.size 32 --model.generator.size 32 --model.generator.width 4",
    "pix2pix_r1_edges2faces": "--model.stabilisers.every 2",
    "sagan_cifar10": "--model.generator.width 16 --model.discriminator.width 16",
    "sngan_cifar10": "--model.generator.width 16 --model.discriminator.width 16",
    "projection_gan_cifar10": "--model.generator.width 16 --model.discriminator.network.width 16",
    "stylegan_faces": f"--model.generator.base 128 --model.discriminator.base 128 {GROWN} "
    "--model.growth.batch_sizes [8,8,8,8,8]",
    "stylegan_faces_small": f"--model.generator.base 128 --model.discriminator.base 128 {GROWN}",
    "stylegan2_cifar10": "--model.generator.base 256 --model.generator.largest 8 --model.discriminator.base 256 "
    "--model.discriminator.largest 8 --model.r1_every 2",
    "stylegan2_cifar10_conditional": "--model.generator.base 256 --model.generator.largest 8 "
    "--model.discriminator.base 256 --model.discriminator.largest 8 --model.r1_every 2",
    "stylegan2_faces": "--data.size 32 --model.generator.base 512 --model.generator.largest 8 "
    "--model.discriminator.base 512 --model.discriminator.largest 8 --model.r1_every 2 --model.path_every 2",
    "stylegan2_cifar10_small": STYLED.format(256),
    "stylegan2_faces_small": STYLED.format(512),
    "diffusion_gan_cifar10": "--model.generator.base 256 --model.generator.largest 8 --model.discriminator.base 256 "
    "--model.discriminator.largest 8 --model.r1_every 2",
    "diffusion_gan_cifar10_small": STYLED.format(256),
    "ddgan_cifar10": "--model.generator.width 8 --model.generator.blocks 1 --model.discriminator.width 4",
    "ddgan_cifar10_small": "--model.generator.width 4 --model.discriminator.width 4 --quality.samples 20",
    "progan_cifar10": f"--model.generator.base 128 --model.discriminator.base 128 {GROWN}",
    "progan_cifar10_small": f"--model.generator.base 128 --model.discriminator.base 128 {GROWN}",
    "progan_faces": f"--model.generator.base 128 --model.discriminator.base 128 {GROWN}",
    "progan_faces_small": f"--model.generator.base 128 --model.discriminator.base 128 {GROWN}",
    "r3gan_cifar10": "--model.generator.widths [16,16,16,16] --model.generator.groups [2,2,2,2] "
    "--model.discriminator.widths [16,16,16,16] --model.discriminator.groups [2,2,2,2]",
    "vqgan_folder": "--data.root portraits.zip --data.size 32 --data.num_workers 0 --model.generator.width 32 "
    "--model.generator.blocks 1 --model.generator.multipliers [1,1] --model.discriminator.width 4 "
    "--model.discriminator.field 34 --model.content pixels --quality.features cifar10",
    "vqgan_cifar10": f"{CODED} --model.discriminator.width 4 --model.content pixels",
    "vqgan_cifar10_small": f"{CODED} --model.discriminator.width 4 --model.content pixels",
    "latent_gan_cifar10": f"{OF_CODES} --model.generator.channels 8 --model.discriminator.channels 8",
    "latent_gan_cifar10_small": OF_CODES,
    "gansformer_folder": "--data.root portraits.zip --data.size 32 --data.num_workers 0 --model.generator.base 128 "
    "--model.generator.largest 8 --model.discriminator.base 128 --model.discriminator.largest 8 --model.r1_every 2",
    "gansformer_cifar10_small": STYLED.format(128),
    "biggan_cifar10": "--model.generator.width 8 --model.discriminator.width 8",
    "transgan_cifar10": "--model.generator.width 64 --model.generator.depths [1,1,1] --model.generator.window 8 "
    "--model.discriminator.width 32 --model.discriminator.depth 1 --model.discriminator.patch 4",
    "transgan_cifar10_small": "--model.generator.depths [1,1,1] --model.discriminator.depth 1",
    "vitgan_cifar10_small": "--model.generator.depth 1 --model.generator.base 256 --model.generator.largest 8 "
    "--model.discriminator.base 256 --model.discriminator.largest 8",
    "vitgan_cifar10": "--model.generator.dim 16 --model.generator.heads 2 --model.generator.depth 1 "
    "--model.generator.w_dim 16 --model.generator.base 256 --model.generator.largest 8 "
    "--model.discriminator.base 256 --model.discriminator.largest 8",
    "vitgan_cifar10_transformers": "--model.generator.dim 16 --model.generator.heads 2 --model.generator.depth 1 "
    "--model.generator.w_dim 16 --model.generator.hidden 16 "
    "--model.discriminator.dim 16 --model.discriminator.heads 2 --model.discriminator.depth 1",
    "midinet_chorales": "--model.generator.hidden 32 --model.generator.width 16 --model.discriminator.hidden 32",
    "three_d_gan_shapes": "--data.size 16 --data.samples 40 --model.generator.latent_dim 8 "
    "--model.generator.widths [8,4] --model.discriminator.widths [4,8]",
    "three_d_gan_shapes_small": "--data.size 16 --data.samples 40 --model.generator.widths [8,4] "
    "--model.discriminator.widths [4,8]",
    "video_prediction_digits": "--data.size 32 --data.samples 16 --model.generator.widths [[4],[4],[4],[4]] "
    "--model.generator.kernels [[3,3],[3,3],[3,3],[3,3]] --model.discriminator.widths [[4],[4],[4],[4]] "
    "--model.discriminator.kernels [[3],[3],[3],[3]] --model.discriminator.hidden [[8],[8],[8],[8]]",
    "video_prediction_digits_small": "--data.size 32 --data.samples 16",
    "vgan_clips": "--data.size 16 --data.frames 4 --data.scale 1 --model.generator.latent_dim 8 "
    "--model.generator.widths [8,4] --model.discriminator.widths [4,8]",
    "vgan_moving_digits": "--data.size 16 --data.frames 4 --data.samples 40 --model.generator.latent_dim 8 "
    "--model.generator.widths [8,4] --model.discriminator.widths [4,8]",
    "vgan_moving_digits_small": "--data.size 16 --data.frames 4 --data.samples 40 --model.generator.widths [8,4] "
    "--model.generator.back_widths [8,4] --model.discriminator.widths [4,8]",
    "srresnet_folder": "--data.root portraits.zip --data.size 32 --model.generator.width 4 --model.generator.blocks 1",
    "srgan_folder": "--data.root portraits.zip --data.size 32 --model.generator.width 4 --model.generator.blocks 1 "
    "--model.discriminator.size 32 --model.discriminator.width 4 --model.content pixels",
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A root with a little of everything that recipes train on."""
    root = tmp_path_factory.mktemp("data")
    for fashion in (False, True):
        write_mnist(root, 64, 48, fashion)
    for name, shape in {"portraits": (24, 90, 72), "faces192": (24, 96, 96, 3)}.items():
        with zipfile.ZipFile(root / f"{name}.zip", "w") as archive:
            for i, pixels in enumerate(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)):
                file = BytesIO()
                Image.fromarray(pixels).save(file, "PNG")
                archive.writestr(f"{i}.png", file.getvalue())
    with zipfile.ZipFile(root / "clips80.zip", "w") as archive:
        for i, pixels in enumerate(np.random.default_rng(2).integers(0, 256, (48, 20, 24, 3), dtype=np.uint8)):
            file = BytesIO()
            Image.fromarray(pixels).save(file, "PNG")
            archive.writestr(f"{i // 24}/{i}.png", file.getvalue())
    write_chorales(root)
    write_captions(root)
    write_emoji(root)
    for split in ("train", "val"):
        folder = root / "facades" / split
        folder.mkdir(parents=True)
        for i, pixels in enumerate(np.random.default_rng(1).integers(0, 256, (8, 40, 80, 3), dtype=np.uint8)):
            Image.fromarray(pixels).save(folder / f"{i}.jpg")
    for split, count in {"trainA": 9, "trainB": 8, "testA": 2, "testB": 3}.items():
        folder = root / "horse2zebra" / split
        folder.mkdir(parents=True)
        for i, pixels in enumerate(np.random.default_rng(count).integers(0, 256, (count, 40, 40, 3), dtype=np.uint8)):
            Image.fromarray(pixels).save(folder / f"{i}.jpg")
    return root


@pytest.fixture(scope="module", params=RECIPES, ids=lambda path: path.stem)
def trained(request, data, tmp_path_factory):
    """The run of a recipe."""
    if not installed and "networks.projected." in request.param.read_text():
        pytest.skip("pip install 'ganzoo-lightning[imagenet]'")
    runs = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANZOO_DATA", str(write_cifar10(data, 48, patch)))
        patch.setenv("XDG_CACHE_HOME", str(data / "cache"))
        smaller = SMALLER.get(request.param.stem, "")
        if first := BEGUN.get(request.param.stem):  # it goes on from a trained one
            said = ganzoo("fit", "--recipe", first, *TINY, *SMALLER[first].split(), "--runs", runs)
            assert said.status == 0, said.err
            smaller = smaller.format(begun=runs / first / "version_0" / "last.ckpt")
        smaller = smaller.split()
        said = ganzoo("fit", "--recipe", request.param.stem, *TINY, *smaller, "--runs", runs)
    return Run(runs / request.param.stem / "version_0", said)


def test_a_recipe_trains_and_leaves_everything_in_its_folder(trained):
    assert trained.said.status == 0, trained.said.err
    folder = trained.folder
    model = loading.read_training_checkpoint(folder / "last.ckpt")
    pictured = output_of(model) != "classes"
    pictures = ["samples/step_0000000.png", "samples/step_0000002.png", "export/samples.png"] if pictured else []
    for name in ("recipe.yaml", "metrics.csv", "best.ckpt", *pictures):
        assert (folder / name).is_file(), name
    assert torch.load(folder / "last.ckpt", weights_only=True)["global_step"] == STEPS
    assert {*folder_format.FILES} - {path.name for path in (folder / "export").iterdir()} <= {"samples.png"}
    header, *rows = (folder / "metrics.csv").read_text().splitlines()
    columns = header.replace('"', "").split(",")
    assert {"step", "time", "images"} <= set(columns)
    for player in model.players():
        assert f"lr/{player.name}" in columns
        assert [name for name in columns if name.startswith(f"{player.name}/")]
    assert len(rows) >= STEPS


def test_its_tasks_are_those_of_its_model_and_data(trained):
    tasks = {*tasks_of(load_recipe(trained.folder / "recipe.yaml"))}
    model = loading.read_training_checkpoint(trained.folder / "last.ckpt")
    drawn = isinstance(model, Sampler)
    conditioned = drawn and model.supervised and model.condition is not None
    assert ("class-conditional" in tasks) == (drawn and taught_classes(model) > 0)
    assert ("unconditional" in tasks) == (drawn and not conditioned)
    assert "reconstruction" not in tasks or isinstance(model, Reconstructs)
    assert "reconstruction" in tasks or output_of(model) != "reconstructions"
    if output_of(model) == "translations":
        assert len(tasks & {"translation", "super-resolution", "video"}) == 1
    assert (model.kind.name in tasks) == (model.kind not in (IMAGES, POINTS))


def test_its_resolved_recipe_makes_the_same_again(trained):
    file = trained.folder / "recipe.yaml"
    model, data, trainer = from_recipe(str(file), runs=str(trained.folder))
    assert yaml.safe_load(model.recipe) == yaml.safe_load(file.read_text())
    assert (data.batch_size, trainer.max_steps) == (8, STEPS)
    weights = torch.load(trained.folder / "last.ckpt", weights_only=True)["state_dict"]
    made, kept = ({name: tensor.shape for name, tensor in state.items()} for state in (model.state_dict(), weights))
    assert set(made) == set(kept)
    for name, shape in made.items():
        # an image pool takes the data's shape when it sees them
        assert shape == kept[name] or name.partition(".")[0] in getattr(model, "auxiliary", ()), name


def asking(model, folder):
    """What a checkpoint's model makes of the first n of three latent vectors or images, and the shape of one."""
    data = make_datamodule(yaml.safe_load((folder / "recipe.yaml").read_text()))
    if isinstance(model, Sampler):
        return lambda n: model.sample(n, seed=1), data.shape
    x = torch.rand(3, *(data.source_shape or data.shape), generator=torch.Generator().manual_seed(1)) * 2 - 1
    if isinstance(model, Reconstructor):
        return lambda n: model.reconstruct(x[:n]), data.shape
    if isinstance(model, Translator):
        return lambda n: model.translate(x[:n], seed=1), data.shape
    return lambda n: model.classify(x[:n]), (data.n_classes,)


def test_its_checkpoint_answers_with_nothing_else_at_hand(trained):
    model = load(trained.folder / "export")
    answer, shape = asking(model, trained.folder / "export")
    answers = answer(3)
    assert answers.shape == (3, *shape)
    assert answers.isfinite().all()
    if answers.dim() == 4:
        assert answers.abs().max() <= 1
    torch.testing.assert_close(answer(2), answers[:2])
    kept = loading.read_training_checkpoint(trained.folder / "best.ckpt").exported()
    assert set(kept) == set(model.exported())
    for name, module in model.exported().items():
        for key, tensor in module.state_dict().items():
            torch.testing.assert_close(tensor, kept[name].state_dict()[key].half().to(tensor.dtype), rtol=0, atol=0)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_says_how_to_run_it_and_what_to_expect(path):
    first, *lines = path.read_text().splitlines()
    assert re.fullmatch(rf"# ganzoo fit --recipe {path.stem}( .+)?", first)
    for said in ("# Hardware: ", "# Time: ", "# Score: "):
        assert [line for line in lines if line.startswith(said) and line != said.rstrip()], said


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_is_named_after_its_variant_which_cites_its_paper(path):
    variant = registry.variant(registry.model_class_path(path))
    assert path.stem.startswith(variant.module.rpartition(".")[2] + "_")
    assert variant.title.endswith(".")
    assert variant.paper
    assert re.fullmatch(r"(19|20)\d\d", variant.year)
    assert variant.url.startswith("https://")


@pytest.mark.parametrize("folder", CHECKPOINTS, ids=lambda folder: folder.name)
def test_a_bundled_checkpoint_answers_and_describes_itself(folder):
    assert folder.name in registry.list_checkpoints()
    assert {path.name for path in folder.iterdir()} <= {
        *folder_format.FILES,
        "curves.csv",
        "neighbours.png",
        "reconstructions.png",
    }
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 8 * 2**20
    model = load(folder.name)
    answer, shape = asking(model, folder)
    answers = answer(3)
    assert answers.shape == (3, *shape)
    assert answers.abs().max() <= 1 or answers.dim() == 2
    assert answers.std() > 0.1  # it draws something
    assert asking(load(folder.name.replace("-", "_")), folder)[0](3).equal(answers)
    about = yaml.safe_load(model.card.split("---\n")[1])
    assert about["ganzoo"]["recipe"] in registry.list_recipes()
    assert registry.checkpoint_of(about["ganzoo"]["recipe"]) == folder
    scores = about["model-index"][0]["results"][0]["metrics"]
    assert scores
    assert all(f"`{score['name']}`" in model.card for score in scores)
    with safe_open(folder / "model.safetensors", "pt") as weights:
        kinds = {weights.get_tensor(name).dtype for name in weights.keys()}  # noqa: SIM118  # not a dictionary
    assert torch.float16 in kinds
    assert torch.float32 not in kinds


def test_bundled_checkpoints_are_small_together():
    assert sum(path.stat().st_size for path in registry.CHECKPOINTS.rglob("*") if path.is_file()) <= 60 * 2**20
