"""`from_recipe` in a notebook: quiet, with classes of one's own, and one line for a mistake."""

import re
import traceback
from pathlib import Path

import pytest
import torch
from commands import process
from own_metrics import Brightness
from tiny import Told

import ganzoo
from ganzoo.common.errors import GanzooError
from ganzoo.networks.mlp import MLPGenerator
from ganzoo.training.recipe_cli import RecipeCLI

TINY = {"trainer.accelerator": "cpu", "quality.samples": 50, "data.samples": 256, "grid.samples": 50}
NOTEBOOK = """
import ganzoo
from ganzoo.models.gan import VanillaGAN
class Mine(VanillaGAN):
    pass
options = {"trainer.max_steps": 2, "trainer.accelerator": "cpu", "quality.samples": 50, "data.samples": 256}
model, data, trainer = ganzoo.from_recipe("gan_toy", options, model=Mine, grid__samples=50)
trainer.fit(model, data)
print(type(model).__name__, tuple(model.sample(3).shape))
"""


def test_a_mistake_is_one_error_without_the_parsers_tracebacks(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wrong = {"trainer.max_stepz": 3, "model.d_lr": "fast", "model.foo": 1, "model.class_path": "nowhere.GAN"}
    for field, value in wrong.items():
        with pytest.raises(GanzooError) as refusal:
            ganzoo.from_recipe("gan_toy", {field: value})
        text = "".join(traceback.format_exception(refusal.value))
        assert text.count("Traceback") == 1
        assert "\n" not in str(refusal.value)
    with pytest.raises(GanzooError, match="Did you mean 'gan_toy'"):
        ganzoo.from_recipe("gan_tyo")
    assert [*tmp_path.iterdir()] == []


def test_classes_stand_for_their_import_paths(tmp_path):
    generator = {"class_path": MLPGenerator, "init_args": {"shape": [2], "latent_dim": 3, "squash": False}}
    words = {**TINY, "model": Told, "quality.metrics": [Brightness, "wasserstein"]}
    model, _, trainer = ganzoo.from_recipe(
        "gan_toy", words, model__generator=generator, model__optimizer=torch.optim.SGD, runs=tmp_path
    )
    assert type(model) is Told
    assert model.generator.latent_dim == 3
    assert [type(optim(model.generator.parameters())) for optim in model.optim.values()] == [torch.optim.SGD] * 2
    assert "class_path: tiny.Told" in model.recipe
    assert "own_metrics.Brightness" in model.recipe
    del trainer


def test_what_no_recipe_can_state_is_refused():
    class Inside(Told):
        pass

    with pytest.raises(GanzooError, match=r"model\.generator: .*give MLPGenerator itself as the class_path"):
        ganzoo.from_recipe("gan_toy", model__generator=MLPGenerator([2]))
    with pytest.raises(GanzooError, match="a class inside a function cannot be imported"):
        ganzoo.from_recipe("gan_toy", model=Inside)
    with pytest.raises(GanzooError, match=r"data\.kind: .*not \{1\}"):
        ganzoo.from_recipe("gan_toy", data__kind={1})


def test_a_notebook_is_told_nothing_but_the_bar(tmp_path):
    cells = Path(tmp_path, "cells.py")
    cells.write_text(NOTEBOOK)
    child = process(cells, cwd=tmp_path)
    out, err = child.communicate(timeout=120)
    assert (child.returncode, out) == (0, "Mine (3, 2)\n"), err
    shown = [line for line in err.replace("\r", "\n").splitlines() if line.strip()]
    assert shown
    assert [line for line in shown if not re.match(r" *\d+%\|", line)] == []


@pytest.mark.parametrize("flag", ["--model tiny.Told", "--model=tiny.Told", "--model.class_path=tiny.Told"])
def test_another_class_takes_the_recipes_networks_and_rates(flag, tmp_path):
    words = ["--config", str(ganzoo.common.registry.find_recipe("gan_toy")), *flag.split(), "--model.d_lr=0.5"]
    cli = RecipeCLI([*words, "--runs", str(tmp_path)], "gan_toy", run=False)
    assert type(cli.model) is Told
    assert cli.model.generator.shape == (2,)
    assert [type(cli.model.discriminator).__name__, cli.model.generator.latent_dim] == ["MLPDiscriminator", 2]
    assert [cli.config.model.init_args[name] for name in ("g_lr", "d_lr")] == [1e-3, 0.5]
