"""Weights of BigGAN-PyTorch (https://github.com/ajbrock/BigGAN-PyTorch): its names in ganzoo's networks."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

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
from ganzoo.networks.biggan import DISCRIMINATOR_WIDTHS, GENERATOR_WIDTHS

GENERATOR = "ganzoo.networks.biggan.BigGANGenerator"
DISCRIMINATOR = "ganzoo.networks.biggan.BigGANDiscriminator"
LAYERS = {"conv_sc": "shortcut", "bn1": "norm1", "bn2": "norm2", "shared": "embed"}
ATTENTION = {"theta": "query", "phi": "key", "g": "value", "o": "out"}
STORED = {"stored_mean": "running_mean", "stored_var": "running_var"}


def renamed(key: str, network: Network) -> str | None:
    """Returns ganzoo's name of a tensor; None for singular values, which nothing reads."""
    place, _, last = key.rpartition(".")
    if last == "sv0":
        return None
    normalised = f"{place}.u0" in network.tensors
    path = [LAYERS.get(name, name) for name in place.split(".")]
    if path[0] == "blocks":
        kind = {"0": "blocks", "1": "attention"}[path[2]]
        inner = [ATTENTION[name] for name in path[3:]] if kind == "attention" else path[3:]
        path = [kind, path[1], *inner]
    elif path[0] == "output_layer":
        path = [{"0": "norm", "2": "last"}[path[1]]]
    if last in STORED:
        inside = [] if path == ["norm"] else ["norm"]
        return ".".join([*path, *inside, STORED[last]])
    if path == ["norm"]:
        return {"gain": "norm.weight", "bias": "norm.bias"}[last]
    if normalised and last in ("weight", "u0"):
        path += ["parametrizations", "weight"]
        last = "original" if last == "weight" else "0.u"
    return ".".join([*path, last])


def flattened(made: Part) -> Part:
    """Returns a part whose singular vectors are vectors, not rows."""
    tensors = {name: value.flatten() if name.endswith(".0.u") else value for name, value in made.tensors.items()}
    return replace(made, tensors=tensors)


def size_and_width(network: Network, table: Mapping[int, tuple[int, ...]], channels: int, role: str) -> tuple[int, int]:
    """Returns a network's side in pixels, by the number of its blocks, and the width that its table multiplies."""
    blocks = len(numbers_in(network.tensors, "blocks."))
    entries = {size: len(widths) - (role == "generator") for size, widths in table.items()}
    sizes = [size for size, count in entries.items() if count == blocks]
    if not sizes:
        known = ", ".join(f"{count} at {size} pixels" for size, count in entries.items())
        raise GanzooError(f"the {role} has {blocks} blocks, but {known} were expected.")
    return sizes[0], channels // table[sizes[0]][0]


def generator(network: Network) -> Part:
    """Returns ganzoo's generator with a network's tensors, its sizes read from them."""
    rows, chunk = network.shape("linear.weight")
    size, width = size_and_width(network, GENERATOR_WIDTHS, rows // 16, "generator")
    gain = network.shape("blocks.0.0.bn1.gain.weight")
    shared = "shared.weight" in network.tensors
    n_classes, shared_dim = network.shape("shared.weight") if shared else (gain[0], 0)
    hierarchical = shared and gain[1] > shared_dim
    blocks = numbers_in(network.tensors, "blocks.")
    arguments: dict[str, Any] = {
        "size": size,
        "channels": network.shape("output_layer.2.weight")[0],
        "width": width,
        "latent_dim": chunk * (len(blocks) + 1 if hierarchical else 1),
        "n_classes": n_classes,
        "shared_dim": shared_dim,
        "hierarchical": hierarchical,
        "attention": [8 * 2**i for i in blocks if f"blocks.{i}.1.gamma" in network.tensors],
    }
    return flattened(part(network, GENERATOR, arguments, lambda key: renamed(key, network)))


def discriminator(network: Network) -> Part:
    """Returns ganzoo's discriminator with a network's tensors, its sizes read from them."""
    after, channels, *_ = network.shape("blocks.0.0.conv1.weight")
    size, width = size_and_width(network, DISCRIMINATOR_WIDTHS, after, "discriminator")
    arguments: dict[str, Any] = {
        "size": size,
        "channels": channels,
        "width": width,
        "n_classes": network.shape("embed.weight")[0],
        "attention": [i for i in numbers_in(network.tensors, "blocks.") if f"blocks.{i}.1.gamma" in network.tensors],
    }
    return flattened(part(network, DISCRIMINATOR, arguments, lambda key: renamed(key, network)))


def convert(networks: Sequence[Network]) -> Conversion:
    """Returns ganzoo's BigGAN of a generator and, where there is one, a discriminator."""
    network, judge = find(networks, "output_layer.2.weight"), find(networks, "embed.weight")
    assert network is not None  # else it did not fit
    made = generator(network)
    shared = {name: made.arguments[name] for name in ("size", "channels", "width", "n_classes")}
    unknown = ["what it was trained on, for how long, with which settings, and what its classes are called"]
    return Conversion(
        "ganzoo.models.biggan.BigGAN",
        {"generator": made, "discriminator": discriminator(judge) if judge else Part(DISCRIMINATOR, shared)},
        known=(f"images of {shared['size']}x{shared['size']} pixels", f"{shared['n_classes']} classes"),
        unknown=tuple(unknown if judge else [*unknown, NO_DISCRIMINATOR]),
        data=image_folder(shared["size"], shared["channels"], 50),
    )


BIGGAN = Format(
    "BigGAN-PyTorch",
    "G_ema.pth, alone or with D.pth",
    "BigGAN",
    lambda networks: any(
        {"output_layer.2.weight", "blocks.0.0.bn1.gain.weight"} <= one.tensors.keys() for one in networks
    ),
    convert,
)
