"""Labels: that they reach both networks, steer what is drawn, and are refused where they make no sense."""

import numpy as np
import pytest
import torch
import yaml
from commands import ganzoo
from moves import in_move
from PIL import Image
from tiny import fit, trainer
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ganzoo.checkpoints import build, folder_format, loading
from ganzoo.common import registry
from ganzoo.common.errors import GanzooError
from ganzoo.data import DataModule
from ganzoo.drawing.looks import picture
from ganzoo.games.gan import GAN
from ganzoo.losses import objectives
from ganzoo.models.acgan import ACGAN
from ganzoo.models.cgan import CGAN
from ganzoo.models.gan import VanillaGAN
from ganzoo.models.projection_gan import ProjectionGAN
from ganzoo.networks.conditional import (
    ConditionalBatchNorm2d,
    LabelledDiscriminator,
    LabelledGenerator,
    Projection,
    TwoHeaded,
)
from ganzoo.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from ganzoo.networks.mlp import MLPDiscriminator, MLPGenerator
from ganzoo.tools.evaluate.purity import draw_by_class, purity
from ganzoo.training.callbacks.keep import Last

KINDS = [CGAN, ACGAN, ProjectionGAN]
CENTRES = torch.tensor([[1.0, 0.0], [-0.5, 0.9], [-0.5, -0.9]])


class Blobs(DataModule):
    """Three blobs of points on the unit circle, each one a class."""

    title = "blobs"
    shape = (2,)
    n_classes = 3

    def load(self, split: str) -> tuple[Tensor, Tensor]:
        y = torch.arange(384) % 3
        return CENTRES[y] + 0.05 * torch.randn(384, 2, generator=torch.Generator().manual_seed(1)), y


def blobs(**options) -> Blobs:
    return Blobs(**{"batch_size": 64} | options)


def labelled(kind: type[GAN], n_classes: int = 3, **options) -> GAN:
    """A conditional game of small perceptrons on points."""
    torch.manual_seed(0)
    generator = LabelledGenerator(MLPGenerator([2], 2 + 4, (32,), squash=False), n_classes, label_dim=4)
    if kind is CGAN:
        discriminator = LabelledDiscriminator(MLPDiscriminator([2 + n_classes], (32,), dropout=0), n_classes)
    else:
        discriminator = MLPDiscriminator([2], (32,), dropout=0)
        if kind is ProjectionGAN:
            discriminator = Projection(discriminator, n_classes)
    return kind(generator, discriminator, **options)


def batch(n: int = 12) -> tuple[Tensor, Tensor]:
    return torch.randn(n, 2), torch.arange(n) % 3


# Networks


def test_conditional_batch_norm_is_batch_norm_with_a_scale_and_shift_per_class():
    layer, plain = ConditionalBatchNorm2d(4, 3), nn.BatchNorm2d(4, affine=False)
    x, y = torch.randn(6, 4, 5, 5) * 3 + 1, torch.tensor([0, 2, 2, 0, 2, 0])
    torch.testing.assert_close(layer(x, y), plain(x))  # as it begins
    nn.init.normal_(layer.embed.weight)
    out = layer(x, y)
    for i in range(6):
        gamma, beta = layer.embed.weight[y[i]].view(2, 4, 1, 1)
        torch.testing.assert_close(out[i], gamma * plain(x)[i] + beta)
    out.square().sum().backward()
    assert layer.embed.weight.grad.abs().sum(1).gt(0).tolist() == [True, False, True]


def test_labels_steer_the_generator():
    network = LabelledGenerator(DCGANGenerator(8, 1, 4, latent_dim=3 + 5), n_classes=4, label_dim=5)
    assert (network.latent_dim, network.n_classes, network.shape) == (3, 4, (1, 8, 8))
    z = torch.randn(1, 3).expand(4, 3)
    images = network.eval()(z, torch.tensor([0, 1, 1, 3]))
    torch.testing.assert_close(images[1], images[2])
    assert (images[0] - images[1]).abs().max() > 1e-3
    assert (images[3] - images[1]).abs().max() > 1e-3
    images.square().sum().backward()
    assert network.embed.weight.grad.abs().sum(1).gt(0).tolist() == [True, True, False, True]


@pytest.mark.parametrize("label_dim", [0, 8, 9])
def test_something_of_the_latent_vector_must_be_left(label_dim):
    with pytest.raises(GanzooError, match=rf"label_dim: {label_dim} given, .*latent_dim, 8"):
        LabelledGenerator(DCGANGenerator(8, 1, 4, latent_dim=8), 4, label_dim)


def test_one_hot_labels_are_stacked_on_the_image():
    inner = DCGANDiscriminator(8, 1 + 3, 4, norm="none")
    network = LabelledDiscriminator(inner, 3)
    assert (network.shape, network.n_classes, network.n_features) == ((1, 8, 8), 3, inner.n_features)
    x, y = torch.randn(2, 1, 8, 8), torch.tensor([2, 0])
    seen = torch.zeros(2, 4, 8, 8)
    seen[:, :1], seen[0, 3], seen[1, 1] = x, 1, 1
    torch.testing.assert_close(network(x, y), inner(seen))
    torch.testing.assert_close(network.head(network.features(x, y)), inner(seen))
    assert (network(x, y) - network(x, 2 - y)).abs().min() > 1e-5
    with pytest.raises(GanzooError, match=r"n_classes: 4 given, .*4 channels"):
        LabelledDiscriminator(inner, 4)


def test_points_are_labelled_like_images():
    inner = MLPDiscriminator([2 + 3], (8,), dropout=0)
    x, y = torch.randn(3, 2), torch.tensor([1, 0, 2])
    torch.testing.assert_close(LabelledDiscriminator(inner, 3)(x, y), inner(torch.cat([x, torch.eye(3)[y]], 1)))


@pytest.mark.parametrize("spectral", [False, True])
def test_a_projection_adds_the_inner_product_of_class_and_features(spectral):
    """Miyato and Koyama 2018, equation 3."""
    inner = DCGANDiscriminator(8, 1, 4, norm="none")
    network = Projection(inner, 3, spectral)
    for _ in range(30):  # each reading in training mode is a step of the power iteration
        _ = network.embed.weight
    network.eval()
    x, y = torch.randn(5, 1, 8, 8), torch.tensor([2, 0, 1, 1, 0])
    phi = inner.features(x).reshape(5, -1)
    expected = [inner(x)[i] + network.embed.weight[y[i]] @ phi[i] for i in range(5)]
    torch.testing.assert_close(network(x, y), torch.stack(expected))
    torch.testing.assert_close(network.head(network.features(x)), inner(x))
    assert network.embed.weight.numel() == 3 * inner.n_features
    norm = torch.linalg.matrix_norm(network.embed.weight, 2).item()
    assert (norm == pytest.approx(1, abs=0.01)) is spectral


def test_a_second_head_leaves_the_first_as_it_is():
    inner, second = MLPDiscriminator([2], (8,), dropout=0), nn.Linear(8, 3)
    network, x = TwoHeaded(inner, second), torch.randn(4, 2)
    torch.testing.assert_close(network(x).logits, inner(x))
    torch.testing.assert_close(network(x).second, second(inner.features(x)))


# Games


@pytest.mark.parametrize("kind", KINDS)
def test_real_and_generated_samples_are_judged_as_what_they_are_labelled(kind):
    model, (x, y) = labelled(kind), batch()
    made = []
    model.generator.register_forward_pre_hook(lambda module, given: made.append(given[1]))
    in_move(model.d_terms, x, y)
    in_move(model.g_terms, x, y)
    assert [labels.tolist() for labels in made] == [y.tolist()] * 2
    moves = [model.open_move(), model.open_move()]
    model.d_loss(x, y, moves[0])
    model.g_loss(x, y, moves[1])
    asked = [judgement.y.tolist() for move in moves for judgement in (*move.real, *move.fake)]
    assert asked == [y.tolist()] * 3


@pytest.mark.parametrize("kind", [CGAN, ProjectionGAN])
def test_each_player_descends_the_papers_objective(kind):
    model, (x, y) = labelled(kind).eval(), batch()
    d, g = (
        (objectives.hinge_d, objectives.hinge_g)
        if kind is ProjectionGAN
        else (objectives.logistic_d, objectives.nonsaturating_g)
    )
    torch.manual_seed(1)
    fake = model.discriminator(model.generator(torch.randn(12, 2), y), y)
    torch.manual_seed(1)
    torch.testing.assert_close(in_move(model.d_loss, x, y), {"adv": d(model.discriminator(x, y), fake)})
    torch.manual_seed(1)
    torch.testing.assert_close(in_move(model.g_loss, x, y), {"adv": g(fake)})


def test_acgan_adds_the_cross_entropy_of_the_class_to_both_losses():
    model, (x, y) = labelled(ACGAN, class_weight=2.0), batch()
    body, classifier = model.discriminator.network, model.discriminator.second
    torch.manual_seed(1)
    fake = model.generator(torch.randn(12, 2), y)
    by_hand = [-classifier(body.features(of)).log_softmax(1)[range(12), y].mean() for of in (x, fake)]
    torch.testing.assert_close(by_hand[0], cross_entropy(classifier(body.features(x)), y))
    torch.manual_seed(1)
    d = in_move(model.d_loss, x, y)
    torch.testing.assert_close(d, {"adv": objectives.logistic_d(body(x), body(fake)), "class": 2 * sum(by_hand)})
    right = (classifier(body.features(x)).argmax(1) == y).float().mean().item()
    assert model.notes.means()["d/acc_class"] == pytest.approx(right)
    torch.manual_seed(1)
    g = in_move(model.g_loss, x, y)
    torch.testing.assert_close(g, {"adv": objectives.nonsaturating_g(body(fake)), "class": 2 * by_hand[1]})


def test_acgans_classifier_is_trained_by_the_discriminator_alone(tmp_path):
    class Watched(ACGAN):
        def move(self, player, x, y):
            before = [p.clone() for p in self.discriminator.second.parameters()]
            super().move(player, x, y)
            pairs = zip(before, self.discriminator.second.parameters(), strict=True)
            moved[player.name] = not all(torch.equal(*pair) for pair in pairs)

    moved: dict[str, bool] = {}
    fit(tmp_path, labelled(Watched), blobs(), 1)
    assert moved == {"d": True, "g": False}


@pytest.mark.parametrize(("kind", "options"), [(CGAN, {}), (ACGAN, {}), (ProjectionGAN, {"n_critic": 1})])
def test_samples_move_to_their_class(tmp_path, kind, options):
    model = labelled(kind, g_lr=0.01, d_lr=0.01, betas=(0.5, 0.9), ema=0.9, **options)
    fit(tmp_path, model, blobs(), 120)
    centres = torch.stack([model.sample(100, torch.full((100,), k), seed=0).mean(0) for k in range(3)])
    assert (centres - CENTRES).norm(dim=1).max() < 0.4, centres


def test_defaults_of_projection_are_the_papers():
    model = labelled(ProjectionGAN)
    model.configure_optimizers()
    d, g = model.line_up
    settings = [player.optim(model.parameters()).param_groups[0] for player in (d, g)]
    assert [(of["lr"], of["betas"]) for of in settings] == [(2e-4, (0.0, 0.9))] * 2
    assert g.every == 5


@pytest.mark.parametrize("kind", [ACGAN, ProjectionGAN])
def test_a_run_that_was_stopped_ends_in_the_very_same_weights(tmp_path, kind):
    def run(folder, steps, **options):
        model = labelled(kind, betas=(0.5, 0.9))
        trainer(folder, Last(), max_steps=steps).fit(model, blobs(), **options)
        return model.state_dict()

    whole = run(tmp_path / "whole", 5)
    run(tmp_path / "part", 3)
    rest = run(tmp_path / "rest", 5, ckpt_path=tmp_path / "part" / "last.ckpt")
    assert [name for name, tensor in rest.items() if not torch.equal(tensor, whole[name])] == []


# What is asked for


def test_classes_take_turns_unless_they_are_chosen():
    model = labelled(CGAN)
    turns = model.sample(7, seed=0)
    torch.testing.assert_close(turns, model.sample(7, torch.arange(7) % 3, seed=0))
    chosen = model.sample(7, torch.tensor([2, 2, 0, 0, 1, 1, 0]), seed=0)
    same = (turns - chosen).abs().amax(1) < 1e-6
    assert same.tolist() == [False, False, False, True, True, False, True]  # place i has its z whatever its class
    assert model.sample(0).shape == (0, 2)


@pytest.mark.parametrize(
    ("labels", "complaint"),
    [
        ([0, 1], r"2 .*shape \(2,\)"),
        ([0, 1, 3], r"from 0 to 2 are wanted, not 3\."),
        ([0, -1, 1], r"not -1\."),
        ([0.0, 1.0, 2.0], r"float32"),
    ],
)
def test_labels_that_make_no_sense_are_refused(labels, complaint):
    with pytest.raises(GanzooError, match=f"labels: .*{complaint.removeprefix('2 ')}"):
        labelled(CGAN).sample(3, torch.tensor(labels))


def test_networks_without_labels_are_refused():
    plain, told = labelled(ACGAN), labelled(CGAN)
    for kind in (CGAN, ProjectionGAN):
        with pytest.raises(GanzooError, match=r"model\.discriminator: MLPDiscriminator takes no labels"):
            kind(told.generator, plain.discriminator.network)
    for kind, discriminator in ((CGAN, told.discriminator), (ACGAN, plain.discriminator)):
        with pytest.raises(GanzooError, match=r"model\.generator: MLPGenerator takes no labels"):
            kind(told.generator.network, discriminator)
    with pytest.raises(GanzooError, match=r"as many classes .* generator 3 but discriminator 4"):
        CGAN(told.generator, labelled(CGAN, 4).discriminator)


def test_data_with_other_classes_is_refused(tmp_path):
    for kind in KINDS:
        with pytest.raises(GanzooError, match=r"model\.generator: .*for 4 classes, but the data has 3"):
            fit(tmp_path, labelled(kind, 4), blobs(), 1)
    fit(tmp_path, VanillaGAN(MLPGenerator([2]), MLPDiscriminator([2])), blobs(), 1)  # labels may be left unused


# Recipes and the command line


@pytest.mark.parametrize("name", ["cgan_mnist", "acgan_mnist", "projection_gan_mnist", "infogan_mnist"])
def test_nested_networks_are_built_from_anyones_recipe(name):
    path = registry.CHECKPOINTS / name.replace("_", "-") / "recipe.yaml"
    model = build.build_model(path.read_text(), path, trusted=False)
    assert model.n_classes == 10
    assert model.sample(11).shape == (11, *model.generator.shape)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A checkpoint whose image is as bright as its class is high."""
    inner = {"class_path": "ganzoo.networks.mlp.MLPGenerator"}
    inner["init_args"] = {"shape": [1, 8, 8], "latent_dim": 2, "hidden": []}
    generator = {"class_path": "ganzoo.networks.conditional.LabelledGenerator"}
    generator["init_args"] = {"network": inner, "n_classes": 5, "label_dim": 1}
    discriminator = {"class_path": "ganzoo.networks.mlp.MLPDiscriminator", "init_args": {"shape": [1, 8, 8]}}
    options = {"generator": generator, "discriminator": discriminator}
    recipe = yaml.safe_dump({"model": {"class_path": "ganzoo.models.acgan.ACGAN", "init_args": options}})
    folder = tmp_path_factory.mktemp("checkpoint") / "bright"
    model = build.build_model(recipe, folder)
    with torch.no_grad():
        for generator in (model.generator, model.averaged("generator")):
            generator.embed.weight.copy_(torch.arange(-2, 3).view(5, 1) / 4)
            generator.network.net[0].weight.copy_(torch.tensor([0.0, 1.0]).expand(64, 2))
            generator.network.net[0].bias.zero_()
    folder_format.save_folder(model, folder, recipe, "# Bright\n", picture(model.sample(4)))
    return folder


def test_sample_draws_the_labels_in_turn(checkpoint, tmp_path):
    def brightness(*words):
        said = ganzoo("sample", checkpoint, "--npz", tmp_path / "a.npz", "-o", tmp_path / "a.png", *words)
        assert (said.status, said.err) == (0, "")
        return np.load(tmp_path / "a.npz")["samples"].mean((1, 2, 3))

    levels = brightness("-n", 5)
    assert (np.diff(levels) > 20).all()
    assert np.array_equal(brightness("-n", 7, "--labels", 0, 4, 1), levels[[0, 4, 1, 0, 4, 1, 0]])
    assert np.array_equal(brightness("-n", 2, "--labels", 3, 1, 2), levels[[3, 1]])
    brightness("-n", 30, "--labels", 0, 1, 2)
    sheet = np.asarray(Image.open(tmp_path / "a.png"))
    columns = sheet[:, :64].astype(int).max(), sheet[:, 66 : 66 + 64].astype(int).min()
    assert columns == (255, levels[1])  # a class to a column, gaps apart


def test_labels_that_the_checkpoint_does_not_have_are_one_line(checkpoint, tmp_path):
    error = ganzoo("sample", checkpoint, "--labels", 1, 5, "-o", tmp_path / "a.png").error
    assert error == "--labels: '5' given, but the classes have no names; give numbers from 0 to 4."


# Agreement


def test_purity_is_the_share_of_each_codes_commonest_class():
    codes = torch.tensor([0, 0, 0, 1, 1, 2, 2, 2])
    classes = torch.tensor([4, 4, 1, 0, 0, 1, 2, 2])
    assert purity(codes, classes) == pytest.approx((2 + 2 + 2) / 8)
    assert purity(codes, 7 - codes) == 1
    assert purity(torch.tensor([1, 2, 0])[codes], classes) == purity(codes, classes)  # names of codes do not matter
    assert purity(torch.zeros(8, dtype=torch.long), classes) == pytest.approx(2 / 8)


def test_samples_are_classified_beside_what_they_were_asked_for(checkpoint):
    class Brightness(nn.Module):
        def check(self, shape):
            assert shape == (1, 8, 8)

        def forward(self, x):
            return x, -(x.mean((1, 2, 3))[:, None] - torch.tanh(torch.arange(-2, 3) / 4)).abs()

    asked, shown = draw_by_class(loading.load(checkpoint), Brightness(), 13)
    assert asked.tolist() == shown.tolist() == [i % 5 for i in range(13)]
    with pytest.raises(GanzooError, match="VanillaGAN is unconditional"):
        draw_by_class(VanillaGAN(MLPGenerator([2]), MLPDiscriminator([2])), Brightness(), 4)
