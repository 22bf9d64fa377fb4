"""Divergence of conditioning augmentation, and wrong pairs."""

import pytest
import torch
from official import wave

from ganzoo.losses.texts import augmentation_kl, wrong_images


def test_the_divergence_is_the_mean_of_the_port():
    mu = wave([3, 4])
    log_variance = 0.8 * mu.flip(0)
    # hanzhanggit/StackGAN-Pytorch@e72ef88, KL_loss: computed with these numbers
    assert augmentation_kl(mu, log_variance / 2).item() == pytest.approx(0.3664002, rel=1e-6)
    assert augmentation_kl(torch.zeros(3, 4), torch.zeros(3, 4)) == 0


def test_a_wrong_image_is_any_of_another_group():
    groups = torch.tensor([0, 0, 1, 2])
    chosen = set()
    for _ in range(50):
        other, there = wrong_images(torch.zeros(4, 2), groups)
        assert there.all()
        assert (groups[other] != groups).all()
        chosen |= {tuple(pair) for pair in zip(range(4), other.tolist(), strict=True)}
    assert len(chosen) == 2 * 2 + 3 + 3
    assert not wrong_images(torch.zeros(4, 2), torch.zeros(4))[1].any()
    embedding = torch.tensor([[1.0, 2], [1, 2], [1, 3]])
    other, there = wrong_images(embedding)  # equal texts are of one group
    assert there.all()
    assert (embedding[other] != embedding).any(1).all()
