"""VGAN: its losses, its masks beside samples and in scores, resuming, processes."""

import signal
import sys
from pathlib import Path

import pytest
import torch
import two_processes
from equality import alike
from moves import in_move
from streams import SHAPE, vgan
from tiny import Each, digits, fit, mlp, trainer
from torch.nn.functional import softplus
from toys import Discs

from ganzoo.common.errors import GanzooError
from ganzoo.common.kinds import VIDEO
from ganzoo.drawing.films import with_masks
from ganzoo.drawing.looks import picture
from ganzoo.drawing.previews import Preview
from ganzoo.games.capabilities import HasMasks
from ganzoo.models.gan import VanillaGAN
from ganzoo.models.vgan import VGAN
from ganzoo.networks.mlp import MLPGenerator
from ganzoo.training.callbacks.keep import Last


def clips():
    return Discs(batch_size=8)


def test_the_generator_pays_for_the_mean_of_its_masks_not_for_their_sum():
    model, (x, _) = vgan(), next(iter(clips().val_dataloader()))
    z = torch.randn(8, 6)
    model.latent = lambda n, seed=None: z
    terms = in_move(model.g_loss, x)
    streams = model.generator.streams(z)
    assert terms["mask"].item() == pytest.approx(0.1 * streams.mask.mean().item(), rel=1e-5)
    logits = model.discriminator(streams.compose())
    assert terms["adv"].item() == pytest.approx(softplus(-logits).mean().item(), rel=1e-4)
    assert model.notes.means()["g/mask_mean"] == pytest.approx(streams.mask.mean().item(), rel=1e-5)
    assert in_move(vgan(mask_weight=1.0).g_loss, x)["mask"].item() == pytest.approx(0.5, abs=0.05)


def test_a_heavy_mask_shrinks(tmp_path):
    means = {}
    for weight in (0.0, 30.0):
        model = vgan(mask_weight=weight, g_lr=2e-2, ema=None)
        trainer(tmp_path, max_steps=12).fit(model, clips())
        means[weight] = model.masks(model.space.draw(16, 0)).mean().item()
    assert means[30.0] < means[0.0] - 0.05


def test_masks_are_those_of_the_samples():
    model = vgan()
    points = model.space.draw(5, 3)
    masks, x = model.masks(points), model.render(points)
    assert isinstance(model, HasMasks)
    assert not isinstance(mlp(VanillaGAN), HasMasks)
    assert masks.shape == (5, 1, *SHAPE[1:])
    assert torch.equal(x, model.sample(5, seed=3))
    with torch.no_grad():
        streams = model.averaged("generator").eval().streams(points)
    assert torch.equal(masks, streams.mask)
    assert torch.allclose(x, streams.compose())


def test_previews_show_masks_below_clips():
    model, data = vgan(), clips()
    shown = Preview(data, 2)(model)
    points = model.space.draw(2, 0)
    assert shown is not None
    assert shown.tobytes() == picture(with_masks(model.render(points), model.masks(points)), kind=VIDEO).tobytes()
    alone = picture(model.sample(2, seed=0), kind=VIDEO)
    assert shown.height / shown.width > 1.5 * alone.height / alone.width


def test_it_refuses_images_negative_weights_and_other_generators():
    with pytest.raises(GanzooError, match=r"^model\.generator: it is made for video, but the data are images"):
        vgan().fits(digits())
    with pytest.raises(GanzooError, match=r"^model\.mask_weight"):
        vgan(mask_weight=-1.0)
    with pytest.raises(GanzooError, match=r"^model\.generator: it composes no streams"):
        VGAN(MLPGenerator([*SHAPE], 6, (4,)), vgan().discriminator)


def run(folder, *callbacks, ckpt_path=None):
    trainer(folder, *callbacks, Last(), max_steps=8).fit(vgan(), clips(), ckpt_path=ckpt_path)
    checkpoint = torch.load(folder / "last.ckpt", weights_only=True)
    return {key: checkpoint[key] for key in ("global_step", "state_dict", "optimizer_states", "game")}


def test_an_interrupted_run_ends_in_the_very_same_weights(tmp_path):
    def interrupt(trainer, model):
        if model.batches == 5:
            signal.raise_signal(signal.SIGINT)

    whole = run(tmp_path / "whole")
    run(tmp_path / "part", Each(interrupt))
    assert alike(run(tmp_path / "rest", ckpt_path=tmp_path / "part" / "last.ckpt"), whole)


def train(folder: Path) -> None:
    """Trains on two devices, and saves what this process ends with."""
    model = vgan()
    run = fit(folder, model, Discs(batch_size=4), 6, devices=2, strategy="ddp_find_unused_parameters_true")
    averaged = {name: tensor for name, tensor in model.state_dict().items() if "running" not in name}
    torch.save(averaged, folder / f"{run.global_rank}.pt")


def test_two_processes_end_in_the_same_weights(tmp_path):
    assert alike(*two_processes.endings(__file__, tmp_path))


if __name__ == "__main__":
    train(Path(sys.argv[1]))
