"""Small autoencoders of every kind, on 8-pixel digits or on points; the same weights every time."""

from typing import Any

import torch
from torch import nn

from ganzoo.models.aae import AAE
from ganzoo.models.autoencoder import Autoencoder
from ganzoo.models.vae import VAE
from ganzoo.networks.autoencoder import MLPEncoder
from ganzoo.networks.mlp import MLPDiscriminator, MLPGenerator

DIM = 4
DIGIT = [1, 8, 8]


def networks(shape: list[int], told: int = 1, squash: bool = True) -> tuple[nn.Module, nn.Module]:
    """An encoder that says so many numbers for each one of a code, and a decoder."""
    torch.manual_seed(0)
    return MLPEncoder(shape, told * DIM, (64,)), MLPGenerator(shape, DIM, (64,), squash=squash)


def autoencoder(**options: Any) -> Autoencoder:
    return Autoencoder(*networks(DIGIT), **{"components": 2} | options)


def vae(**options: Any) -> VAE:
    return VAE(*networks(DIGIT, 2, squash=False), **options)


def aae(**options: Any) -> AAE:
    return AAE(*networks(DIGIT), MLPDiscriminator([DIM], (32,), dropout=0.0), **options)


def gaussian_vae(**options: Any) -> VAE:
    """On points."""
    return VAE(*networks([2], 2, squash=False), likelihood="gaussian", **options)


IMAGES = {"autoencoder": autoencoder, "vae": vae, "aae": aae}
EVERY = {**IMAGES, "gaussian vae": gaussian_vae}
