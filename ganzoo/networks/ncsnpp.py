"""U-Net NCSN++ whose normalisations take a latent vector: generator of Xiao et al. 2021, arXiv 2112.07804.

It computes what the authors' code does (https://github.com/NVlabs/denoising-diffusion-gan) at its settings: residual
blocks, sides resampled by the filter [1, 3, 3, 1], the image joined at each side, all sums divided by sqrt(2). The
network itself is that of Song et al. 2021, arXiv 2011.13456, appendix H.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, group_norm, scaled_dot_product_attention, silu

from ganzoo.common.errors import GanzooError
from ganzoo.networks.equalised import normalised
from ganzoo.networks.filtered import blurred, doubled, halved

HALF = 0.5**0.5
NEAR_ZERO = 1e-10
Layer = TypeVar("Layer", nn.Linear, nn.Conv2d)


def begun(layer: Layer, variance: float = 1.0, fan: Literal["average", "out"] = "average") -> Layer:
    """Draws a linear layer's or a convolution's weights anew: uniform, of a variance per fan; its bias is set to 0.

    Args:
        layer: is changed, and returned.
        variance: of the weights, times their fan.
        fan: `average` of inputs and outputs, or `out`.
    """
    weight = layer.weight
    places = weight[0, 0].numel()
    inputs, outputs = weight.shape[1] * places, weight.shape[0] * places
    bound = math.sqrt(3 * variance / ((inputs + outputs) / 2 if fan == "average" else outputs))
    nn.init.uniform_(weight, -bound, bound)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def embedded_time(t: Tensor, dim: int) -> Tensor:
    """Returns sines and cosines (N, dim) of whole numbers t (N,) at frequencies from 1 to 1 / 10,000."""
    half = dim // 2
    places = torch.arange(half, device=t.device, dtype=torch.float32)
    angles = t[:, None].float() * torch.exp(places * (-math.log(10_000) / (half - 1)))
    return torch.cat([angles.sin(), angles.cos()], 1)


def require_embeddable(field: str, dim: int) -> None:
    """Raises GanzooError if `embedded_time` makes no vectors of a length."""
    if dim < 4 or dim % 2:
        raise GanzooError(f"{field}: {dim} given, but steps are embedded in an even number of values, 4 or more.")


def groups_of(channels: int) -> int:
    """Returns the number of groups of a normalisation: a quarter of the channels, at most 32, where that divides."""
    return next(count for count in range(max(min(channels // 4, 32), 1), 0, -1) if channels % count == 0)


class AdaptiveGroupNorm(nn.Module):
    """GroupNorm whose scale and shift are a linear map of a style.

    Args:
        channels: of the maps.
        style_dim: length of the style.
    """

    def __init__(self, channels: int, style_dim: int) -> None:
        super().__init__()
        self.groups = groups_of(channels)
        self.style = begun(nn.Linear(style_dim, 2 * channels), fan="out")
        nn.init.ones_(self.style.bias[:channels])

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """Normalises maps (N, channels, H, W), then scales and shifts them by styles (N, style_dim)."""
        scale, shift = self.style(style)[:, :, None, None].chunk(2, 1)
        return scale * group_norm(x, self.groups, eps=1e-6) + shift


class ResidualBlock(nn.Module):
    """Residual block of a time and a style, which may resample its maps.

    Args:
        before: channels of the input.
        after: channels of the output.
        time_dim: length of the embedded time.
        style_dim: length of the style.
        resample: halves or doubles the sides; None leaves them.
    """

    def __init__(
        self,
        before: int,
        after: int,
        time_dim: int,
        style_dim: int,
        resample: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        super().__init__()
        self.resample = resample
        self.norm0 = AdaptiveGroupNorm(before, style_dim)
        self.conv0 = begun(nn.Conv2d(before, after, 3, padding=1))
        self.time = begun(nn.Linear(time_dim, after))
        self.norm1 = AdaptiveGroupNorm(after, style_dim)
        self.conv1 = begun(nn.Conv2d(after, after, 3, padding=1), NEAR_ZERO)
        plain = before == after and resample is None
        self.shortcut = None if plain else begun(nn.Conv2d(before, after, 1))

    def forward(self, x: Tensor, time: Tensor, style: Tensor) -> Tensor:
        """Maps (N, before, H, W), activated times (N, time_dim) and styles (N, style_dim) to (N, after, H', W')."""
        h = silu(self.norm0(x, style))
        if self.resample is not None:
            h, x = self.resample(h), self.resample(x)
        h = self.conv0(h) + self.time(time)[:, :, None, None]
        h = self.conv1(silu(self.norm1(h, style)))
        return (h + (x if self.shortcut is None else self.shortcut(x))) * HALF


class AttentionBlock(nn.Module):
    """Self-attention over the places of normalised maps, added to the maps.

    Args:
        channels: of the maps.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(groups_of(channels), channels, eps=1e-6)
        self.query, self.key, self.value = (begun(nn.Conv2d(channels, channels, 1), 0.1) for _ in range(3))
        self.out = begun(nn.Conv2d(channels, channels, 1), NEAR_ZERO)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, channels, H, W) to the same shape."""
        h = self.norm(x)
        # (N, 1, HW, channels): of one head, without which it cannot be exported to ONNX
        query, key, value = (layer(h).flatten(2).mT[:, None] for layer in (self.query, self.key, self.value))
        mixed = scaled_dot_product_attention(query, key, value)[:, 0].mT.unflatten(2, x.shape[2:])
        return (x + self.out(mixed)) * HALF


class HalvingConv2d(nn.Module):
    """Filter, then a 3x3 convolution at every second pixel.

    Args:
        before: channels of the input.
        after: channels of the output.
    """

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        drawn = begun(nn.Conv2d(before, after, 3))
        self.weight, self.bias = drawn.weight, drawn.bias

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, before, H, W) to (N, after, H / 2, W / 2)."""
        return conv2d(blurred(x, 2), self.weight, self.bias, stride=2)


class Stage(nn.Module):
    """Residual block, and attention after it where there is some.

    Args:
        before: channels of the input.
        after: channels of the output.
        time_dim: length of the embedded time.
        style_dim: length of the style.
        attends: whether there is attention.
    """

    def __init__(self, before: int, after: int, time_dim: int, style_dim: int, attends: bool = False) -> None:
        super().__init__()
        self.block = ResidualBlock(before, after, time_dim, style_dim)
        self.attention = AttentionBlock(after) if attends else None

    def forward(self, x: Tensor, time: Tensor, style: Tensor) -> Tensor:
        """Maps (N, before, H, W), activated times and styles to (N, after, H, W)."""
        x = self.block(x, time, style)
        return x if self.attention is None else self.attention(x)


class Level(nn.Module):
    """Stages at one side, what leads to the next one, and on the way down the image at that side.

    Args:
        stages: of this side.
        step: block that resamples to the next side; None at the last one.
        image: makes maps of the next side of the image, or of its maps at this side.
    """

    def __init__(self, stages: Sequence[Stage], step: ResidualBlock | None, image: HalvingConv2d | None = None) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.step = step
        self.image = image


class NCSNppGenerator(nn.Module):
    """Generator that guesses a clean image from a noisy one, the step of its noise, and a latent vector.

    Args:
        size: side of the images in pixels.
        channels: channels of the images.
        width: channels at the full side, an even number, 4 or more.
        multipliers: by how much the width is multiplied at each side, each half of the one before.
        blocks: residual blocks of a side on the way down; one more on the way up.
        attention: sides of the maps that have attention; there always is some at the last.
        latent_dim: length of the latent vector.
        style_dim: length of the style that is made of it.
        mapping_layers: layers that make it, after a first one.

    Raises:
        GanzooError: if halving so often leaves a remainder, or the width is odd or below 4.
    """

    def __init__(
        self,
        size: int = 32,
        channels: int = 3,
        width: int = 128,
        multipliers: Sequence[int] = (1, 2, 2, 2),
        blocks: int = 2,
        attention: Sequence[int] = (16,),
        latent_dim: int = 100,
        style_dim: int = 256,
        mapping_layers: int = 4,
    ) -> None:
        super().__init__()
        require_embeddable("width", width)
        if size % 2 ** (len(multipliers) - 1):
            raise GanzooError(f"size: {size} given, which cannot be halved {len(multipliers) - 1} times.")
        self.shape, self.latent_dim, self.width = (channels, size, size), latent_dim, width
        time_dim = 4 * width
        dims = (time_dim, style_dim)
        widths = [width * multiplier for multiplier in multipliers]
        self.time = nn.Sequential(begun(nn.Linear(width, time_dim)), nn.SiLU(), begun(nn.Linear(time_dim, time_dim)))
        self.first = begun(nn.Conv2d(channels, width, 3, padding=1))
        self.down = nn.ModuleList()
        now, skips, shown = width, [width], channels
        for i, after in enumerate(widths):
            stages = []
            for _ in range(blocks):
                stages.append(Stage(now, after, *dims, attends=size >> i in attention))
                now = after
                skips.append(now)
            if i < len(widths) - 1:
                self.down.append(Level(stages, ResidualBlock(now, now, *dims, halved), HalvingConv2d(shown, now)))
                shown = now
                skips.append(now)
            else:
                self.down.append(Level(stages, None))
        self.middle = nn.ModuleList([Stage(now, now, *dims, attends=True), Stage(now, now, *dims)])
        self.up = nn.ModuleList()
        for i, after in reversed([*enumerate(widths)]):
            stages = []
            for j in range(blocks + 1):
                stages.append(Stage(now + skips.pop(), after, *dims, attends=j == blocks and size >> i in attention))
                now = after
            self.up.append(Level(stages, ResidualBlock(now, now, *dims, doubled) if i else None))
        self.norm = nn.GroupNorm(groups_of(now), now, eps=1e-6)
        self.last = begun(nn.Conv2d(now, channels, 3, padding=1), NEAR_ZERO)
        lengths = [latent_dim, *[style_dim] * mapping_layers]
        layers = [begun(nn.Linear(before, style_dim), fan="out") for before in lengths]
        self.mapping = nn.Sequential(*(part for layer in layers for part in (layer, nn.SiLU())))

    def forward(self, x: Tensor, t: Tensor, z: Tensor) -> Tensor:
        """Maps noisy images (N, channels, size, size), steps (N,) and latent vectors to clean images in [-1, 1].

        Args:
            x: the noisy images.
            t: whole numbers.
            z: latent vectors (N, latent_dim).
        """
        style, time = self.mapping(normalised(z)), silu(self.time(embedded_time(t, self.width)))
        h, image = self.first(x), x
        skips = [h]
        level: Any  # a Level, which a ModuleList does not say
        for level in self.down:
            for stage in level.stages:
                h = stage(h, time, style)
                skips.append(h)
            if level.step is not None:
                h = image = (level.image(image) + level.step(h, time, style)) * HALF
                skips.append(h)
        for stage in self.middle:
            h = stage(h, time, style)
        for level in self.up:
            for stage in level.stages:
                h = stage(torch.cat([h, skips.pop()], 1), time, style)
            if level.step is not None:
                h = level.step(h, time, style)
        return self.last(silu(self.norm(h))).tanh()
