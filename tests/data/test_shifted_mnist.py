"""MNIST and its shifted domain: the formula, the textures, what training sees, and that it can be done again."""

import pytest
import torch
from idx import write_mnist

from ganzoo.common.errors import GanzooError
from ganzoo.data import MNIST, ShiftedMNIST
from ganzoo.data.shifted_mnist import random_crops, textures
from ganzoo.data.textures import make_textures


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return str(write_mnist(tmp_path_factory.mktemp("data"), 64, 48))


@pytest.fixture
def data(root):
    module = ShiftedMNIST(root, batch_size=16)
    module.setup()
    return module


def test_a_pixel_is_the_distance_of_digit_and_texture(data):
    digits = torch.tensor([0, 255, 100], dtype=torch.uint8).view(3, 1, 1, 1).expand(-1, -1, 28, 28)
    texture = torch.tensor([10, 200, 255], dtype=torch.uint8).view(1, 3, 1, 1).expand(-1, -1, 40, 40)
    shifted = data.shift(digits, texture, torch.Generator())
    assert shifted.dtype == torch.uint8
    by_hand = [[abs(digit - data.strength * pixel) for pixel in (10, 200, 255)] for digit in (0, 255, 100)]
    assert (shifted.amin((2, 3)) == shifted.amax((2, 3))).all()
    torch.testing.assert_close(shifted[:, :, 0, 0].float(), torch.tensor(by_hand), atol=0.5, rtol=0)


def test_crops_are_pieces_of_the_images_and_reach_their_ends():
    images = torch.arange(2 * 3 * 6 * 6).view(2, 3, 6, 6)
    crops = random_crops(images, 200, 4, torch.Generator().manual_seed(0))
    places = {(n, i, j) for n in range(2) for i in range(3) for j in range(3)}
    found = set()
    for crop in crops:
        n, first = divmod(int(crop[0, 0, 0]), 3 * 36)
        place = (n, first // 6, first % 6)
        assert torch.equal(crop, images[n, :, place[1] : place[1] + 4, place[2] : place[2] + 4])
        found.add(place)
    assert found == places


def test_the_reference_is_the_shifted_test_split_with_its_labels(data, root):
    plain = MNIST(root, size=28)
    (images, labels), (digits, truth) = data.split("test"), plain.split("test")
    assert images.shape == (48, 3, 28, 28)
    assert torch.equal(labels, truth)
    assert data.n_classes == 10
    x, y = next(iter(data.val_dataloader()))
    assert torch.equal(y, truth[:16])
    torch.testing.assert_close(x, images[:16].float() / 127.5 - 1)
    # with the texture taken off again, the digit is there: |d - t| with d = 0 is t, with d = 255 is 255 - t
    ground, stroke = digits.expand(-1, 3, -1, -1) < 30, digits.expand(-1, 3, -1, -1) == 255
    assert images[ground].float().mean() < 120 < images[stroke].float().mean()


def test_training_batches_hold_grey_labelled_sources_and_other_digits_as_targets(data, root):
    images, truth = MNIST(root, size=28).split("train")
    normal = images.float() / 127.5 - 1
    for x, (target, labels) in data.train_dataloader():
        assert x.shape == target.shape == (16, 3, 28, 28)
        assert target.is_contiguous()
        assert (x[:, :1] == x).all()
        assert -1 <= target.min() <= target.max() <= 1
        assert (target[:, :1] != target).any()
        for image, label in zip(x, labels, strict=True):
            matches = (normal == image[:1]).flatten(1).all(1)
            assert truth[matches].tolist() == [int(label)]


def test_targets_follow_the_seed_and_change_from_batch_to_batch(root):
    def targets(epoch: int = 0, start: int = 0) -> list[torch.Tensor]:
        module = ShiftedMNIST(root, batch_size=16)
        module.setup("fit")
        loader = module.train_dataloader()
        loader.load_state_dict({"epoch": epoch, "position": start})
        return [target for _, (target, _) in loader]

    first = targets()
    assert all(torch.equal(a, b) for a, b in zip(first, targets(), strict=True))
    assert all(torch.equal(a, b) for a, b in zip(first[2:], targets(start=2), strict=True))
    assert not torch.equal(first[0], first[1])
    assert not torch.equal(first[0], targets(epoch=1)[0])
    reference = [ShiftedMNIST(root, batch_size=size).split("test")[0] for size in (5, 16)]
    assert torch.equal(*reference)
    assert len({ShiftedMNIST(root, batch_size=size).fingerprint("test") for size in (5, 16)}) == 1


def test_training_and_test_have_other_textures(data):
    train, test = textures("train").flatten(1).float(), textures("test").flatten(1).float()
    assert torch.cdist(train, test).min() > 1000
    next(iter(data.train_dataloader()))
    assert torch.equal(data._textures, textures("train"))


def test_textures_are_seeded_coloured_and_of_four_kinds():
    textures = make_textures(8, 64, seed=3)
    assert textures.shape == (8, 3, 64, 64)
    assert torch.equal(textures, make_textures(8, 64, seed=3))
    assert not torch.equal(textures, make_textures(8, 64, seed=4))
    assert (textures.float().std((2, 3)).amax(1) > 3).all()  # none is flat
    assert (textures.float().mean((2, 3)).std(1) > 1).all()  # none is grey
    assert textures.float().mean() < 127  # the ground is darker than a stroke, as a rule


def test_a_size_beyond_the_textures_is_refused(root):
    assert ShiftedMNIST(root, size=32).split("test")[0].shape == (48, 3, 32, 32)
    with pytest.raises(GanzooError, match=r"data\.size: 129 .* 128"):
        ShiftedMNIST(root, size=129)
