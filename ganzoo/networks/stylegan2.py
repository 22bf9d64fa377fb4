"""Networks of StyleGAN2: Karras et al. 2020, arXiv 1912.04958, as the code of ADA has them, arXiv 2006.06676.

They compute what the authors' PyTorch code does (https://github.com/NVlabs/stylegan2-ada-pytorch), in float32 and
without its clamp of activations. Weights are drawn from N(0, 1) and scaled at run time by 1 / sqrt(fan in), so that all
have the same learning rate; leaky ReLUs have a slope of 0.2 and a gain of sqrt(2).
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d, one_hot

from ganzoo.networks.equalised import EqualConv2d, EqualLinear, activated, normalised
from ganzoo.networks.filtered import blurred, doubled, halved
from ganzoo.networks.minibatch import minibatch_std
from ganzoo.networks.sides import channels_at, doubling_sides
from ganzoo.networks.style import StyleBased

Shape = Literal["skip", "resnet", "orig"]
HALF = 0.5**0.5


class Mapping(nn.Module):
    """Mapping network: normalised latent vectors, joined to an embedded condition, through fully connected layers.

    Args:
        latent_dim: length of z; 0 for a discriminator's mapping of the classes alone.
        w_dim: length of w, and of the layers.
        layers: number of layers.
        n_classes: number of classes; 0 for none.
        rate: factor on the layers' learning rate.
        numbers: how many numbers are embedded beside the class.
    """

    def __init__(
        self,
        latent_dim: int = 512,
        w_dim: int = 512,
        layers: int = 8,
        n_classes: int = 0,
        rate: float = 0.01,
        numbers: int = 0,
    ) -> None:
        super().__init__()
        self.latent_dim, self.w_dim, self.n_classes = latent_dim, w_dim, n_classes
        embedded = n_classes + numbers
        self.embed = EqualLinear(embedded, w_dim) if embedded else None
        lengths = [latent_dim + w_dim * bool(embedded), *[w_dim] * layers]
        pairs = pairwise(lengths)
        self.layers = nn.Sequential(*(EqualLinear(*pair, rate, activate=True) for pair in pairs))

    def forward(self, z: Tensor | None, y: Tensor | None = None, numbers: Tensor | None = None) -> Tensor:
        """Maps z (N, latent_dim), labels (N,) if there are classes, and numbers (N, `numbers`) to w (N, w_dim)."""
        parts = [] if z is None else [normalised(z)]
        condition = [one_hot(y, self.n_classes)] if self.n_classes and y is not None else []
        condition += [] if numbers is None else [numbers]
        if self.embed is not None and condition:
            parts.append(normalised(self.embed(torch.cat(condition, 1).to(self.embed.weight.dtype))))
        return self.layers(torch.cat(parts, 1))


def convolved(x: Tensor, weight: Tensor, double: bool = False) -> Tensor:
    """Convolves maps (N, C, H, W) by weights (C', C, k, k) at the same side, or at twice the side, filtered."""
    if double:
        return blurred(conv_transpose2d(x, weight.transpose(0, 1), stride=2), 1, 4.0)
    return conv2d(x, weight, padding=weight.shape[-1] // 2)


class ModulatedConv2d(nn.Module):
    """Convolution whose weights are scaled by a style, and then to unit length: equations 1 and 3.

    Activations are scaled before and after it instead of weights, which is the same.

    Args:
        before: channels of the input.
        after: channels of the output.
        w_dim: length of w, of which an affine map makes the style.
        kernel: side of the kernel.
        double: whether the side is doubled, and filtered.
        demodulate: whether weights are scaled to unit length; without, they have 1 / sqrt(fan in) on the style.
    """

    def __init__(
        self, before: int, after: int, w_dim: int, kernel: int = 3, double: bool = False, demodulate: bool = True
    ) -> None:
        super().__init__()
        self.affine = EqualLinear(w_dim, before, bias=1.0)
        self.weight = nn.Parameter(torch.randn(after, before, kernel, kernel))
        self.scale, self.doubles, self.demodulate = (before * kernel**2) ** -0.5, double, demodulate

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """Maps (N, before, H, W) and w (N, w_dim) to (N, after, H, W), or twice H and W."""
        style = self.affine(w)
        if not self.demodulate:
            style = style * self.scale
        x = x * style[:, :, None, None].to(x.dtype)
        x = convolved(x, self.weight, self.doubles)
        if self.demodulate:
            length = style.square() @ self.weight.square().sum((2, 3)).T
            x = x * (length + 1e-8).rsqrt()[:, :, None, None].to(x.dtype)
        return x


class StyledLayer(nn.Module):
    """Layer of the synthesis: modulated convolution, noise, bias, leaky ReLU.

    Args:
        before: channels of the input.
        after: channels of the output.
        w_dim: length of w.
        double: whether the side is doubled.
        kernel: side of the kernel; 3 where the side is doubled.
    """

    def __init__(self, before: int, after: int, w_dim: int, double: bool = False, kernel: int = 3) -> None:
        super().__init__()
        self.conv = ModulatedConv2d(before, after, w_dim, kernel, double)
        self.noise_strength = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(after))

    def forward(self, x: Tensor, w: Tensor, noise: Tensor, gain: float = 1.0) -> Tensor:
        """Maps (N, before, H, W), w (N, w_dim) and noise (N, 1, H', W') to (N, after, H', W')."""
        x = self.conv(x, w) + noise.to(x.dtype) * self.noise_strength
        return activated(x + self.bias[:, None, None], gain * 2**0.5)


class ToImage(nn.Module):
    """Modulated 1x1 convolution to the image's channels, without demodulation, and a bias.

    Args:
        before: channels of the input.
        channels: channels of the image.
        w_dim: length of w.
    """

    def __init__(self, before: int, channels: int, w_dim: int) -> None:
        super().__init__()
        self.conv = ModulatedConv2d(before, channels, w_dim, kernel=1, demodulate=False)
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """Maps (N, before, H, W) and w (N, w_dim) to images (N, channels, H, W)."""
        return self.conv(x, w) + self.bias[:, None, None]


class Synthesis(nn.Module):
    """Synthesis network: a learnt constant of 4x4, and two styled layers to each side after it.

    Args:
        size: side of the images in pixels.
        channels: channels of the images.
        w_dim: length of w.
        base: channels times side of the maps.
        largest: largest number of channels.
        architecture: `skip` adds up images of all sides, the paper's choice; `resnet` has residual blocks; `orig` has
            neither.

    Attributes:
        n_styles: number of layers that take a w of their own; an image of a side shares that of the next side's first.
        noise_shapes: shape of each layer's noise.
        style_affines: affine maps of w, a layer each, and that of the last image.
    """

    def __init__(
        self,
        size: int = 32,
        channels: int = 3,
        w_dim: int = 512,
        base: int = 32768,
        largest: int = 512,
        architecture: Shape = "skip",
    ) -> None:
        super().__init__()
        sides = doubling_sides(size, "StyleGAN2")
        widths = [channels_at(side, base, largest) for side in sides]
        self.shape, self.n_styles, self.architecture = (channels, size, size), 2 * len(sides), architecture
        self.noise_shapes = [(1, side, side) for side in (4, *(side for side in sides[1:] for _ in range(2)))]
        self.const = nn.Parameter(torch.randn(widths[0], 4, 4))
        self.layers = nn.ModuleList([StyledLayer(widths[0], widths[0], w_dim)])
        for before, after in pairwise(widths):
            self.layers.extend([StyledLayer(before, after, w_dim, double=True), StyledLayer(after, after, w_dim)])
        shown = range(len(sides)) if architecture == "skip" else [len(sides) - 1]
        self.to_image = nn.ModuleDict({str(i): ToImage(widths[i], channels, w_dim) for i in shown})
        pairs = pairwise(widths) if architecture == "resnet" else ()
        self.shortcuts = nn.ModuleList(EqualConv2d(*pair, kernel=1, bias=False, gain=0) for pair in pairs)

    @property
    def style_affines(self) -> list[nn.Module]:
        """The affine map of w that makes each layer's style, in order."""
        last = self.to_image[str(len(self.layers) // 2)]
        return [*(layer.conv.affine for layer in self.layers), last.conv.affine]  # type: ignore[union-attr, list-item]

    def forward(self, styles: Tensor, noise: Sequence[Tensor] | None = None) -> Tensor:
        """Maps styles (N, n_styles, w_dim), and noise (N, *shape) for each shape, to images (N, channels, H, W)."""
        n = styles.shape[0]
        if noise is None:
            noise = [torch.randn(n, *shape, device=styles.device) for shape in self.noise_shapes]
        w = styles.unbind(1)
        x = self.layers[0](self.const.expand(n, -1, -1, -1), w[0], noise[0])
        image = self.to_image["0"](x, w[1]) if "0" in self.to_image else None
        for i in range(1, len(self.layers) // 2 + 1):
            first, second = 2 * i - 1, 2 * i
            h = self.layers[first](x, w[first], noise[first])
            if self.architecture == "resnet":
                h = self.layers[second](h, w[second], noise[second], HALF)
                x = h + HALF * doubled(self.shortcuts[i - 1](x))
            else:
                x = self.layers[second](h, w[second], noise[second])
            if str(i) in self.to_image:
                shown = self.to_image[str(i)](x, w[second + 1])
                image = shown if image is None else doubled(image) + shown
        assert image is not None  # the last side has one
        return image


class StyleGAN2Generator(StyleBased):
    """Generator of images: a mapping and a synthesis network.

    Args:
        size: side of the images in pixels, a power of 2.
        channels: channels of the images.
        latent_dim: length of z.
        w_dim: length of w.
        mapping_layers: layers of the mapping network.
        base: see `Synthesis`.
        largest: likewise.
        architecture: likewise.
        n_classes: number of classes; 0 for none.
        decay: share of the running mean of w that a batch keeps.
        cutoff: number of layers that truncation changes unless another is named; None for all.

    Attributes:
        unbounded: that images may leave [-1, 1].
    """

    unbounded = True

    def __init__(
        self,
        size: int = 32,
        channels: int = 3,
        latent_dim: int = 512,
        w_dim: int = 512,
        mapping_layers: int = 8,
        base: int = 32768,
        largest: int = 512,
        architecture: Shape = "skip",
        n_classes: int = 0,
        decay: float = 0.995,
        cutoff: int | None = None,
    ) -> None:
        mapping = Mapping(latent_dim, w_dim, mapping_layers, n_classes)
        super().__init__(mapping, Synthesis(size, channels, w_dim, base, largest, architecture), decay, cutoff)


class DiscriminatorBlock(nn.Module):
    """Block of the discriminator: two convolutions, the second halves the side; perhaps a shortcut.

    Args:
        before: channels of the input.
        after: channels of the output.
        residual: whether there is a shortcut, and both are scaled to keep their size.
    """

    def __init__(self, before: int, after: int, residual: bool) -> None:
        super().__init__()
        self.conv0 = EqualConv2d(before, before)
        self.conv1 = EqualConv2d(before, after, halve=True, gain=1.0 if residual else 2**0.5)
        self.shortcut = EqualConv2d(before, after, 1, halve=True, bias=False, gain=0) if residual else None

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, before, H, W) to (N, after, H / 2, W / 2)."""
        h = self.conv1(self.conv0(x))
        return h if self.shortcut is None else h + HALF * self.shortcut(x)


class StyleGAN2Discriminator(nn.Module):
    """Discriminator of images: blocks down to 4x4, minibatch standard deviation, a convolution, two linear layers.

    With classes, the logit is an inner product with the class's own mapping; with a diffusion's step, which the mapping
    takes as one number more, likewise (Wang et al. 2022, arXiv 2206.02262). The standard deviation mixes the samples
    of a group; a penalty on the gradient of the logits' sum, as R1's, is meant to go through it.

    Args:
        size: side of the images in pixels, a power of 2.
        channels: channels of the images.
        base: see `Synthesis`.
        largest: likewise.
        architecture: `resnet`, the paper's choice, has residual blocks; `skip` looks at the image at every side; `orig`
            does neither, as ADA's settings for CIFAR-10.
        group: samples of a group of the minibatch standard deviation.
        n_classes: number of classes; 0 for none.
        mapping_layers: layers of the classes' mapping.
        timed: take the step of a diffusion, see `ganzoo.stabilisers.Diffusion`.
    """

    def __init__(
        self,
        size: int = 32,
        channels: int = 3,
        base: int = 32768,
        largest: int = 512,
        architecture: Shape = "resnet",
        group: int = 4,
        n_classes: int = 0,
        mapping_layers: int = 8,
        timed: bool = False,
    ) -> None:
        super().__init__()
        widths = [channels_at(side, base, largest) for side in doubling_sides(size, "StyleGAN2")][::-1]
        self.shape, self.n_classes, self.n_features = (channels, size, size), n_classes, widths[-1]
        self.architecture, self.group, self.timed = architecture, group, timed
        looks = range(len(widths)) if architecture == "skip" else [0]
        self.from_image = nn.ModuleDict({str(i): EqualConv2d(channels, widths[i], 1) for i in looks})
        pairs = pairwise(widths)
        self.blocks = nn.ModuleList(DiscriminatorBlock(*pair, architecture == "resnet") for pair in pairs)
        self.last = EqualConv2d(widths[-1] + 1, widths[-1])
        self.linear = EqualLinear(16 * widths[-1], widths[-1], activate=True)
        conditional = bool(n_classes or timed)
        self.out = EqualLinear(widths[-1], widths[-1] if conditional else 1)
        numbers = int(timed)
        self.mapping = Mapping(0, widths[-1], mapping_layers, n_classes, numbers=numbers) if conditional else None

    def features(self, x: Tensor, y: Tensor | None = None, t: Tensor | None = None) -> Tensor:
        """Maps images (N, channels, size, size) to features (N, n_features), which depend on nothing else."""
        h = self.from_image["0"](x)
        for i, block in enumerate(self.blocks, 1):
            h = block(h)
            if str(i) in self.from_image:
                x = halved(x)
                h = h + self.from_image[str(i)](x)
        return self.linear(self.last(minibatch_std(h, self.group)).flatten(1))

    def forward(self, x: Tensor, y: Tensor | None = None, t: Tensor | None = None) -> Tensor:
        """Maps images (N, channels, size, size) to logits (N,).

        Args:
            x: the images.
            y: labels (N,) if there are classes.
            t: steps of a diffusion (N,) of a `timed` one; None for images without noise, step 0.
        """
        output = self.out(self.features(x))
        if self.mapping is None:
            return output.squeeze(1)
        numbers = None
        if self.timed:
            numbers = (x.new_zeros(x.shape[0]) if t is None else t)[:, None]
        return (output * self.mapping(None, y, numbers)).sum(1) * self.n_features**-0.5
