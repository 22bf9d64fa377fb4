"""Weights of projected-gan (https://github.com/autonomousvision/projected-gan).

FastGAN's generator, and the discriminators with their random projections. Their frozen network is compared with
ganzoo's, and not taken.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

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
from ganzoo.networks.efficientnet import weights_file
from ganzoo.networks.fastgan import WIDTHS

GENERATOR = "ganzoo.networks.fastgan.FastGANGenerator"
DISCRIMINATOR = "ganzoo.networks.projected.ProjectedGANDiscriminator"
FIRST, LAST, EMBEDDING = "synthesis.init.init.0.weight_orig", "synthesis.to_big.weight_orig", "synthesis.embed.weight"
# Places in the code's sequences: of convolutions, noises and norms.
SEQUENCE = {"1": "convs.0", "2": "strength.0", "3": "norms.0", "5": "convs.1", "6": "strength.1", "7": "norms.1"}
LITE = {"1": "convs.0", "2": "norms.0"}
CONDITIONAL = {"conv1": "convs.0", "conv2": "convs.1", "bn1": "norms.0", "bn2": "norms.1", "noise": "strength.0"}
ENDS = {"weight_orig": "original", "weight_u": "0.u", "weight_v": "0.v"}
JUDGE, CLASSES = "discriminator.mini_discs.0.main.0.main.1.weight", "discriminator.mini_discs.0.embed.weight"
STEM = "feature_network.pretrained.layer0.0.weight"  # first convolution of the frozen network
MIXING = {"ccm": "across_channels", "csm": "across_scales"}
SEPARABLE = {"depthwise": ["0"], "pointwise": ["1"]}
COUNTED = 256  # pixels, from which the code counts the blocks of a discriminator, whatever the images
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


def judge_name(path: Sequence[str], last: str) -> str:
    """Returns ganzoo's name of a tensor of one discriminator.

    Args:
        path: its name's parts.
        last: the part of `main` that is the last convolution; `cls` where there are classes.
    """
    *path, end = path
    if path in (["main", last], [last]):
        where = ["last"]
    elif path[0] == "main":
        where = ["blocks", path[1], {"0": "conv", "1": "norm"}[path[3]], *(SEPARABLE[path[4]] if path[4:] else [])]
    else:
        where = ["embed", {"embed": "0", "embed_proj": "1"}[path[0]]]
    return ".".join([*where, f"parametrizations.weight.{ENDS[end]}" if end in ENDS else end])


def discriminator_name(key: str, last: Sequence[str]) -> str | None:
    """Returns ganzoo's name of a tensor of the discriminators; None for the frozen network's and for counts.

    Args:
        key: its name.
        last: see `judge_name`, of each discriminator.
    """
    room, part_of, *path = key.split(".")
    if part_of == "pretrained" or path[-1] == "num_batches_tracked":
        return None
    if room == "feature_network":
        level, _, kind = path[0].removeprefix("layer").partition("_")
        return f"mixing.{MIXING[kind]}.{int(level)}.{path[-1]}"
    number, *path = path
    return f"discriminators.{int(number)}.{judge_name(path, last[int(number)])}"


def last_places(network: Network) -> list[str]:
    """Returns where the last convolution of each discriminator stands, see `judge_name`."""
    places = []
    for number in numbers_in(network.tensors, "discriminator.mini_discs."):
        before = f"discriminator.mini_discs.{number}."
        labelled = f"{before}cls.weight_orig" in network.tensors
        places.append("cls" if labelled else str(numbers_in(network.tensors, f"{before}main.")[-1]))
    return places


def discriminator(network: Network, made: Part) -> Part:
    """Returns ganzoo's discriminators with a network's tensors, its sizes read from them.

    Args:
        network: of the file.
        made: the generator.

    Raises:
        GanzooError: if they are of a kind that ganzoo does not have.
    """
    size, n_classes = made.arguments["size"], made.arguments["n_classes"]
    last = last_places(network)
    enlarged = network.settings.get("interp224", size < COUNTED)
    if enlarged and size > 224:
        raise GanzooError("its images are made smaller before they are judged, which ganzoo does not do")
    if not {f"feature_network.scratch.layer{i}_csm.out_conv.weight" for i in range(4)} <= network.tensors.keys():
        raise GanzooError("its features are not mixed across scales")
    if not same_stem(network):
        raise GanzooError("its frozen network has other weights than the EfficientNet-Lite0 that ganzoo takes")
    labelled = CLASSES in network.tensors
    top = f"discriminator.mini_discs.0.{'cls' if labelled else f'main.{last[0]}'}.weight_orig"
    arguments: dict[str, Any] = {
        "size": size,
        "channels": made.arguments["channels"],
        "resolution": 224 if enlarged else size,
        "mixing": network.shape("feature_network.scratch.layer0_ccm.weight")[0],
        "width": network.shape(top)[1],
        "separable": any(".depthwise." in key for key in network.tensors),
        "n_classes": n_classes if labelled else 0,
        "counted": COUNTED,
    }
    taken = part(network, DISCRIMINATOR, arguments, lambda key: discriminator_name(key, last))
    # the code makes room for a thousand classes, whatever their number
    tensors = {key: x[:n_classes] if key.endswith(".embed.0.weight") else x for key, x in taken.tensors.items()}
    return replace(taken, tensors=tensors)


def same_stem(network: Network) -> bool:
    """Returns whether the frozen network begins with the layer of ganzoo's; what cannot be compared is believed."""
    if STEM not in network.tensors:
        return True
    try:
        weights = torch.load(weights_file("convert"), map_location="cpu", weights_only=True)
    except GanzooError:  # the packages are not there
        return True
    first = next(iter(weights.values()))
    theirs = network.tensors[STEM]
    return theirs.shape == first.shape and torch.allclose(theirs.float(), first, rtol=1e-3, atol=1e-3)


def convert(networks: Sequence[Network]) -> Conversion:
    """Returns ganzoo's Projected GAN of a snapshot's averaged generator, and of its discriminators."""
    network, judge = find(networks, FIRST, ("G_ema", "G")), find(networks, JUDGE)
    assert network is not None  # else it did not fit
    made = generator(network)
    size, n_classes = made.arguments["size"], made.arguments["n_classes"]
    shared = {name: made.arguments[name] for name in ("size", "channels", "n_classes")}
    theirs, reason = Part(DISCRIMINATOR, shared), NO_DISCRIMINATOR
    if judge is not None:
        try:
            theirs, reason = discriminator(judge, made), ""
        except GanzooError as error:
            reason = f"its discriminator, which begins anew: {error}"
    return Conversion(
        "ganzoo.models.projected_gan.ProjectedGAN",
        {"generator": made, "discriminator": theirs},
        arguments={"augment": ""} if judge and judge.settings.get("diffaug") is False else {},
        known=(f"images of {size}x{size} pixels", f"{n_classes} classes" if n_classes else "no classes"),
        unknown=("what it was trained on, for how long, and with which settings", *filter(None, [reason])),
        data=image_folder(size, made.arguments["channels"], 64),
    )


PROJECTED_GAN = Format(
    "projected-gan",
    "network-snapshot.pkl with FastGAN's generator G_ema and D, or their state dicts",
    "ProjectedGAN",
    lambda networks: find(networks, FIRST) is not None,
    convert,
)
