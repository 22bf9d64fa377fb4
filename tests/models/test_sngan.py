"""SNGAN: the paper's settings and objective, the spectral norm that it insists on, and labels."""

import math

import pytest
import torch
from moves import in_move
from tiny import digits, fit, points
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm
from torch.optim import Adam

from ganzoo.common.errors import GanzooError
from ganzoo.losses import objectives
from ganzoo.models.sngan import SNGAN
from ganzoo.networks.conditional import Projection
from ganzoo.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from ganzoo.networks.mlp import MLPDiscriminator, MLPGenerator
from ganzoo.networks.resnet import ResNetDiscriminator, ResNetGenerator


def normalised(discriminator):
    """Puts spectral norm on every linear layer."""
    for layer in [m for m in discriminator.modules() if isinstance(m, nn.Linear)]:
        spectral_norm(layer)
    return discriminator


def small(**options):
    """A game of small perceptrons on points; the same weights every time."""
    torch.manual_seed(0)
    generator = MLPGenerator([2], latent_dim=4, hidden=(16,), squash=False)
    return SNGAN(generator, normalised(MLPDiscriminator([2], hidden=(32, 32), dropout=0.0)), **options)


def residual(n_classes=0, **options):
    """A game of thin residual networks on 16-pixel images."""
    torch.manual_seed(0)
    generator = ResNetGenerator(16, 1, 4, latent_dim=6, n_classes=n_classes)
    discriminator = ResNetDiscriminator(16, 1, 4)
    return SNGAN(generator, Projection(discriminator, n_classes) if n_classes else discriminator, **options)


def test_defaults_are_the_papers_constants():
    model = small()
    d, g = model.players()
    assert g.every == 5
    for player in (d, g):
        optimizer = player.optim(model.parameters())
        assert type(optimizer) is Adam
        assert (optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["betas"]) == (2e-4, (0.0, 0.9))
        assert player.scheduler is not None
    assert [model.lr_factor(progress) for progress in (0, 0.25, 1)] == [1, 0.75, 0]


def test_learning_rates_fall_linearly_to_zero(tmp_path):
    model = small(n_critic=1)
    run = fit(tmp_path, model, points(), 4)
    assert [optimizer.param_groups[0]["lr"] for optimizer in run.optimizers] == [0, 0]
    model = small(n_critic=1, lr_factor=None)
    run = fit(tmp_path, model, points(), 4)
    assert [optimizer.param_groups[0]["lr"] for optimizer in run.optimizers] == [2e-4, 2e-4]


def test_each_player_descends_the_hinge():
    model, x = small().eval(), torch.randn(16, 2) + 1  # no power iteration moves the discriminator meanwhile
    torch.manual_seed(1)
    fake = model.discriminator(model.fake(16))
    torch.manual_seed(1)
    torch.testing.assert_close(
        in_move(model.d_loss, x, None), {"adv": objectives.hinge_d(model.discriminator(x), fake)}
    )
    torch.manual_seed(1)
    torch.testing.assert_close(in_move(model.g_loss, x, None), {"adv": objectives.hinge_g(fake)})
    assert model.notes.means().keys() == {"d/acc_real", "d/acc_fake"}


def test_labels_reach_both_networks():
    """Real images are judged with their own labels, generated ones with those that they were drawn for."""
    model = residual(n_classes=3).eval()
    nn.init.normal_(model.generator.blocks[0].norm1.embed.weight)
    x, y = torch.randn(4, 1, 16, 16), torch.tensor([0, 1, 2, 1])
    torch.manual_seed(1)
    fake = model.discriminator(model.generator(torch.randn(4, 6), y), y)
    torch.manual_seed(1)
    torch.testing.assert_close(in_move(model.d_loss, x, y)["adv"], objectives.hinge_d(model.discriminator(x, y), fake))
    torch.manual_seed(1)
    torch.testing.assert_close(in_move(model.g_loss, x, y)["adv"], objectives.hinge_g(fake))
    assert not torch.allclose(model.discriminator(x, y), model.discriminator(x, y.flip(0)))
    assert model.sample(5, y=torch.tensor([2, 2, 0, 1, 1]), seed=0).shape == (5, 1, 16, 16)


@pytest.mark.parametrize(
    "discriminator",
    [
        DCGANDiscriminator(16, 1, 4),
        DCGANDiscriminator(16, 1, 4, norm="none"),
        ResNetDiscriminator(16, 1, 4, spectral=False),
        nn.utils.parametrizations.weight_norm(MLPDiscriminator([1, 16, 16]).net[1]),
    ],
    ids=["batch norm", "no norm", "residual", "weight norm"],
)
def test_a_discriminator_without_spectral_norm_is_refused(discriminator):
    with pytest.raises(
        GanzooError, match=r"model\.discriminator: nothing in \w+ is spectrally normalised; .*spectral: true"
    ):
        SNGAN(DCGANGenerator(16, 1, 4), discriminator)


def test_any_discriminator_with_spectral_norm_will_do():
    for discriminator in (
        DCGANDiscriminator(16, 1, 4, norm="none", spectral=True),
        ResNetDiscriminator(16, 1, 4),
        normalised(MLPDiscriminator([1, 16, 16])),
    ):
        model = SNGAN(DCGANGenerator(16, 1, 4), discriminator)
        assert in_move(model.d_loss, torch.zeros(2, 1, 16, 16), None)["adv"].isfinite()


@pytest.mark.parametrize("n_classes", [0, 10])
def test_weights_keep_norm_1_while_they_train_in_bfloat16(tmp_path, n_classes):
    model = residual(n_classes, n_critic=2, d_lr=1e-2)
    weight = dict(model.discriminator.named_parameters())[
        "network." * bool(n_classes) + "linear.parametrizations.weight.original"
    ]
    before = weight.clone()
    run = fit(tmp_path, model, digits(size=16, batch_size=50), 6, precision="bf16-mixed")
    assert run.global_step == 6
    assert all(map(math.isfinite, model.notes.means().values()))
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert not torch.equal(weight, before)
    for layer in model.discriminator.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear | nn.Embedding):
            assert torch.linalg.svdvals(layer.weight.flatten(1))[0].item() == pytest.approx(1, abs=0.1)


def test_samples_move_to_the_data(tmp_path):
    """The data is one blob around (1, 0), the generator begins around the origin."""
    model = small(g_lr=0.005, d_lr=0.01, ema=0.9, n_critic=1, lr_factor=None)
    target = torch.tensor([1.0, 0.0])
    assert (model.sample(500, seed=0).mean(0) - target).norm() > 0.8
    fit(tmp_path, model, points(modes=1, std=0.1), 100)
    assert (model.sample(500, seed=0).mean(0) - target).norm() < 0.25
