"""Weights of projected-gan (https://github.com/autonomousvision/projected-gan): FastGAN's generator."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ganzoo.checkpoints.importers.adapting import NO_DISCRIMINATOR, Conversion, Format, Part, find, image_folder, part
from ganzoo.checkpoints.importers.reading import Network
from ganzoo.common.errors import GanzooError
from ganzoo.networks.fastgan import WIDTHS

GENERATOR = "ganzoo.networks.fastgan.FastGANGenerator"
DISCRIMINATOR = "ganzoo.networks.projected.ProjectedGANDiscriminator"
FIRST, LAST, EMBEDDING = "synthesis.init.init.0.weight_orig", "synthesis.to_big.weight_orig", "synthesis.embed.weight"
# Places in the code's sequences: of convolutions, noises and norms.
SEQUENCE = {"1": "convs.0", "2": "strength.0", "3": "norms.0", "5": "convs.1", "6": "strength.1", "7": "norms.1"}
LITE = {"1": "convs.0", "2": "norms.0"}
CONDITIONAL = {"conv1": "convs.0", "conv2": "convs.1", "bn1": "norms.0", "bn2": "norms.1", "noise": "strength.0"}
ENDS = {"weight_orig": "original", "weight_u": "0.u", "weight_v": "0.v"}
STORED = {"stored_mean": "norm.running_mean", "stored_var": "norm.running_var"}


def renamed(key: str, size: int, places: dict[str, str]) -> str | None:
    """Returns ganzoo's name of a tensor; None for layers of larger sides, which the code makes and does not use."""
    first, *path, last = key.removeprefix("synthesis.").split(".")
    kind, _, side = first.partition("_")
    if last == "num_batches_tracked" or (side.isdigit() and int(side) > size):
        return None
    if kind == "init":
        where = [{"0": "first", "1": "norm"}[path[1]]]
    elif kind == "feat":
        where = [f"blocks.{int(side).bit_length() - 4}", places[path[0]], *path[1:]]
        if where[1].startswith("strength"):
            return ".".join(where)
    elif kind == "se":
        where = ["gates", side, {"1": "conv1", "3": "conv2"}[path[1]]]
    else:
        where = [{"to_big": "to_image", "embed": "embed"}[first]]
    return ".".join([*where, f"parametrizations.weight.{ENDS[last]}" if last in ENDS else STORED.get(last, last)])


def joined(made: Part) -> Part:
    """Returns a part whose blocks have the strengths of their noises in one tensor."""
    tensors: dict[str, Tensor] = {}
    strengths: dict[str, list[Tensor]] = {}
    origins = dict(made.origins)
    for name, value in sorted(made.tensors.items()):
        block, found, _ = name.partition(".strength.")
        if found:
            strengths.setdefault(f"{block}.strength", []).append(value.flatten())
            origins.setdefault(f"{block}.strength", made.origins[name])
        else:
            tensors[name] = value
    return replace(made, tensors=tensors | {name: torch.cat(of) for name, of in strengths.items()}, origins=origins)


def generator(network: Network) -> Part:
    """Returns ganzoo's generator with a network's tensors, its sizes read from them."""
    latent_dim, rows, *_ = network.shape(FIRST)
    width = rows // (2 * WIDTHS[4])
    channels, last, *_ = network.shape(LAST)
    sides = [side for side, times in WIDTHS.items() if side >= 32 and int(times * width) == last]
    made = [side for side in sides if any(key.startswith(f"synthesis.feat_{side}.") for key in network.tensors)]
    if not made:
        raise GanzooError(f"{network.called(LAST)} takes {last} channels, which no side of FastGAN's has.")
    size, conditional = max(made), EMBEDDING in network.tensors
    lite = not conditional and "synthesis.feat_8.5.weight_orig" not in network.tensors
    arguments: dict[str, Any] = {
        "size": size,
        "channels": channels,
        "latent_dim": latent_dim,
        "width": int(width),
        "lite": lite,
        "n_classes": network.shape(EMBEDDING)[0] if conditional else 0,
    }
    places = CONDITIONAL if conditional else LITE if lite else SEQUENCE
    return joined(part(network, GENERATOR, arguments, lambda key: renamed(key, size, places)))


def convert(networks: Sequence[Network]) -> Conversion:
    """Returns ganzoo's Projected GAN of a snapshot's averaged generator."""
    network = find(networks, FIRST, ("G_ema", "G"))
    assert network is not None  # else it did not fit
    made = generator(network)
    size, n_classes = made.arguments["size"], made.arguments["n_classes"]
    shared = {name: made.arguments[name] for name in ("size", "channels", "n_classes")}
    return Conversion(
        "ganzoo.models.projected_gan.ProjectedGAN",
        {"generator": made, "discriminator": Part(DISCRIMINATOR, shared)},
        known=(f"images of {size}x{size} pixels", f"{n_classes} classes" if n_classes else "no classes"),
        unknown=("what it was trained on, for how long, and with which settings", NO_DISCRIMINATOR),
        data=image_folder(size, made.arguments["channels"], 64),
    )


PROJECTED_GAN = Format(
    "projected-gan",
    "G_ema of network-snapshot.pkl with FastGAN's generator, or its state dict",
    "ProjectedGAN",
    lambda networks: find(networks, FIRST) is not None,
    convert,
)
