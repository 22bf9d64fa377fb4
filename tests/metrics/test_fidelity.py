"""FID and KID agree with torch-fidelity's, from the same features."""

import pytest
import torch
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
from torch_fidelity.metric_kid import kid_features_to_metric

from ganzoo.metrics.distances import Reference
from ganzoo.networks.classifiers import load_classifier, normalised, shipped


def digits(n, seed, noise):
    """What our classifier sees in blots and their noisy versions, (n, 96)."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.nn.functional.interpolate(torch.rand(n, 1, 7, 7, generator=generator), 28) * 255
    images += noise * torch.randn(images.shape, generator=generator)
    with torch.inference_mode():
        return load_classifier(shipped("mnist"))(normalised(images.clamp(0, 255).byte()))[0]


def mixed(n, seed, scale):
    """Correlated, skewed features, some of them nearly always 0; more of them than some sets have items."""
    mix = torch.randn(200, 200, generator=torch.Generator().manual_seed(9)) / 200**0.5
    noise = torch.randn(n, 200, generator=torch.Generator().manual_seed(seed))
    return torch.relu(scale * noise @ mix + torch.linspace(-4, 1, 200))


SETS = {
    "a classifier's": lambda: (digits(500, 0, 0), digits(400, 1, 60)),
    "more features than images": lambda: (mixed(150, 0, 1.0), mixed(180, 1, 1.2)),
}


@pytest.mark.parametrize("sets", SETS.values(), ids=SETS)
def test_fid_is_torch_fidelitys(sets):
    real, fake = sets()
    theirs = fid_statistics_to_metric(*map(fid_features_to_statistics, (fake, real)), verbose=False)
    ours = Reference(real.double()).frechet_distance(fake.double()).item()
    assert ours == pytest.approx(theirs["frechet_inception_distance"], rel=1e-3)


@pytest.mark.parametrize("sets", SETS.values(), ids=SETS)
def test_kid_is_torch_fidelitys(sets):
    real, fake = (x[:150] for x in sets())
    # subsets of all images are all the same, whatever random numbers they come from
    theirs = kid_features_to_metric(
        fake,
        real,
        kid_subsets=2,
        kid_subset_size=150,
        kid_kernel="poly",
        kid_kernel_poly_degree=3,
        kid_kernel_poly_gamma=None,
        kid_kernel_poly_coef0=1,
        rng_seed=0,
        verbose=False,
    )
    ours = Reference(real.double()).kernel_distance(fake.double(), subset=150, subsets=2).item()
    assert ours == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-3)
