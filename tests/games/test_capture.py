"""Recorded moves: what is replayed is what would have been played."""

import logging

import pytest
import torch
from attending import gansformer
from chains import ddgan, noisy
from coders import aae, autoencoder, vae
from projecting import projected_gan
from shades import Shades
from tape import taped
from tiny import conv, digits, fit, mlp, points
from torch import Tensor
from transformers import transgan, vitgan

from ganzoo.games import capture
from ganzoo.games.capture import WARM_UP, CudaGraphs, make_capturable
from ganzoo.games.schedules import Schedule
from ganzoo.models.dcgan import DCGAN
from ganzoo.models.gan import VanillaGAN
from ganzoo.models.wgan import WGAN
from ganzoo.models.wgan_gp import WGANGP
from ganzoo.stabilisers import ADA, SAN, Augmentation

CASES = {
    "dcgan": lambda **o: conv(DCGAN, **o),
    "wgan": lambda **o: mlp(WGAN, n_critic=2, **o),
    "wgan_gp": lambda **o: mlp(WGANGP, n_critic=Schedule([1, 3], [0, 0.5]), **o),
    "lr_schedule": lambda **o: mlp(VanillaGAN, lr_factor=Schedule([1, 0], [0, 1], "linear"), **o),
    "accumulate": lambda **o: mlp(VanillaGAN, accumulate=2, **o),
    "ada, san": lambda **o: conv(
        DCGAN,
        stabilisers=[ADA(-2.0, 400, 2, filtered=True, hue=True, luma_flip=True), SAN()],
        **o,
    ),
    "augmentation": lambda **o: conv(
        DCGAN, stabilisers=[Augmentation(Schedule([0, 1], [0, 1], "linear"), cutout=1.0)], **o
    ),
    "autoencoder": autoencoder,
    "vae": lambda **o: vae(beta=Schedule([0, 1], [0, 1], "linear"), **o),
    "aae": aae,
    "projected_gan": projected_gan,
    "transgan": transgan,
    "vitgan": vitgan,
    "gansformer": lambda **o: gansformer("carried", r1_every=2, path_weight=2.0, path_every=2, **o),
    "diffusion": noisy,
    "ddgan": lambda **o: ddgan(r1_every=1, **o),
}
DATA = {(1, 8, 8): digits, (2,): points, (3, 32, 32): lambda: Shades(batch_size=10)}


@pytest.mark.parametrize("case", CASES)
def test_replayed_moves_train_as_eager_ones(case, tmp_path, monkeypatch):
    eager = CASES[case]()
    data = DATA[tuple(getattr(eager, eager.drawn_by).shape)]
    fit(tmp_path / "eager", eager, data(), 8)
    tape = taped(monkeypatch)
    recorded = CASES[case](capture=True)
    run = fit(tmp_path / "recorded", recorded, data(), 8)
    assert run.global_step == 8
    assert tape.recorded == len(recorded.line_up)
    assert tape.warmed == len(recorded.line_up) * WARM_UP
    assert tape.replayed > tape.recorded
    for name, value in eager.state_dict().items():
        torch.testing.assert_close(recorded.state_dict()[name], value, rtol=0, atol=0, msg=name)
    assert recorded.notes.means().keys() == eager.notes.means().keys()
    for name, number in eager.notes.means().items():
        assert recorded.notes.means()[name] == pytest.approx(number, abs=1e-6), name


def test_what_cannot_be_recorded_runs_eagerly_and_says_so_once(tmp_path, monkeypatch, caplog):
    eager = mlp()
    fit(tmp_path / "eager", eager, points(), 8)
    tape = taped(monkeypatch)

    def refuse(move):
        raise RuntimeError("operation not permitted when stream is capturing\nand much more")

    monkeypatch.setattr(tape, "record", refuse)
    model = mlp(capture=True)
    with caplog.at_level(logging.WARNING, logger=capture.__name__):
        fit(tmp_path / "refused", model, points(), 8)
    said = [r.getMessage() for r in caplog.records if r.name == capture.__name__]
    refusal = "runs eagerly: operation not permitted when stream is capturing"
    assert said == [f"model.capture: the move of {name} {refusal}" for name in "dg"]
    for name, value in eager.state_dict().items():
        assert torch.equal(model.state_dict()[name], value), name


def test_without_a_gpu_the_switch_changes_nothing_but_a_line_in_the_log(tmp_path, caplog):
    with caplog.at_level(logging.WARNING, logger=capture.__name__):
        model = mlp(capture=True)
        fit(tmp_path, model, points(), 2)
    assert [r.getMessage() for r in caplog.records if r.name == capture.__name__] == [
        "model.capture: moves run eagerly: it needs a CUDA device, and this run is on cpu."
    ]


def test_a_schedule_that_a_move_reads_is_a_tensor_set_anew_by_every_batch(tmp_path):
    class Scheduled(VanillaGAN):
        read: list[Tensor]

        def g_loss(self, x, y, move):
            level = self.level(Schedule([0, 1], [0, 1], "linear"))
            self.read.append((level, float(level)))
            return super().g_loss(x, y, move)

    model = mlp(Scheduled)
    model.read = []
    fit(tmp_path, model, points(), 4)
    levels, values = zip(*model.read, strict=True)
    assert values == (0, 0.25, 0.5, 0.75)
    assert len(set(map(id, levels))) == 1


def test_a_capturable_optimizer_reads_nothing_from_the_host():
    weight = torch.nn.Parameter(torch.ones(3))
    optimizer = torch.optim.Adam([weight], lr=0.1)
    weight.grad = torch.ones(3)
    optimizer.step()
    make_capturable(optimizer, torch.device("cpu"))
    (group,) = optimizer.param_groups
    assert group["capturable"]
    assert isinstance(group["lr"], Tensor)
    assert float(group["lr"]) == pytest.approx(0.1)
    assert isinstance(optimizer.state[weight]["step"], Tensor)


@pytest.mark.gpu
@pytest.mark.parametrize("case", CASES)
def test_captured_and_eager_agree_after_100_updates(case, tmp_path):
    models = {}
    for capturing in (False, True):
        models[capturing] = CASES[case](capture=capturing)
        data = DATA[tuple(getattr(models[capturing], models[capturing].drawn_by).shape)]
        fit(tmp_path / str(capturing), models[capturing], data(), 100, accelerator="gpu")
    for name, value in models[False].state_dict().items():
        torch.testing.assert_close(models[True].state_dict()[name], value, rtol=1e-3, atol=1e-4, msg=name)


@pytest.mark.gpu
def test_a_move_that_waits_for_the_host_falls_back(tmp_path, caplog):
    class Waits(VanillaGAN):
        def g_loss(self, x, y, move):
            terms = super().g_loss(x, y, move)
            return terms if terms["adv"].item() > -1e9 else {}

    with caplog.at_level(logging.WARNING, logger=capture.__name__):
        run = fit(tmp_path, mlp(Waits, capture=True), points(), 10, accelerator="gpu")
    assert run.global_step == 10
    assert next(r.getMessage() for r in caplog.records if r.name == capture.__name__).startswith(
        "model.capture: the move of g runs eagerly"
    )


@pytest.mark.gpu
def test_cuda_graphs_replay_what_they_recorded():
    x = torch.zeros(1, device="cuda")
    graphs = CudaGraphs()
    graphs.warm(lambda: x.add_(1))
    replay = graphs.record(lambda: x.add_(1))
    assert x.item() == 1
    replay()
    assert x.item() == 2
