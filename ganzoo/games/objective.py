"""An adversarial objective: the two losses of a game on logits, and what they mean."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

Answers = Literal["logits", "signed", "scores"]
Watch = Callable[[Tensor, Tensor, Tensor], Mapping[str, Tensor]]


def accuracy(real: Tensor, fake: Tensor, loss: Tensor) -> dict[str, Tensor]:
    """Returns the shares of real and of generated samples whose logits lie on the right side of 0, for the log."""
    return {"acc_real": (real > 0).float().mean(), "acc_fake": (fake < 0).float().mean()}


@dataclass(frozen=True)
class Objective:
    """Pair of losses on logits of any shape: the discriminator's and the generator's.

    Args:
        d: (real, fake) -> scalar that the discriminator descends.
        g: (real, fake) -> scalar that the generator descends. Unless the objective is `relative` it looks at generated
            samples alone, and is given None for the real ones.
        answers: what logits are to it: `logits`, of the probability of being real; something else that is positive for
            what is taken for real, `signed`; or `scores` without a zero that means anything.
        relative: whether the generator's loss compares with real samples, which its move then has judged, too.
        watch: (real, fake, the discriminator's loss) -> scalars for the log by name.
    """

    d: Callable[[Tensor, Tensor], Tensor]
    g: Callable[[Tensor | None, Tensor], Tensor]
    answers: Answers = "logits"
    relative: bool = False
    watch: Watch = accuracy
