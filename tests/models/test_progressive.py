"""Variants that grow, as runs: exact in the middle of a fade, on two processes, recorded, and in another runtime.

Lightning runs this very file as a script for the two processes.
"""

import sys
from pathlib import Path

import onnxruntime
import pytest
import torch
import two_processes
from commands import ganzoo
from equality import alike
from progressive import GAMES, ON_DIGITS, RECIPES
from tape import taped
from tiny import digits, fit

from ganzoo import load
from ganzoo.checkpoints import export_formats
from ganzoo.games.capture import WARM_UP


def main(folder: Path) -> None:
    """Trains each into its last fade in both processes and writes what they end with."""
    torch.set_num_threads(1)
    both = {"devices": 2, "strategy": "ddp_find_unused_parameters_true"}
    models = {name: make(fade=100, stable=50) for name, make in GAMES.items()}
    for model in models.values():
        steps = model.growth.begins[-1] // 50 + 2  # to the middle of the last fade
        run = fit(folder, model, digits(size=16, batch_size=25), steps, **both)
    stages = {name: tuple(model.stage) for name, model in models.items()}
    ending = {"stages": stages, **{name: model.state_dict() for name, model in models.items()}}
    torch.save(ending, folder / f"{run.global_rank}.pt")


@pytest.fixture(scope="module")
def endings(tmp_path_factory):
    """What either process ends with."""
    return two_processes.endings(__file__, tmp_path_factory.mktemp("ddp"))


@pytest.mark.parametrize("name", GAMES)
def test_processes_end_with_identical_weights(name, endings):
    one, other = endings
    assert one["stages"][name][1:] == (16, 0.5)
    assert alike(dict(one[name]), dict(other[name]))
    assert not alike(dict(one[name]), dict(GAMES[name]().state_dict()))


@pytest.fixture(scope="module", params=RECIPES)
def trained(request, tmp_path_factory):
    """A function that trains a recipe by the real command line, and the folder of a whole run."""
    home = tmp_path_factory.mktemp(request.param)
    (home / "grow.yaml").write_text(RECIPES[request.param] + ON_DIGITS)

    def train(runs, *more):
        answer = ganzoo("fit", "--recipe", home / "grow.yaml", "--runs", home / runs, *more)
        assert answer.status == 0, answer.err
        return home / runs / "grow" / "version_0"

    return train, train("whole")


def kept(run):
    """What a run's last checkpoint holds."""
    return torch.load(run / "last.ckpt", weights_only=True)


def test_a_run_that_was_stopped_in_a_fade_ends_in_the_very_same_weights(trained):
    train, whole = trained
    part = kept(train("part", "--trainer.max_steps=4"))
    assert 0 < part["game"]["stage"][2] < 1
    rest = kept(train("part", "--ckpt_path=last", "--trainer.max_steps=16"))
    last = kept(whole)
    assert last["game"]["stage"][1:] == [16, 1.0]
    for key in ("state_dict", "optimizer_states", "global_step"):
        assert alike(last[key], rest[key]), key
    for key in ("images", "images_before", "batches", "stage"):
        assert last["game"][key] == rest["game"][key], key


def test_what_another_runtime_draws_is_what_the_model_draws(trained, tmp_path):
    model = load(trained[1] / "export")  # of the last side, whatever scores smaller images had
    assert model.sample(2).shape == (2, 1, 16, 16)
    answer = ganzoo("export", trained[1] / "export", "--format", "onnx", "-o", tmp_path / "g.onnx")
    assert answer.status == 0, answer.err
    inputs = export_formats.make_function(model).inputs(5, 7)
    session = onnxruntime.InferenceSession(tmp_path / "g.onnx")
    (drawn,) = session.run(None, {name: x.numpy() for name, x in inputs.items()})
    torch.testing.assert_close(torch.from_numpy(drawn), model.sample(5, seed=7), atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", GAMES)
def test_moves_are_recorded_and_replayed_as_they_are_played(name, tmp_path, monkeypatch):
    growth, data = {"fade": 100, "stable": 80}, {"size": 16, "batch_size": 20}
    eager = GAMES[name](**growth)
    fit(tmp_path / "eager", eager, digits(**data), 24)
    tape = taped(monkeypatch)
    recorded = GAMES[name](capture=True, **growth)
    fit(tmp_path / "recorded", recorded, digits(**data), 24)
    stages = 2 * len(recorded.growth.sides) - 1
    assert tape.recorded == 2 * stages  # of both players
    assert tape.replayed == 2 * (24 - WARM_UP * stages)
    assert alike(dict(eager.state_dict()), dict(recorded.state_dict()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
