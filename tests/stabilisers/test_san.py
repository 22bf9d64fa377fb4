"""SAN: two losses, neither of which moves what the other learns, and a direction that keeps its length."""

import pytest
import torch
from moves import in_move
from tiny import Each, conv, digits, fit, mlp
from torch import nn

from ganzoo.common.errors import GanzooError
from ganzoo.losses.penalties import r1_penalty
from ganzoo.models.dcgan import DCGAN
from ganzoo.models.gan import VanillaGAN
from ganzoo.models.sngan import SNGAN
from ganzoo.models.stylegan2 import StyleGAN2
from ganzoo.networks.conditional import Projection
from ganzoo.networks.mlp import MLPDiscriminator, MLPGenerator
from ganzoo.networks.resnet import ResNetDiscriminator, ResNetGenerator
from ganzoo.networks.stylegan2 import StyleGAN2Discriminator, StyleGAN2Generator
from ganzoo.stabilisers import SAN
from ganzoo.stabilisers.san import split_layer


def parts(game):
    """w, the scale, and all other parameters of the discriminator."""
    direction = split_layer(game.discriminator).parametrizations.weight
    apart = (direction.original, direction[0].scale)
    return *apart, [p for p in game.discriminator.parameters() if all(p is not each for each in apart)]


def slopes(term, tensors):
    return torch.autograd.grad(term, tensors, retain_graph=True, allow_unused=True)


def test_it_splits_the_layer_and_leaves_the_function_what_it_was():
    for kind in (conv, mlp):
        torch.manual_seed(0)
        plain = kind()
        torch.manual_seed(0)
        game = kind(stabilisers=[SAN()])
        x = torch.randn(3, *game.discriminator.shape)
        torch.testing.assert_close(game.discriminator(x), plain.discriminator(x))
        w, scale, _ = parts(game)
        assert w.norm().item() == pytest.approx(1)
        assert scale.item() == pytest.approx(plain.discriminator.net[-1].weight.norm().item())


@pytest.mark.parametrize("kind", [mlp, conv])
def test_no_loss_moves_what_the_other_learns(kind):
    game = kind(stabilisers=[SAN()])
    x = torch.randn(6, *game.discriminator.shape)
    terms = in_move(game.d_terms, x, None)
    w, scale, others = parts(game)
    assert set(terms) == {"adv", "san"}
    assert slopes(terms["adv"], [w]) == (None,)
    assert all(slope is not None and slope.any() for slope in slopes(terms["adv"], [scale]))
    assert slopes(terms["san"], [scale, *others]) == (None,) * (1 + len(others))
    assert slopes(terms["san"], [w])[0].any()


def test_its_term_is_the_wasserstein_loss_of_features_and_its_gradient_turns_w():
    game = mlp(stabilisers=[SAN()])
    network, x, seen = game.discriminator, torch.randn(6, *game.discriminator.shape), []
    network.net[-1].register_forward_pre_hook(lambda layer, inputs: seen.append(inputs[0].detach()))
    term = in_move(game.d_terms, x, None)["san"]
    real, fake = (h.mean(0) for h in seen)
    w, _, _ = parts(game)
    assert term.item() == pytest.approx((w.flatten() @ (fake - real)).item(), rel=1e-4)
    (slope,) = slopes(term, [w])
    difference = fake - real
    expected = difference - w.flatten().detach() * (difference @ w.flatten().detach())  # at right angles to w
    torch.testing.assert_close(slope.flatten(), expected, rtol=1e-4, atol=1e-6)


def test_w_has_unit_length_after_each_step_and_turns(tmp_path):
    game, lengths = conv(DCGAN, stabilisers=[SAN()], n_critic=2), []
    before = parts(game)[0].detach().clone()
    fit(tmp_path, game, digits(), 4, Each(lambda trainer, model: lengths.append(parts(model)[0].norm().item())))
    assert lengths == pytest.approx([1.0] * 8)
    after = parts(game)[0]
    assert not torch.allclose(before, after)
    assert game.notes.means()["d/san"] < 1


def test_a_penalty_leaves_w_alone_and_the_generator_sees_plain_logits():
    game = mlp(stabilisers=[SAN()])
    x = torch.randn(6, *game.discriminator.shape)
    w, scale, _ = parts(game)
    assert slopes(r1_penalty(game.open_move().judge, x), [w, scale])[0] is None
    terms = in_move(game.g_terms, x, None)
    assert set(terms) == {"adv"}
    assert all(slope.any() for slope in slopes(terms["adv"], list(game.generator.parameters())))


def test_spectral_normalisation_gives_way_and_equalised_layers_are_split_too():
    game = SNGAN(ResNetGenerator(32, 3, 8, 8), ResNetDiscriminator(32, 3, 8), stabilisers=[SAN()])
    assert isinstance(split_layer(game.discriminator), nn.Linear)
    networks = StyleGAN2Generator(32, 3, 8, 8, 2, 64, 8), StyleGAN2Discriminator(32, 3, 64, 8)
    game = StyleGAN2(*networks, stabilisers=[SAN()])
    game.check((3, 32, 32))
    assert in_move(game.d_terms, torch.randn(4, 3, 32, 32), None)["san"].isfinite()


def test_what_has_no_such_layer_is_refused_in_a_line():
    networks = StyleGAN2Generator(32, 3, 8, 8, 2, 64, 8, n_classes=2), StyleGAN2Discriminator(32, 3, 64, 8, n_classes=2)
    with pytest.raises(GanzooError, match=r"SAN needs .* one layer of one output, its last, unlike StyleGAN2D.*none"):
        StyleGAN2(*networks, stabilisers=[SAN()])
    generator = MLPGenerator((1, 8, 8), 4, [8])
    projected = Projection(MLPDiscriminator((1, 8, 8), [8]), 3)
    game = VanillaGAN(generator, projected, stabilisers=[SAN()])
    with pytest.raises(GanzooError, match="logits that are the last layer's output, unlike Projection's"):
        SAN().check(game)
