"""Weights of pytorch-CycleGAN-and-pix2pix (https://github.com/junyanz/pytorch-CycleGAN-and-pix2pix)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from ganzoo.checkpoints.importers.adapting import NO_DISCRIMINATOR, Conversion, Format, Part, numbers_in, part
from ganzoo.checkpoints.importers.reading import Network
from ganzoo.common.errors import GanzooError
from ganzoo.networks.patch import FIELDS

RESNET = "ganzoo.networks.resnet_translator.ResNetTranslator"
UNET = "ganzoo.networks.unet.UNet"
PATCH = "ganzoo.networks.patch.PatchGAN"
BLOCK = "model.10.conv_block.1.weight"  # of the residual generator
OUTER = "model.model.0.weight"  # of the U-Net
FIRST = "model.0.weight"  # of a discriminator
UNKNOWN = "what it was trained on, for how long, and with which settings"


def resnet(network: Network) -> Part:
    """Returns ganzoo's residual translator with a network's tensors, its sizes read from them."""
    places = numbers_in(network.tensors, "model.")
    blocks = [i for i in places if f"model.{i}.conv_block.1.weight" in network.tensors]
    last = max(places)
    width, channels, *_ = network.shape("model.1.weight")
    arguments = {
        "channels": channels,
        "out_channels": network.shape(f"model.{last}.weight")[0],
        "width": width,
        "blocks": len(blocks),
    }

    def rename(key: str) -> str | None:
        _, place, *inner = key.split(".")
        if inner == ["bias"] and int(place) == last:
            return f"net.{last - 2}.bias"
        if inner[-1] == "bias":
            return None  # instance normalisation subtracts it again
        if inner[0] == "conv_block":  # the second convolution stands behind a dropout, where there is one
            second = {"1": 0, "5": 3, "6": 3}[inner[1]]
            return f"net.{int(place) - 1}.net.{second}.weight"
        if inner != ["weight"]:
            raise KeyError(key)
        return f"net.{int(place) - (2 if int(place) == last else 1)}.weight"

    return part(network, RESNET, arguments, rename)


def unet(network: Network) -> Part:
    """Returns ganzoo's U-Net with a network's tensors, its sizes read from them."""
    prefixes = ["model.model.", "model.model.1.model."]
    while any(key.startswith(f"{prefixes[-1]}3.model.") for key in network.tensors):
        prefixes.append(f"{prefixes[-1]}3.model.")
    depth = len(prefixes)
    width, channels, *_ = network.shape(OUTER)
    innermost = {"1": "down.{i}.0", "3": "up.{j}.0", "4": "up.{j}.1"}
    middle = {"1": "down.{i}.0", "2": "down.{i}.1", "5": "up.{j}.0", "6": "up.{j}.1"}
    layers = [{"0": "down.{i}.0", "3": "up.{j}.0"}, *[middle] * (depth - 2), innermost]
    batch = "model.model.1.model.2.running_mean" in network.tensors
    arguments = {
        "size": 2**depth,
        "source_channels": channels,
        "channels": network.shape("model.model.3.weight")[1],
        "width": width,
        "norm": "batch" if batch else "instance",
    }

    def rename(key: str) -> str | None:
        level = max(i for i, prefix in enumerate(prefixes) if key.startswith(prefix))
        place, last = key.removeprefix(prefixes[level]).split(".")
        name = layers[level][place].format(i=level, j=depth - 1 - level)
        followed = 0 < level < depth - 1 or (name.startswith("up") and level > 0)  # by a normalisation
        return None if last == "bias" and name.endswith(".0") and followed else f"{name}.{last}"

    made = part(network, UNET, arguments, rename)
    tensors = {**neutral(made, widths_of(made, depth), depth, batch), **made.tensors}
    for j in range(1, depth):  # the code joins an encoder's maps before the decoder's, ganzoo after them
        tensors[f"up.{j}.0.weight"] = torch.cat(tensors[f"up.{j}.0.weight"].chunk(2)[::-1])
    return replace(made, tensors=tensors)


def widths_of(made: Part, depth: int) -> list[int]:
    """Returns the channels after each halving."""
    return [made.tensors[f"down.{i}.0.weight"].shape[0] for i in range(depth)]


def neutral(made: Part, widths: list[int], depth: int, batch: bool) -> dict[str, torch.Tensor]:
    """Returns tensors that ganzoo's U-Net has and the code's has not, with which they compute the same.

    Beside batch normalisation its convolutions have no bias, and its instance normalisation has no scale and shift.
    """
    tensors = {f"down.{i}.0.bias": torch.zeros(widths[i]) for i in (0, depth - 1)}
    if not batch:
        norms = [(f"down.{i}.1", widths[i]) for i in range(1, depth - 1)]
        norms += [(f"up.{depth - 1 - i}.1", widths[i - 1]) for i in range(1, depth)]
        for name, width in norms:
            tensors |= {f"{name}.weight": torch.ones(width), f"{name}.bias": torch.zeros(width)}
    return tensors


def patch(network: Network) -> Part:
    """Returns ganzoo's discriminator of patches with a network's tensors, its sizes read from them."""
    places = numbers_in(network.tensors, "model.")
    kernels = [i for i in places if len(network.shape(f"model.{i}.weight")) == 4]  # those of norms have one axis
    fields = {halvings: field for field, halvings in FIELDS.items()}
    if len(kernels) - 2 not in fields or len(kernels) < 3:
        raise GanzooError(f"the discriminator has {len(kernels)} convolutions, but 3 to 7 were expected.")
    width, channels, *_ = network.shape(FIRST)
    batch, last = "model.3.running_mean" in network.tensors, max(kernels)
    arguments: dict[str, Any] = {"channels": channels, "width": width, "field": fields[len(kernels) - 2]}
    arguments |= {"norm": "batch"} if batch else {"norm": "instance", "affine": False}

    def rename(key: str) -> str | None:
        _, place, last_name = key.split(".")
        if last_name == "bias" and int(place) in kernels and int(place) not in (0, last):
            return None  # instance normalisation subtracts it again
        return f"net.{place}.{last_name}"

    return part(network, PATCH, arguments, rename)


def having(networks: Sequence[Network], key: str) -> list[Network]:
    """Returns the networks that have a tensor of a name, in the order of their files."""
    return [one for one in networks if key in one.tensors]


def convert_cyclegan(networks: Sequence[Network]) -> Conversion:
    """Returns ganzoo's CycleGAN of one or two residual generators, and of two discriminators where they are there."""
    made = [resnet(network) for network in having(networks, BLOCK)][:2]
    judges = [patch(network) for network in having(networks, FIRST)][:2]
    to, unknown = made[0].arguments, [UNKNOWN]
    if len(made) < 2:
        back = {**to, "channels": to["out_channels"], "out_channels": to["channels"]}
        made.append(Part(RESNET, back))
        unknown.append("the generator of the way back, which no file here holds: this one begins anew")
    if len(judges) < 2:
        norm = {"norm": "instance", "affine": False}
        fresh = [Part(PATCH, {"channels": one.arguments["out_channels"], **norm}) for one in made]
        judges = [*judges, *fresh[len(judges) :]]
        unknown.append("its two discriminators, which no file here holds: those that lack begin anew")
    names = ("generator", "back", "discriminator", "discriminator_back")
    return Conversion(
        "ganzoo.models.cyclegan.CycleGAN",
        dict(zip(names, [*made, *judges], strict=True)),
        known=(f"{to['blocks']} residual blocks", f"{to['channels']} channel(s) to {to['out_channels']}"),
        unknown=tuple(unknown),
        data={"class_path": "ganzoo.data.UnpairedFolder", "init_args": {"batch_size": 1, "flip": True}},
    )


def convert_pix2pix(networks: Sequence[Network]) -> Conversion:
    """Returns ganzoo's pix2pix of a U-Net and, where there is one, a discriminator."""
    made = unet(having(networks, OUTER)[0])
    judges = having(networks, FIRST)
    to = made.arguments
    fresh = Part(PATCH, {"channels": to["source_channels"] + to["channels"], "norm": to["norm"]})
    return Conversion(
        "ganzoo.models.pix2pix.Pix2Pix",
        {"generator": made, "discriminator": patch(judges[0]) if judges else fresh},
        known=(f"images of {to['size']}x{to['size']} pixels", f"normalised by the {to['norm']}"),
        unknown=(
            UNKNOWN,
            "whether it dropped values in training: half of those of three layers here",
            *([] if judges else [NO_DISCRIMINATOR]),
        ),
        data={"class_path": "ganzoo.data.PairedFolder", "init_args": {"size": to["size"], "batch_size": 1}},
    )


CYCLEGAN = Format(
    "CycleGAN",
    "latest_net_G.pth of resnet_*blocks, alone or G_A, G_B, D_A and D_B in this order",
    "CycleGAN",
    lambda networks: bool(having(networks, BLOCK)),
    convert_cyclegan,
)
PIX2PIX = Format(
    "pix2pix",
    "latest_net_G.pth of unet_*, alone or with latest_net_D.pth",
    "Pix2Pix",
    lambda networks: bool(having(networks, OUTER)),
    convert_pix2pix,
)
