"""Base of games that draw samples from latent vectors.

`Sampler` draws latent vectors, passes them through the averaged network, and checks counts and labels.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ganzoo.common.conditions import Classes, Condition, Values, condition_of, count_values, map_values, take_values
from ganzoo.common.errors import GanzooError
from ganzoo.common.eval_mode import evaluating
from ganzoo.common.progress_bar import with_bar
from ganzoo.common.seeding import mix, run_seed
from ganzoo.games.examples import ConditionExamples
from ganzoo.games.game import Game
from ganzoo.games.latent import PRIORS, Prior, draw_latent

SAMPLE_BATCH = 512


class Sampler(Game):
    """A game that draws samples from latent vectors.

    Attributes:
        drawn_by: name of the network that maps latent vectors (N, latent_dim) to samples.
        of_samples: names of the networks that make or take samples; each may have its `shape`.
        prior: distribution of the latent vector: standard normal, or uniform on [-1, 1].
        n_classes: number of classes that `sample` can be asked for; 0 for an unconditional model.
        examples: conditions kept from the data, where there is no order in which all of them could take turns.
        supervised: whether these are the data's classes, learnt from labels, not ones that the model has found itself.
    """

    drawn_by: ClassVar[str] = "generator"
    of_samples: ClassVar[tuple[str, ...]] = ("generator",)
    prior: Prior = "normal"
    n_classes: int = 0
    supervised = True
    examples: ConditionExamples | None

    def setup(self, stage: str) -> None:
        """Prepares the networks, and checks that they fit the data."""
        super().setup(stage)
        shape = getattr(getattr(self.trainer, "datamodule", None), "shape", None)
        if shape is not None:
            self.check(shape)

    def fits(self, datamodule: Any) -> None:
        """Raises GanzooError if the data are pairs, to be translated, or of another shape than the networks'."""
        if getattr(datamodule, "source_shape", None) is not None:
            data, kind = type(datamodule).__name__, type(self).__name__
            raise GanzooError(f"data: {data} has pairs of images, to be translated, and {kind} draws samples.")
        super().fits(datamodule)

    def check(self, shape: tuple[int, ...]) -> None:
        """Checks that the networks fit samples of this shape.

        Raises:
            GanzooError: if one makes or takes samples of another shape.
        """
        for name in self.of_samples:
            own = getattr(getattr(self, name), "shape", shape)
            if own != shape:
                raise GanzooError(f"model.{name}: it is made for samples of shape {own}, but the data gives {shape}.")

    def latent(self, n: int, seed: int | None = None) -> Tensor:
        """Draws n latent vectors (n, latent_dim) from the prior; see `draw_latent`."""
        return draw_latent(n, getattr(self, self.drawn_by).latent_dim, self.prior, self.device, seed)

    def latent_text(self) -> str:
        """Returns the distribution of the latent vectors of `latent` in words."""
        return PRIORS[self.prior]

    @property
    def condition(self) -> Condition | None:
        """What samples are drawn under: the network's own condition, else the model's classes; None for nothing."""
        return condition_of(getattr(self, self.drawn_by)) or (Classes(self.n_classes) if self.n_classes else None)

    def generate(self, generator: nn.Module, z: Tensor, y: Any) -> Tensor:
        """Maps latent vectors, and their conditions if there are any, to samples with the live or averaged network."""
        return generator(z) if self.condition is None else generator(z, y)

    def sample(
        self,
        n: int,
        y: Values = None,
        seed: int | None = None,
        truncation: float = 1.0,
        *,
        progress: bool = False,
    ) -> Tensor:
        """Draws samples from the averaged network in evaluation mode.

        Args:
            n: how many.
            y: conditions of a conditional generator: labels (n,), or what its `condition` says; without, the classes
                take turns, or those conditions that are kept from the data.
            seed: fixes the draw; image i is the same whatever n is, up to rounding. None draws anew each time.
            truncation: factor on the latent vectors; below 1 it trades variety for typicality.
            progress: show a bar, if it takes longer than a second.

        Returns:
            Images (n, C, H, W) in [-1, 1], or points (n, 2), on the model's device.

        Raises:
            GanzooError: if n is negative, or there are no such conditions, or not n of them.
        """
        if n < 0:
            raise GanzooError(f"n: the number of samples must be at least 0, not {n}.")
        y = self.conditions(n, y)
        return self.render(self.truncated(n, seed, truncation), y, progress)

    def truncated(self, n: int, seed: int | None, truncation: float) -> Tensor:
        """Draws n latent vectors, nearer to the most typical one by a factor of `truncation`."""
        return truncation * self.latent(n, seed)

    def render(self, z: Tensor, y: Values = None, progress: bool = False) -> Tensor:
        """Maps latent vectors (N, ...), and their conditions if there are any, to samples as `sample` does."""
        return self.evaluated(self.drawn_by, self.generate, z, y, progress=progress)

    @torch.no_grad()
    def evaluated(self, name: str, apply: Callable[..., Tensor], *inputs: Values, progress: bool = False) -> Tensor:
        """Applies a network, averaged where an average is kept, in evaluation mode, to any number of inputs in parts.

        Args:
            name: of the network.
            apply: (network, *parts of the inputs) -> outputs.
            *inputs: tensors (N, ...) on any device, tuples of these, or None.
            progress: show a bar, if it takes longer than a second.

        Returns:
            The outputs for all inputs, on the model's device.
        """
        network = self.averaged(name)
        n = next(count_values(values) for values in inputs if values is not None)
        parts = [slice(start, min(start + SAMPLE_BATCH, n)) for start in range(0, max(n, 1), SAMPLE_BATCH)]
        batches = with_bar(parts, (part.stop - part.start for part in parts), progress)
        with evaluating(network):
            outputs = [apply(network, *(take_values(x, i, self.device) for x in inputs)) for i in batches]
        return torch.cat(outputs).contiguous()  # not channels last, as the weights are

    def conditions(self, n: int, y: Values = None) -> Values:
        """Returns the conditions to draw n samples under: `y`, or else the classes in turn, or the kept examples.

        Raises:
            GanzooError: if conditions are given to a model without any, or do not fit.
        """
        condition = self.condition
        if condition is None:
            if y is not None:
                raise GanzooError(f"labels: {type(self).__name__} is unconditional; it has no classes to choose from.")
            return None
        if y is not None:
            return condition.checked(y, n, self.device)
        examples = getattr(self, "examples", None)
        in_turn = condition.in_turn(n) if examples is None else examples.in_turn(n)
        return map_values(lambda tensor: tensor.to(self.device), in_turn)

    labels = conditions

    def predict_step(self, batch: tuple[Tensor, Any], batch_idx: int) -> Tensor:
        """Draws as many samples as the batch holds; the b-th batch has its own seed."""
        return self.sample(len(batch[0]), seed=mix(run_seed(), self.global_rank, batch_idx))
