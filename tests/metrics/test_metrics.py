import pytest
import tiny
import torch
from torch import nn

from ganzoo.common.curves import is_score
from ganzoo.common.errors import GanzooError
from ganzoo.games.capabilities import taught_classes
from ganzoo.metrics.points import good, modes, require_spread, wasserstein
from ganzoo.metrics.selection import choose_scores, key, too_few
from ganzoo.tools.compare.tables import name_of_score


class Data:
    """What scores ask of a data module."""

    def __init__(self, shape=(1, 28, 28), reference="test", centres=None):
        self.shape, self.reference, self.centres = shape, reference, centres


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# Names and keys


def test_keys_carry_extractor_counts_and_split():
    digits, faces = Data(), Data((1, 64, 64), "train")
    assert key("fid", "mnist", 10_000, digits) == "fid[mnist,10k/test]"
    assert key("is", "mnist", 10_000, digits) == "is[mnist,10k]"
    assert key("is_std", "mnist", 10_000, digits) == "is_std[mnist,10k]"
    assert key("kid", "some/where/clothes.safetensors", 500, digits) == "kid[clothes,500/test]"
    assert key("accuracy", "mnist", 10_000, digits) == "accuracy[mnist,10k]"
    assert key("swd", None, 813, faces) == "swd[813/train]"
    assert key("modes", None, 2000, Data((2,), centres=torch.zeros(1, 2))) == "modes[2k]"
    assert key("good", None, 2500, Data((2,))) == "good[2500/test]"


def test_a_key_says_both_counts_where_the_splits_name_does_not():
    own, known = Data(reference="train"), Data()
    known.standard = True
    for data, samples, items, wanted in (
        (own, 813, 60, "swd[813/60 train]"),
        (own, 60, 5000, "swd[60/5k train]"),
        (own, 813, 813, "swd[813/train]"),
        (known, 2000, 10_000, "swd[2k/test]"),
        (known, 1000, 297, "swd[1k/297 test]"),
        (own, 813, None, "swd[813/train]"),
    ):
        assert key("swd", None, samples, data, items=items) == wanted
        assert name_of_score(wanted) == "swd"
        assert is_score(wanted)
    assert key("is", "mnist", 2000, own, items=60) == "is[mnist,2k]"
    assert key("psnr", None, None, own, items=60) == "psnr[train]"


def test_scores_of_too_few_items_are_told_apart():
    data = Data()
    data.split = lambda name: (range(5), None)
    assert too_few("fid", 5, data, k=5) == ""
    assert too_few("coverage", 9, data, k=5) == "needs at least 6 items of the reference, and there are 5"
    assert too_few("is", 10, data, k=5) == "needs at least 11 samples, and there are 10"
    assert too_few("is", 11, data, k=5) == too_few("psnr", 1, data, k=5) == ""


def test_default_scores_suit_the_data():
    assert choose_scores(None, "mnist", Data()) == ["fid", "is", "kid"]
    assert choose_scores(None, None, Data()) == ["swd"]
    assert choose_scores(None, None, Data((2,), centres=torch.zeros(1, 2))) == ["modes", "good", "wasserstein"]
    assert choose_scores(None, None, Data((2,))) == ["good", "wasserstein"]


def test_accuracy_is_for_models_whose_classes_the_extractor_knows():
    assert choose_scores(None, "mnist", Data(), classes=10) == ["fid", "is", "kid", "accuracy"]
    assert choose_scores(None, "mnist", Data(), classes=7) == choose_scores(None, "inception", Data(), classes=10)
    assert choose_scores(["accuracy"], "mnist", Data(), classes=10) == ["accuracy"]
    for classes in (0, 7):
        with pytest.raises(GanzooError, match=f"10 classes apart, and the model has learnt {classes}"):
            choose_scores(["accuracy"], "mnist", Data(), classes)
    with pytest.raises(GanzooError, match="needs an extractor"):
        choose_scores(["accuracy"], None, Data(), classes=10)
    found, told = tiny.conv(), tiny.conv()
    found.n_classes = told.n_classes = 10
    found.supervised = False  # like InfoGAN's codes
    assert [taught_classes(model) for model in (tiny.conv(), found, told, nn.Identity())] == [0, 0, 10, 0]


@pytest.mark.parametrize(
    ("metrics", "features", "shape", "message"),
    [
        (["fdi"], "mnist", (1, 28, 28), "Did you mean 'fid'"),
        (["fid"], None, (1, 28, 28), "needs an extractor"),
        (["good"], None, (1, 28, 28), "the data are images"),
        (["swd"], None, (2,), "the data are points"),
        (["modes"], None, (2,), "no centres"),
        (None, "mnist", (2,), "no extractor"),
    ],
)
def test_scores_that_do_not_fit_are_one_clear_line(metrics, features, shape, message):
    with pytest.raises(GanzooError, match=message) as error:
        choose_scores(metrics, features, Data(shape))
    assert "\n" not in str(error.value)


# Points


def test_point_scores_on_points_made_by_hand():
    centres = torch.tensor([[0.0, 0], [10, 0], [20, 0]])
    real = torch.tensor([[0.0, 0], [10, 0], [20, 0], [20, 0]])
    # Good: two at the first mode, one just inside the second. Bad: one just outside it, none at the third.
    fake = torch.tensor([[0.0, 0], [0, 2], [10, 2.9], [10, -3.1]])
    assert modes(fake, centres, std=1.0) == 2
    assert good(fake, centres, std=1.0).tolist() == [True, True, True, False]
    # The cheapest assignment: (0, 0) stays, and (0, 2), (10, 2.9), (10, -3.1) go to (10, 0) and twice to (20, 0).
    best = (0 + 104**0.5 + 108.41**0.5 + 109.61**0.5) / 4
    assert wasserstein(real, fake).item() == pytest.approx(best, rel=1e-5)


def test_points_without_centres_are_good_near_a_real_one():
    real, fake = torch.tensor([[0.0, 0], [1, 1]]), torch.tensor([[0.0, 0.2], [1, 1.2], [0.5, 0.5], [1, 0.9]])
    assert good(fake, real, std=0.1).tolist() == [True, True, False, True]


def test_wasserstein_distance_is_that_of_a_shift_and_zero_on_equal_sets():
    x = randn(1500, 2)
    assert wasserstein(x, x) == 0
    assert wasserstein(x[:300], x[:300].flip(0) + torch.tensor([3.0, 4.0])).item() == pytest.approx(5)


def test_points_without_noise_cannot_be_scored():
    with pytest.raises(GanzooError, match=r"data.std: 0"):
        require_spread(0)
