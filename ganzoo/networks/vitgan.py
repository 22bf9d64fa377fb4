"""Networks of ViTGAN: Lee et al. 2021, arXiv 2107.04589, sections 3.1 to 3.3, transformers with attention by distance.

The generator computes what the authors' PyTorch code does (https://github.com/mlpc-ucsd/ViTGAN, `vit_generator.py`)
once `as_coded` is set. Left alone its attention is the paper's, that code's having three faults: keys have weights of
their own where the distance takes them for the queries'; squares of queries are averaged where products are summed; and
the distance has a plus sign, so that far tokens attend to each other most. The code's discriminator is StyleGAN2's; the
transformer here is after the paper.

Linear layers have an equalised learning rate, and in blocks a spectral norm that stays at its first value. As in the
code's generator, shortcuts start after the normalisation, not before it.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm, unfold

from ganzoo.common.errors import GanzooError
from ganzoo.networks.equalised import EqualLinear
from ganzoo.networks.sides import channels_at
from ganzoo.networks.spectral import held_norm
from ganzoo.networks.style import StyleBased
from ganzoo.networks.stylegan2 import Mapping, StyledLayer, ToImage
from ganzoo.networks.tokens import as_map, as_tokens, joined_windows, windows

Output = Literal["convolutions", "coordinates"]


class L2Attention(nn.Module):
    """Attention of several heads by distance: weights are softmax(-t |q_i - q_j|^2 / sqrt(d)), keys being the queries.

    Its slope does not grow with the inputs, where that of attention by dot products does (Kim et al. 2021, arXiv
    2006.04710). The factor t is learnt.

    Args:
        dim: length of a token.
        heads: number of heads.
        factor: what t begins with.
        as_coded: compute what the authors' code does instead: softmax(t (mean(q_i^2) - 2 q_i k_j + mean(q_j^2)) /
            sqrt(d)), k by weights of its own.

    Raises:
        GanzooError: if the heads do not divide the length.
    """

    def __init__(self, dim: int, heads: int = 6, factor: float = 1.0, as_coded: bool = False) -> None:
        super().__init__()
        if dim % heads:
            raise GanzooError(f"heads: {heads} given, which do not divide a width of {dim}.")
        self.heads, self.as_coded = heads, as_coded
        self.factor = nn.Parameter(torch.full((1,), factor))
        self.inside = held_norm(EqualLinear(dim, dim * (3 if as_coded else 2), bias=None))
        self.out = held_norm(EqualLinear(dim, dim))

    def parts(self, x: Tensor) -> list[Tensor]:
        """Returns queries, keys and values (N, heads, T, dim / heads) of tokens (N, T, dim)."""
        query, *key, value = self.inside(x).unflatten(2, (-1, self.heads, x.shape[2] // self.heads)).unbind(2)
        return [part.transpose(1, 2) for part in (query, *(key or [query]), value)]

    def weights(self, query: Tensor, key: Tensor) -> Tensor:
        """Returns how much each token attends to each (N, heads, T, T)."""
        products, scale = query @ key.transpose(2, 3), self.factor * query.shape[3] ** -0.5
        if self.as_coded:
            squares = query.square().mean(3, keepdim=True)
            return ((squares - 2 * products + squares.transpose(2, 3)) * scale).softmax(3)
        # |q_i|^2, the same for all j, is nothing to a softmax
        return ((2 * products - key.square().sum(3)[:, :, None]) * scale).softmax(3)

    def forward(self, x: Tensor) -> Tensor:
        """Maps tokens (N, T, dim) to the same shape."""
        query, key, value = self.parts(x)
        return self.out((self.weights(query, key) @ value).transpose(1, 2).flatten(2))


def mlp(dim: int, ratio: int) -> nn.Sequential:
    """Returns two linear layers with held spectral norms, SiLU between, `ratio` times as wide inside."""
    return nn.Sequential(held_norm(EqualLinear(dim, ratio * dim)), nn.SiLU(), held_norm(EqualLinear(ratio * dim, dim)))


class SelfModulatedLayerNorm(nn.Module):
    """LayerNorm whose scale and shift are affine maps of w: (1 + gamma(w)) LN(x) + beta(w).

    Args:
        dim: length of a token.
        w_dim: length of w.
    """

    def __init__(self, dim: int, w_dim: int) -> None:
        super().__init__()
        self.affine = EqualLinear(w_dim, 2 * dim)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """Maps tokens (N, T, dim) and w (N, w_dim) to tokens (N, T, dim)."""
        scale, shift = self.affine(w)[:, None].chunk(2, 2)
        return layer_norm(x, x.shape[2:], eps=1e-3) * (1 + scale) + shift


class ModulatedBlock(nn.Module):
    """Block of the generator: attention and two linear layers, a self-modulated LayerNorm before each shortcut.

    Args:
        dim: length of a token.
        w_dim: length of w.
        heads: see `L2Attention`.
        ratio: how many times as long tokens are between the linear layers.
        as_coded: see `L2Attention`.
    """

    def __init__(self, dim: int, w_dim: int, heads: int = 6, ratio: int = 4, as_coded: bool = False) -> None:
        super().__init__()
        self.norm1, self.norm2 = SelfModulatedLayerNorm(dim, w_dim), SelfModulatedLayerNorm(dim, w_dim)
        self.attention = L2Attention(dim, heads, as_coded=as_coded)
        self.mlp = mlp(dim, ratio)

    def forward(self, x: Tensor, w1: Tensor, w2: Tensor) -> Tensor:
        """Maps tokens (N, T, dim) and w (N, w_dim) of both normalisations to tokens (N, T, dim)."""
        x = self.norm1(x, w1)
        x = x + self.attention(x)
        x = self.norm2(x, w2)
        return x + self.mlp(x)


class FourierFeatures(nn.Module):
    """Sines of learnt linear maps of the coordinates of a square, from -1 to 1: tokens or maps without any input.

    Args:
        side: side of the square in places.
        dim: number of features.
    """

    grid: Tensor

    def __init__(self, side: int, dim: int) -> None:
        super().__init__()
        line = torch.linspace(-1, 1, side)
        grid = torch.cat([line.expand(1, side, side), line[:, None].expand(1, side, side)])
        self.register_buffer("grid", grid[None], persistent=False)
        self.conv = nn.Conv2d(2, dim, 1)
        nn.init.uniform_(self.conv.weight, -((9 / 2) ** 0.5), (9 / 2) ** 0.5)

    def forward(self) -> Tensor:
        """Returns maps (1, dim, side, side)."""
        return self.conv(self.grid).sin()


class CoordinatePatches(nn.Module):
    """Output of the generator: each token is the style of a small network of 1x1 convolutions that draws its patch.

    After CIPS, Anokhin et al. 2020, arXiv 2011.13775.

    Args:
        dim: length of a token.
        side: tokens along a side.
        patch: side of a patch in pixels.
        channels: channels of the images.
        hidden: channels of the convolutions.

    Attributes:
        noise_shapes: shape of each convolution's noise, a map of the whole image.
    """

    def __init__(self, dim: int, side: int, patch: int, channels: int, hidden: int = 512) -> None:
        super().__init__()
        self.side, self.patch = side, patch
        self.noise_shapes = [(1, side * patch, side * patch)] * 3
        self.mapping = Mapping(dim, dim, 4)
        self.features = FourierFeatures(patch, dim)
        self.layers = nn.ModuleList(StyledLayer(before, hidden, dim, kernel=1) for before in (dim, hidden, hidden))
        self.to_image = ToImage(hidden, channels, dim)

    def forward(self, tokens: Tensor, styles: Sequence[Tensor], noise: Sequence[Tensor]) -> Tensor:
        """Maps tokens (N, T, dim), none of the styles, and noise (N, 1, S, S) to images (N, channels, S, S)."""
        size, style = self.side * self.patch, self.mapping(tokens.flatten(0, 1))
        x = self.features().expand(style.shape[0], -1, -1, -1)
        for layer, drawn in zip(self.layers, noise, strict=True):
            x = layer(x, style, as_map(windows(as_tokens(drawn), size, self.patch), self.patch))
        return as_map(joined_windows(as_tokens(self.to_image(x, style)), size, self.patch), size)


class ConvolutionalTail(nn.Module):
    """Output of the generator: the last levels of StyleGAN2's synthesis, from a side of the tokens to the images'.

    Args:
        dim: length of a token.
        side: tokens along a side.
        size: side of the images in pixels.
        channels: channels of the images.
        w_dim: length of w.
        base: channels of maps are `base` divided by their side ...
        largest: ... but at most this.

    Attributes:
        noise_shapes: shape of each convolution's noise.
    """

    def __init__(
        self, dim: int, side: int, size: int, channels: int, w_dim: int, base: int = 12288, largest: int = 384
    ) -> None:
        super().__init__()
        self.side = side
        self.layers = nn.ModuleList()
        self.noise_shapes: list[tuple[int, int, int]] = []
        while side < size:
            side *= 2
            after = channels_at(side, base, largest)
            self.layers += [StyledLayer(dim, after, w_dim, double=True), StyledLayer(after, after, w_dim)]
            self.noise_shapes += [(1, side, side)] * 2
            dim = after
        self.to_image = ToImage(dim, channels, w_dim)

    def forward(self, tokens: Tensor, styles: Sequence[Tensor], noise: Sequence[Tensor]) -> Tensor:
        """Maps tokens (N, T, dim), styles (N, w_dim) and noise, one more style than noise, to images."""
        x = as_map(tokens, self.side)
        for layer, w, drawn in zip(self.layers, styles[:-1], noise, strict=True):
            x = layer(x, w, drawn)
        return self.to_image(x, styles[-1])


class Synthesis(nn.Module):
    """Synthesis network: Fourier features of a square as tokens, modulated blocks, and an output.

    Args:
        size: side of the images in pixels, a power of 2 times that of the tokens.
        channels: channels of the images.
        w_dim: length of w.
        dim: length of a token.
        depth: number of blocks.
        heads: see `L2Attention`.
        ratio: see `ModulatedBlock`.
        side: tokens along a side.
        output: `convolutions`, see `ConvolutionalTail`, or `coordinates`, see `CoordinatePatches`.
        base: see `ConvolutionalTail`.
        largest: likewise.
        hidden: see `CoordinatePatches`.
        as_coded: see `L2Attention`.

    Attributes:
        n_styles: number of normalisations and layers that take a w of their own.
        noise_shapes: shapes of the output's noise.
        style_affines: their affine maps of w, in order.

    Raises:
        GanzooError: if doubling does not lead from the tokens to the images.
    """

    def __init__(
        self,
        size: int = 32,
        channels: int = 3,
        w_dim: int = 384,
        dim: int = 384,
        depth: int = 4,
        heads: int = 6,
        ratio: int = 4,
        side: int = 8,
        output: Output = "convolutions",
        base: int = 12288,
        largest: int = 384,
        hidden: int = 512,
        as_coded: bool = False,
    ) -> None:
        super().__init__()
        times, rest = divmod(size, side)
        if rest or times < 1 or times & (times - 1):
            raise GanzooError(f"size: {size} given, which is not {side} tokens times a power of 2.")
        self.shape = (channels, size, size)
        self.features = FourierFeatures(side, dim)
        self.blocks = nn.ModuleList(ModulatedBlock(dim, w_dim, heads, ratio, as_coded) for _ in range(depth))
        self.norm = SelfModulatedLayerNorm(dim, w_dim)
        self.output: nn.Module
        if output == "coordinates":
            self.output = CoordinatePatches(dim, side, times, channels, hidden)
        else:
            self.output = ConvolutionalTail(dim, side, size, channels, w_dim, base, largest)
        self.noise_shapes = self.output.noise_shapes
        self.n_styles = len(self.style_affines)

    @property
    def style_affines(self) -> list[nn.Module]:
        """The affine map of w that makes each layer's style, in order."""
        norms = [norm for block in self.blocks for norm in (block.norm1, block.norm2)]
        tail = [*self.output.layers, self.output.to_image] if isinstance(self.output, ConvolutionalTail) else []
        return [norm.affine for norm in (*norms, self.norm)] + [layer.conv.affine for layer in tail]  # type: ignore

    def forward(self, styles: Tensor, noise: Sequence[Tensor] | None = None) -> Tensor:
        """Maps styles (N, n_styles, w_dim), and noise (N, *shape) for each shape, to images (N, channels, H, W)."""
        n = styles.shape[0]
        if noise is None:
            noise = [torch.randn(n, *shape, device=styles.device) for shape in self.noise_shapes]
        w = styles.unbind(1)
        x = as_tokens(self.features()).expand(n, -1, -1)
        for i, block in enumerate(self.blocks):
            x = block(x, w[2 * i], w[2 * i + 1])
        after = 2 * len(self.blocks)
        return self.output(self.norm(x, w[after]), w[after + 1 :], noise)


class ViTGANGenerator(StyleBased):
    """Generator of images: StyleGAN2's mapping network, and a synthesis network of transformer blocks.

    Args:
        size: side of the images in pixels, a power of 2 times that of the tokens.
        channels: channels of the images.
        latent_dim: length of z.
        w_dim: length of w.
        mapping_layers: layers of the mapping network.
        dim: see `Synthesis`.
        depth: likewise.
        heads: likewise.
        ratio: likewise.
        side: likewise.
        output: likewise.
        base: likewise.
        largest: likewise.
        hidden: likewise.
        as_coded: likewise.
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
        latent_dim: int = 384,
        w_dim: int = 384,
        mapping_layers: int = 8,
        dim: int = 384,
        depth: int = 4,
        heads: int = 6,
        ratio: int = 4,
        side: int = 8,
        output: Output = "convolutions",
        base: int = 12288,
        largest: int = 384,
        hidden: int = 512,
        as_coded: bool = False,
        decay: float = 0.995,
        cutoff: int | None = None,
    ) -> None:
        synthesis = Synthesis(
            size, channels, w_dim, dim, depth, heads, ratio, side, output, base, largest, hidden, as_coded
        )
        super().__init__(Mapping(latent_dim, w_dim, mapping_layers), synthesis, decay, cutoff)


class Block(nn.Module):
    """Block of the discriminator: attention by distance and two linear layers, LayerNorm before each, and shortcuts.

    Attention begins with squared distances divided by the length of a head, not by its root.

    Args:
        dim: length of a token.
        heads: see `L2Attention`.
        ratio: how many times as long tokens are between the linear layers.
    """

    def __init__(self, dim: int, heads: int = 6, ratio: int = 4) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        # else unrelated tokens are so far from each other that the class token sees none but itself, and no gradient
        self.attention = L2Attention(dim, heads, factor=(dim // heads) ** -0.5)
        self.mlp = mlp(dim, ratio)

    def forward(self, x: Tensor) -> Tensor:
        """Maps tokens (N, T, dim) to the same shape."""
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class ViTGANDiscriminator(nn.Module):
    """Discriminator of images: overlapping patches, a class token, blocks, and a linear layer on that token.

    Args:
        size: side of the images in pixels, a multiple of the patches'.
        channels: channels of the images.
        dim: length of a token.
        depth: number of blocks.
        heads: see `L2Attention`.
        ratio: see `Block`.
        patch: from one patch to the next, in pixels.
        overlap: how far a patch reaches beyond that on each side, in pixels.

    Raises:
        GanzooError: if the patches do not divide the side.
    """

    def __init__(
        self,
        size: int = 32,
        channels: int = 3,
        dim: int = 384,
        depth: int = 4,
        heads: int = 6,
        ratio: int = 4,
        patch: int = 4,
        overlap: int = 2,
    ) -> None:
        super().__init__()
        if size % patch:
            raise GanzooError(f"patch: patches of {patch} pixels do not divide a side of {size}.")
        self.shape, self.n_features, self.patch, self.overlap = (channels, size, size), dim, patch, overlap
        self.embed = held_norm(EqualLinear(channels * (patch + 2 * overlap) ** 2, dim))
        self.class_token = nn.Parameter(torch.randn(1, dim))
        self.positions = nn.Parameter(torch.randn((size // patch) ** 2, dim))
        self.blocks = nn.Sequential(*(Block(dim, heads, ratio) for _ in range(depth)))
        self.norm = nn.LayerNorm(dim)
        self.linear = EqualLinear(dim, 1)

    def features(self, x: Tensor) -> Tensor:
        """Maps images (N, channels, size, size) to features (N, n_features): the class token's."""
        patches = unfold(x, self.patch + 2 * self.overlap, padding=self.overlap, stride=self.patch).transpose(1, 2)
        tokens = self.embed(patches) + self.positions
        token = self.class_token.expand(tokens.shape[0], -1, -1)
        return self.norm(self.blocks(torch.cat([token, tokens], 1)))[:, 0]

    def forward(self, x: Tensor) -> Tensor:
        """Maps images (N, channels, size, size) to logits (N,)."""
        return self.linear(self.features(x)).squeeze(1)
