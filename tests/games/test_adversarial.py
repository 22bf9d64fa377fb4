"""Opponents of any game: roles are named, and translators have the stabilisers that GANs have."""

from types import SimpleNamespace

import pytest
import torch
from enlargers import Ramps, srgan
from moves import in_move
from tiny import Negatives, Tint, conv, digits, fit, mlp, points, recolour
from torch import nn

from ganzoo.common.errors import GanzooError
from ganzoo.common.kinds import IMAGES, MUSIC
from ganzoo.games.move import AdversarialMove, Critic, Move
from ganzoo.games.players import Terms
from ganzoo.models.gan import VanillaGAN
from ganzoo.models.pix2pix import Pix2Pix
from ganzoo.networks.mlp import MLPDiscriminator, MLPGenerator
from ganzoo.networks.patch import PatchGAN
from ganzoo.stabilisers import ADA, R1, Consistency, FeatureMatching, ModeSeeking, SoftLabels, Unrolled


class FakesFirst(VanillaGAN):
    """Judges generated samples first, as StyleGAN2's own code does."""

    def d_loss(self, x, y, move: AdversarialMove) -> Terms:
        fake = move.judge(*self.fake_pair(x, y), real=False)
        real = move.judge(*self.real_pair(x, y), real=True)
        return {"adv": self.adversarial_d(real, fake, move)}


def test_augmentation_adapts_to_real_samples_whoever_is_judged_first():
    for kind in (VanillaGAN, FakesFirst):
        ada = ADA(interval=1, images=100)
        game, x = conv(kind, stabilisers=[ada]), torch.zeros(10, 1, 8, 8)
        game.fake = lambda n, y=None: torch.ones(n, 1, 8, 8)
        game.logits = lambda output, view: torch.where(view.flatten(1)[:, 0] == 0, 1.0, -1.0)  # sure, and right
        move = game.open_move()
        game.d_terms(x, None, move)
        game.after_d(move)
        assert ada.p.item() == pytest.approx(0.1), kind.__name__


def test_soft_labels_are_those_of_the_role_whoever_is_judged_first():
    x, terms = torch.randn(8, 2), []
    for kind in (VanillaGAN, FakesFirst):
        game = mlp(kind, stabilisers=[SoftLabels((0.8, 0.8), (0.1, 0.1))])
        game.fake = lambda n, y=None: -x
        terms.append(in_move(game.d_terms, x)["soft"].item())
    assert terms[0] == pytest.approx(terms[1])


def test_a_penalty_is_recorded_under_no_role():
    game, x = mlp(), torch.randn(4, 2)
    move = game.open_move()
    move.judge(x)
    assert (move.real, move.fake) == ([], [])
    move.judge(x, real=True)
    move.judge(x, real=False)
    assert [len(move.real), len(move.fake)] == [1, 1]
    assert move.real[0].x is x


def test_what_is_kept_is_the_mean_over_chunks_of_any_size():
    move = Move()
    for part in ([1.0, 1.0], [4.0]):
        move.begin(len(part) / 3)
        move.keep("size", torch.tensor(part).mean())
    assert move.mean("size").item() == pytest.approx(2)
    assert [kept.item() for kept in move.kept("size")] == [1, 4]
    assert move.kept("other") == []


def test_a_critic_computes_with_the_parameters_that_it_is_given():
    class Doubling(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.factor = nn.Parameter(torch.tensor(2.0))

        def forward(self, x):
            return self.factor * x

        def features(self, x):
            return self.factor + x

    network, x = Doubling(), torch.tensor([3.0])
    other = Critic(network, {"factor": torch.tensor(5.0)})
    assert (Critic(network)(x), Critic(network).call("features", x)) == (6, 5)
    assert (other(x), other.call("features", x)) == (15, 8)
    assert network.factor == 2


# Translators


def pix2pix(**options) -> Pix2Pix:
    torch.manual_seed(0)
    return Pix2Pix(Tint(), PatchGAN(2, 4, 16, norm="none", spectral=True), **options)


def test_super_resolution_trains_against_adaptively_augmented_images(tmp_path):
    ada = ADA(target=-1.0, interval=1, images=24)
    model = srgan(stabilisers=[ada], d_lr=0.01)
    fit(tmp_path, model, Ramps(batch_size=8), 4)
    assert {"d/adv", "g/adv", "g/content", "d/ada_p", "d/ada_r"} <= model.notes.means().keys()
    assert ada.p > 0
    assert "stabilisers" not in model.exported()


def test_both_of_source_and_image_are_augmented_as_one():
    """What the patch discriminator sees of a pair is moved by one and the same map."""
    ada = ADA()
    ada.p.fill_(1)
    game, x = pix2pix(stabilisers=[ada]), torch.randn(6, 1, 16, 16)
    seen = []
    game.discriminator.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    ada.colour = lambda images: images
    game.open_move().judge(x, x, real=True)
    assert not torch.equal(seen[0][:, :1], x)
    torch.testing.assert_close(seen[0][:, 0], seen[0][:, 1])


@pytest.mark.parametrize("every", [1, 3])
def test_image_translation_trains_under_spectral_norm_and_r1(tmp_path, every):
    model = pix2pix(stabilisers=[R1(gamma=2.0, every=every)])
    run = fit(tmp_path, model, Negatives(), 3)
    noted = model.notes.means()
    assert {"d/adv", "g/adv", "g/l1", "d/r1" if every == 1 else "r1/r1"} <= noted.keys()
    assert run.global_step == 3
    weight = model.discriminator.net[0].weight.flatten(1)
    assert torch.linalg.matrix_norm(weight, 2).item() == pytest.approx(1, rel=0.1)


def test_r1_is_the_squared_slope_of_the_discriminator_at_real_samples():
    class Slope(nn.Module):
        def forward(self, x):
            return 3 * x.flatten(1).sum(1)

    game, x = mlp(stabilisers=[R1(gamma=4.0)]), torch.randn(5, 2)
    game.discriminator = Slope()
    assert in_move(game.d_terms, x)["r1"].item() == pytest.approx(4 / 2 * 2 * 3**2)
    lazy = mlp(stabilisers=[R1(gamma=4.0, every=16)])
    lazy.discriminator = Slope()
    assert "r1" not in in_move(lazy.d_terms, x)
    _, player, _ = lazy.players()
    assert (player.name, player.shares, player.every, player.lazy) == ("r1", "d", 16, True)
    assert player.loss(x, None, lazy.open_move())["r1"].item() == pytest.approx(16 * 4 / 2 * 2 * 3**2)


def test_generators_of_translators_move_on_every_nth_batch(tmp_path):
    model = recolour(n_critic=3)
    run = fit(tmp_path, model, Negatives(), 2)
    updates = [{int(state["step"]) for state in optimizer.state.values()} for optimizer in run.optimizers]
    assert updates == [{6}, {2}]


@pytest.mark.parametrize(
    ("stabiliser", "words"),
    [
        (ModeSeeking(), "ModeSeeking needs latent vectors; Pix2Pix has none"),
        (SoftLabels(), "SoftLabels is for logistic losses"),
        (FeatureMatching(), "needs a discriminator with `features`, unlike PatchGAN"),
    ],
)
def test_a_stabiliser_that_does_not_suit_a_translator_says_why(stabiliser, words):
    with pytest.raises(GanzooError, match=words):
        pix2pix(stabilisers=[stabiliser]).check((1, 16, 16), (1, 16, 16))


@pytest.mark.parametrize("stabiliser", [Consistency(pixels=2), Unrolled(1)], ids=lambda of: type(of).__name__)
def test_other_stabilisers_train_in_translators_as_in_gans(tmp_path, stabiliser):
    model = pix2pix(stabilisers=[stabiliser])
    fit(tmp_path, model, Negatives(), 2)
    assert all(number == number for number in model.notes.means().values())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"augment": "translation"}, "model.augment: 'translation' is for images, but the data are music"),
        ({"stabilisers": [ADA()]}, "ADA is for images, but the data are music"),
        ({"stabilisers": [Consistency()]}, "Consistency is for images, but the data are music"),
    ],
)
def test_what_looks_like_an_image_and_is_none_is_not_augmented(options, words):
    """A piano roll has three axes, too, and may be neither turned nor shifted."""
    shape = (1, 8, 12)
    game = VanillaGAN(MLPGenerator(list(shape), 4, (8,)), MLPDiscriminator(list(shape), (8,)), **options)
    game.fits(SimpleNamespace(shape=shape, kind=IMAGES))
    with pytest.raises(GanzooError, match=words):
        game.fits(SimpleNamespace(shape=shape, kind=MUSIC))


def test_a_penalty_on_gradients_refuses_layers_that_mix_samples():
    model = recolour(stabilisers=[R1()])
    model.discriminator = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    with pytest.raises(GanzooError, match=r"model\.discriminator: a gradient penalty needs one without BatchNorm"):
        model.check((1, 16, 16))


def test_an_objective_is_enough_for_a_variant(tmp_path):
    from ganzoo.games.gan import GAN
    from ganzoo.losses.objectives import OBJECTIVES

    class Bare(GAN):
        objective = OBJECTIVES["relativistic"]

    model = mlp(Bare)
    fit(tmp_path, model, points(), 2)
    assert {"d/adv", "g/adv", "d/acc_real", "d/acc_fake"} == model.notes.means().keys()
    x = torch.randn(6, 2)
    model.fake = lambda n, y=None: -x
    real, fake = model.discriminator(x), model.discriminator(-x)
    torch.testing.assert_close(in_move(model.g_loss, x)["adv"], nn.functional.softplus(real - fake).mean())


def test_digits_with_everything_on_train(tmp_path):
    model = conv(stabilisers=[ADA(), R1(every=2), SoftLabels()], augment="translation")
    fit(tmp_path, model, digits(), 3)
    assert {"d/soft", "d/ada_p", "r1/r1"} <= model.notes.means().keys()
