"""Networks of StyleGAN, which grow: Karras et al. 2019, arXiv 1812.04948, sections 2 and 3.

Weights are scaled at run time as those of ProGAN are (`ganzoo.networks.progan`), whose discriminator it has, with maps
filtered before they are halved. Doubling repeats pixels before a convolution; the filter comes after it.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, leaky_relu

from ganzoo.networks.equalised import EqualLinear, normalised
from ganzoo.networks.growing import Growing
from ganzoo.networks.progan import GAIN, ProGANDiscriminator, Resample, ScaledConv2d, blurred
from ganzoo.networks.sides import channels_at, doubling_sides
from ganzoo.networks.style import StyleBased


class Mapping(nn.Module):
    """Mapping network: latent vectors, joined to embedded classes and normalised, through fully connected layers.

    Args:
        latent_dim: length of z, and of a class's embedding.
        w_dim: length of w, and of the layers.
        layers: number of layers.
        n_classes: number of classes; 0 for none.
        rate: factor on the layers' learning rate.
    """

    def __init__(
        self, latent_dim: int = 512, w_dim: int = 512, layers: int = 8, n_classes: int = 0, rate: float = 0.01
    ) -> None:
        super().__init__()
        self.latent_dim, self.w_dim, self.n_classes = latent_dim, w_dim, n_classes
        self.embed = nn.Embedding(n_classes, latent_dim) if n_classes else None
        lengths = [latent_dim * (2 if n_classes else 1), *[w_dim] * layers]
        self.layers = nn.ModuleList(EqualLinear(*pair, rate, gain=GAIN) for pair in pairwise(lengths))

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Maps z (N, latent_dim), and labels (N,) if there are classes, to w (N, w_dim)."""
        x = normalised(z if self.embed is None else torch.cat([z, self.embed(y)], 1))
        for layer in self.layers:
            x = leaky_relu(layer(x), 0.2)
        return x


class StyledLayer(nn.Module):
    """Layer of the synthesis: convolution, noise, bias, leaky ReLU, instance normalisation and a style (equation 1).

    Args:
        before: channels of the input; 0 for the first layer, whose input is a constant that is not convolved.
        after: channels of the output.
        w_dim: length of w.
        resample: `double` for one that doubles the side, and filters.
    """

    def __init__(self, before: int, after: int, w_dim: int, resample: Resample = "none") -> None:
        super().__init__()
        self.conv = ScaledConv2d(before, after, resample=resample, bias=False) if before else nn.Identity()
        self.filters = resample == "double"
        self.noise_strength = nn.Parameter(torch.zeros(after))
        self.bias = nn.Parameter(torch.zeros(after))
        self.affine = EqualLinear(w_dim, 2 * after)

    def forward(self, x: Tensor, w: Tensor, noise: Tensor) -> Tensor:
        """Maps (N, before, H, W), w (N, w_dim) and noise (N, 1, H', W') to (N, after, H', W')."""
        x = self.conv(x)
        x = blurred(x) if self.filters else x
        x = x + (noise.to(x.dtype) * self.noise_strength[:, None, None] + self.bias[:, None, None])
        x = leaky_relu(x, 0.2)
        x = x - x.mean((2, 3), keepdim=True)
        # 1 / sqrt(square + 1e-8), in a form that ONNX's exporter keeps: it takes an addition of 1e-8 for one of nothing
        size = 1e4 * (1e8 * x.float().square().mean((2, 3), keepdim=True) + 1).rsqrt()
        scale, shift = self.affine(w)[:, :, None, None].chunk(2, 1)
        return x * ((scale + 1) * size).to(x.dtype) + shift


class Synthesis(Growing):
    """Synthesis network that grows: a learnt constant of 4x4 pixels, two layers to a side, a 1x1 convolution to images.

    Args:
        size: side of the images in pixels when it is grown, a power of 2.
        channels: channels of the images.
        w_dim: length of w.
        base: channels of maps are `base` divided by their side ...
        largest: ... but at most this.
        first: side of the images before it grows.
    """

    def __init__(
        self,
        size: int = 128,
        channels: int = 3,
        w_dim: int = 512,
        base: int = 16384,
        largest: int = 512,
        first: int = 8,
    ) -> None:
        self.all_sides = doubling_sides(size, "StyleGAN")
        super().__init__([side for side in self.all_sides if side >= first])
        widths = [channels_at(side, base, largest) for side in self.all_sides]
        self.shape = (channels, size, size)
        self.const = nn.Parameter(torch.ones(widths[0], 4, 4))
        self.layers = nn.ModuleList([StyledLayer(0, widths[0], w_dim), StyledLayer(widths[0], widths[0], w_dim)])
        for before, after in pairwise(widths):
            self.layers.extend([StyledLayer(before, after, w_dim, "double"), StyledLayer(after, after, w_dim)])
        self.to_image = nn.ModuleList(ScaledConv2d(width, channels, 1, gain=1.0) for width in widths)

    @property
    def doublings(self) -> int:
        """Doublings of the constant's side that are in use."""
        return len(self.all_sides) - len(self.sides) + self.level

    @property
    def n_styles(self) -> int:
        """Number of layers in use, each of which takes a style."""
        return 2 * self.doublings + 2

    @property
    def noise_shapes(self) -> list[tuple[int, int, int]]:
        """Shapes of the noise of the layers in use."""
        return [(1, side, side) for side in self.all_sides[: self.doublings + 1] for _ in range(2)]

    @property
    def style_affines(self) -> list[nn.Module]:
        """The affine map of w that makes each layer's style, in order."""
        return [layer.affine for layer in self.layers[: self.n_styles]]  # type: ignore[misc]

    def forward(self, styles: Tensor, noise: Sequence[Tensor] | None = None) -> Tensor:
        """Maps styles (N, n_styles, w_dim), and noise (N, *shape) for each shape, to images (N, channels, H, W)."""
        n, last = styles.shape[0], self.doublings
        if noise is None:
            noise = [torch.randn(n, *shape, device=styles.device) for shape in self.noise_shapes]
        x = before = self.const.expand(n, -1, -1, -1)
        for i in range(last + 1):
            before = x
            for j in (2 * i, 2 * i + 1):
                x = self.layers[j](x, styles[:, j], noise[j])
        image = self.to_image[last](x)
        if self.fading:
            image = self.blend(interpolate(self.to_image[last - 1](before), scale_factor=2), image)
        return image


class StyleGANGenerator(StyleBased):
    """Generator of images that grows: a mapping and a synthesis network.

    Args:
        size: side of the images in pixels when it is grown, a power of 2.
        channels: channels of the images.
        latent_dim: length of z.
        w_dim: length of w.
        mapping_layers: layers of the mapping network.
        base: see `Synthesis`.
        largest: likewise.
        first: side of the images before it grows.
        n_classes: number of classes; 0 for none.
        decay: share of the running mean of w that a batch keeps.
        cutoff: number of layers that truncation changes unless another is named; None for all.

    Attributes:
        unbounded: that images may leave [-1, 1].
    """

    unbounded = True

    def __init__(
        self,
        size: int = 128,
        channels: int = 3,
        latent_dim: int = 512,
        w_dim: int = 512,
        mapping_layers: int = 8,
        base: int = 16384,
        largest: int = 512,
        first: int = 8,
        n_classes: int = 0,
        decay: float = 0.995,
        cutoff: int | None = 8,
    ) -> None:
        synthesis = Synthesis(size, channels, w_dim, base, largest, first)
        super().__init__(Mapping(latent_dim, w_dim, mapping_layers, n_classes), synthesis, decay, cutoff)
        self.sides = synthesis.sides

    @property
    def level(self) -> int:
        """Number of the present side, from 0."""
        return self.synthesis.level  # type: ignore[return-value]

    def grow(self, level: int, alpha: float) -> None:
        """Uses the layers of a level from now on, the newest with a share of `alpha` in [0, 1]."""
        self.synthesis.grow(level, alpha)  # type: ignore[operator]


class StyleGANDiscriminator(ProGANDiscriminator):
    """Discriminator that grows: ProGAN's, which filters maps before it halves them, and halves before activations.

    Args:
        size: side of the images in pixels when it is grown, a power of 2.
        channels: channels of the images.
        base: see `ProGANDiscriminator`.
        largest: likewise.
        first: side of the images before it grows.
        group: samples of a group of the minibatch standard deviation.
        n_classes: number of classes, each with a score of its own; 0 for none.
    """

    def __init__(
        self,
        size: int = 128,
        channels: int = 3,
        base: int = 16384,
        largest: int = 512,
        first: int = 8,
        group: int = 4,
        n_classes: int = 0,
    ) -> None:
        super().__init__(size, channels, base, largest, first, group, fused=True, blur=True, n_classes=n_classes)
