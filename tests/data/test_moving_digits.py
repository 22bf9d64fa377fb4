"""Digits that move over a still texture, and their true masks."""

import pytest
import torch
from idx import write_mnist

from ganzoo.common.errors import GanzooError
from ganzoo.common.kinds import VIDEO
from ganzoo.data import MovingDigits
from ganzoo.data.moving_digits import THRESHOLD


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return str(write_mnist(tmp_path_factory.mktemp("mnist")))


def clips_of(root, count=12, split="test", **options):
    """The first clips of a split, (N, 3, T, H, W) in [-1, 1]."""
    stored, labels = MovingDigits(root, **{"size": 32, "frames": 8} | options).split(split)
    assert labels is None
    return torch.stack([stored[index] for index in range(count)]).float() / 127.5 - 1


def test_clips_are_video_of_bright_digits_over_a_texture_that_stands_still(root):
    data = MovingDigits(root, size=32, frames=8)
    x = clips_of(root)
    masks = data.true_masks(x)
    assert (data.kind, tuple(x.shape[1:]), data.shape) == (VIDEO, (3, 8, 32, 32), (3, 8, 32, 32))
    assert masks.shape == (12, 1, 8, 32, 32)
    assert masks.flatten(1).any(1).all()
    assert masks.float().mean() < 0.3
    near = torch.nn.functional.max_pool2d(masks.any(2).float(), 5, 1, 2).bool()  # pale edges included
    ground = ~near.expand(-1, 3, -1, -1)
    assert ground.float().mean() > 0.2
    change = (x - x[:, :, :1]).abs().amax(2)
    assert change[ground].max() < 0.4  # the drawings are noisy
    assert change[near.expand(-1, 3, -1, -1)].max() > 1
    assert x.amax(1)[~masks[:, 0]].max() <= THRESHOLD


def test_still_digits_stand_and_fast_ones_bounce_inside_the_frame(root):
    still = clips_of(root, speed=0.0)
    assert torch.equal(still[:, :, 0], still[:, :, 7])
    fast = clips_of(root, speed=0.5, frames=32, digits=1)
    masks = MovingDigits.true_masks(fast).flatten(3).sum(3)[:, 0].float()
    assert (masks.amin(1) > 0.8 * masks.amax(1)).all()  # wholly inside at all times


def test_a_clip_depends_on_seed_and_number_alone(root):
    data = MovingDigits(root, size=32, frames=8, samples=40)
    (train, _), (test, _) = data.split("train"), data.split("test")
    assert (len(train), len(test)) == (40, 1000)
    together = train.__getitems__([3, 5, 7])
    assert all(torch.equal(clip, train[index]) for clip, index in zip(together, (3, 5, 7), strict=True))
    assert not torch.equal(train[3], test[3])
    assert not torch.equal(train[3], train.seeded(1)[3])
    assert torch.equal(train.seeded(1)[3], train.seeded(1)[3])
    other = MovingDigits(root, size=32, frames=8, samples=40, seed=1)
    assert data.fingerprint("test") == MovingDigits(root, size=32, frames=8).fingerprint("test")
    assert data.fingerprint("test") != other.fingerprint("test")


def test_training_draws_anew_in_each_epoch_and_the_reference_never(root):
    data = MovingDigits(root, size=16, frames=4, samples=8, batch_size=4)
    loader = data.loader("train", train=True)
    epochs = [torch.cat([x for x, _ in loader.batches(epoch, 0)]) for epoch in (0, 1, 0)]
    assert epochs[0].shape == (8, 3, 4, 16, 16)
    assert torch.equal(epochs[0], epochs[2])
    assert not {clip.numpy().tobytes() for clip in epochs[0]} & {clip.numpy().tobytes() for clip in epochs[1]}
    reference = [next(iter(data.loader("test")))[0] for _ in range(2)]
    assert torch.equal(*reference)


def test_size_digits_and_their_share_are_arguments(root):
    share = lambda **options: MovingDigits.true_masks(clips_of(root, **options)).float().mean()  # noqa: E731
    assert share(digit_size=0.8, digits=1) > 2 * share(digit_size=0.4, digits=1)
    assert share(digits=4) > 1.5 * share(digits=1)


@pytest.mark.parametrize(
    "options",
    [{"size": 8}, {"size": 129}, {"frames": 0}, {"digits": 0}, {"digit_size": 1.0}, {"speed": 0.6}, {"samples": 0}],
)
def test_senseless_numbers_are_refused(options):
    with pytest.raises(GanzooError, match=rf"^data\.{next(iter(options))}"):
        MovingDigits(**options)
