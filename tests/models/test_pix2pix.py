"""pix2pix: its losses by hand, a discriminator that looks at the source, L1 alone, and dropout as the noise."""

import signal

import pytest
import torch
from idx import write_cifar10
from moves import in_move
from tiny import Each, fit, trainer
from torch.nn.functional import logsigmoid
from translators import Shifts, pix2pix

from ganzoo import from_recipe
from ganzoo.common.errors import GanzooError
from ganzoo.common.images import luma
from ganzoo.games.translator import Translator
from ganzoo.models.pix2pix import Pix2Pix
from ganzoo.networks.patch import PatchGAN, receptive_field
from ganzoo.networks.unet import UNet
from ganzoo.training.callbacks.keep import Last


def pairs(n=4):
    torch.manual_seed(1)
    return torch.rand(n, 1, 32, 32) * 2 - 1, torch.rand(n, 1, 32, 32) * 2 - 1


def test_defaults_are_the_papers():
    model = pix2pix()
    assert isinstance(model, Translator)
    assert (model.l1_weight, model.adv_weight) == (100, 1)
    for player in model.players():
        options = player.optim(player.modules[0].parameters()).defaults
        assert (options["lr"], options["betas"]) == (2e-4, (0.5, 0.999))
    assert not model.averages


def test_the_recipe_that_colours_departs_from_the_paper_as_its_header_says(tmp_path, monkeypatch):
    monkeypatch.setenv("GANZOO_DATA", str(write_cifar10(tmp_path, 64, monkeypatch)))
    model, data, _ = from_recipe("pix2pix_colour_cifar10", runs=tmp_path)
    expected = UNet(size=32, source_channels=1, channels=3, width=64 // 4).parameters()
    assert sum(p.numel() for p in model.generator.parameters()) == sum(p.numel() for p in expected)
    assert (model.generator.source_shape, model.generator.shape) == ((1, 32, 32), (3, 32, 32))
    assert (model.discriminator.channels, receptive_field(model.discriminator)) == (1 + 3, 16)
    assert (model.l1_weight, model.adv_weight, model.lr_factor(0.5), model.lr_factor(0.75)) == (100, 1, 1, 0.5)
    for player in model.players():
        assert player.optim(player.modules[0].parameters()).defaults["lr"] == 5 * 2e-4
    data.setup("fit")
    x, (y, _) = next(iter(data.train_dataloader()))  # with its class
    torch.testing.assert_close(x, luma(y), atol=2 / 255, rtol=0)  # grey is the brightness, rounded to 8 bits


@pytest.mark.parametrize(("l1_weight", "adv_weight"), [(100.0, 1.0), (10.0, 0.5)])
def test_the_generator_descends_adv_plus_lambda_l1(l1_weight, adv_weight):
    model, (x, y) = pix2pix(l1_weight=l1_weight, adv_weight=adv_weight), pairs()
    torch.manual_seed(2)
    terms = in_move(model.g_loss, x, y)
    torch.manual_seed(2)
    fake = model.generator(x)
    logits = model.discriminator(torch.cat([x, fake], 1))
    assert logits.shape == (4, 1, 14, 14)
    torch.testing.assert_close(terms["adv"], -adv_weight * logsigmoid(logits).mean())
    torch.testing.assert_close(terms["l1"], l1_weight * (fake - y).abs().mean())
    assert terms.keys() == {"adv", "l1"}


def test_the_discriminators_objective_is_divided_by_2():
    model, (x, y) = pix2pix(), pairs()
    torch.manual_seed(2)
    terms = in_move(model.d_loss, x, y)
    torch.manual_seed(2)
    fake, judge = model.generator(x), lambda image: model.discriminator(torch.cat([x, image], 1))
    by_hand = -(logsigmoid(judge(y)).mean() + logsigmoid(-judge(fake)).mean()) / 2
    torch.testing.assert_close(terms, {"adv": by_hand})


def test_the_discriminator_looks_at_the_source():
    model, (x, y) = pix2pix(norm="none"), pairs()
    judge = model.open_move().judge
    right, wrong = judge(y, x), judge(y, x.roll(1, 0))
    assert (right - wrong).abs().max() > 0.01 * right.std()
    torch.testing.assert_close(judge(y.roll(1, 0), x.roll(1, 0)), right.roll(1, 0))


def test_it_learns_a_pair_that_the_source_tells(tmp_path):
    model, data = pix2pix(norm="instance", g_lr=5e-3), Shifts(batch_size=8)
    data.setup()
    x, y = next(iter(data.val_dataloader()))
    error = lambda: (model.translate(x, seed=0) - y).abs().mean().item()  # noqa: E731
    before = error()
    fit(tmp_path, model, data, 30)
    assert error() < 0.5 * before
    assert error() < 0.5 * (y.mean() - y).abs().mean()


def test_l1_alone_has_no_discriminator(tmp_path):
    model = pix2pix(adv_weight=0)
    assert [player.name for player in model.players()] == ["g"]
    assert model.discriminator is None
    assert model.exported().keys() == {"generator"}
    assert in_move(model.g_loss, *pairs()).keys() == {"l1"}
    assert fit(tmp_path, model, Shifts(batch_size=8), 3).global_step == 3
    Pix2Pix(UNet(32, 1, 1, width=2), adv_weight=0)
    with pytest.raises(GanzooError, match=r"model\.discriminator: adv_weight is 1\.0, which needs one"):
        Pix2Pix(UNet(32, 1, 1, width=2))


@pytest.mark.parametrize("norm", ["batch", "instance"])
def test_dropout_stays_on_in_translation_and_a_seed_fixes_it(norm):
    model, (x, _) = pix2pix(norm), pairs(5)
    model.generator(x)  # running statistics that are not the initial ones
    first = model.translate(x, seed=3)
    assert first.shape == (5, 1, 32, 32)
    assert torch.equal(model.translate(x, seed=3), first)
    assert not torch.equal(model.translate(x, seed=4), first)
    assert not torch.equal(model.translate(x), model.translate(x))
    torch.testing.assert_close(model.translate(x[:2], seed=3), first[:2])  # an image does not depend on its company
    model.generator.dropout = 0.0
    torch.testing.assert_close(model.translate(x, seed=3), model.translate(x, seed=4))
    assert model.generator.training


def test_a_network_without_noise_will_do_and_translates_alike_every_time():
    torch.manual_seed(0)
    model, (x, _) = Pix2Pix(torch.nn.Conv2d(1, 1, 3, padding=1), PatchGAN(2, 2, 16)), pairs()
    assert torch.equal(model.translate(x), model.translate(x))


@pytest.mark.parametrize(
    ("model", "shapes", "complaint"),
    [
        (pix2pix(), ((1, 64, 64), (1, 64, 64)), r"model\.generator: sources of shape 1x32x32"),
        (pix2pix(), ((3, 32, 32), (1, 32, 32)), r"model\.generator: it is made for images of shape 1x32x32"),
        (pix2pix(field=70), None, None),
        (pix2pix(field=142), ((1, 32, 32),) * 2, r"model\.discriminator: its patches need images of 48 pixels"),
        (
            Pix2Pix(UNet(32, 1, 3, 2), PatchGAN(3)),
            ((3, 32, 32), (1, 32, 32)),
            r"discriminator\.channels: 3 given, but source and target have 4 together",
        ),
        (
            Pix2Pix(torch.nn.Identity(), PatchGAN(2)),
            ((1, 64, 64), (1, 16, 16)),
            "data: source and target differ in size: 1x16x16 and 1x64x64",
        ),
    ],
)
def test_networks_that_do_not_fit_are_refused(model, shapes, complaint):
    if complaint is None:
        model.check((1, 32, 32), (1, 32, 32))
        return
    with pytest.raises(GanzooError, match=complaint):
        model.check(*shapes)


def test_an_interrupted_run_ends_in_the_very_same_weights(tmp_path):
    def run(folder, *callbacks, ckpt_path=None):
        trainer(folder, *callbacks, Last(), max_steps=5).fit(
            pix2pix(), Shifts(batch_size=8, flip=True), ckpt_path=ckpt_path
        )
        return torch.load(folder / "last.ckpt", weights_only=True)

    def interrupt(trainer, model):
        if model.batches == 2:
            signal.raise_signal(signal.SIGINT)

    whole, part = run(tmp_path / "whole"), run(tmp_path / "part", Each(interrupt))
    assert part["global_step"] == 2
    rest = run(tmp_path / "rest", ckpt_path=tmp_path / "part" / "last.ckpt")
    assert rest["global_step"] == whole["global_step"] == 5
    for name, tensor in whole["state_dict"].items():
        assert torch.equal(rest["state_dict"][name], tensor), name
