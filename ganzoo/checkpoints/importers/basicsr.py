"""Weights of BasicSR (https://github.com/XPixelGroup/BasicSR): MSRResNet and RRDBNet, whose names ganzoo's keep."""

from collections.abc import Sequence
from math import isqrt

from ganzoo.checkpoints.importers.adapting import Conversion, Format, Part, find, numbers_in, part
from ganzoo.checkpoints.importers.reading import Network
from ganzoo.common.errors import GanzooError

DENSE, PLAIN = "body.0.rdb1.conv1.weight", "upconv1.weight"
SOURCES = {"size": 96, "crop": True, "batch_size": 16}
AVERAGED = ("params_ema", "params")  # by which a file calls the networks in it


def rrdbnet(network: Network) -> Part:
    """Returns ganzoo's RRDBNet with a network's tensors, its sizes read from them."""
    width, seen, *_ = network.shape("conv_first.weight")
    channels = network.shape("conv_last.weight")[0]
    squares = {channels * square**2: square for square in (1, 2, 4)}
    if seen not in squares:
        wanted = ", ".join(map(str, squares))
        raise GanzooError(f"{network.called('conv_first.weight')} takes {seen} channels, but {wanted} were expected.")
    arguments = {
        "channels": channels,
        "out_channels": channels,
        "width": width,
        "blocks": len(numbers_in(network.tensors, "body.")),
        "growth": network.shape(DENSE)[0],
        "factor": 4 // squares[seen],
    }
    return part(network, "ganzoo.networks.basicsr.RRDBNet", arguments, lambda key: key)


def msrresnet(network: Network) -> Part:
    """Returns ganzoo's MSRResNet with a network's tensors, its sizes read from them."""
    width, channels, *_ = network.shape("conv_first.weight")
    step = isqrt(network.shape(PLAIN)[0] // width)
    arguments = {
        "channels": channels,
        "out_channels": network.shape("conv_last.weight")[0],
        "width": width,
        "blocks": len(numbers_in(network.tensors, "body.")),
        "factor": 4 if "upconv2.weight" in network.tensors else step,
    }
    return part(network, "ganzoo.networks.basicsr.MSRResNet", arguments, lambda key: key)


def convert(networks: Sequence[Network]) -> Conversion:
    """Returns ganzoo's SRResNet, a game of one player, of a generator that enlarges images."""
    dense = find(networks, DENSE, AVERAGED)
    plain = find(networks, PLAIN, AVERAGED)
    network = dense or plain
    assert network is not None  # else it did not fit
    made = rrdbnet(network) if dense else msrresnet(network)
    return Conversion(
        "ganzoo.models.srresnet.SRResNet",
        {"generator": made},
        known=(f"images enlarged {made.arguments['factor']} times", f"{made.arguments['blocks']} blocks"),
        unknown=(
            "what it was trained on, for how long, with which settings, and by which objective: it goes on by the mean "
            "squared error here",
        ),
        data={"class_path": "ganzoo.data.LowResolution", "init_args": {**SOURCES, "factor": made.arguments["factor"]}},
    )


BASICSR = Format(
    "BasicSR",
    "MSRResNet_*.pth, and those of RRDBNet: ESRGAN_*.pth, RealESRGAN_*.pth",
    "SRResNet with MSRResNet or RRDBNet",
    lambda networks: any({key, "conv_hr.weight"} <= one.tensors.keys() for one in networks for key in (DENSE, PLAIN)),
    convert,
)
