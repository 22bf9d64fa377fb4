"""Weights of R3GAN (https://github.com/brownvc/R3GAN): its names in ganzoo's networks."""

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

GENERATOR = "ganzoo.networks.r3gan.R3GANGenerator"
DISCRIMINATOR = "ganzoo.networks.r3gan.R3GANDiscriminator"
WRAPPED = "Model."  # before every name in the training loop's pickles
LINE = torch.tensor([1.0, 3.0, 3.0, 1.0])
EMBEDDING = "EmbeddingLayer.weight"
BLOCK = {
    "LinearLayer1.Layer.weight": "expand.weight",
    "LinearLayer2.Layer.weight": "grouped.weight",
    "LinearLayer3.Layer.weight": "reduce.weight",
    "NonLinearity1.Bias": "act1.bias",
    "NonLinearity2.Bias": "act2.bias",
}
ENDS = {
    "Basis": "basis",
    "Basis.weight": "basis.weight",
    "LinearLayer.weight": "linear.weight",
    "AggregationLayer.Layer.weight": "to_image.weight",
    "ExtractionLayer.Layer.weight": "from_image.weight",
    EMBEDDING: "embed.weight",
}


def unwrapped(network: Network) -> Network:
    """Returns a network without what wraps it in pickles; checks the filter, which ganzoo's has built in."""
    tensors = {key.removeprefix(WRAPPED): value for key, value in network.tensors.items()}
    expected = LINE.outer(LINE) / 64
    for key, value in tensors.items():
        if key.endswith("Resampler.Kernel") and not (
            value.shape == expected.shape and torch.allclose(value.float() / value.float().sum(), expected, atol=1e-6)
        ):
            raise GanzooError(f"{network.called(key)} is another filter than [1, 3, 3, 1], the one that ganzoo has.")
    return replace(network, tensors=tensors)


def renamed(key: str, offsets: Sequence[int], widening: Sequence[int]) -> str | None:
    """Returns ganzoo's name of a tensor; None for the filter.

    Args:
        key: its name.
        offsets: by stage, how many layers further on a block stands in ganzoo's.
        widening: by stage, where the 1x1 convolution to another width stands in ganzoo's.
    """
    if key in ENDS:
        return ENDS[key]
    room, stage, layers, layer, rest = key.split(".", 4)
    if (room, layers) != ("MainLayers", "Layers"):
        raise KeyError(key)
    if rest in BLOCK:
        return f"stages.{stage}.{int(layer) + offsets[int(stage)]}.{BLOCK[rest]}"
    if rest == "LinearLayer.Layer.weight":
        return f"stages.{stage}.{widening[int(stage)]}.weight"
    return None if rest == "Resampler.Kernel" else ENDS[rest]


def stages(network: Network) -> dict[str, Any]:
    """Returns the widths, groups and blocks of a network's stages, and the expansion of its blocks."""
    arguments: dict[str, Any] = {"widths": [], "groups": [], "blocks": []}
    for stage in numbers_in(network.tensors, "MainLayers."):
        before = f"MainLayers.{stage}.Layers."
        layers = numbers_in(network.tensors, before)
        layers = [i for i in layers if f"{before}{i}.LinearLayer1.Layer.weight" in network.tensors]
        if not layers:
            raise GanzooError(f"stage {stage} of {network.name or 'a network'} has no block.")
        inside, width, *_ = network.shape(f"{before}{layers[0]}.LinearLayer1.Layer.weight")
        arguments["widths"].append(width)
        arguments["groups"].append(inside // network.shape(f"{before}{layers[0]}.LinearLayer2.Layer.weight")[1])
        arguments["blocks"].append(len(layers))
        arguments["expansion"] = inside // width
    return {"size": 4 * 2 ** (len(arguments["widths"]) - 1), **arguments}


def labelled(network: Network, made: Part) -> Part:
    """Returns a part whose embedding of classes is a table: the code's is a linear layer of one-hot labels."""
    if EMBEDDING not in network.tensors:
        return made
    tensors = {**made.tensors, "embed.weight": made.tensors["embed.weight"].T.contiguous()}
    return replace(made, tensors=tensors)


def classes(network: Network) -> dict[str, Any]:
    """Returns the number of a network's classes and the length of an embedded one, where it has some."""
    if EMBEDDING not in network.tensors:
        return {"n_classes": 0}
    length, count = network.shape(EMBEDDING)
    return {"n_classes": count, "embed_dim": length}


def generator(network: Network) -> Part:
    """Returns ganzoo's generator with a network's tensors, its sizes read from them."""
    sizes, about = stages(network), classes(network)
    widths = sizes["widths"]
    joined = network.shape("MainLayers.0.Layers.0.LinearLayer.weight")[1]
    arguments = {
        "channels": network.shape("AggregationLayer.Layer.weight")[0],
        "latent_dim": joined - about.get("embed_dim", 0),
        **sizes,
        **about,
    }
    # a stage after the first begins with one layer there, and with one or two here
    offsets = [-1, *(int(widths[i] != widths[i - 1]) for i in range(1, len(widths)))]
    made = part(network, GENERATOR, arguments, lambda key: renamed(key, offsets, [0] * len(widths)))
    return labelled(network, made)


def discriminator(network: Network) -> Part:
    """Returns ganzoo's discriminator with a network's tensors, its sizes read from them."""
    sizes = stages(network)
    arguments = {"channels": network.shape("ExtractionLayer.Layer.weight")[1], **sizes, **classes(network)}
    widening = [count + 1 for count in sizes["blocks"]]
    made = part(network, DISCRIMINATOR, arguments, lambda key: renamed(key, [0] * len(widening), widening))
    return labelled(network, made)


def mirrored(made: Part) -> Part:
    """Returns a discriminator that fits a generator, its stages in reverse."""
    shared = {name: made.arguments[name] for name in ("size", "channels", "expansion", "n_classes")}
    reverse = {name: made.arguments[name][::-1] for name in ("widths", "groups", "blocks")}
    return Part(DISCRIMINATOR, {**shared, **reverse})


def convert(networks: Sequence[Network]) -> Conversion:
    """Returns ganzoo's R3GAN of a snapshot's averaged generator and discriminator."""
    network, judge = (
        next((found for before in (WRAPPED, "") if (found := find(networks, before + key, names))), None)
        for key, names in (("AggregationLayer.Layer.weight", ("G_ema", "G")), ("ExtractionLayer.Layer.weight", ("D",)))
    )
    assert network is not None  # else it did not fit
    made = generator(unwrapped(network))
    theirs = discriminator(unwrapped(judge)) if judge else mirrored(made)
    size, n_classes = made.arguments["size"], made.arguments["n_classes"]
    unknown = ["what it was trained on, for how long, and with which settings", *([] if judge else [NO_DISCRIMINATOR])]
    return Conversion(
        "ganzoo.models.r3gan.R3GAN",
        {"generator": made, "discriminator": theirs},
        known=(f"images of {size}x{size} pixels", f"{n_classes} classes" if n_classes else "no classes"),
        unknown=tuple(unknown),
        data=image_folder(size, made.arguments["channels"], 64),
    )


R3GAN = Format(
    "R3GAN",
    "network-snapshot-*.pkl with G_ema and D, or their state dicts",
    "R3GAN",
    lambda networks: any(find(networks, f"{before}AggregationLayer.Layer.weight") for before in (WRAPPED, "")),
    convert,
)
