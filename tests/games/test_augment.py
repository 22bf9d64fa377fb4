"""DiffAugment: each image draws its own change, gradients pass, and both sides of the game go through it."""

import pytest
import torch
from moves import in_move
from tiny import conv, mlp

from ganzoo.common.errors import GanzooError
from ganzoo.games import augment
from ganzoo.games.augment import POLICIES, diff_augment
from ganzoo.models.dcgan import DCGAN

STEPS = [augment.brightness, augment.saturation, augment.contrast, augment.translation, augment.cutout]


@pytest.mark.parametrize("step", STEPS)
def test_shape_stays_each_image_draws_its_own_and_gradients_pass(step):
    x = torch.rand(1, 3, 16, 12).expand(20, -1, -1, -1).clone().requires_grad_()
    out = step(x)
    assert out.shape == x.shape
    assert out.dtype == x.dtype
    assert len(out.flatten(1).unique(dim=0)) > 10  # 20 equal images become different ones
    torch.manual_seed(5)
    (gradient,) = torch.autograd.grad(step(x).sum(), x)
    assert (gradient.flatten(1).abs().sum(1) > 0).all()
    with torch.no_grad():  # the steps are linear in x up to a constant, so differences are exact
        nudge = torch.rand_like(x)
        torch.manual_seed(5)
        before = step(x).sum()
        torch.manual_seed(5)
        after = step(x + nudge).sum()
    torch.testing.assert_close((gradient * nudge).sum(), after - before, rtol=1e-3, atol=1e-2)


def test_no_policy_changes_nothing():
    x = torch.randn(2, 1, 8, 8)
    assert diff_augment(x, "") is x


def test_policies_apply_in_the_order_given():
    x = torch.randn(4, 3, 8, 8)
    torch.manual_seed(1)
    named = diff_augment(x, "cutout,color")
    torch.manual_seed(1)
    assert torch.equal(named, augment.color(augment.cutout(x)))
    torch.manual_seed(1)
    assert torch.equal(diff_augment(x, "cutout, color"), named)


def test_a_misspelt_policy_is_refused_before_any_training():
    for options in ({"augment": "colour"}, {"augment": "color,translatoin"}):
        with pytest.raises(GanzooError, match=r"model\.augment: .*Did you mean '(color|translation)'"):
            mlp(**options)


def test_brightness_shifts_each_image_by_one_number():
    x = torch.randn(500, 3, 4, 4)
    shift = augment.brightness(x) - x
    torch.testing.assert_close(shift, shift[:, :1, :1, :1].expand_as(shift))
    assert -0.5 <= shift.min() < -0.45
    assert 0.45 < shift.max() <= 0.5


def test_saturation_keeps_the_grey_value_and_leaves_grey_images_alone():
    x = torch.randn(300, 3, 4, 4)
    out = augment.saturation(x)
    torch.testing.assert_close(out.mean(1), x.mean(1))
    factor = (out - out.mean(1, keepdim=True)).flatten(1).norm(dim=1) / (x - x.mean(1, keepdim=True)).flatten(1).norm(
        dim=1
    )
    assert factor.min() < 0.1
    assert 1.9 < factor.max() <= 2
    grey = torch.randn(5, 1, 4, 4)
    assert torch.equal(augment.saturation(grey), grey)
    torch.testing.assert_close(augment.saturation(grey.expand(-1, 3, -1, -1)), grey.expand(-1, 3, -1, -1))


def test_contrast_scales_the_distance_from_the_mean():
    x = torch.randn(300, 1, 6, 6)
    out = augment.contrast(x)
    torch.testing.assert_close(out.mean((1, 2, 3)), x.mean((1, 2, 3)), rtol=1e-4, atol=1e-5)
    factor = out.flatten(1).std(1) / x.flatten(1).std(1)
    assert 0.5 <= factor.min() < 0.55
    assert 1.45 < factor.max() <= 1.5


def test_translation_moves_by_whole_pixels_and_fills_with_zeros():
    x = torch.rand(200, 2, 16, 8) + 1
    out = augment.translation(x)
    seen = set()
    for before, after in zip(x, out, strict=True):
        fits = []
        for dy in range(-2, 3):
            for dx in range(-1, 2):
                moved = torch.zeros_like(before)
                rows, columns = slice(max(dy, 0), 16 + min(dy, 0)), slice(max(dx, 0), 8 + min(dx, 0))
                sources = slice(max(-dy, 0), 16 + min(-dy, 0)), slice(max(-dx, 0), 8 + min(-dx, 0))
                moved[:, rows, columns] = before[:, *sources]
                fits += [(dy, dx)] * torch.equal(moved, after)
        assert len(fits) == 1, "an image was not moved by an eighth of its side or less"
        seen.update(fits)
    assert len(seen) == 15  # every shift of up to 2 rows and 1 column occurs
    assert torch.equal(augment.translation(x, ratio=0.0), x)


@pytest.mark.parametrize(("height", "width"), [(8, 8), (7, 12)])
def test_cutout_blanks_one_rectangle_of_half_the_side(height, width):
    out = augment.cutout(torch.ones(400, 3, height, width))
    assert set(out.unique().tolist()) == {0, 1}
    assert torch.equal(out[:, 0], out[:, 2])
    blank = out[:, 0] == 0
    tall, wide = blank.any(2).sum(1), blank.any(1).sum(1)
    assert torch.equal(blank.sum((1, 2)), tall * wide)  # a full rectangle
    assert tall.max() == int(height / 2 + 0.5)
    assert wide.max() == int(width / 2 + 0.5)
    assert 0 < tall.min() < tall.max()  # cut by the border where it is centred near it
    middle = blank.float().mean(0)
    torch.testing.assert_close(middle, middle.flip(0, 1), rtol=0, atol=0.15)  # no side is preferred


def test_every_policy_works_on_one_channel_and_keeps_the_type():
    for policy in POLICIES:
        out = diff_augment(torch.rand(2, 1, 8, 8, dtype=torch.bfloat16), policy)
        assert out.shape == (2, 1, 8, 8)
        assert out.dtype == torch.bfloat16


def test_real_and_generated_images_both_go_through_it():
    game = conv(DCGAN, augment="cutout")
    seen = []
    game.discriminator.register_forward_pre_hook(lambda module, arguments: seen.append(arguments[0]))
    x = torch.ones(16, 1, 8, 8)
    in_move(game.d_loss, x, None)
    in_move(game.g_loss, x, None)
    assert len(seen) == 3
    for images in seen:
        assert (images == 0).any(dim=3).any(dim=2).all(), "an image has no blank square"
