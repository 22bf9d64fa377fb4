"""What changes when a game is spread over processes, as far as a CPU can tell; and the benchmark of costs."""

import json
from copy import deepcopy

import pytest
import torch
from benchmark import load_benchmark
from commands import DIGITS, ganzoo
from lightning.pytorch.plugins.layer_sync import TorchSyncBatchNorm
from lightning.pytorch.strategies import DDPStrategy
from tiny import conv, digits, fit
from torch import nn

from ganzoo.common.errors import GanzooError
from ganzoo.training import runs
from ganzoo.training.notebook import from_recipe

scaling = load_benchmark("scaling")


def norms(module, kind):
    return [inner for inner in module.modules() if type(inner) is kind]


def test_sync_batch_norm_converts_the_live_and_the_averaged_generator_alike():
    model = conv()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    parameters = list(model.parameters())
    TorchSyncBatchNorm().apply(model)
    for module in (model.generator, model.averaged("generator")):
        assert norms(module, nn.BatchNorm2d) == []
        assert norms(module, nn.SyncBatchNorm)
    after = model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert all(old is new for old, new in zip(parameters, model.parameters(), strict=True))
    average = model.averages["generator"].module
    assert not any(module.training for module in average.modules())
    assert not any(parameter.requires_grad for parameter in average.parameters())


def test_converted_average_follows_parameters_and_buffers():
    model = conv()
    TorchSyncBatchNorm().apply(model)
    live, average = model.generator, model.averaged("generator")
    live(torch.randn(8, 6))
    with torch.no_grad():
        for parameter in live.parameters():
            parameter.add_(1)
    old = deepcopy(average)
    model.averages["generator"].update(live, 1)
    for ours, theirs in zip(average.buffers(), live.buffers(), strict=True):
        assert torch.equal(ours, theirs)
    share = 1 - 2 / 11  # of the live weights in the first update
    for ours, before, theirs in zip(average.parameters(), old.parameters(), live.parameters(), strict=True):
        torch.testing.assert_close(ours, torch.lerp(before, theirs, share))


def test_an_average_that_was_moved_follows_the_buffers_it_then_has():
    model = conv()
    model.averages["generator"].update(model.generator, 1)
    model.double()
    model.generator(torch.randn(8, 6, dtype=torch.double))
    model.averages["generator"].update(model.generator, 2)
    average = model.averaged("generator")
    for ours, theirs in zip(average.buffers(), model.generator.buffers(), strict=True):
        assert torch.equal(ours, theirs)
        assert ours.dtype == theirs.dtype


def test_one_process_trains_a_converted_game_as_it_was_and_back(tmp_path):
    """Without other processes SyncBatchNorm is BatchNorm, and weights fit both."""
    plain, converted = conv(), conv()
    TorchSyncBatchNorm().apply(converted)
    for model in (plain, converted):
        fit(tmp_path, model, digits(batch_size=64), 3)
    for name, tensor in plain.state_dict().items():
        assert torch.equal(tensor, converted.state_dict()[name]), name
    seen = converted.sample(4, seed=0)
    TorchSyncBatchNorm().revert(converted)
    assert norms(converted, nn.SyncBatchNorm) == []
    assert torch.equal(converted.sample(4, seed=0), seen)
    assert torch.equal(plain.sample(4, seed=0), seen)


def test_the_exponent_of_a_power_is_found():
    sizes = [4, 8, 16, 64]
    assert scaling.exponent(sizes, [3 * size**1.7 for size in sizes]) == pytest.approx(1.7)
    assert scaling.exponent(sizes, [5.0] * 4) == pytest.approx(0)
    # least squares: a factor e on the middle of three points that are equally far apart turns nothing
    assert scaling.exponent([1, 2, 4], [1, 4 * 2.718, 16]) == pytest.approx(2)


def test_the_benchmark_measures_and_tells_every_configuration(tmp_path):
    base = scaling.Size(resolution=8, batch=4, width=4)
    sweeps = {"resolution": (8, 16), "batch": (4, 8)}
    rows = scaling.measure(1, base, sweeps, accelerator="cpu")
    assert [(row["resolution"], row["batch"], row["width"]) for row in rows] == [(8, 4, 4), (16, 4, 4), (8, 8, 4)]
    assert all(row[kind] > 0 for row in rows for kind in scaling.GAMES)
    exponents = scaling.fitted(rows, base, sweeps)
    assert exponents.keys() == sweeps.keys()
    results = {"base": vars(base), "sweeps": sweeps, "rows": rows, "exponents": exponents, "rounds": 1}
    text = scaling.table(results | {"versions": {"torch": "2"}, "machine": "a machine", "precision": "32-true"})
    page = tmp_path / "page.md"
    page.write_text(f"before\n{scaling.START}\nold\n{scaling.END}\nafter\n")
    scaling.put(page, text)
    written = page.read_text()
    assert written.startswith("before\n")
    assert written.endswith("after\n")
    assert "old" not in written
    assert f"| 16 | {rows[1]['dcgan']:.1f} | {rows[1]['wgan_gp']:.1f} |" in written
    page.write_text("no markers")
    with pytest.raises(ValueError, match="must hold a line"):
        scaling.put(page, text)


def test_the_page_shows_the_results_that_are_kept():
    results = json.loads(scaling.RESULTS.read_text())
    assert scaling.table(results) in scaling.PAGE.read_text()
    assert {row["resolution"] for row in results["rows"]} == {32, 64, 128, 256}


def test_batch_norm_cannot_be_synchronised_on_the_cpu(tmp_path):
    several = ("--trainer.devices", 2, "--trainer.sync_batchnorm", "true", "--runs", tmp_path)
    said = ganzoo("fit", *DIGITS, *several)
    assert said.error.startswith("trainer.sync_batchnorm: ")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("options", [{"devices": 2}, {"devices": 1, "num_nodes": 2}])
def test_several_processes_let_players_leave_parameters_unused(options, tmp_path):
    trainer = {f"trainer__{name}": number for name, number in options.items()}
    _, _, made = from_recipe("gan_toy", trainer__accelerator="cpu", runs=str(tmp_path), **trainer)
    assert isinstance(made.strategy, DDPStrategy)
    assert made.strategy._ddp_kwargs == {"find_unused_parameters": True}
    assert made.world_size == 2


def test_a_launched_run_does_not_write_over_another(tmp_path, monkeypatch):
    """torchrun calls every run `none` that is given no name."""
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    monkeypatch.setenv("WORLD_SIZE", "2")
    run = runs.make_run_folder(tmp_path)
    assert run == runs.make_run_folder(tmp_path) == tmp_path / "job_none"
    (run / "last.ckpt").touch()
    with pytest.raises(GanzooError, match="holds a run"):
        runs.make_run_folder(tmp_path)
    assert runs.make_run_folder(tmp_path, "other") == tmp_path / "other"
