"""ADA: p follows how sure the discriminator is, and each image is changed with probability p, differentiably."""

import json
import math

import pytest
import torch
from moves import in_move
from official import FOLDER
from tiny import conv, digits, fit, mlp

from ganzoo.common.errors import GanzooError
from ganzoo.games.pipe import Draws, Pipe
from ganzoo.games.schedules import Schedule
from ganzoo.games.warping import rotation_matrix, scaling_matrix, translation_matrix, warp
from ganzoo.losses.penalties import gradient_penalty, input_gradient
from ganzoo.models.dcgan import DCGAN
from ganzoo.models.wgan_gp import WGANGP
from ganzoo.stabilisers import ADA, Augmentation

SAID = json.loads((FOLDER / "ada.json").read_text())


def at(p: float, **options) -> ADA:
    """ADA at a fixed probability."""
    ada = ADA(**options)
    ada.p.fill_(p)
    return ada


def moved(ada: ADA, *logits: float, batch: int = 10) -> list[float]:
    """p after steps in which a discriminator says these logits of all real images."""
    game, course = conv(stabilisers=[ada]), []
    for said in logits:
        game.logits = lambda output, x, said=said: torch.full((len(x),), float(said))
        in_move(game.d_terms, torch.zeros(batch, 1, 8, 8), None)
        game.after_d(game.open_move())
        course.append(ada.p.item())
    return course


# The control of p


def test_p_rises_while_the_discriminator_is_right_on_real_images_and_falls_while_it_is_wrong():
    course = moved(ADA(interval=1, images=100), 3, 3, 3, -1, -1)
    assert course == pytest.approx([0.1, 0.2, 0.3, 0.2, 0.1])


def test_p_moves_at_the_end_of_an_interval_by_the_images_seen_in_it():
    course = moved(ADA(interval=3, images=100), *[1] * 7)
    assert course == pytest.approx([0, 0, 0.3, 0.3, 0.3, 0.6, 0.6])


def test_p_stays_a_probability():
    assert moved(ADA(interval=1, images=20), *[1] * 4, *[-1] * 4) == pytest.approx([0.5, 1, 1, 1, 0.5, 0, 0, 0])


def test_several_logits_of_an_image_count_as_one_image():
    for dims in ((), (1,), (5,), (1, 3, 3)):  # of a PatchGAN, or of a discriminator for each scale
        ada = ADA(interval=1, images=100)
        game = conv(stabilisers=[ada])
        game.logits = lambda output, x, dims=dims: torch.ones(len(x), *dims)
        in_move(game.d_terms, torch.zeros(10, 1, 8, 8), None)
        game.after_d(game.open_move())
        assert ada.p.item() == pytest.approx(0.1)
        assert game.notes.means()["d/ada_r"] == 1


def test_r_is_the_mean_sign_of_real_logits_against_the_target():
    x = torch.zeros(20, 1, 8, 8)
    for right, direction in ((17, 1), (15, -1)):  # signs of 0.7 and 0.5 on average
        ada = at(0.5, interval=1, images=200)
        game = conv(stabilisers=[ada])
        signs = torch.ones(20)
        signs[right:] = -1
        game.logits = lambda output, x, signs=signs: signs * torch.rand(20)
        in_move(game.d_terms, x, None)
        game.after_d(game.open_move())
        assert ada.p.item() == pytest.approx(0.5 + direction * 0.1)
        assert game.notes.means()["d/ada_r"] == pytest.approx((2 * right - 20) / 20)


def test_chunks_of_a_batch_count_as_one_step(tmp_path):
    whole, parts = (at(0.0, target=-2, interval=1, images=1500) for _ in range(2))
    fit(tmp_path, conv(stabilisers=[whole]), digits(), 3)
    fit(tmp_path, conv(stabilisers=[parts], accumulate=3), digits(), 3)
    assert whole.p.item() == parts.p.item() == pytest.approx(0.3)


def test_the_generators_move_does_not_move_p():
    ada = ADA(interval=1, images=10)
    game = conv(stabilisers=[ada])
    in_move(game.g_terms, torch.zeros(4, 1, 8, 8), None)
    assert (ada.p, ada.steps, ada.heard.abs().sum()) == (0, 0, 0)


# What it does to images


def test_at_probability_0_images_stay_the_same_bit_by_bit():
    for channels, width in ((1, 8), (3, 12)):
        x = torch.randn(64, channels, 8, width)
        assert torch.equal(at(0).see(conv(), x), x)


def test_at_probability_1_every_image_is_changed_in_its_own_way():
    x = torch.randn(1, 3, 16, 16).expand(50, 3, 16, 16)
    seen = at(1).see(conv(), x)
    assert seen.shape == x.shape
    assert len(seen.flatten(1).unique(dim=0)) == 50
    assert not (seen == x).flatten(1).all(1).any()
    assert torch.equal(x[0], x[1])


@pytest.mark.parametrize(("p", "flips"), [(0.2, False), (0.1, True)])
def test_each_augmentation_comes_with_probability_p(p, flips):
    x = torch.randn(1, 1, 8, 8).expand(4000, 1, 8, 8)
    same = (at(p, flips=flips).see(conv(), x) == x).flatten(1).all(1).float().mean()
    expected = (1 - p) ** 6  # size, turn, stretch, fine shift, brightness, contrast
    expected *= 1 - 0.75 * p  # up to one pixel of shift rounds to none in each direction every other time
    expected *= (1 - 0.5 * p) * (1 - 0.75 * p) if flips else 1  # mirrored or not; one of four quarters is none
    assert same.item() == pytest.approx(expected, abs=0.025)


def test_real_and_generated_images_are_augmented_alike_in_both_moves():
    game, seen = conv(DCGAN, stabilisers=[at(1)]), []
    game.discriminator.register_forward_pre_hook(lambda module, arguments: seen.append(arguments[0]))
    x = torch.ones(300, 1, 8, 8)
    game.fake = lambda n, y=None: x
    in_move(game.d_terms, x, None)
    in_move(game.g_terms, x, None)
    assert len(seen) == 3
    for images in seen:  # of a blank image only brightness and contrast show: (1 + 0.2 n) 2^(n / 2)
        values = images.flatten(1)
        torch.testing.assert_close(values.min(1).values, values.max(1).values, rtol=1e-4, atol=1e-4)
        assert values.mean().item() == pytest.approx(math.exp((0.5 * math.log(2)) ** 2 / 2), rel=0.1)
    assert not torch.equal(seen[0], seen[1])


def test_gradients_pass_twice_and_are_those_of_the_linear_map_that_it_is():
    x, game, ada = torch.randn(20, 3, 8, 8, requires_grad=True), conv(), at(0.7)
    torch.manual_seed(1)
    (gradient,) = torch.autograd.grad(ada.see(game, x).square().sum(), x, create_graph=True)
    assert (gradient.flatten(1).abs().sum(1) > 0).all()
    nudge = 1e-2 * torch.randn_like(x)
    with torch.no_grad():
        ends = []
        for sign in (1, -1):
            torch.manual_seed(1)
            ends.append(ada.see(game, x + sign * nudge).double().square().sum())
    torch.testing.assert_close((gradient * nudge).sum().double(), (ends[0] - ends[1]) / 2, rtol=1e-3, atol=1e-3)
    (second,) = torch.autograd.grad(gradient.square().sum(), x)
    assert second.abs().sum() > 0
    gradient_penalty(
        conv(stabilisers=[ada]).open_move().judge, torch.randn(4, 1, 8, 8), torch.randn(4, 1, 8, 8)
    ).backward()


def test_half_precision_stays_and_places_do_not_suffer_from_it():
    x = torch.rand(8, 1, 32, 32)
    torch.manual_seed(2)
    exact = at(1).see(conv(), x)
    torch.manual_seed(2)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(at(1).see(conv(), x), exact)
    assert at(1).see(conv(), x.bfloat16()).dtype == torch.bfloat16


def test_points_are_no_images():
    with pytest.raises(GanzooError, match=r"ADA is for images, but the data has shape \(2,\)"):
        in_move(mlp(stabilisers=[ADA()]).d_terms, torch.randn(4, 2), None)


# Maps


def one(number: float) -> torch.Tensor:
    return torch.tensor([number])


@pytest.mark.parametrize(("height", "width"), [(8, 8), (6, 10), (7, 5)])
def test_maps_do_to_pixels_what_they_say(height, width):
    x = torch.randn(1, 2, height, width)
    shifted = warp(x, translation_matrix(one(2), one(-1)))
    torch.testing.assert_close(shifted[..., 1:, :-2], x[..., :-1, 2:])
    torch.testing.assert_close(shifted[..., 0, :-2], x[..., 0, 2:])  # mirrored at the edge
    torch.testing.assert_close(warp(x, scaling_matrix(one(-1), one(1))), x.flip(3))
    torch.testing.assert_close(warp(x, rotation_matrix(one(math.pi))), x.flip(2, 3), rtol=1e-4, atol=1e-4)
    if height == width:
        torch.testing.assert_close(warp(x, rotation_matrix(one(math.pi / 2))), x.rot90(1, (2, 3)), rtol=1e-4, atol=1e-4)


def test_a_turn_turns_pictures_that_are_not_square_by_the_same_angle():
    """A bright spot 4 pixels right of the centre comes to lie 4 pixels below or above it, not 4 / 24 * 12."""
    x = torch.zeros(1, 1, 13, 25)
    x[0, 0, 6, 12 + 4] = 1
    turned = warp(x, rotation_matrix(one(math.pi / 2)))[0, 0]
    assert divmod(int(turned.argmax()), 25) in {(6 + 4, 12), (6 - 4, 12)}
    assert turned.max().item() == pytest.approx(1, abs=1e-3)


def test_maps_that_change_nothing_are_left_out():
    x = torch.randn(3, 1, 7, 9)
    matrix = translation_matrix(torch.tensor([0.0, 1.0, 0.0]), torch.zeros(3))
    out = warp(x, matrix)
    assert torch.equal(out[0], x[0])
    assert torch.equal(out[2], x[2])
    assert not torch.equal(out[1], x[1])


def test_free_turns_keep_to_their_largest_angle():
    x = torch.zeros(2000, 1, 8, 8)
    matrix = Pipe(flips=False, turn=10.0, blit=0.0).map(x, Draws(x, 1.0))
    axes = torch.linalg.svd(matrix[:, :2, :2])  # of turns and sizes alone: U V^T is the turn
    turned = (axes.U @ axes.Vh)[:, 1, 0].asin()
    assert turned.abs().max().item() <= 2 * math.radians(10)
    assert turned.abs().max().item() > math.radians(10)  # two turns
    assert turned.mean().item() == pytest.approx(0, abs=0.01)
    still = Pipe().map(x, Draws(x, 0.0))
    assert torch.equal(still, torch.eye(3).expand(2000, 3, 3))


@pytest.mark.parametrize(("p", "r", "batch", "then"), SAID["probability_update [p, r_t, batch, new p]"])
def test_p_moves_as_in_the_authors_code(p, r, batch, then):
    ada = at(p)
    ada.heard.copy_(torch.tensor([r * 4 * batch, 4.0 * batch], dtype=torch.float64))
    ada.steps.fill_(3)
    ada.after_d(conv(), conv().open_move())
    assert ada.p.item() == pytest.approx(then, abs=1e-7)


def test_without_its_switches_it_draws_and_computes_what_it_did_before_there_were_any():
    """The colours as they were written out, from the same random numbers."""
    x, ada, game = torch.rand(20, 3, 8, 8), at(0.6), conv()
    torch.manual_seed(3)
    seen = ada.see(game, x)
    torch.manual_seed(3)
    moved = warp(x, ada.pipe.map(x, Draws(x, ada.p)))

    def maybe(drawn, otherwise):
        return torch.where(torch.rand(20).view(-1, 1, 1, 1) < 0.6, drawn, otherwise)

    moved = (moved + maybe(0.2 * torch.randn(20, 1, 1, 1), 0)) * maybe((0.5 * torch.randn(20, 1, 1, 1)).exp2(), 1)
    expected = torch.lerp(moved.mean(1, keepdim=True), moved, maybe(torch.randn(20, 1, 1, 1).exp2(), 1))
    assert torch.equal(seen, expected)


# At a probability that is laid down


def test_r3gans_probability_rises_along_half_a_wave_over_20_million_images():
    rise = Schedule([0, 0.55], at=[0, 0.08], kind="cosine")
    model = conv(stabilisers=[Augmentation(rise, colours=0.5, cutout=1.0)])
    for images, p in ((0, 0.0), (10e6, 0.275), (20e6, 0.55), (250e6, 0.55)):
        assert rise(images / 250e6) == pytest.approx(p)
        model.levels[rise] = torch.tensor(rise(images / 250e6))
        in_move(model.d_terms, torch.zeros(4, 1, 8, 8), None)
    assert model.notes.means()["d/aug_p"] == pytest.approx((0 + 0.275 + 2 * 0.55) / 4)


def test_it_augments_by_the_present_probability_and_penalties_look_at_what_is_not_augmented():
    rise, x = Schedule([0, 1], at=[0, 1], kind="linear"), torch.randn(40, 1, 8, 8)
    model = conv(WGANGP, stabilisers=[Augmentation(rise, cutout=1.0)])
    model.levels[rise] = torch.tensor(0.0)
    assert torch.equal(model.discriminator_view(x), x)
    model.levels[rise] = torch.tensor(1.0)
    assert not (model.discriminator_view(x) == x).flatten(1).all(1).any()

    def total(x, y):
        return model.discriminator_view(x).sum((1, 2, 3))

    slope = input_gradient(total, x)
    assert slope.shape == (40, 64)
    assert len(slope.unique(dim=0)) == 40  # each image's own augmentation is in it: without any they would be ones


def test_probabilities_and_factors_are_shares():
    for options in ({"p": 1.1}, {"colours": -0.1}, {"p": Schedule([0, 2], [0, 1])}):
        with pytest.raises(GanzooError, match=rf"model\.stabilisers\.{next(iter(options))}: must be in \[0, 1\]"):
            Augmentation(**options)
