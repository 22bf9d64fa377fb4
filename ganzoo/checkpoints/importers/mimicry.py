"""Weights of mimicry (https://github.com/kwotsin/mimicry) at 32 pixels: its names in ganzoo's networks."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from torch.nn.functional import normalize

from ganzoo.checkpoints.importers.adapting import NO_DISCRIMINATOR, Conversion, Format, Part, find, image_folder, part
from ganzoo.checkpoints.importers.reading import Network

PLAIN, SPECTRAL = "l1.weight", "l1.weight_orig"  # of generators: the latter is SAGAN's
LAYERS = {
    "c1": "conv1",
    "c2": "conv2",
    "c_sc": "shortcut",
    "b1": "norm1",
    "b2": "norm2",
    "bn": "norm",
    "embed": "embed",
}
OUTER = {"l1": "linear", "l5": "linear", "l_y": "embed", "b5": "norm", "c5": "last"}
ATTENTION = {"theta": "query", "phi": "key", "g": "value", "o": "out"}
ENDS = {"weight_orig": "original", "weight_u": "0.u", "weight_v": "0.v"}
FIRST = {"generator": 2, "discriminator": 1}  # number of the first block


def renamed(key: str, role: str) -> str:
    """Returns ganzoo's name of a tensor of a generator or a discriminator."""
    first, *path, last = key.split(".")
    if first.startswith("block"):
        place = ["blocks", str(int(first[5:]) - FIRST[role]), *(LAYERS[part] for part in path)]
    elif first == "attn_block":
        place = ["attention", *(ATTENTION[part] for part in path)]
    else:
        place = [OUTER[first]]
    return ".".join([*place, f"parametrizations.weight.{ENDS[last]}" if last in ENDS else last])


def weight(network: Network, layer: str) -> tuple[int, ...]:
    """Returns the shape of a layer's weight, spectrally normalised or not."""
    return network.shape(f"{layer}.weight_orig" if f"{layer}.weight_orig" in network.tensors else f"{layer}.weight")


def generator(network: Network, class_path: str) -> Part:
    """Returns ganzoo's generator with a network's tensors, its sizes read from them."""
    rows, latent_dim = weight(network, "l1")
    arguments: dict[str, Any] = {"channels": weight(network, "c5")[0], "width": rows // 16, "latent_dim": latent_dim}
    embedded = "block2.b1.embed.weight"
    arguments["n_classes"] = network.shape(embedded)[0] if embedded in network.tensors else 0
    return part(network, class_path, arguments, lambda key: renamed(key, "generator"))


def discriminator_name(key: str, network: Network) -> str | None:
    """Returns ganzoo's name of a tensor of a discriminator; None for norms, which are computed anew.

    mimicry's projection GAN normalises its last layers by code of its own, which keeps one vector.
    """
    place, _, last = key.rpartition(".")
    if f"{place}.sn_u" in network.tensors and last != "bias":
        own = {"weight": "weight_orig", "sn_u": "weight_u", "sn_sigma": None}[last]
        return own and renamed(f"{place}.{own}", "discriminator")
    return renamed(key, "discriminator")


def with_right_vectors(made: Part) -> Part:
    """Returns a part whose layers with one singular vector have the right one, and the left one that follows from it.

    mimicry's own code takes that step of the power iteration in evaluation, too.
    """
    tensors = dict(made.tensors)
    for name, u in made.tensors.items():
        layer = name.removesuffix("0.u")
        if name.endswith("0.u") and f"{layer}0.v" not in made.tensors and f"{layer}original" in made.tensors:
            rows = made.tensors[f"{layer}original"]
            v = normalize(rows.T @ u.flatten(), dim=0)
            tensors |= {f"{layer}0.v": v, name: normalize(rows @ v, dim=0)}
    return replace(made, tensors=tensors)


def discriminator(network: Network, class_path: str, sagan: bool) -> Part:
    """Returns ganzoo's discriminator with a network's tensors, its sizes read from them."""
    width, channels, *_ = weight(network, "block1.c1")
    classes = [key for key in network.tensors if key in ("l_y.weight", "l_y.weight_orig")]
    arguments: dict[str, Any] = {"channels": channels, "width": width}
    arguments["n_classes"] = network.shape(classes[0])[0] if classes else 0
    arguments |= {} if sagan else {"spectral": "block1.c1.weight_orig" in network.tensors}
    return with_right_vectors(part(network, class_path, arguments, lambda key: discriminator_name(key, network)))


def convert(networks: Sequence[Network]) -> Conversion:
    """Returns ganzoo's SAGAN, SNGAN, projection GAN or DCGAN of mimicry's networks."""
    network = find(networks, SPECTRAL) or find(networks, PLAIN)
    assert network is not None  # else it did not fit
    judge = find(networks, "block1.c1.weight_orig") or find(networks, "block1.c1.weight")
    sagan = SPECTRAL in network.tensors
    room = "sagan.SAGAN" if sagan else "mimicry.Mimicry"
    made = generator(network, f"ganzoo.networks.{room}Generator")
    if judge is None:
        shared = {name: made.arguments[name] for name in ("channels", "n_classes")}
        theirs = Part(f"ganzoo.networks.{room}Discriminator", shared)
    else:
        theirs = discriminator(judge, f"ganzoo.networks.{room}Discriminator", sagan)
    n_classes, plain = made.arguments["n_classes"], not theirs.arguments.get("spectral", True)
    model = "sagan.SAGAN" if sagan else "projection_gan.ProjectionGAN" if n_classes else "sngan.SNGAN"
    unknown = ["what it was trained on, for how long, and with which settings", *([] if judge else [NO_DISCRIMINATOR])]
    if plain and not n_classes:
        model = "dcgan.DCGAN"
        unknown.append("whether it is mimicry's DCGAN or its WGAN-GP, whose networks are alike: a DCGAN here")
    elif judge is None and not n_classes:
        unknown.append("whether it is mimicry's SNGAN, DCGAN or WGAN-GP, whose generators are alike: an SNGAN here")
    return Conversion(
        f"ganzoo.models.{model}",
        {"generator": made, "discriminator": theirs},
        known=("images of 32x32 pixels", f"{n_classes} classes" if n_classes else "no classes"),
        unknown=tuple(unknown),
        data=image_folder(32, made.arguments["channels"], 64),
    )


MIMICRY = Format(
    "mimicry",
    "netG_*.pth and netD_*.pth of SNGAN, SAGAN, cGAN-PD, DCGAN and WGAN-GP at 32 pixels",
    "SNGAN, SAGAN, ProjectionGAN or DCGAN",
    lambda networks: any(
        {key, "block2.c1.bias"} <= one.tensors.keys() for one in networks for key in (PLAIN, SPECTRAL)
    ),
    convert,
)
