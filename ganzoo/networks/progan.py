"""Networks of ProGAN, which grow: Karras et al. 2018, arXiv 1710.10196, section 2, tables 2 and 4.

Weights are drawn from N(0, 1) and scaled at run time by gain / sqrt(fan in), the gain being sqrt(2) before a leaky ReLU
of slope 0.2 and 1 elsewhere; biases are not scaled. Which side is in use, and how far the newest layers are blended in,
is the `level` and the `stage` of `ganzoo.networks.growing.Growing`.
"""

from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, interpolate, leaky_relu

from ganzoo.networks.equalised import EqualLinear, normalised
from ganzoo.networks.growing import Growing
from ganzoo.networks.minibatch import minibatch_std
from ganzoo.networks.resample import down_conv, down_smear, up_conv, up_smear
from ganzoo.networks.sides import channels_at, doubling_sides

GAIN = 2**0.5
Resample = Literal["none", "double", "halve"]


class ScaledConv2d(nn.Module):
    """Convolution with an equalised learning rate, its gain in the weights; with a doubling or halving in one step.

    Args:
        before: channels of the input.
        after: channels of the output.
        kernel: side of the kernel, odd; 3 where sides change.
        gain: factor on the weights at run time, beside 1 / sqrt(fan in).
        resample: `double` repeats every pixel before the convolution, `halve` takes means of 2x2 pixels after it.
        bias: whether there is one.
    """

    smear: Tensor

    def __init__(
        self,
        before: int,
        after: int,
        kernel: int = 3,
        gain: float = GAIN,
        resample: Resample = "none",
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(after, before, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(after)) if bias else None
        self.scale, self.resample = gain * (before * kernel**2) ** -0.5, resample
        if resample != "none":
            self.register_buffer("smear", up_smear() if resample == "double" else down_smear(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, before, H, W) to (N, after, H, W), or twice or half of H and W."""
        weight = self.weight * self.scale
        if self.resample == "double":
            return up_conv(x, weight, self.bias, self.smear)
        if self.resample == "halve":
            return down_conv(x, weight, self.bias, self.smear)
        return conv2d(x, weight, self.bias, padding=weight.shape[-1] // 2)


def settled(x: Tensor) -> Tensor:
    """Returns the leaky ReLU of maps, each pixel's vector divided by its root mean square: section 4.2."""
    return normalised(leaky_relu(x, 0.2))


class FirstBlock(nn.Module):
    """First layers of the generator: the latent vector becomes a map of 4x4 pixels, and is convolved.

    Args:
        latent_dim: length of z.
        width: channels of the map.
        place_bias: whether each place of the map has a bias of its own.
    """

    def __init__(self, latent_dim: int, width: int, place_bias: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(width * 16, latent_dim))
        self.bias = nn.Parameter(torch.zeros(width, 4, 4) if place_bias else torch.zeros(width))
        self.conv = ScaledConv2d(width, width)
        self.scale = GAIN / 4 * latent_dim**-0.5

    def forward(self, z: Tensor) -> Tensor:
        """Maps (N, latent_dim) to (N, width, 4, 4)."""
        x = (z @ (self.weight * self.scale).T).unflatten(1, (-1, 4, 4))
        x = x + (self.bias if self.bias.dim() == 3 else self.bias[:, None, None])
        return settled(self.conv(settled(x)))


class UpBlock(nn.Module):
    """Block of the generator: the side is doubled, and two convolutions follow.

    Args:
        before: channels of the input.
        after: channels of the output.
    """

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.conv0, self.conv1 = ScaledConv2d(before, after, resample="double"), ScaledConv2d(after, after)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, before, H, W) to (N, after, 2H, 2W)."""
        return settled(self.conv1(settled(self.conv0(x))))


class ProGANGenerator(Growing):
    """Generator that grows, block by block; each side has a 1x1 convolution to the image's channels, without tanh.

    Args:
        size: side of the images in pixels when it is grown, a power of 2.
        channels: channels of the images.
        latent_dim: length of z.
        base: channels of maps are `base` divided by their side ...
        largest: ... but at most this.
        first: side of the images before it grows.
        place_bias: whether each place of the first map has a bias of its own, as in pytorch_GAN_zoo.

    Attributes:
        unbounded: that images may leave [-1, 1].
    """

    unbounded = True

    def __init__(
        self,
        size: int = 32,
        channels: int = 3,
        latent_dim: int = 512,
        base: int = 16384,
        largest: int = 512,
        first: int = 4,
        place_bias: bool = False,
    ) -> None:
        sides = doubling_sides(size, "ProGAN")
        super().__init__([side for side in sides if side >= first])
        widths = [channels_at(side, base, largest) for side in sides]
        self.latent_dim, self.shape = latent_dim, (channels, size, size)
        self.first = FirstBlock(latent_dim, widths[0], place_bias)
        self.blocks = nn.ModuleList(UpBlock(*pair) for pair in pairwise(widths))
        self.to_image = nn.ModuleList(ScaledConv2d(width, channels, 1, gain=1.0) for width in widths)

    def forward(self, z: Tensor) -> Tensor:
        """Maps z (N, latent_dim) to images (N, channels, H, W) of the present side."""
        x, last = self.first(normalised(z)), len(self.blocks) - len(self.sides) + 1 + self.level
        before = x
        for block in self.blocks[:last]:
            before, x = x, block(x)
        image = self.to_image[last](x)
        if self.fading:
            image = self.blend(interpolate(self.to_image[last - 1](before), scale_factor=2), image)
        return image


class DownBlock(nn.Module):
    """Block of a discriminator: two convolutions, and the side is halved.

    Args:
        before: channels of the input.
        after: channels of the output.
        fused: see `ProGANDiscriminator`.
        blur: likewise.
    """

    def __init__(self, before: int, after: int, fused: bool, blur: bool) -> None:
        super().__init__()
        self.conv0 = ScaledConv2d(before, before)
        self.conv1 = ScaledConv2d(before, after, resample="halve" if fused else "none")
        self.fused, self.blur = fused, blur

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, before, H, W) to (N, after, H / 2, W / 2)."""
        x = leaky_relu(self.conv0(x), 0.2)
        x = leaky_relu(self.conv1(blurred(x) if self.blur else x), 0.2)
        return x if self.fused else avg_pool2d(x, 2)


def blurred(x: Tensor) -> Tensor:
    """Applies the filter [1, 2, 1] in both directions to maps (N, C, H, W), with a border of zeros."""
    line = 0.5 - (torch.arange(3, device=x.device, dtype=x.dtype) - 1).abs() / 4
    return conv2d(x, (line[:, None] * line).expand(x.shape[1], 1, 3, 3), padding=1, groups=x.shape[1])


class ProGANDiscriminator(Growing):
    """Discriminator that grows: a 1x1 convolution of images, blocks down to 4x4, minibatch standard deviation, a score.

    The standard deviation mixes the samples of a batch or a group; a penalty on the gradient of the scores' sum is
    meant to go through it.

    Args:
        size: side of the images in pixels when it is grown, a power of 2.
        channels: channels of the images.
        base: channels of maps are `base` divided by their side ...
        largest: ... but at most this.
        first: side of the images before it grows.
        group: samples of a group of the minibatch standard deviation; 0 for the whole batch.
        fused: whether the side is halved before the activation, in one step with the convolution, as in the code of
            StyleGAN; otherwise after it, as on CIFAR-10.
        blur: whether maps are filtered before the convolution that halves.
        n_classes: number of classes, each with a score of its own; 0 for none.
    """

    def __init__(
        self,
        size: int = 32,
        channels: int = 3,
        base: int = 16384,
        largest: int = 512,
        first: int = 4,
        group: int = 4,
        fused: bool = False,
        blur: bool = False,
        n_classes: int = 0,
    ) -> None:
        sides = doubling_sides(size, "ProGAN")
        super().__init__([side for side in sides if side >= first])
        widths = [channels_at(side, base, largest) for side in sides]
        self.shape, self.n_classes, self.n_features = (channels, size, size), n_classes, widths[0]
        self.group = group
        self.from_image = nn.ModuleList(ScaledConv2d(channels, width, 1) for width in widths)
        self.blocks = nn.ModuleList(DownBlock(after, before, fused, blur) for before, after in pairwise(widths))
        self.last = ScaledConv2d(widths[0] + 1, widths[0])
        self.linear = EqualLinear(16 * widths[0], widths[0], gain=GAIN)
        self.out = EqualLinear(widths[0], n_classes or 1)

    def features(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Maps images (N, channels, H, W) of the present side to features (N, n_features), which ignore labels."""
        last = len(self.blocks) - len(self.sides) + 1 + self.level
        h = leaky_relu(self.from_image[last](x), 0.2)
        for i in range(last, 0, -1):
            h = self.blocks[i - 1](h)
            if self.fading and i == last:
                h = self.blend(leaky_relu(self.from_image[i - 1](avg_pool2d(x, 2)), 0.2), h)
        h = leaky_relu(self.last(minibatch_std(h, self.group)), 0.2)
        return leaky_relu(self.linear(h.flatten(1)), 0.2)

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Maps images (N, channels, H, W), and labels (N,) if there are classes, to scores (N,)."""
        scores = self.out(self.features(x))
        return scores.squeeze(1) if y is None else scores.gather(1, y[:, None]).squeeze(1)
