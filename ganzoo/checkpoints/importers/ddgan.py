"""Weights of denoising-diffusion-gan (https://github.com/NVlabs/denoising-diffusion-gan).

The generator's U-Net, and the discriminator of a `content.pth`, which its training keeps to go on from.
"""

from collections.abc import Sequence
from dataclasses import replace
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
    part,
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
JUDGE, LARGE = "start_conv.weight", 6  # blocks of the discriminator of large images, whose first one halves the side
ENDS = {"t_embed.main.0": "time.0", "t_embed.main.2": "time.2", "start_conv": "first", "final_conv": "last"}
ENDS["end_linear"] = "linear"
BLOCK = {"conv1.0": "conv1", "conv2.0": "conv2", "dense_t1": "time", "skip.0": "shortcut"}


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


def discriminator_name(key: str) -> str:
    """Returns ganzoo's name of a tensor of a discriminator."""
    layer, _, last = key.rpartition(".")
    if layer in ENDS:
        return f"{ENDS[layer]}.{last}"
    block, _, inside = layer.partition(".")
    return f"blocks.{int(block.removeprefix('conv')) - 1}.{BLOCK[inside]}.{last}"


def discriminator(network: Network, size: int) -> Part:
    """Returns ganzoo's discriminator of images of a side with a network's tensors, its other sizes read from them."""
    first, channels, *_ = network.shape(JUDGE)
    blocks = numbers_in((key.removeprefix("conv") for key in network.tensors if key.startswith("conv")), "")
    arguments: dict[str, Any] = {
        "size": size,
        "channels": channels // 2,
        "width": first // 2,
        "multipliers": [network.shape(f"conv{i}.conv2.0.weight")[0] // (first // 2) for i in blocks],
        "halve_first": len(blocks) == LARGE,
        "time_dim": network.shape("t_embed.main.0.weight")[1],
    }
    return part(network, DISCRIMINATOR, arguments, discriminator_name)


def stated(network: Network, name: str) -> int | None:
    """Returns a number that the file keeps among the settings of its training, where it does."""
    value = network.settings.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def generator(network: Network) -> Part:
    """Returns ganzoo's generator with a network's tensors, its sizes read from them."""
    about, attended = levels(network)
    level = len(about["multipliers"]) - 1 if attended is None else attended
    layers = numbers_in(network.tensors, MAPPING)
    style_dim, latent_dim = network.shape(f"{MAPPING}{layers[0]}.weight")
    arguments: dict[str, Any] = {
        "size": stated(network, "image_size") or ATTENDED << level,
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
    """Returns ganzoo's denoising diffusion GAN of a generator, and of its discriminator where that is there."""
    network, judge = find(networks, FIRST, ("", "netG_dict")), find(networks, JUDGE)
    assert network is not None  # else it did not fit
    told = next((one for one in networks if stated(one, "num_timesteps")), network)  # of all that belong together
    made = generator(replace(network, settings=told.settings))
    size, channels = made.arguments["size"], made.arguments["channels"]
    large = {"multipliers": [4, 8, 8, 8, 8, 8], "halve_first": True} if size > 32 else {}
    anew = Part(DISCRIMINATOR, {"size": size, "channels": channels, **large})
    steps = stated(told, "num_timesteps")
    unknown = ["what it was trained on, for how long, and with which settings"]
    if network.name == "netG_dict":
        unknown[0] = "what it was trained on, and for how long"
        unknown.append("its average, which netG_*.pth holds beside this file: these are the weights of the last update")
    if stated(told, "image_size") is None:
        unknown.append(f"the side of its images: {size} here, as attention at {ATTENDED} has it")
    if steps is None:
        unknown.append("the number of its steps: 4 here, as on CIFAR-10")
    return Conversion(
        "ganzoo.models.ddgan.DDGAN",
        {"generator": made, "discriminator": discriminator(judge, size) if judge else anew},
        arguments={} if steps is None else {"steps": steps},
        known=(f"{len(made.arguments['multipliers'])} sides", f"latent vectors of {made.arguments['latent_dim']}"),
        unknown=(*unknown, *([] if judge else [NO_DISCRIMINATOR])),
        data=image_folder(size, channels, 64),
    )


DDGAN = Format(
    "denoising-diffusion-gan",
    "netG_*.pth, and content.pth with netD_dict",
    "DDGAN",
    lambda networks: any({FIRST, "z_transform.1.weight"} <= one.tensors.keys() for one in networks),
    convert,
)
