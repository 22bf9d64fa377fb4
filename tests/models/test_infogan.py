"""InfoGAN: the bound, who moves what, that labels play no part, and that categories find the classes."""

import math

import pytest
import torch
from moves import in_move
from tiny import fit, points
from torch import Tensor
from torch.distributions import Categorical, Normal

from ganzoo.common.errors import GanzooError
from ganzoo.data import DataModule
from ganzoo.losses import objectives
from ganzoo.models.infogan import InfoGAN, Posterior, information
from ganzoo.networks.infogan import InfoGANDiscriminator, InfoGANGenerator
from ganzoo.networks.mlp import MLPDiscriminator, MLPGenerator
from ganzoo.tools.evaluate.purity import purity


def informed(categories: int = 3, codes: int = 2, latent_dim: int = 9, **options) -> InfoGAN:
    """A game of small perceptrons on points."""
    torch.manual_seed(0)
    generator = MLPGenerator([2], latent_dim, (32,), squash=False)
    return InfoGAN(generator, MLPDiscriminator([2], (32,), dropout=0), categories, codes, **options)


class Blobs(DataModule):
    """Two blobs of points, at (1, 0) and (-1, 0) in turn, and labels that would mislead."""

    title = "blobs"
    shape = (2,)
    n_classes = 2

    def load(self, split: str) -> tuple[Tensor, Tensor]:
        source = torch.Generator().manual_seed(1)
        centres = torch.tensor([[1.0, 0.0], [-1.0, 0.0]]).repeat(128, 1)
        return centres + 0.1 * torch.randn(256, 2, generator=source), torch.randint(2, (256,), generator=source)


# The bound


def test_the_bound_equals_a_sum_by_hand():
    q = Posterior(
        torch.tensor([[0.0, math.log(3)], [math.log(4), 0.0]]),
        mean=torch.tensor([[0.5], [-1.0]]),
        log_variance=torch.tensor([[0.0], [math.log(4)]]),
    )
    of_category, of_codes = information(q, torch.tensor([1, 1]), torch.tensor([[-0.5], [1.0]]))
    assert of_category.item() == pytest.approx(math.log(2) + (math.log(3 / 4) + math.log(1 / 5)) / 2)
    gauss = [math.exp(-0.5) / math.sqrt(2 * math.pi), math.exp(-0.5) / math.sqrt(2 * math.pi * 4)]
    assert of_codes.item() == pytest.approx(math.log(2) + (math.log(gauss[0]) + math.log(gauss[1])) / 2)


def test_the_bound_equals_torchs_distributions_and_stays_below_the_entropy():
    q = Posterior(torch.randn(50, 7), torch.randn(50, 3), torch.randn(50, 3))
    category, codes = torch.randint(7, (50,)), torch.rand(50, 3) * 2 - 1
    of_category, of_codes = information(q, category, codes)
    torch.testing.assert_close(of_category, Categorical(logits=q.logits).log_prob(category).mean() + math.log(7))
    likelihood = Normal(q.mean, (q.log_variance / 2).exp()).log_prob(codes).sum(1).mean()
    torch.testing.assert_close(of_codes, likelihood + 3 * math.log(2))
    assert of_category < math.log(7)
    shifted = q._replace(logits=q.logits + torch.randn(50, 1))
    torch.testing.assert_close(information(shifted, category, codes)[0], of_category)


def test_what_tells_nothing_has_a_bound_of_0_and_what_tells_all_the_entropy():
    category, none = torch.arange(5), torch.empty(5, 0)
    assert information(Posterior(torch.zeros(5, 5), none, none), category, none)[0].item() == pytest.approx(0, abs=1e-6)
    sure = Posterior(99 * torch.eye(5), none, none)
    assert [bound.item() for bound in information(sure, category, none)] == pytest.approx([math.log(5), 0])


# The game


@pytest.mark.parametrize("learn_variance", [False, True])
def test_both_players_descend_their_loss_less_the_bounds(learn_variance):
    model = informed(category_weight=3.0, code_weight=0.1, learn_variance=learn_variance)
    x = torch.randn(8, 2)
    body, head = model.discriminator.network, model.discriminator.second
    assert head[-1].out_features == (7 if learn_variance else 5)
    torch.manual_seed(1)
    z, category = model.latent(8), torch.randint(3, (8,))
    fake = model.generator(torch.cat([z, torch.eye(3)[category]], 1))
    said = head(body.features(fake))
    q = Posterior(said[:, :3], said[:, 3:5], said[:, 5:] if learn_variance else torch.zeros(8, 2))
    bounds = information(q, category, z[:, 4:])
    terms = {"category": -3 * bounds[0], "codes": -0.1 * bounds[1]}
    torch.manual_seed(1)
    torch.testing.assert_close(
        in_move(model.d_loss, x, None), {"adv": objectives.logistic_d(body(x), body(fake)), **terms}
    )
    right = (said[:, :3].argmax(1) == category).float().mean().item()
    assert model.notes.means()["d/acc_category"] == pytest.approx(right)
    torch.manual_seed(1)
    torch.testing.assert_close(in_move(model.g_loss, x, None), {"adv": objectives.nonsaturating_g(body(fake)), **terms})


def test_the_posterior_moves_with_the_discriminator_alone(tmp_path):
    class Watched(InfoGAN):
        def move(self, player, x, y):
            before = {name: p.clone() for name, p in self.named_parameters()}
            super().move(player, x, y)
            changed = {name for name, p in self.named_parameters() if not torch.equal(p, before[name])}
            moved[player.name] = {name.partition(".")[0] for name in changed}, any("second" in name for name in changed)

    moved: dict[str, tuple[set[str], bool]] = {}
    torch.manual_seed(0)
    generator, discriminator = MLPGenerator([2], 9, (8,)), MLPDiscriminator([2], (8,))
    fit(tmp_path, Watched(generator, discriminator, 3), points(), 1)
    assert moved == {"d": ({"discriminator"}, True), "g": ({"generator", "averages"}, False)}


def test_labels_of_the_data_play_no_part(tmp_path):
    model, x = informed(), torch.randn(8, 2)

    def terms(y):
        torch.manual_seed(1)
        return [
            {name: term.item() for name, term in in_move(loss, x, y).items()} for loss in (model.d_terms, model.g_terms)
        ]

    assert terms(None) == terms(torch.zeros(8, dtype=torch.long)) == terms(torch.arange(8) + 100)
    torch.manual_seed(1)
    drawn = model.fake(8, torch.zeros(8, dtype=torch.long))
    torch.manual_seed(1)
    assert torch.equal(model.fake(8), drawn)


def test_categories_find_the_classes_of_unlabelled_data(tmp_path):
    model, data = informed(2, codes=0, latent_dim=5, g_lr=0.01, d_lr=0.01, ema=0.9), Blobs(batch_size=64)
    fit(tmp_path, model, data, 120)
    x, _ = data.split("train")
    assert purity(model.encode(x)[0].argmax(1), torch.arange(256) % 2) > 0.95
    samples = model.sample(200, seed=0)
    assert purity(torch.arange(200) % 2, (samples[:, 0] < 0).long()) > 0.95


# Networks


def test_networks_are_the_papers():
    """Table 1: G 74-1024-7x7x128-64-1; D 64-128-1024-1; BatchNorm on hidden layers but D's first."""
    generator, discriminator = InfoGANGenerator(), InfoGANDiscriminator()
    convolutions = 64 * 16 + 1 + 64 * 128 * 16
    count = {network: sum(p.numel() for p in network.parameters()) for network in (generator, discriminator)}
    assert count[generator] == (74 + 2) * 1024 + (1024 + 2) * 6272 + convolutions + 2 * 64
    assert count[discriminator] == convolutions + 63 + 2 * 128 + (6272 + 2) * 1024 + 1024 + 1
    images = generator(torch.randn(3, 74))
    assert (generator.latent_dim, images.shape) == (74, (3, *generator.shape)) == (74, (3, 1, 28, 28))
    assert images.abs().max() <= 1
    features = discriminator.features(images)
    assert features.shape == (3, discriminator.n_features) == (3, 1024)
    torch.testing.assert_close(discriminator(images), discriminator.head(features))


def test_networks_of_other_sizes():
    generator, discriminator = InfoGANGenerator(8, 3, 4, 16, 20), InfoGANDiscriminator(8, 3, 4, 16)
    assert generator.shape == discriminator.shape == (3, 8, 8)
    assert discriminator(generator(torch.randn(2, 20))).shape == (2,)
    for kind in (InfoGANGenerator, InfoGANDiscriminator):
        with pytest.raises(GanzooError, match="4 pixels or more"):
            kind(3)


# Codes


def test_codes_are_uniform_whatever_the_noise_is():
    for prior in ("normal", "uniform"):
        z = informed(prior=prior).latent(4000, seed=1)
        noise, codes = z[:, :4], z[:, 4:]
        assert codes.abs().max() <= 1
        torch.testing.assert_close(codes.std(0), torch.full((2,), 3**-0.5), rtol=0.03, atol=0)
        assert (noise.abs().max() > 1) == (prior == "normal")
        assert z.T.corrcoef().sub(torch.eye(6)).abs().max() < 0.1
    model = informed()
    torch.testing.assert_close(model.latent(70, seed=1), model.latent(4000, seed=1)[:70])
    assert not torch.equal(model.latent(5), model.latent(5))


def test_a_sample_has_the_category_that_was_asked_for():
    model = informed()
    assert model.n_classes == 3
    turns = model.sample(6, seed=0)
    chosen = model.sample(6, torch.tensor([0, 0, 2, 1, 1, 2]), seed=0)
    assert ((turns - chosen).abs().amax(1) < 1e-6).tolist() == [True, False, True, False, True, True]
    with pytest.raises(GanzooError, match=r"from 0 to 2 are wanted, not 3"):
        model.sample(1, torch.tensor([3]))


def test_a_traverse_changes_one_code_along_rows_and_the_category_down_columns():
    model, given = informed(), []
    model.averaged("generator").register_forward_pre_hook(lambda module, inputs: given.append(inputs[0]))
    assert model.traverse(1, torch.tensor([-1.0, 0.0, 2.0, 1.0]), seed=5).shape == (12, 2)
    noise, codes, category = given[0].view(3, 4, 9).split([4, 2, 3], 2)
    assert torch.equal(noise, model.latent(1, seed=5)[:, :4].expand(3, 4, 4))
    assert torch.equal(codes[..., 0], torch.zeros(3, 4))
    assert torch.equal(codes[..., 1], torch.tensor([-1.0, 0.0, 2.0, 1.0]).expand(3, 4))
    assert torch.equal(category, torch.eye(3)[:, None].expand(3, 4, 3))


def test_reading_images_leaves_no_trace():
    model, x = informed(), torch.randn(20, 2)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    probabilities, means = model.encode(x)
    torch.testing.assert_close(probabilities.sum(1), torch.ones(20))
    assert (probabilities.shape, means.shape) == ((20, 3), (20, 2))
    torch.testing.assert_close(model.encode(x[:1])[0], probabilities[:1])  # BatchNorm does not mix images
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert model.discriminator.training


@pytest.mark.parametrize(("categories", "codes"), [(7, 2), (3, 6), (1, 2), (3, -1)])
def test_codes_that_do_not_fit_are_refused(categories, codes):
    with pytest.raises(GanzooError, match=r"model\.generator: a latent_dim of 9 is not for noise, "):
        informed(categories, codes)


def test_reading_leaves_the_discriminator_as_it_was_even_when_it_fails():
    model = informed()
    assert model.discriminator.training
    with pytest.raises(RuntimeError):
        model.encode(torch.zeros(2, 5))
    assert all(module.training for module in model.discriminator.modules())
