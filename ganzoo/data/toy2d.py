"""Points in the plane for toy experiments: curves, and rings and grids of Gaussians."""

import math
from typing import Literal

import torch
from torch import Tensor

from ganzoo.common.errors import GanzooError, nearest, require_at_least
from ganzoo.common.seeding import mix
from ganzoo.data.base import DataModule, Loaded, Split

MODES = {"ring": 8, "grid": 25}
TEST_SAMPLES = 10_000


class Toy2D(DataModule):
    """Points (x, y) about within [-1, 1] x [-1, 1], unlabelled, with isotropic Gaussian noise of `std`.

    - `sine`: y = sin(pi x), x uniform in [-1, 1]: a harmonic.
    - `swiss_roll`: one and a half turns of a spiral.
    - `ring`: Gaussians evenly spaced on the unit circle.
    - `grid`: Gaussians on a square grid over [-1, 1] x [-1, 1].

    Ring and grid are the mode-collapse tests of Metz et al. (2017) and Srivastava et al. (2017), which use a std of
    0.01 (ring) and 0.0125 (grid) in these units. The test split is fresh points of the same distribution.

    Args:
        kind: "sine", "swiss_roll", "ring" or "grid".
        samples: training points.
        std: noise.
        modes: Gaussians of a ring (default 8) or grid (default 25; a square number).
        seed: seed of the points; that of the run changes only their order.
        batch_size: points per process.

    Attributes:
        curve: what the argument `kind` names; the attribute `kind` is that of all points.
        centres: (modes, 2) means of the Gaussians; None for curves.
    """

    licence = "CC0-1.0"
    source = "generated"
    shape = (2,)

    def __init__(
        self,
        kind: Literal["sine", "swiss_roll", "ring", "grid"] = "ring",
        samples: int = 50_000,
        std: float = 0.02,
        modes: int | None = None,
        seed: int = 0,
        batch_size: int = 64,
    ) -> None:
        super().__init__(batch_size)
        kinds = ("sine", "swiss_roll", *MODES)
        if kind not in kinds:
            raise GanzooError(f"data.kind: '{kind}' given, allowed are {', '.join(kinds)}.{nearest(kind, kinds)}")
        require_at_least("data.std", std, 0)
        if modes is not None and kind not in MODES:
            raise GanzooError(
                f"data.modes: {modes} given, but a {kind} has none. Leave it out, or choose ring or grid."
            )
        modes = MODES.get(kind, 0) if modes is None else modes
        if kind in MODES:
            require_at_least("data.modes", modes, 1)
        require_at_least("data.samples", samples, 1)
        if kind == "grid" and math.isqrt(modes) ** 2 != modes:
            raise GanzooError(f"data.modes: {modes} given, but a grid needs a square number, such as 9, 16 or 25.")
        self.curve, self.samples, self.std, self.seed = kind, samples, std, seed
        self.title = f"2-D points, {kind.replace('_', ' ')}"
        self.centres = _centres(kind, modes)

    def load(self, split: Split) -> Loaded:
        """Draws the points of a split, float32 (N, 2)."""
        n, stream = (self.samples, 0) if split == "train" else (TEST_SAMPLES, 1)
        generator = torch.Generator().manual_seed(mix(self.seed, stream))
        if self.centres is not None:
            clean = self.centres[torch.randint(len(self.centres), (n,), generator=generator)]
        else:
            t = torch.rand(n, generator=generator)
            if self.curve == "sine":
                x = 2 * t - 1
                clean = torch.stack([x, torch.sin(math.pi * x)], 1)
            else:
                angle = 1.5 * math.pi * (1 + 2 * t)  # from 3/4 of a turn to 9/4
                clean = torch.stack([angle.cos(), angle.sin()], 1) * (angle / (4.5 * math.pi)).unsqueeze(1)
        return clean + self.std * torch.randn(n, 2, generator=generator), None

    @property
    def preview(self) -> Tensor:
        """Real points (2000, 2), to draw samples over."""
        return self.split("test")[0][:2000]  # type: ignore[index]


def _centres(kind: str, modes: int) -> Tensor | None:
    if kind == "ring":
        angle = torch.arange(modes) * (2 * math.pi / modes)
        return torch.stack([angle.cos(), angle.sin()], 1)
    if kind == "grid":
        axis = torch.linspace(-1, 1, math.isqrt(modes))
        return torch.cartesian_prod(axis, axis)
    return None
