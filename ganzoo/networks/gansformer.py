"""Generator of GANsformer: Hudson and Zitnick 2021, arXiv 2103.01209, on the synthesis network of StyleGAN2.

It computes what the authors' PyTorch code does (https://github.com/dorarad/gansformer, `pytorch_version`), in float32.
The latent vector is one of several local components and a global one. The global one modulates convolutions as in
StyleGAN2; to the local ones the places of each layer's maps attend, and what they read modulates them.

Departures from that code, beside those of `ganzoo.networks.latent_attention`: mapping layers begin as StyleGAN2's do,
where it multiplies their first weights by the learning rate's factor instead of dividing by it; the running mean of w
is of each component by itself, not of all together.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn

from ganzoo.common.errors import GanzooError
from ganzoo.networks.equalised import EqualConv2d, EqualLinear, activated, normalised
from ganzoo.networks.filtered import doubled
from ganzoo.networks.latent_attention import Attended, Attention, Integration, LatentAttention, Norm, grid_places
from ganzoo.networks.sides import channels_at, doubling_sides
from ganzoo.networks.style import StyleBased
from ganzoo.networks.stylegan2 import HALF, ModulatedConv2d, ToImage, convolved


class Residual(nn.Module):
    """Residual block of the mapping, perhaps after self-attention of the latents, which its shortcut leaves out.

    Args:
        dim: length of a component.
        rate: factor on the learning rate of the two linear layers.
        attention: of the components to each other.
    """

    def __init__(self, dim: int, rate: float = 0.01, attention: LatentAttention | None = None) -> None:
        super().__init__()
        self.attention = attention
        self.linear0, self.linear1 = EqualLinear(dim, dim, rate, activate=True), EqualLinear(dim, dim, rate)

    def forward(self, x: Tensor, embeddings: Tensor) -> Tensor:
        """Maps components (N, K, dim), whose names are (K, dim), to the same shape."""
        h = x if self.attention is None else self.attention(x, x, embeddings, embeddings).x
        return activated(self.linear1(self.linear0(h)) + x, 1.0)


class Mapping(nn.Module):
    """Mapping network: one that the local components share, in which they may attend to each other, and a global one.

    Args:
        components: number of local components.
        component_dim: length of each, in z and in w.
        blocks: residual blocks of each network.
        self_attention: whether local components attend to each other before each block.
        style: whether there is a global component.
        heads: heads of that attention.
        dropout: see `LatentAttention`.
        latent_gate: whether that attention is gated.
        rate: factor on the layers' learning rate.

    Attributes:
        embeddings: names (components, component_dim) of the local components, learnt.
    """

    def __init__(
        self,
        components: int = 16,
        component_dim: int = 32,
        blocks: int = 4,
        self_attention: bool = True,
        style: bool = True,
        heads: int = 1,
        dropout: float = 0.12,
        latent_gate: bool = False,
        rate: float = 0.01,
    ) -> None:
        super().__init__()
        k, dim = components, component_dim
        self.local_dim, self.components = k * dim, k
        self.latent_dim = self.w_dim = (k + style) * dim
        self.embeddings = nn.Parameter(torch.rand(k, dim))

        attend = partial(
            LatentAttention,
            *(dim, dim, k, dim),
            integration="add",
            norm="none",
            heads=heads,
            rate=dropout,
            place_gate=latent_gate,
            latent_gate=latent_gate,
        )
        self.blocks = nn.ModuleList(Residual(dim, rate, attend() if self_attention else None) for _ in range(blocks))
        self.out = EqualLinear(dim, dim, rate, activate=True)
        self.global_blocks = nn.ModuleList(Residual(dim, rate) for _ in range(blocks if style else 0))
        self.global_out = EqualLinear(dim, dim, rate, activate=True) if style else None

    def forward(self, z: Tensor) -> Tensor:
        """Maps z (N, latent_dim), the global component last, to w (N, w_dim) in the same order."""
        x = normalised(z[:, : self.local_dim]).unflatten(1, (self.components, -1))  # all local ones by one length
        for block in self.blocks:
            x = block(x, self.embeddings)
        local = self.out(x).flatten(1)
        if self.global_out is None:
            return local
        x = normalised(z[:, self.local_dim :])
        for block in self.global_blocks:
            x = block(x, self.embeddings)
        return torch.cat([local, self.global_out(x)], 1)


class PlainConv2d(nn.Module):
    """Convolution at an equalised learning rate that no style modulates, in the place of one that it does.

    Args:
        before: channels of the input.
        after: channels of the output.
        double: whether the side is doubled, and filtered.
    """

    def __init__(self, before: int, after: int, double: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(after, before, 3, 3))
        self.scale, self.doubles = (9 * before) ** -0.5, double

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """Maps (N, before, H, W) to (N, after, H, W), or twice H and W, whatever w is."""
        return convolved(x, self.weight * self.scale, self.doubles)


class AttendingLayer(nn.Module):
    """Layer of the synthesis: convolution, attention to the local components, noise, bias, leaky ReLU.

    Args:
        conv: (x, global component) -> maps.
        attention: of the maps' places to the local components; None for none.
        after: channels of the maps.
        side: of the maps.
        components: number of local components.
        component_dim: length of a component.
    """

    places: Tensor

    def __init__(
        self,
        conv: ModulatedConv2d | PlainConv2d,
        attention: LatentAttention | None,
        after: int,
        side: int,
        components: int,
        component_dim: int,
    ) -> None:
        super().__init__()
        self.conv, self.attention, self.components, self.component_dim = conv, attention, components, component_dim
        self.noise_strength = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(after))
        if attention is not None:
            self.register_buffer("places", grid_places(side, component_dim), persistent=False)

    def forward(
        self,
        x: Tensor,
        w: Tensor,
        embeddings: Tensor,
        noise: Tensor,
        gain: float = 1.0,
        assignments: Tensor | None = None,
    ) -> Attended:
        """Maps (N, before, H, W) and w (N, w_dim) to maps (N, after, H', W') and what they have read from where."""
        x = self.conv(x, w[:, -self.component_dim :])
        maps = x.new_zeros(0)
        if self.attention is not None:
            local = w[:, : self.components * self.component_dim].unflatten(1, (self.components, -1))
            rows = x.flatten(2).transpose(1, 2)
            rows, maps, assignments = self.attention(rows, local, self.places, embeddings, assignments)
            x = rows.transpose(1, 2).unflatten(2, x.shape[2:])
        x = x + noise.to(x.dtype) * self.noise_strength + self.bias[:, None, None]
        return Attended(activated(x, gain * 2**0.5), maps, assignments)

    def style(self, w: Tensor) -> Tensor:
        """Maps w (N, w_dim) to all that it decides in this layer, an affine map: the style, and what can be read."""
        parts = []
        if self.attention is not None:
            local = w[:, : self.components * self.component_dim].unflatten(1, (self.components, -1))
            parts.append(self.attention.modulation(self.attention.value(local)).flatten(1))
        if isinstance(self.conv, ModulatedConv2d):
            parts.append(self.conv.affine(w[:, -self.component_dim :]))
        return torch.cat([w[:, :0], *parts], 1)


class Synthesis(nn.Module):
    """Synthesis network: StyleGAN2's with residual blocks, whose layers attend to the local components of w.

    Args:
        size: side of the images in pixels.
        channels: channels of the images.
        components: number of local components.
        component_dim: length of a component.
        base: channels times side of the maps.
        largest: largest number of channels.
        attention: see `LatentAttention`.
        last: side of the largest maps that attend.
        style: whether a global component modulates convolutions.
        integration: see `LatentAttention`.
        norm: likewise.
        heads: likewise.
        dropout: likewise.
        place_gate: likewise.
        latent_gate: likewise.

    Attributes:
        n_styles: number of layers that take a w of their own.
        noise_shapes: shape of each layer's noise.
        style_affines: affine maps of w, a layer each.
        embeddings: names (components, component_dim) of the local components, learnt.
        attending: numbers and sides of the layers that attend.
    """

    def __init__(
        self,
        size: int = 256,
        channels: int = 3,
        components: int = 16,
        component_dim: int = 32,
        base: int = 16384,
        largest: int = 512,
        attention: Attention = "duplex",
        last: int = 128,
        style: bool = True,
        integration: Integration = "mul",
        norm: Norm = "layer",
        heads: int = 1,
        dropout: float = 0.12,
        place_gate: bool = False,
        latent_gate: bool = False,
    ) -> None:
        super().__init__()
        sides = doubling_sides(size, "GANsformer")
        widths = [channels_at(side, base, largest) for side in sides]
        k, dim = components, component_dim
        self.shape, self.components, self.dim = (channels, size, size), k, dim
        self.embeddings = nn.Parameter(torch.rand(k, dim))
        self.const = nn.Parameter(torch.randn(widths[0], 4, 4))

        attend = partial(
            LatentAttention,
            latent_dim=dim,
            components=k,
            pos_dim=dim,
            attention=attention,
            integration=integration,
            norm=norm,
            heads=heads,
            rate=dropout,
            place_gate=place_gate,
            latent_gate=latent_gate,
        )

        def conv(before: int, after: int, double: bool = False) -> ModulatedConv2d | PlainConv2d:
            return ModulatedConv2d(before, after, dim, double=double) if style else PlainConv2d(before, after, double)

        def layer(before: int, after: int, side: int, double: bool = False) -> AttendingLayer:
            attends = attend(after, begins=side == 4) if side <= last else None
            return AttendingLayer(conv(before, after, double), attends, after, side, k, dim)

        self.layers = nn.ModuleList([layer(widths[0], widths[0], 4)])
        for (before, after), side in zip(pairwise(widths), sides[1:], strict=True):
            self.layers.extend([layer(before, after, side, double=True), layer(after, after, side)])
        self.shortcuts = nn.ModuleList(EqualConv2d(*pair, kernel=1, bias=False, gain=0) for pair in pairwise(widths))
        self.conv_last = conv(widths[-1], widths[-1])
        self.to_image = ToImage(widths[-1], channels, dim) if style else EqualConv2d(widths[-1], channels, 1, gain=0)
        layer_sides = [4, *(side for side in sides[1:] for _ in range(2))]
        self.noise_shapes = [(1, side, side) for side in layer_sides]
        self.n_styles = len(layer_sides) + 2 * style
        self.attending = [(i, side) for i, side in enumerate(layer_sides) if side <= last]

    @property
    def style_affines(self) -> list[Callable[[Tensor], Tensor]]:
        """The affine map of w that makes all that it decides in each layer, in order."""
        own: list[Callable[[Tensor], Tensor]] = [layer.style for layer in self.layers]  # type: ignore[misc]
        for last in (self.conv_last, getattr(self.to_image, "conv", None)):
            if isinstance(last, ModulatedConv2d):
                own.append(lambda w, affine=last.affine: affine(w[:, -self.dim :]))  # type: ignore[misc]
        return own

    def forward(self, styles: Tensor, noise: Sequence[Tensor] | None = None) -> Tensor:
        """Maps styles (N, n_styles, w_dim), and noise (N, *shape) for each shape, to images (N, channels, H, W)."""
        return self._drawn(styles, noise)[0]

    def attention(self, styles: Tensor, noise: Sequence[Tensor] | None = None) -> list[Tensor]:
        """Returns which place attends to which component: (N, heads, components, side, side) of each attending layer.

        Args:
            styles: as `forward` takes them.
            noise: likewise.
        """
        maps = self._drawn(styles, noise)[1]
        return [
            each.transpose(2, 3).unflatten(3, (side, side))
            for each, (_, side) in zip(maps, self.attending, strict=True)
        ]

    def _drawn(self, styles: Tensor, noise: Sequence[Tensor] | None) -> tuple[Tensor, list[Tensor]]:
        n = styles.shape[0]
        if noise is None:
            noise = [torch.randn(n, *shape, device=styles.device) for shape in self.noise_shapes]
        w = styles.unbind(1)
        x, *read = self.layers[0](self.const.expand(n, -1, -1, -1), w[0], self.embeddings, noise[0])
        maps, assignments = [read[0]], read[1]
        for i, shortcut in enumerate(self.shortcuts):
            before = x
            for j, gain in ((2 * i + 1, 1.0), (2 * i + 2, HALF)):
                x, read_from, assignments = self.layers[j](x, w[j], self.embeddings, noise[j], gain, assignments)
                maps.append(read_from)
            x = x + HALF * doubled(shortcut(before))
        x = self.conv_last(x, w[-2][:, -self.dim :])
        image = self.to_image(x, w[-1][:, -self.dim :]) if isinstance(self.to_image, ToImage) else self.to_image(x)
        return image, maps[: len(self.attending)]


class GansformerGenerator(StyleBased):
    """Generator of images: a mapping and a synthesis network of several latent components.

    Args:
        size: side of the images in pixels, a power of 2.
        channels: channels of the images.
        components: number of local components, to which the places of the maps attend.
        component_dim: length of each, and of the global one, in z and in w; a multiple of 4.
        mapping_blocks: residual blocks of the mapping networks.
        self_attention: whether the mapping lets local components attend to each other.
        base: channels times side of the maps.
        largest: largest number of channels.
        attention: `simplex`; `duplex`; or `carried`, with centroids that go on from layer to layer. See
            `LatentAttention`.
        last: side of the largest maps that attend.
        style: whether a global component modulates convolutions, as in StyleGAN2.
        integration: see `LatentAttention`.
        norm: likewise.
        heads: likewise.
        dropout: likewise.
        place_gate: likewise.
        latent_gate: likewise.
        decay: share of the running mean of w that a batch keeps.
        cutoff: number of layers that truncation changes unless another is named; None for all.

    Attributes:
        unbounded: that images may leave [-1, 1].

    Raises:
        GanzooError: if there are no components, or their length is no multiple of 4.
    """

    unbounded = True

    def __init__(
        self,
        size: int = 256,
        channels: int = 3,
        components: int = 16,
        component_dim: int = 32,
        mapping_blocks: int = 4,
        self_attention: bool = True,
        base: int = 16384,
        largest: int = 512,
        attention: Attention = "duplex",
        last: int = 128,
        style: bool = True,
        integration: Integration = "mul",
        norm: Norm = "layer",
        heads: int = 1,
        dropout: float = 0.12,
        place_gate: bool = False,
        latent_gate: bool = False,
        decay: float = 0.995,
        cutoff: int | None = None,
    ) -> None:
        if components < 1 or component_dim < 4 or component_dim % 4:
            raise GanzooError(
                f"components: {components} of {component_dim} numbers given, but at least one, of a multiple of 4, is "
                "needed."
            )
        mapping = Mapping(
            components,
            component_dim,
            mapping_blocks,
            self_attention,
            style,
            heads=heads,
            dropout=dropout,
            latent_gate=latent_gate,
        )
        synthesis = Synthesis(
            size,
            channels,
            components,
            component_dim,
            base,
            largest,
            attention,
            last,
            style,
            integration=integration,
            norm=norm,
            heads=heads,
            dropout=dropout,
            place_gate=place_gate,
            latent_gate=latent_gate,
        )
        synthesis.embeddings = mapping.embeddings  # one name for a component in both networks
        super().__init__(mapping, synthesis, decay, cutoff)
