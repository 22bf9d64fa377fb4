"""Weights of denoising-diffusion-gan (https://github.com/NVlabs/denoising-diffusion-gan): the generator's U-Net."""

from collections.abc import Sequence
from typing import Any

import torch

from ganzoo.checkpoints.importers.adapting import (
    NO_DISCRIMINATOR,
    Conversion,
    Format,
    Part,
    find,
    image_folder,
    numbers_in,
)
from ganzoo.checkpoints.importers.reading import Network
from ganzoo.common.errors import GanzooError
from ganzoo.networks.ncsnpp import NCSNppGenerator

GENERATOR = "ganzoo.networks.ncsnpp.NCSNppGenerator"
DISCRIMINATOR = "ganzoo.networks.ddgan.DDGANDiscriminator"
MAIN, MAPPING = "all_modules.", "z_transform."
FIRST = "all_modules.2.weight"
ATTENDED = 16  # side of the maps that have attention, in all of the authors' settings
# In the order of ganzoo's layers: blocks, attention, what leads to the next side.
LAYERS = (
    *("", "GroupNorm_0", "Conv_0", "Dense_0", "GroupNorm_1", "Conv_1", "Conv_2"),
    *("NIN_0", "NIN_1", "NIN_2", "NIN_3", "Conv2d_0"),
)
KINDS = ("weight", "W", "bias", "b")


def place(key: str) -> tuple[int, int, int, int]:
    """Returns where a tensor stands among all of a network, which ganzoo's has in the same order."""
    room, number, *path, kind = key.split(".")
    layer = path[0] if path else ""
    return (MAIN, MAPPING).index(f"{room}."), int(number), LAYERS.index(layer), KINDS.index(kind)


def kind(network: Network, i: int) -> str:
    """Returns what a module is: a block, attention, or the image at the next side."""
    kinds = {"Conv_0.weight": "block", "NIN_0.W": "attention", "Conv2d_0.weight": "image"}
    return next((name for key, name in kinds.items() if f"{MAIN}{i}.{key}" in network.tensors), "")


def levels(network: Network) -> tuple[dict[str, Any], int | None]:
    """Returns width, multipliers and blocks of a side, and the first level with attention, read from the way down."""
    sides: list[list[int]] = [[]]
    for i in numbers_in(network.tensors, MAIN)[3:]:
        sides[-1].append(i)
        if kind(network, i) == "image":
            sides.append([])
    if len(sides) == 1 or not sides[-1]:
        raise GanzooError("the generator has images at one side, and several were expected.")
    # at the last side the middle follows, whose first block no attention precedes
    attends = [any(kind(network, i) == "attention" for i in side) for side in sides[:-1]]
    attends.append(kind(network, sides[-1][1]) == "attention")
    width = network.shape(FIRST)[0]
    widths = [network.shape(f"{MAIN}{side[0]}.Conv_0.weight")[0] for side in sides]
    blocks = sum(kind(network, i) == "block" for i in sides[0]) - 1  # the last one halves the side
    about = {"width": width, "multipliers": [after // width for after in widths], "blocks": blocks}
    return about, attends.index(True) if any(attends) else None


def generator(network: Network) -> Part:
    """Returns ganzoo's generator with a network's tensors, its sizes read from them."""
    about, attended = levels(network)
    level = len(about["multipliers"]) - 1 if attended is None else attended
    layers = numbers_in(network.tensors, MAPPING)
    style_dim, latent_dim = network.shape(f"{MAPPING}{layers[0]}.weight")
    arguments: dict[str, Any] = {
        "size": ATTENDED << level,
        "channels": network.shape(FIRST)[1],
        **about,
        "attention": [] if attended is None else [ATTENDED],
        "latent_dim": latent_dim,
        "style_dim": style_dim,
        "mapping_layers": len(layers) - 1,
    }
    with torch.device("meta"):
        names = list(NCSNppGenerator(**arguments).state_dict())
    try:
        keys = sorted(network.tensors, key=place)
    except ValueError as error:
        raise GanzooError(f"a tensor beside {min(network.tensors)} is not expected in this form of network.") from error
    if len(keys) != len(names):
        raise GanzooError(f"the generator has {len(keys)} tensors, but {len(names)} were expected.")
    tensors = {
        name: network.tensors[key].T[:, :, None, None] if key.endswith(".W") else network.tensors[key]
        for name, key in zip(names, keys, strict=True)
    }
    return Part(GENERATOR, arguments, tensors, dict(zip(names, map(network.called, keys), strict=True)))


def convert(networks: Sequence[Network]) -> Conversion:
    """Returns ganzoo's denoising diffusion GAN of a generator."""
    network = find(networks, FIRST)
    assert network is not None  # else it did not fit
    made = generator(network)
    size, channels = made.arguments["size"], made.arguments["channels"]
    large = {"multipliers": [4, 8, 8, 8, 8, 8], "halve_first": True} if size > 32 else {}
    return Conversion(
        "ganzoo.models.ddgan.DDGAN",
        {"generator": made, "discriminator": Part(DISCRIMINATOR, {"size": size, "channels": channels, **large})},
        known=(f"{len(made.arguments['multipliers'])} sides", f"latent vectors of {made.arguments['latent_dim']}"),
        unknown=(
            "what it was trained on, for how long, and with which settings",
            f"the side of its images: {size} here, as attention at {ATTENDED} has it",
            "the number of its steps: 4 here, as on CIFAR-10",
            NO_DISCRIMINATOR,
        ),
        data=image_folder(size, channels, 64),
    )


DDGAN = Format(
    "denoising-diffusion-gan",
    "netG_*.pth",
    "DDGAN",
    lambda networks: any({FIRST, "z_transform.1.weight"} <= one.tensors.keys() for one in networks),
    convert,
)
