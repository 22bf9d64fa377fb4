"""Augmentation at a probability that is constant or follows a schedule, by the parts of ADA's pipe.

Paper: Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data", arXiv 2006.06676, section 3 and
appendix B, for the parts; Huang et al. 2024, "The GAN is dead; long live the GAN!", arXiv 2501.05441, for the schedule.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from ganzoo.common.errors import GanzooError
from ganzoo.games.move import AdversarialMove
from ganzoo.games.pipe import Pipe, augmented
from ganzoo.games.players import Terms
from ganzoo.games.schedules import Schedule
from ganzoo.games.stabiliser import Stabilised, Stabiliser


class Augmentation(Stabiliser):
    """Augments all that the discriminator sees, each image by each part with a probability of its own.

    A part's probability is p times its group's factor. For discriminators whose answers say nothing of how much they
    have learnt by heart, which `ADA` goes by; gradient penalties are taken with respect to the images before it.

    Args:
        p: probability, constant or over the run.
        blit: factor for mirroring, quarter turns and shifts by whole pixels; 0 for none of them.
        geometry: factor for sizes, free turns, stretching and other shifts.
        colours: factor for brightness, contrast, its inversion, hue and saturation.
        cutout: factor for a blank square of half the side.
        flips: mirror, and turn by quarters; not for digits or letters.
        turn: largest angle of the free rotations in degrees.
        filtered: see `ADA`.
        hue: likewise.
        luma_flip: likewise.

    Raises:
        GanzooError: if a factor or a probability is outside [0, 1].
    """

    augments = True

    def __init__(
        self,
        p: float | Schedule = 0.5,
        blit: float = 1.0,
        geometry: float = 1.0,
        colours: float = 1.0,
        cutout: float = 0.0,
        flips: bool = True,
        turn: float = 180.0,
        filtered: bool = True,
        hue: bool = True,
        luma_flip: bool = True,
    ) -> None:
        super().__init__()
        for name, value in (("blit", blit), ("geometry", geometry), ("colours", colours), ("cutout", cutout)):
            require_share(name, value)
        for value in p.values if isinstance(p, Schedule) else [p]:
            require_share("p", value)
        self.p = p
        self.pipe = Pipe(flips, turn, filtered, hue, luma_flip, blit, geometry, colours, cutout)

    def see(self, game: Stabilised, x: Tensor) -> Tensor:
        """Augments images (N, C, H, W).

        Raises:
            GanzooError: if these are no images.
        """
        return augmented(x, self.pipe, game.level(self.p))

    def d_terms(self, game: Stabilised, x: Any, y: Any, move: AdversarialMove) -> Terms:
        """Notes p if it follows a schedule; adds no term."""
        if isinstance(self.p, Schedule):
            p = game.level(self.p)
            assert isinstance(p, Tensor)
            move.note("d/aug_p", p)
        return {}


def require_share(name: str, value: float) -> None:
    """Checks an argument that is to lie within [0, 1].

    Raises:
        GanzooError: if it does not.
    """
    if not 0 <= value <= 1:
        raise GanzooError(f"model.stabilisers.{name}: must be in [0, 1], not {value}.")
