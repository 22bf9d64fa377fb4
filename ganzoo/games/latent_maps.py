"""Maps of which latent paints what: the attention of a generator's places to its latents.

Hudson and Zitnick 2021, arXiv 2103.01209, figures 1 and 5. A style-based generator has such maps if its synthesis
network has `attending`, the number and side of each layer that attends, and `attention`: (styles (N, L, D), noise) ->
maps (N, heads, latents, side, side) of each of these, whose sum over latents is 1.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ganzoo.common.conditions import Values
from ganzoo.common.errors import GanzooError
from ganzoo.games.sampler import Sampler
from ganzoo.games.styles import Styles, is_style_based


class LatentMaps(NamedTuple):
    """Attention of one layer, a mean over its heads.

    Attributes:
        layer: number of the layer.
        maps: (N, latents, side, side): how much each place takes from each latent.
    """

    layer: int
    maps: Tensor


def attending_layers(model: Sampler) -> dict[int, int]:
    """Returns the side of the maps of each layer that attends to latents, by the layer's number.

    Raises:
        GanzooError: if there is none.
    """
    network = model.averaged(model.drawn_by)
    sides = getattr(network.synthesis, "attending", ()) if is_style_based(network) else ()
    if not sides:
        raise GanzooError(
            f"{type(model).__name__} has no maps of which latent paints what: the places of its "
            f"{type(network).__name__} do not attend to latents, as GANsformer's do."
        )
    return dict(sides)


def last_of_each_side(sides: dict[int, int]) -> list[int]:
    """Returns the numbers of the last layers of their sides, of sides by the layer's number."""
    return sorted({side: layer for layer, side in sorted(sides.items())}.values())


def latent_maps(
    model: Sampler,
    points: Tensor,
    y: Values = None,
    noise: Tensor | None = None,
    layers: Sequence[int] | None = None,
) -> list[LatentMaps]:
    """Returns which latent the places of each layer attend to, in the samples that `model.render` draws.

    Args:
        model: draws samples.
        points: of the model's space (N, ...).
        y: their conditions, see `Sampler.render`.
        noise: seeds of their noise, likewise.
        layers: numbers of layers; by default the last one of each side.

    Raises:
        GanzooError: if the model has no such maps, or one of these layers has none.
    """
    sides = attending_layers(model)
    chosen = last_of_each_side(sides) if layers is None else list(layers)
    if strange := [layer for layer in chosen if layer not in sides]:
        raise GanzooError(f"layers: {strange[0]} is none of the layers {min(sides)} to {max(sides)} that attend.")
    places = [list(sides).index(layer) for layer in chosen]

    def look(network: Any, styles: Tensor, y: Any, noise: list[Tensor] | None = None) -> Tensor:
        """Returns the maps of the chosen layers, side by side."""
        maps = network.synthesis.attention(styles, noise)
        return torch.cat([maps[place].float().mean(1).flatten(1) for place in places], 1)

    space = model.space
    assert isinstance(space, Styles)  # as a style-based network has
    flat = model.render(points, y, noise, space=replace(space, generate=look))
    latents = flat.shape[1] // sum(sides[layer] ** 2 for layer in chosen)
    parts = flat.split([latents * sides[layer] ** 2 for layer in chosen], 1)
    return [
        LatentMaps(layer, part.unflatten(1, (latents, sides[layer], sides[layer])))
        for layer, part in zip(chosen, parts, strict=True)
    ]
