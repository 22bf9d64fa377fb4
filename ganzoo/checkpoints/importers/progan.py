"""Weights of pytorch_GAN_zoo's ProGAN (https://github.com/facebookresearch/pytorch_GAN_zoo): its names in ganzoo's.

There weights and biases are all scaled by sqrt(2 / fan in) at run time; in ganzoo, as in the paper, weights by that or
by 1 / sqrt(fan in), and biases not at all. Its standard deviation over a group divides by one less than the samples.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from ganzoo.checkpoints.importers.adapting import (
    NO_DISCRIMINATOR,
    Conversion,
    Format,
    Part,
    equalised_widths,
    find,
    image_folder,
    numbers_in,
)
from ganzoo.checkpoints.importers.reading import Network
from ganzoo.common.errors import GanzooError

GENERATOR = "ganzoo.networks.progan.ProGANGenerator"
DISCRIMINATOR = "ganzoo.networks.progan.ProGANDiscriminator"
FIRST, LAST = "formatLayer.module.weight", "decisionLayer.module.weight"
GAIN = 2**0.5
GROUP = 4  # samples of a group of the minibatch standard deviation
UNBIASED = (GROUP / (GROUP - 1)) ** 0.5


class Layers:
    """Layers of a network, rescaled for ganzoo's, each taken once.

    Args:
        network: of the file.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self.left = set(network.tensors)
        self.tensors: dict[str, Tensor] = {}
        self.origins: dict[str, str] = {}

    def take(self, ours: str, theirs: str, gain: float = 1.0) -> None:
        """Takes a layer's weight, times a gain, and its bias.

        Raises:
            GanzooError: if the layer is not there.
        """
        fan_in = torch.Size(self.network.shape(f"{theirs}.module.weight")[1:]).numel()
        scales = {"weight": gain, "bias": (2 / fan_in) ** 0.5}
        for kind, scale in scales.items():
            key = f"{theirs}.module.{kind}"
            self.network.shape(key)
            self.left.discard(key)
            self.tensors[f"{ours}.{kind}"] = self.network.tensors[key].float() * scale
            self.origins[f"{ours}.{kind}"] = self.network.called(key)

    def finished(self, class_path: str, arguments: dict[str, object], levels: int) -> Part:
        """Returns the part, fully grown.

        Raises:
            GanzooError: if a tensor was left over.
        """
        if self.left:
            key = min(self.left)
            shape = self.network.shape(key)
            raise GanzooError(f"{self.network.called(key)} {shape} is not expected in this form of network.")
        stage = torch.tensor([float(levels), 1.0])
        origins = {**self.origins, "stage": "the stage of growth"}
        return Part(class_path, arguments, {**self.tensors, "stage": stage}, origins)


def generator(network: Network) -> Part:
    """Returns ganzoo's generator with a network's tensors, its sizes read from them."""
    levels = len(numbers_in(network.tensors, "scaleLayers."))
    rows, latent_dim = network.shape(FIRST)
    channels = {4: rows // 16} | {8 * 2**i: network.shape(f"scaleLayers.{i}.0.module.weight")[0] for i in range(levels)}
    layers = Layers(network)
    layers.take("first", "formatLayer", 4.0)  # ganzoo's has a gain of sqrt(2) / 4, as the authors'
    bias = layers.tensors["first.bias"]
    layers.tensors["first.bias"] = bias.unflatten(0, (-1, 4, 4)) if bias.numel() % 16 == 0 else bias
    layers.take("first.conv", "groupScale0.0")
    for i in range(levels + 1):
        layers.take(f"to_image.{i}", f"toRGBLayers.{i}", GAIN)
    for i in range(levels):
        for j in range(2):
            layers.take(f"blocks.{i}.conv{j}", f"scaleLayers.{i}.{j}")
    arguments = {
        "size": 4 * 2**levels,
        "channels": network.shape("toRGBLayers.0.module.weight")[0],
        "latent_dim": latent_dim,
        **equalised_widths(channels),
        "place_bias": True,
    }
    return layers.finished(GENERATOR, arguments, levels)


def discriminator(network: Network) -> Part:
    """Returns ganzoo's discriminator with a network's tensors, its sizes read from them."""
    levels = len(numbers_in(network.tensors, "scaleLayers."))
    channels = {4: network.shape("groupScaleZero.0.module.weight")[0]} | {
        8 * 2**i: network.shape(f"scaleLayers.{i}.0.module.weight")[0] for i in range(levels)
    }
    layers = Layers(network)
    layers.take("last", "groupScaleZero.0")
    layers.tensors["last.weight"][:, -1] *= UNBIASED
    layers.take("linear", "groupScaleZero.1")
    layers.take("out", "decisionLayer", GAIN)
    for i in range(levels + 1):
        layers.take(f"from_image.{i}", f"fromRGBLayers.{i}")
    for i in range(levels):
        for j in range(2):
            layers.take(f"blocks.{i}.conv{j}", f"scaleLayers.{i}.{j}")
    arguments = {
        "size": 4 * 2**levels,
        "channels": network.shape("fromRGBLayers.0.module.weight")[1],
        **equalised_widths(channels),
        "group": GROUP,
    }
    return layers.finished(DISCRIMINATOR, arguments, levels)


def convert(networks: Sequence[Network]) -> Conversion:
    """Returns ganzoo's ProGAN of an averaged generator and, where there is one, a discriminator."""
    network, judge = find(networks, FIRST, ("avgG", "netG")), find(networks, LAST)
    assert network is not None  # else it did not fit
    made = generator(network)
    size, channels = made.arguments["size"], made.arguments["channels"]
    shared = {name: made.arguments[name] for name in ("size", "channels", "base", "largest")}
    unknown = ["what it was trained on, for how long, and with which settings", *([] if judge else [NO_DISCRIMINATOR])]
    return Conversion(
        "ganzoo.models.progan.ProGAN",
        {"generator": made, "discriminator": discriminator(judge) if judge else Part(DISCRIMINATOR, shared)},
        known=(f"images of {size}x{size} pixels in {channels} channel(s)",),
        unknown=(*unknown, "whether it was still growing: it is fully grown here"),
        data=image_folder(size, channels),
    )


PROGAN = Format(
    "pytorch_GAN_zoo",
    "ProGAN's state dicts, such as {netG, avgG, netD}, saved without its configuration",
    "ProGAN",
    lambda networks: find(networks, FIRST) is not None,
    convert,
)
