"""Conditional StyleGAN2 through the command line: trained, resumed in the middle of everything, sampled by label."""

import numpy as np
import pytest
import torch
from commands import ganzoo
from idx import write_cifar10

from ganzoo import load
from ganzoo.checkpoints.export_formats import export_generator

OPTIONS = [
    *("--recipe", "stylegan2_cifar10_conditional"),
    *("--model.generator.base", 256, "--model.generator.largest", 8, "--model.generator.w_dim", 8),
    *("--model.generator.latent_dim", 8, "--model.discriminator.base", 256, "--model.discriminator.largest", 8),
    *("--model.r1_every", 3, "--model.path_weight", 2, "--model.path_every", 2, "--model.mixing", 0.9),
    *("--model.stabilisers.target", -2.0, "--model.stabilisers.images", 200, "--model.stabilisers.interval", 2),
    *("--data.batch_size", 8, "--quality.samples", 20, "--grid.samples", 4, "--trainer.accelerator", "cpu"),
    *("--trainer.log_every_n_steps", 1, "--trainer.max_steps", 8, "--trainer.val_check_interval", 4),
]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A function that trains, and the folder of a run of 8 updates on 6 batches an epoch."""
    home = tmp_path_factory.mktemp("styles")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANZOO_DATA", str(write_cifar10(home, 48, patch)))
        patch.setenv("XDG_CACHE_HOME", str(home / "cache"))

        def train(runs, *more):
            answer = ganzoo("fit", *OPTIONS, "--runs", home / runs, *more)
            assert answer.status == 0, answer.err
            return home / runs / "stylegan2_cifar10_conditional" / "version_0"

        yield train, train("whole")


def state(run):
    checkpoint = torch.load(run / "last.ckpt", weights_only=True)
    return checkpoint["state_dict"], checkpoint["optimizer_states"]


def test_a_run_that_was_stopped_goes_on_with_adas_p_and_the_mean_of_path_lengths(trained):
    train, whole = trained
    end, optimizers = state(whole)
    lengths, ada = "stabilisers.1.mean", "stabilisers.2.p"
    assert end[ada].item() == pytest.approx(8 * 8 / 200)  # always above target
    part = train("part", "--trainer.limit_train_batches", 5, "--trainer.max_epochs", 1)
    half, _ = state(part)
    assert 0 < half[ada] < end[ada]
    assert half["stabilisers.2.steps"] == 1  # in the middle of an interval
    assert 0 < half[lengths] != end[lengths]
    rest = train("part", "--ckpt_path", "last", "--trainer.limit_train_batches", "1.0", "--trainer.max_epochs", -1)
    weights, resumed = state(rest)
    assert weights.keys() == end.keys()
    assert all(torch.equal(weights[name], end[name]) for name in end)
    for one, other in zip(resumed, optimizers, strict=True):
        assert one["param_groups"] == other["param_groups"]
        for moments, theirs in zip(one["state"].values(), other["state"].values(), strict=True):
            assert all(torch.equal(moments[name], theirs[name]) for name in theirs)


def test_it_is_sampled_by_label(trained, tmp_path):
    _, run = trained
    for label in ("bird", "cat"):
        answer = ganzoo("sample", run, "-n", 3, "--labels", label, "--npz", tmp_path / f"{label}.npz")
        assert answer.status == 0, answer.err
    pictures = [np.load(tmp_path / f"{label}.npz") for label in ("bird", "cat")]
    birds, cats = (next(iter(each.values())) for each in pictures)
    assert birds.shape == (3, 32, 32, 3)
    assert not np.array_equal(birds, cats)


def test_its_export_to_onnx_draws_the_same(trained, tmp_path):
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    _, run = trained
    model = load(run)
    about, difference = export_generator(model, tmp_path / "g.onnx")
    assert difference < 1e-4
    assert (tmp_path / "g.onnx").is_file()
    assert about
