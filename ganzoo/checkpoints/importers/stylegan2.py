"""Weights of stylegan2-ada-pytorch (https://github.com/NVlabs/stylegan2-ada-pytorch): its names in ganzoo's."""

from collections.abc import Sequence
from typing import Any

import torch

from ganzoo.checkpoints.importers.adapting import (
    NO_DISCRIMINATOR,
    Conversion,
    Format,
    Part,
    equalised_widths,
    find,
    image_folder,
    numbers_in,
    part,
    require_value,
)
from ganzoo.checkpoints.importers.reading import Network

GENERATOR = "ganzoo.networks.stylegan2.StyleGAN2Generator"
DISCRIMINATOR = "ganzoo.networks.stylegan2.StyleGAN2Discriminator"
CONSTANT = "synthesis.b4.const"
EMBEDDING = "mapping.embed.weight"
FILTER = torch.tensor([1.0, 3.0, 3.0, 1.0]).outer(torch.tensor([1.0, 3.0, 3.0, 1.0])) / 64
ENDS = {"conv": "last", "fc": "linear", "out": "out"}
BUILT_IN = {"resample_filter", "noise_const"}  # the second is drawn anew for each image


def mapping_name(key: str) -> str:
    """Returns ganzoo's name of a tensor of a mapping network."""
    layer, _, last = key.rpartition(".")
    return f"layers.{int(layer.removeprefix('fc'))}.{last}" if layer != "embed" else key


def synthesis_name(key: str) -> str | None:
    """Returns ganzoo's name of a tensor of a synthesis network; None for what it has built in."""
    block, *path, last = key.split(".")
    level = int(block[1:]).bit_length() - 3
    if last in BUILT_IN:
        return None
    if last == "const":
        return "const"
    if path == ["skip"]:
        return f"shortcuts.{level - 1}.weight"
    layer = {"torgb": f"to_image.{level}", "conv0": f"layers.{2 * level - 1}", "conv1": f"layers.{2 * level}"}[path[0]]
    return ".".join([layer, *(["conv", *path[1:], last] if path[1:] or last == "weight" else [last])])


def generator_name(key: str) -> str | None:
    """Returns ganzoo's name of a tensor of a generator; None for what it has built in."""
    room, _, rest = key.partition(".")
    if rest == "w_avg":
        return "w_mean"
    name = {"mapping": mapping_name, "synthesis": synthesis_name}[room](rest)
    return name and f"{room}.{name}"


def discriminator_name(key: str, size: int) -> str | None:
    """Returns ganzoo's name of a tensor of a discriminator of images of a size; None for what it has built in."""
    room, _, rest = key.partition(".")
    if room == "mapping":
        return f"mapping.{mapping_name(rest)}"
    name, _, last = rest.rpartition(".")
    if last in BUILT_IN or rest in BUILT_IN:
        return None
    side = int(room[1:])
    block = size.bit_length() - side.bit_length()  # ganzoo's begin with the largest
    if name == "fromrgb":
        return f"from_image.{block}.{last}"
    if side == 4:
        return f"{ENDS[name]}.{last}"
    inside = {"skip": "shortcut", "conv0": "conv0", "conv1": "conv1"}[name]
    return f"blocks.{block}.{inside}.{last}"


def architecture(network: Network, before: str, image: str, sides: list[int]) -> str:
    """Returns how a network's blocks are joined: `skip`, `resnet` or `orig`."""
    if any(f"{before}b{side}.skip.weight" in network.tensors for side in sides):
        return "resnet"
    return "skip" if sum(f"{before}b{side}.{image}.weight" in network.tensors for side in sides) > 1 else "orig"


def generator(network: Network) -> Part:
    """Returns ganzoo's generator with a network's tensors, its sizes read from them."""
    require_value(network, "resample_filter", FILTER)
    sides = numbers_in(network.tensors, "synthesis.b")
    top = max(sides)
    w_dim = network.shape("synthesis.b4.conv1.affine.weight")[1]
    n_classes = network.shape(EMBEDDING)[1] if EMBEDDING in network.tensors else 0
    channels = {side: network.shape(f"synthesis.b{side}.conv1.weight")[0] for side in sides}
    arguments: dict[str, Any] = {
        "size": top,
        "channels": network.shape(f"synthesis.b{top}.torgb.weight")[0],
        "latent_dim": network.shape("mapping.fc0.weight")[1] - w_dim * bool(n_classes),
        "w_dim": w_dim,
        "mapping_layers": len(numbers_in(network.tensors, "mapping.fc")),
        **equalised_widths(channels),
        "architecture": architecture(network, "synthesis.", "torgb", sides),
        "n_classes": n_classes,
    }
    return part(network, GENERATOR, arguments, generator_name)


def discriminator(network: Network, n_classes: int) -> Part:
    """Returns ganzoo's discriminator with a network's tensors, its sizes read from them.

    Args:
        network: of the file.
        n_classes: of the generator's; Diffusion-GAN's discriminator embeds a number more, the step of a diffusion.
    """
    require_value(network, "resample_filter", FILTER)
    sides = numbers_in(network.tensors, "b")
    top = max(sides)
    channels = {side: network.shape(f"b{side}.conv0.weight" if side > 4 else "b4.fc.weight")[0] for side in sides}
    embedded = network.shape(EMBEDDING)[1] if EMBEDDING in network.tensors else 0
    timed = embedded == n_classes + 1
    arguments: dict[str, Any] = {
        "size": top,
        "channels": network.shape(f"b{top}.fromrgb.weight")[1],
        **equalised_widths(channels),
        "architecture": architecture(network, "", "fromrgb", sides),
        "n_classes": n_classes if timed else embedded,
        "timed": timed,
        "mapping_layers": len(numbers_in(network.tensors, "mapping.fc")) or 8,
        "group": network.settings.get("b4.mbstd.group_size") or 4,
    }
    return part(network, DISCRIMINATOR, arguments, lambda key: discriminator_name(key, top))


def untrained_discriminator(made: Part) -> Part:
    """Returns a discriminator that fits a generator."""
    shared = ("size", "channels", "base", "largest", "n_classes")
    return Part(DISCRIMINATOR, {name: made.arguments[name] for name in shared})


def convert(networks: Sequence[Network]) -> Conversion:
    """Returns ganzoo's StyleGAN2 of a snapshot's averaged generator and discriminator."""
    network, judge = find(networks, CONSTANT, ("G_ema", "G")), find(networks, "b4.fc.weight", ("D",))
    assert network is not None  # else it did not fit
    made = generator(network)
    size, channels = made.arguments["size"], made.arguments["channels"]
    averaged = "the averaged generator, G_ema" if network.name == "G_ema" else "a generator that may not be an average"
    unknown = ["what it was trained on, for how long, and with which settings"]
    if judge is None:
        unknown.append(NO_DISCRIMINATOR)
    elif "b4.mbstd.group_size" not in judge.settings:
        unknown.append("the groups of its minibatch standard deviation: 4 here")
    n_classes = made.arguments["n_classes"]
    theirs = discriminator(judge, n_classes) if judge else untrained_discriminator(made)
    return Conversion(
        f"ganzoo.models.{'diffusion_gan.DiffusionGAN' if theirs.arguments.get('timed') else 'stylegan2.StyleGAN2'}",
        {"generator": made, "discriminator": theirs},
        known=(
            averaged,
            f"images of {size}x{size} pixels in {channels} channel(s)",
            f"{n_classes} classes" if n_classes else "no classes",
        ),
        unknown=(
            *unknown,
            "its constant noise: noise is drawn anew for each image here",
            "its clamp of activations in float16: there is none here",
        ),
        data=image_folder(size, channels),
    )


STYLEGAN2 = Format(
    "stylegan2-ada-pytorch",
    "network-snapshot-*.pkl with G_ema and D, Diffusion-GAN's too, or their state dicts",
    "StyleGAN2 or DiffusionGAN",
    lambda networks: find(networks, CONSTANT) is not None,
    convert,
)
