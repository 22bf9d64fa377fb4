"""Each stabiliser against its equation, and switched on in a game that trains."""

import math

import pytest
import torch
from moves import in_move
from tiny import conv, digits, fit, mlp, points
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, conv2d, conv_transpose2d

from ganzoo.common.errors import GanzooError
from ganzoo.games.move import Critic
from ganzoo.games.schedules import Schedule
from ganzoo.losses.objectives import OBJECTIVES
from ganzoo.models.dcgan import DCGAN
from ganzoo.models.infogan import InfoGAN
from ganzoo.models.wgan import WGAN
from ganzoo.models.wgan_gp import WGANGP
from ganzoo.networks.conditional import LabelledDiscriminator
from ganzoo.networks.dcgan import DCGANDiscriminator
from ganzoo.networks.mlp import MLPDiscriminator
from ganzoo.networks.stylegan2 import StyleGAN2Generator
from ganzoo.stabilisers import (
    ADA,
    Consistency,
    Diffusion,
    FeatureMatching,
    InstanceNoise,
    ModeSeeking,
    OrthogonalRegularisation,
    SoftLabels,
    Stabiliser,
    Unrolled,
)
from ganzoo.stabilisers.orthogonal import correlation, filters

IMAGES = {"real": torch.linspace(-1, 1, 6 * 64).view(6, 1, 8, 8), "fake": torch.randn(6, 1, 8, 8)}


# What all have in common


def test_without_a_hook_of_its_own_a_stabiliser_changes_nothing(tmp_path):
    plain, stabilised = conv(), conv(stabilisers=[Stabiliser()])
    for model in (plain, stabilised):
        fit(tmp_path, model, digits(), 3)
    left, right = plain.state_dict(), stabilised.state_dict()
    assert left.keys() == right.keys()
    assert all(torch.equal(left[name], right[name]) for name in left)


@pytest.mark.parametrize(
    ("kind", "stabiliser", "shown"),
    [
        (DCGAN, SoftLabels(flip=0.1), {"d/soft"}),
        (DCGAN, InstanceNoise(Schedule([0.2, 0], [0, 1], "linear")), {"d/sigma"}),
        (DCGAN, FeatureMatching(), {"g/fm"}),
        (WGANGP, Consistency(fake=10, pixels=2, flip=True), {"d/cr", "d/cr_fake"}),
        (DCGAN, Unrolled(1, zero_sum=True), set()),
        (WGANGP, Unrolled(1), set()),
        (DCGAN, ModeSeeking(), {"g/ms"}),
        (DCGAN, OrthogonalRegularisation(1e-4, 1e-4), {"d/ortho", "g/ortho"}),
        (DCGAN, ADA(), {"d/ada_p", "d/ada_r"}),
        (DCGAN, Diffusion(), {"d/diffusion_r", "d/diffusion_t"}),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Stabiliser) else "",
)
def test_it_trains_and_its_terms_are_logged(tmp_path, kind, stabiliser, shown):
    model = conv(kind, stabilisers=[stabiliser], n_critic=1)
    fit(tmp_path, model, digits(batch_size=32), 3)
    noted = model.notes.means()
    own = {"d/wasserstein", "d/gp"} if kind is WGANGP else {"d/acc_real", "d/acc_fake"}
    assert noted.keys() == {"d/adv", "g/adv"} | own | shown
    assert all(map(math.isfinite, noted.values()))


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: SoftLabels(real=(1.2, 0.7)), "real"),
        (lambda: SoftLabels(flip=2), "flip"),
        (lambda: InstanceNoise(-0.1), "sigma"),
        (lambda: InstanceNoise(Schedule([0.1, -0.1], [0, 1])), "sigma"),
        (lambda: Consistency(pixels=-1), "pixels"),
        (lambda: Unrolled(-1), "steps"),
        (lambda: ADA(images=0), "images"),
        (lambda: ADA(interval=0), "interval"),
        (lambda: Diffusion(t_min=1), "t_min"),
    ],
)
def test_impossible_numbers_are_refused(make, field):
    with pytest.raises(GanzooError, match=rf"^model\.stabilisers\.{field}: "):
        make()


def test_clipping_does_not_keep_stabilisers_from_acting_after_the_critic(tmp_path):
    class Counting(Stabiliser):
        moves = 0

        def after_d(self, game, move):
            self.moves += 1

    counting = Counting()
    fit(tmp_path, mlp(WGAN, n_critic=3, stabilisers=[counting]), points(), 2)
    assert counting.moves == 6


def test_one_that_needs_judgements_says_so_when_there_are_none():
    model = mlp(stabilisers=[SoftLabels()])
    model.d_loss = lambda x, y, move: {"adv": x.sum()}
    with pytest.raises(GanzooError, match="SoftLabels needs a variant that judges"):
        in_move(model.d_terms, torch.randn(4, 2), None)


# Soft labels


def test_soft_labels_are_cross_entropy_at_soft_targets(monkeypatch):
    model, x = mlp(stabilisers=[SoftLabels()]).double(), torch.randn(16, 2, dtype=torch.double)
    targets = {1: torch.empty(16).uniform_(0.7, 1.2).double(), 0: torch.empty(16).uniform_(0, 0.3).double()}
    monkeypatch.setattr(SoftLabels, "draw", lambda self, logits, own, other: targets[int(own[0] > other[0])])
    model.fake = lambda n, y=None: -x
    terms = in_move(model.d_terms, x, None)
    real, fake = model.discriminator(x), model.discriminator(-x)
    expected = binary_cross_entropy_with_logits(real, targets[1]) + binary_cross_entropy_with_logits(fake, targets[0])
    assert terms.keys() == {"adv", "soft"}
    weights = list(model.discriminator.parameters())
    torch.testing.assert_close(terms["adv"] + terms["soft"], expected)
    torch.testing.assert_close(
        torch.autograd.grad(terms["adv"] + terms["soft"], weights), torch.autograd.grad(expected, weights)
    )


def test_hard_labels_add_nothing():
    model = mlp(stabilisers=[SoftLabels(real=(1.0, 1.0), fake=(0.0, 0.0))])
    assert in_move(model.d_terms, torch.randn(8, 2), None)["soft"] == 0


def test_labels_are_drawn_from_their_range_and_some_are_flipped():
    def draw(flip):
        drawn = SoftLabels(flip=flip).draw(torch.zeros(20_000), (0.7, 1.2), (0.0, 0.3))
        assert drawn.min() >= 0
        assert drawn.max() <= 1.2
        assert not ((drawn > 0.3) & (drawn < 0.7)).any()
        return (drawn < 0.5).float().mean().item(), drawn[drawn > 0.5].mean().item()

    assert draw(0) == (0, pytest.approx(0.95, abs=0.01))
    assert draw(0.2) == (pytest.approx(0.2, abs=0.02), pytest.approx(0.95, abs=0.01))


# Instance noise


def test_instance_noise_is_gaussian_and_hides_both_sides():
    model, seen = mlp(stabilisers=[InstanceNoise(0.3)]), []
    model.discriminator.register_forward_pre_hook(lambda module, arguments: seen.append(arguments[0]))
    x = torch.zeros(20_000, 2)
    model.fake = lambda n, y=None: x + 5
    in_move(model.d_terms, x, None)
    in_move(model.g_terms, x, None)
    assert len(seen) == 3
    for points_seen, centre in zip(seen, (0, 5, 5), strict=True):
        assert points_seen.mean().item() == pytest.approx(centre, abs=0.01)
        assert points_seen.std().item() == pytest.approx(0.3, rel=0.02)
    assert not torch.equal(seen[1], seen[2])


def test_no_noise_changes_nothing():
    x = torch.randn(4, 2)
    assert torch.equal(mlp(stabilisers=[InstanceNoise(0.0)]).discriminator_view(x), x)


def test_noise_is_annealed_over_the_run(tmp_path):
    class Watched(InstanceNoise):
        def see(self, game, x):
            seen = super().see(game, x)
            sizes.append((seen - x).std().item())
            return seen

    sizes: list[float] = []
    fit(tmp_path, mlp(stabilisers=[Watched(Schedule([1, 0], [0, 0.75], "linear"))]), points(batch_size=256), 5)
    assert sizes[::3] == pytest.approx([1, 1 - 0.2 / 0.75, 1 - 0.4 / 0.75, 0.2, 0], rel=0.15)


# Feature matching


def matched(model, x, fake, y=None):
    """The term on these samples, and its game's discriminator."""
    model.fake = lambda n, y=None: fake
    return in_move(model.g_terms, x, y)


def test_feature_matching_compares_mean_features():
    model, x = conv(stabilisers=[FeatureMatching(3.0)]), IMAGES["real"]
    fake = IMAGES["fake"].clone().requires_grad_()
    features = model.discriminator.features
    expected = 3 * (features(x).mean(0) - features(fake).mean(0)).square().sum()
    term = matched(model, x, fake)["fm"]
    torch.testing.assert_close(term, expected)
    torch.testing.assert_close(torch.autograd.grad(term, fake), torch.autograd.grad(expected, fake))


def test_samples_in_another_order_match():
    model, x = conv(stabilisers=[FeatureMatching()]), IMAGES["real"]
    assert matched(model, x, x.flip(0))["fm"].item() == pytest.approx(0, abs=1e-8)
    assert matched(model, x, x + 1)["fm"] > 1e-3


def test_feature_matching_can_take_the_place_of_the_adversarial_term():
    beside, instead = (conv(stabilisers=[FeatureMatching(replace=replace)]) for replace in (False, True))
    terms = matched(beside, *IMAGES.values())
    assert terms.keys() == {"adv", "fm"}
    assert matched(instead, *IMAGES.values()) == {"adv": terms["fm"]}


def test_features_are_those_of_the_critic_of_the_move():
    model, other = conv(stabilisers=[FeatureMatching()]), conv().discriminator
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(0.1)
    model.fake = lambda n, y=None: IMAGES["fake"]
    move = model.open_move().scratch(discriminator=Critic(model.discriminator, dict(other.named_parameters())))
    expected = (other.features(IMAGES["real"]).mean(0) - other.features(IMAGES["fake"]).mean(0)).square().sum()
    torch.testing.assert_close(model.g_terms(IMAGES["real"], None, move)["fm"], expected)


def test_features_of_a_conditional_discriminator_are_given_the_labels():
    model, y = conv(stabilisers=[FeatureMatching()]), torch.arange(6) % 2
    model.discriminator = LabelledDiscriminator(DCGANDiscriminator(8, 3, 4), 2)
    features = model.discriminator.features
    expected = (features(IMAGES["real"], y).mean(0) - features(IMAGES["fake"], y).mean(0)).square().sum()
    torch.testing.assert_close(matched(model, *IMAGES.values(), y)["fm"], expected)


def test_a_discriminator_without_features_cannot_be_matched():
    model = mlp(stabilisers=[FeatureMatching()])
    model.discriminator = nn.Sequential(nn.Linear(2, 1), nn.Flatten(0))
    with pytest.raises(GanzooError, match="needs a discriminator with `features`, unlike Sequential"):
        in_move(model.g_terms, torch.randn(4, 2), None)


# Consistency


def test_consistency_is_the_squared_difference_of_logits(monkeypatch):
    model = conv(stabilisers=[Consistency(real=10, fake=4)])
    monkeypatch.setattr(Consistency, "change", lambda self, x: x.roll(1, 3) / 2)
    model.fake = lambda n, y=None: IMAGES["fake"]
    calls = []
    model.discriminator.register_forward_pre_hook(lambda module, arguments: calls.append(len(arguments[0])))
    terms = in_move(model.d_terms, IMAGES["real"], None)
    assert calls == [6] * 4  # one more for each term
    for name, side, weight in (("cr", "real", 10), ("cr_fake", "fake", 4)):
        x = IMAGES[side]
        expected = weight * (model.discriminator(x) - model.discriminator(x.roll(1, 3) / 2)).square().mean()
        assert expected > 0
        torch.testing.assert_close(terms[name], expected)
    assert "cr_fake" not in in_move(conv(stabilisers=[Consistency()]).d_terms, IMAGES["real"], None)


def test_no_change_costs_nothing():
    assert in_move(conv(stabilisers=[Consistency(pixels=0)]).d_terms, IMAGES["real"], None)["cr"] == 0


@pytest.mark.parametrize("flip", [False, True])
def test_images_are_shifted_by_so_many_pixels_with_a_mirrored_border(flip):
    torch.manual_seed(3)
    x = torch.rand(1, 1, 8, 8).expand(200, 1, 8, 8)
    changed = Consistency(pixels=2, flip=flip).change(x)
    padded = nn.functional.pad(x[:1], (2, 2, 2, 2), "reflect")
    possible = [padded[..., i : i + 8, j : j + 8] for i in range(5) for j in range(5)]
    possible += [view.flip(3) for view in possible] if flip else []
    found = [{k for k, view in enumerate(possible) if torch.equal(image[None], view)} for image in changed]
    assert all(len(one) == 1 for one in found)
    assert len(set.union(*found)) == len(possible)


def test_points_cannot_be_shifted():
    with pytest.raises(GanzooError, match=r"pixels: cannot shift samples of shape \(2,\) by 4"):
        in_move(mlp(stabilisers=[Consistency()]).d_terms, torch.randn(4, 2), None)


# Mode seeking


def test_mode_seeking_is_the_inverse_of_how_far_samples_are_apart():
    model = mlp(stabilisers=[ModeSeeking(2.0)])

    class Scale(nn.Module):
        latent_dim = 2

        def __init__(self, factor):
            super().__init__()
            self.factor = nn.Parameter(torch.tensor(factor))

        def forward(self, z):
            return self.factor * z

    for factor in (0.5, -3.0):
        model.generator = Scale(factor)
        term = in_move(model.g_terms, torch.randn(32, 2), None)["ms"]
        assert term.item() == pytest.approx(2 / (abs(factor) + 1e-5), rel=1e-5)
        (slope,) = torch.autograd.grad(term, model.generator.factor)
        assert slope.sign() == -torch.tensor(factor).sign()  # apart is down
    model.generator = Scale(0.0)
    assert in_move(model.g_terms, torch.randn(32, 2), None)["ms"].item() == pytest.approx(
        2 / 1e-5
    )  # collapsed: dear, but finite


# Orthogonal regularisation


def test_correlation_of_filters_by_hand():
    w = torch.tensor([[3.0, 4.0], [1.0, 0.0]])  # products 25, 3, 3, 1
    assert correlation(w) == 2 * 3**2
    assert correlation(w, diagonal=True) == 2 * 3**2 + 24**2
    assert correlation(torch.tensor([[2.0, 0.0, 0.0], [0.0, 0.0, -3.0]])) == 0
    assert correlation(torch.eye(3), diagonal=True) == 0


def test_its_gradient_is_that_of_the_equation():
    w = torch.randn(4, 7, requires_grad=True)
    (slope,) = torch.autograd.grad(correlation(w), w)
    torch.testing.assert_close(slope, 4 * ((w @ w.T) * (1 - torch.eye(4))) @ w)


def test_networks_without_such_layers_are_refused():
    game = conv(stabilisers=[OrthogonalRegularisation(1e-4, 1e-4)])
    game.check((1, 8, 8))
    for name, network in (("generator", StyleGAN2Generator(8, 1, 4, 4, 2, 8, 4)), ("discriminator", nn.Identity())):
        game = conv(stabilisers=[OrthogonalRegularisation(1e-4, 1e-4)])
        setattr(game, name, network)
        with pytest.raises(GanzooError, match=f"nn.Linear and convolutions, and {type(network).__name__} has none"):
            game.check((1, 8, 8))


def test_filters_are_rows_per_output_channel():
    layers = nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.Embedding(4, 9), nn.Conv2d(2, 6, 3))
    layers.append(nn.ConvTranspose2d(7, 4, 2))
    layers.append(nn.utils.parametrizations.spectral_norm(nn.Linear(8, 3)))
    rows = list(filters(layers))
    assert [tuple(w.shape) for w in rows] == [(5, 3), (6, 18), (4, 28), (3, 8)]
    assert rows[3].data_ptr() == layers[5].parametrizations.weight.original.data_ptr()
    patch = torch.randn(1, 2, 3, 3)
    torch.testing.assert_close(rows[1] @ patch.flatten(), conv2d(patch, layers[3].weight).flatten())
    spot = torch.randn(1, 7, 1, 1)
    out = conv_transpose2d(spot, layers[4].weight).flatten(1).view(4, 4)
    torch.testing.assert_close(torch.einsum("oik,i->ok", rows[2].view(4, 7, 4), spot.flatten()), out)


def test_each_network_has_a_weight_of_its_own():
    x = IMAGES["real"]
    for options, d, g in (({}, 0, 1e-4), ({"generator": 0.0, "discriminator": 2.0}, 2, 0)):
        model = conv(stabilisers=[OrthogonalRegularisation(**options)])
        for terms, weight, network in (
            (in_move(model.d_terms, x, None), d, model.discriminator),
            (in_move(model.g_terms, x, None), g, model.generator),
        ):
            assert ("ortho" in terms) == bool(weight)
            if weight:
                expected = weight * sum(correlation(w) for w in filters(network))
                torch.testing.assert_close(terms["ortho"], expected)


def test_two_of_a_kind_would_overwrite_each_other_and_are_refused():
    with pytest.raises(GanzooError, match=r"model\.stabilisers: InstanceNoise is there more than once"):
        mlp(stabilisers=[InstanceNoise(), InstanceNoise()])


@pytest.mark.parametrize("objective", ["wasserstein", "least_squares", "relativistic", "hinge"])
def test_labels_are_softened_only_where_a_loss_has_labels(objective):
    model = mlp(DCGAN, stabilisers=[SoftLabels()])
    model.check((2,))
    model.objective = OBJECTIVES[objective]
    with pytest.raises(GanzooError, match=r"SoftLabels is for logistic losses"):
        model.check((2,))


def test_categories_that_the_model_found_itself_are_the_same_for_both_batches():
    """A generator that looks at nothing but the category has no distance to gain."""

    class Category(nn.Module):
        latent_dim, shape = 10, (3,)

        def forward(self, z):
            return z[:, -3:]

    torch.manual_seed(0)
    game = InfoGAN(Category(), MLPDiscriminator([3], (8,), dropout=0.0), categories=3, codes=2)
    assert (
        ModeSeeking(1.0).g_terms(game, torch.zeros(16, 3), torch.zeros(16, dtype=torch.long), game.open_move())["ms"]
        > 1e4
    )
