"""What bad input gets: exit status 2 and one line that names the field, what was given, and the nearest right name."""

import time

import pytest
from commands import ganzoo

from ganzoo import cli
from ganzoo.common import registry
from ganzoo.common.errors import GanzooError

DIGITS_28 = "--recipe gan_mnist --data ganzoo.data.Digits --data.size 28"
MNIST = "--recipe gan_mnist --data.root nowhere --data.download false"


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        # commands and names
        ("valdate --recipe gan_toy", ["'valdate'", "Did you mean 'validate'?"]),
        ("smaple x", ["'smaple'", "Did you mean 'sample'?"]),
        ("sample wgan-gp-mnst", ["'wgan-gp-mnst'", "Bundled: "]),
        ("sample wgan_gp_mnist -m 3", ["unrecognized arguments: -m 3"]),
        ("info gan_tyo", ["'gan_tyo'", "Did you mean 'gan_toy'?"]),
        ("plot nothing_here", ["'nothing_here'", "metrics.csv"]),
        ("export nothing_here -o x", ["'nothing_here'", "best.ckpt"]),
        ("fit", ["--recipe NAME", "ganzoo list"]),
        ("fit --recipe", ["--recipe: ", "ganzoo list"]),
        ("fit --recipe wgan_gp_digit", ["--recipe: ", "'wgan_gp_digit'", "Did you mean 'wgan_gp_digits'?"]),
        ("fit --recipe nothing.yaml", ["--recipe: ", "'nothing.yaml'"]),
        # names and types in a recipe
        ("fit --recipe gan_toy --trainer.max_stepz 3", ["trainer.max_stepz: ", "Did you mean 'trainer.max_steps'?"]),
        ("fit --recipe gan_toy --model.d_lrr 3", ["model.d_lrr: ", "Did you mean 'd_lr'?"]),
        ("fit --recipe gan_toy --data.batch_size few", ["data.batch_size: must be an int, not few."]),
        ("fit --recipe gan_toy --data.batch_size 0", ["data.batch_size: 0 given", "at least 1"]),
        ("fit --recipe gan_toy --save_every 0", ["save_every: ", "at least 1"]),
        ("fit --recipe gan_toy --grid.every 0", ["grid: ", "at least 1"]),
        ("fit --recipe gan_toy --model.optimizer torch.optim.Adm", ["model.optimizer: ", "Did you mean 'Adam'?"]),
        ('fit --recipe gan_toy --model.n_critic {"values":[5,1],"at":[0]}', ["schedule: ", "[5.0, 1.0] at [0.0]"]),
        ('fit --recipe gan_toy --model.lr_factor {"values":[1,0],"at":[1,0]}', ["schedule: ", "[1.0, 0.0]"]),
        ("fit --recipe gan_toy --trainer.accelerator cpu --trainer.devices 3x", ["`devices`"]),
        ("fit --recipe gan_toy --trainer.limit_val_batches 2.5", ["2.5", "limit_val_batches"]),
        ("fit --config missing.yaml", ["missing.yaml"]),
        ("fit --config broken.yaml", ["--config: ", "line 2"]),
        ("fit --recipe broken.yaml", ["--config: ", "line 2"]),
        ("fit --config key.yaml", ["model.d_lrr: ", "Did you mean 'd_lr'?"]),
        ("fit --config section.yaml", ["trianer", "Did you mean 'trainer"]),
        ("fit --config type.yaml", ["data.std: must be a float, not wide."]),
        ("fit --config schedule.yaml", ["schedule: ", "as many values as points"]),
        ("fit --config bare.yaml", ["model"]),
        # what does not fit together, or is not there
        (
            f"fit {MNIST} --data.size 32 --model.generator.shape [1,28,28]",
            ["model.generator: ", "(1, 28, 28)", "(1, 32, 32)"],
        ),
        ("fit --recipe wgan_gp_digits --model.generator.shape [1,9,9]", ["model.generator: ", "(1, 9, 9)"]),
        (f"fit {DIGITS_28} --quality.features mnits", ["features: 'mnits' given", "Did you mean 'mnist'?"]),
        (f"fit {DIGITS_28} --quality.features x.pt", ["features: ", "x.pt"]),
        (f"fit {MNIST}", ["data.root: MNIST is not in ", "/nowhere", "GANZOO_DATA"]),
        ("fit --recipe dcgan_faces --data.root nowhere", ["data.root: nowhere does not exist", "folder or a zip"]),
        ("fit --recipe gan_toy --ckpt_path last", ["--ckpt_path: ", "last.ckpt", "Start a run without --ckpt_path"]),
        ("fit --recipe gan_toy --ckpt_path other.ckpt", ["--ckpt_path: ", "'other.ckpt'"]),
        ("fit --recipe gan_toy --ckpt_path key.yaml", ["--ckpt_path: ", "'key.yaml'", "not a training checkpoint"]),
        ("validate --recipe gan_toy", ["no run under 'runs/gan_toy'", "Train it first: ganzoo fit --recipe gan_toy"]),
        ("test --recipe gan_toy --version 1", ["no run under 'runs/gan_toy/1'", "ganzoo fit --recipe gan_toy"]),
        ("validate --config toy.yaml", ["no run under 'runs/toy'", "Train it first: ganzoo fit --config toy.yaml"]),
        # options that would be ignored
        ("compare gan-mnist --checkpoints --steps 7", ["--steps: ", "leave it out"]),
        ("compare gan-mnist --checkpoints --seeds 3 4", ["--seeds: ", "leave it out"]),
        ("export gan-mnist --format torch_export --weights last -o x.pt2", ["--weights: ", "'gan-mnist' is no run"]),
        ("export nothing_here -o x --revision main", ["--revision: ", "--format"]),
        ("lab --steps -1", ["--steps: -1 given", "at least 1"]),
        ("lab --steps 0", ["--steps: 0 given", "at least 1"]),
        ("predict --recipe gan_toy --ckpt_path best", ["--ckpt_path: ", "best.ckpt"]),
        ("fit --recipe gan_toy --runs key.yaml", ["key.yaml"]),  # a file, where a folder is needed
    ],
)
def test_bad_input_gets_one_line(tmp_path, monkeypatch, words, parts):
    files = {
        "broken.yaml": "model: {class_path: [\n",
        "key.yaml": "model: {class_path: ganzoo.models.gan.VanillaGAN, init_args: {d_lrr: 3}}\n",
        "section.yaml": "trianer: {max_steps: 3}\n",
        "type.yaml": "data: {class_path: ganzoo.data.Toy2D, init_args: {std: wide}}\n",
        "schedule.yaml": (registry.RECIPES / "gan_toy.yaml")
        .read_text()
        .replace("  init_args:\n", "  init_args:\n    n_critic: {values: [5, 1], at: [0]}\n", 1),
        "toy.yaml": (registry.RECIPES / "gan_toy.yaml").read_text(),
        "bare.yaml": "trainer: {max_steps: 3}\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GANZOO_DATA", raising=False)
    begun = time.process_time()
    error = ganzoo(*words.split()).error
    assert [part for part in parts if part not in error] == [], error
    assert time.process_time() - begun < 5
    assert [path for path in tmp_path.rglob("*") if path.suffix in {".ckpt", ".png", ".csv"}] == []
    assert [path for path in tmp_path.rglob("*") if path.is_dir() and not [*path.iterdir()]] == []


def test_debug_shows_the_traceback():
    with pytest.raises(GanzooError, match="wgan_gp_digits"):
        cli.main(["fit", "--recipe", "wgan_gp_digit", "--debug"])
