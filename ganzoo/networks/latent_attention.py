"""Attention of the places of a map to latents, which modulate them: Hudson and Zitnick 2021, arXiv 2103.01209.

It computes what the authors' PyTorch code does (https://github.com/dorarad/gansformer, `pytorch_version`), in float32,
but for three things: `both` splits what was read into halves, as their TensorFlow code does; several heads of duplex
attention have their own queries and places each; and carried centroids begin with learnt ones.
"""

from math import isqrt
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, interpolate

from ganzoo.common.errors import GanzooError
from ganzoo.networks.equalised import EqualLinear

Attention = Literal["simplex", "duplex", "carried"]
Integration = Literal["mul", "add", "both"]
Norm = Literal["layer", "instance", "none"]


def grid_places(side: int, dim: int) -> Tensor:
    """Returns sines and cosines of the places of a square grid, row by row, both coordinates from -1 to 1.

    Args:
        side: of the grid.
        dim: length of a place's vector, a multiple of 4: sines and cosines of x, then of y, at falling frequencies.

    Returns:
        Places (side * side, dim).
    """
    frequencies = 10_000.0 ** (-4 * torch.arange(dim // 4) / dim)
    angles = torch.linspace(-1, 1, side)[:, None] * frequencies
    line = torch.cat([angles.sin(), angles.cos()], 1)
    x, y = line[None].expand(side, -1, -1), line[:, None].expand(-1, side, -1)
    return torch.cat([x, y], 2).flatten(0, 1)


class Gate(nn.Module):
    """Sigmoid gate of each head: whether an element sends or takes anything.

    Args:
        dim: length of an element.
        pos_dim: length of its place.
        heads: number of heads.
        bias: number added before the sigmoid.
    """

    def __init__(self, dim: int, pos_dim: int, heads: int, bias: float) -> None:
        super().__init__()
        self.of_element, self.of_place = EqualLinear(dim, heads), EqualLinear(pos_dim, heads)
        self.bias = bias

    def forward(self, x: Tensor, places: Tensor) -> Tensor:
        """Maps elements (N, L, dim) and places (L, pos_dim) to gates (N, heads, L) in [0, 1]."""
        return (self.of_element(x) + self.of_place(places) + self.bias).sigmoid().transpose(1, 2)


def assigned(maps: Tensor) -> Tensor:
    """Returns the shares (N, heads, K, L) of elements in each latent, of attention maps (N, heads, L, K)."""
    return (maps / (maps.sum(2, keepdim=True) + 1e-8)).transpose(2, 3)


class Attended(NamedTuple):
    """What an attention layer returns.

    Attributes:
        x: the updated elements (N, L, dim).
        maps: attention (N, heads, L, K): how much each element takes from each of K latents.
        assignments: of `carried` attention, the shares (N, heads, K, L) that elements have in each latent's centroid.
    """

    x: Tensor
    maps: Tensor
    assignments: Tensor | None


class LatentAttention(nn.Module):
    """Attention of elements, such as the places of a map, to latents, which modulate them: section 3.1.

    Simplex attention compares an element's query with the keys of the latents. Duplex attention compares it with a
    centroid for each latent, in the space of queries and places: a learnt one, or, `carried`, the mean of the elements
    that the layer before has assigned to that latent. The keys have no effect then, as in the authors' code, which
    computes and replaces them; they are here so that weights can be exchanged.

    Args:
        dim: length of an element.
        latent_dim: length of a latent.
        components: number K of latents.
        pos_dim: length of the vectors that say which place and which latent it is.
        attention: `simplex`, `duplex` or `carried`.
        begins: whether a `carried` layer has learnt centroids, for nothing is carried to the first one.
        integration: `mul` scales elements by what they read, `add` adds it, `both` does both.
        norm: what elements are normalised over before: the channels of each (`layer`), all elements (`instance`), or
            nothing. `mul` divides them by the root of their mean square, `add` subtracts their mean, `both` does both.
        heads: number of heads, a divisor of `dim`.
        rate: probability of dropping something in training: half of it for single numbers, half for whole latents.
        place_gate: whether elements have a gate.
        latent_gate: whether latents have one.

    Raises:
        GanzooError: if elements cannot be divided among so many heads.
    """

    def __init__(
        self,
        dim: int,
        latent_dim: int,
        components: int,
        pos_dim: int,
        attention: Attention = "simplex",
        begins: bool = True,
        integration: Integration = "mul",
        norm: Norm = "layer",
        heads: int = 1,
        rate: float = 0.12,
        place_gate: bool = False,
        latent_gate: bool = False,
    ) -> None:
        super().__init__()
        if heads < 1 or dim % heads:
            raise GanzooError(f"heads: {heads} given, but {dim} channels are to be divided among them.")
        self.integration, self.norm, self.heads, self.rate = integration, norm, heads, rate
        self.duplex, self.carries = attention != "simplex", attention == "carried"
        self.query, self.key, self.value = (EqualLinear(length, dim) for length in (dim, latent_dim, latent_dim))
        self.query_place, self.key_place = EqualLinear(pos_dim, dim), EqualLinear(pos_dim, dim)
        self.modulation = EqualLinear(dim, 2 * dim if integration == "both" else dim)
        self.place_gate = Gate(dim, pos_dim, heads, 1.0) if place_gate else None
        self.latent_gate = Gate(latent_dim, pos_dim, heads, 0.0) if latent_gate else None
        if self.duplex:
            self.weight = nn.Parameter(torch.ones(heads, 1, 2 * dim // heads))
        learnt = attention == "duplex" or (attention == "carried" and begins)
        self.centroids = nn.Parameter(torch.randn(1, heads, components, 2 * dim // heads)) if learnt else None

    def forward(
        self, x: Tensor, latents: Tensor, places: Tensor, embeddings: Tensor, assignments: Tensor | None = None
    ) -> Attended:
        """Updates elements by what they read from latents.

        Args:
            x: elements (N, L, dim).
            latents: (N, K, latent_dim).
            places: places (L, pos_dim) of the elements.
            embeddings: names (K, pos_dim) of the latents.
            assignments: of the layer before (N, heads, K, L or fewer), which `carried` attention goes on from.
        """
        query, place = self._split(self.query(x)), self._split(self.query_place(places)[None])
        if self.duplex:  # of [query, place] and [of_query, of_place], in two products, of which one is of all images
            of_query, of_place = (self.weight * self._centroids(query, place, assignments)).transpose(2, 3).chunk(2, 2)
            scores = query @ of_query + place @ of_place
        else:
            key = self._split(self.key(latents) + self.key_place(embeddings))
            scores = (query + place) @ key.transpose(2, 3)
        maps = self._dropped((scores * query.shape[3] ** -0.5).softmax(3))
        if self.latent_gate is not None:
            maps = maps * self.latent_gate(latents, embeddings)[:, :, None]
        if self.place_gate is not None:
            maps = maps * self.place_gate(x, places)[..., None]
        read = (maps @ self._split(self.value(latents))).transpose(1, 2).flatten(2)
        carried = assigned(maps) if self.carries else None
        return Attended(self._integrated(x, self.modulation(read)), maps, carried)

    def _split(self, x: Tensor) -> Tensor:
        """Splits vectors (N, L, dim) into heads (N, heads, L, dim / heads)."""
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)

    def _centroids(self, query: Tensor, place: Tensor, assignments: Tensor | None) -> Tensor:
        """Returns the latents' centroids: learnt ones, or sums of elements by their shares (N, heads, K, 2 length)."""
        if self.centroids is not None:
            return self.centroids
        if assignments is None:
            raise GanzooError("attention: without learnt centroids it goes on from the assignments of another layer.")
        if assignments.shape[3] < query.shape[2]:
            before, now = isqrt(assignments.shape[3]), isqrt(query.shape[2])
            maps = interpolate(assignments.flatten(0, 1).unflatten(2, (before, before)), scale_factor=now // before)
            assignments = maps.flatten(2).unflatten(0, (-1, self.heads))
        return torch.cat([assignments @ query, assignments @ place], 3)

    def _dropped(self, maps: Tensor) -> Tensor:
        """Drops, in training, single numbers of maps (N, heads, L, K), and latents as a whole."""
        if not self.training or not self.rate:
            return maps
        return dropout(maps, self.rate / 2) * dropout(torch.ones_like(maps[:, :, :1]), self.rate / 2)

    def _integrated(self, x: Tensor, control: Tensor) -> Tensor:
        axis = 1 if self.norm == "instance" else 2
        if self.norm != "none" and self.integration != "mul":
            x = x - x.mean(axis, keepdim=True)
        if self.norm != "none" and self.integration != "add":
            x = x * (x.float().square().mean(axis, keepdim=True) + 1e-8).rsqrt().to(x.dtype)
        gain, bias = control.chunk(2, 2) if self.integration == "both" else (control, control)
        if self.integration != "add":
            x = x * (gain + 1)
        return x if self.integration == "mul" else x + bias
