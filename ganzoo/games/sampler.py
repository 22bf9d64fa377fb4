"""Base of games that draw samples from latent vectors.

`Sampler` draws points of its latent space, passes them through the averaged network, and checks counts and labels.
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
from ganzoo.games.latent import Prior
from ganzoo.games.latent_space import Latents, LatentSpace
from ganzoo.games.noise_inputs import Shapes, draw_noise, noise_seeds, split_noise
from ganzoo.games.styles import Styles, is_style_based, mix_at_random

SAMPLE_BATCH = 512


class Sampler(Game):
    """A game that draws samples from latent vectors.

    Attributes:
        drawn_by: name of the network that maps latent vectors (N, latent_dim) to samples. One that is style-based, see
            `ganzoo.games.styles`, gives the model its space w.
        of_samples: names of the networks that make or take samples; each may have its `shape`.
        finished_by: names of further networks by which `finish` makes samples of what is drawn.
        prior: distribution of the latent vector: standard normal, or uniform on [-1, 1].
        mixing: probability that the styles of a batch are mixed from two latent vectors in training; of style-based
            generators alone.
        n_classes: number of classes that `sample` can be asked for; 0 for an unconditional model.
        examples: conditions kept from the data, where there is no order in which all of them could take turns.
        supervised: whether these are the data's classes, learnt from labels, not ones that the model has found itself.
    """

    drawn_by: ClassVar[str] = "generator"
    of_samples: ClassVar[tuple[str, ...]] = ("generator",)
    finished_by: ClassVar[tuple[str, ...]] = ()
    prior: Prior = "normal"
    mixing: float = 0.0
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
            GanzooError: if one makes or takes samples of another shape, or styles are to be mixed that are not there.
        """
        if self.mixing and not is_style_based(getattr(self, self.drawn_by)):
            raise GanzooError("model.mixing: only a style-based generator has styles to mix.")
        for name in self.of_samples:
            own = getattr(getattr(self, name), "shape", shape)
            if own != shape:
                raise GanzooError(f"model.{name}: it is made for samples of shape {own}, but the data gives {shape}.")

    def latent(self, n: int, seed: int | None = None) -> Tensor:
        """Draws what the network takes: latent vectors or codes (n, latent_dim), see `LatentSpace.raw`."""
        return self.input_space.draw(n, seed)

    @property
    def input_space(self) -> LatentSpace:
        """Latent space of what the network takes."""
        return Latents(((getattr(self, self.drawn_by).latent_dim, self.prior),), self.device, self.generate)

    @property
    def condition(self) -> Condition | None:
        """What samples are drawn under: the network's own condition, else the model's classes; None for nothing."""
        return condition_of(getattr(self, self.drawn_by)) or (Classes(self.n_classes) if self.n_classes else None)

    @property
    def spaces(self) -> tuple[LatentSpace, ...]:
        """Latent spaces of the model, the best one to truncate and walk in first."""
        network, inputs = self.averaged(self.drawn_by), self.input_space
        if not is_style_based(network):
            return (inputs,)
        return Styles(network, inputs, self.mapped, self.synthesise, network.cutoff), inputs

    @property
    def space(self) -> LatentSpace:
        """The latent space that `sample` truncates in, and that walks and directions go through."""
        return self.spaces[0]

    def space_named(self, name: str) -> LatentSpace:
        """Returns a latent space of the model by its name, such as `z` or `w`.

        Raises:
            GanzooError: if there is no such space.
        """
        spaces = {space.name: space for space in self.spaces}
        if name not in spaces:
            raise GanzooError(f"space: {type(self).__name__} has {', '.join(spaces)}, not '{name}'.")
        return spaces[name]

    def network_inputs(self, z: Tensor, y: Any) -> tuple[Any, ...]:
        """Returns what the network takes: latent vectors, and their conditions if there are any."""
        return (z,) if self.condition is None else (z, y)

    def generate(self, generator: nn.Module, z: Tensor, y: Any, noise: list[Tensor] | None = None) -> Tensor:
        """Maps latent vectors to samples with the live or the averaged network.

        Args:
            generator: the network; in training mode styles may be mixed.
            z: latent vectors (N, latent_dim).
            y: their conditions if there are any, such as labels (N,).
            noise: a tensor (N, ...) for each layer with noise; None draws it afresh.
        """
        inputs = self.network_inputs(z, y)
        if self.mixing and generator.training and is_style_based(generator):
            others = generator.mapping(*self.network_inputs(self.latent(len(z)), y))
            return self.synthesise(generator, mix_at_random(generator.styles(*inputs), others, self.mixing), y, noise)
        return self.finish(generator, generator(*inputs) if noise is None else generator(*inputs, noise=noise))

    def synthesise(self, generator: Any, styles: Tensor, y: Any, noise: list[Tensor] | None = None) -> Tensor:
        """Maps styles (N, n_styles, w_dim), which hold their condition, to samples with a style-based network."""
        return self.finish(generator, generator.synthesis(styles, noise))

    def finish(self, generator: nn.Module, output: Tensor) -> Tensor:
        """Makes samples of the network's output: cuts the images of an `unbounded` one to [-1, 1] for use."""
        return output.clamp(-1, 1) if getattr(generator, "unbounded", False) and not generator.training else output

    def mapped(self, z: Tensor, y: Any) -> Tensor:
        """Maps any number of latent vectors (N, latent_dim) to w (N, w_dim), as `sample` does."""
        return self.evaluated(self.drawn_by, lambda network, z, y: network.mapping(*self.network_inputs(z, y)), z, y)

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
            truncation: factor towards what is typical in the latent space; below 1 it trades variety for typicality.
            progress: show a bar, if it takes longer than a second.

        Returns:
            Images (n, C, H, W) in [-1, 1], or points (n, 2), on the model's device.

        Raises:
            GanzooError: if n is negative, or there are no such conditions, or not n of them.
        """
        if n < 0:
            raise GanzooError(f"n: the number of samples must be at least 0, not {n}.")
        y = self.conditions(n, y)
        points = self.space.draw(n, seed, truncation, y)
        return self.render(points, y, self.noise_seeds(n, seed), progress=progress)

    @property
    def noise_shapes(self) -> Shapes:
        """Shapes of the noise that the network's layers take for an image; none of most networks."""
        return getattr(getattr(self, self.drawn_by), "noise_shapes", ())

    def noise_seeds(self, n: int, seed: int | None = None) -> Tensor | None:
        """Returns the seeds (n,) of the noise in the images that `sample` draws; None of a network without noise."""
        return noise_seeds(n, seed) if self.noise_shapes else None

    def render(
        self,
        points: Tensor,
        y: Values = None,
        noise: Tensor | None = None,
        *,
        progress: bool = False,
        space: LatentSpace | None = None,
    ) -> Tensor:
        """Maps points of a latent space to samples as `sample` does.

        Args:
            points: any number of them (N, ...).
            y: their conditions if there are any, such as labels (N,).
            noise: seeds (N,) of the images' noise, or (1,) for all, where the network takes noise; by default all
                images have the same.
            progress: show a bar, if it takes longer than a second.
            space: whose points they are; by default of the model's `space`.
        """
        generate, shapes = (space or self.space).generate, self.noise_shapes
        if not shapes:
            return self.evaluated(self.drawn_by, generate, points, y, progress=progress)
        seeds = (torch.zeros(1, dtype=torch.long) if noise is None else noise).expand(len(points))

        def with_noise(network: nn.Module, points: Tensor, y: Any, seeds: Tensor) -> Tensor:
            drawn = split_noise(draw_noise(seeds, shapes).to(points), shapes)
            return generate(network, points, y, drawn)

        return self.evaluated(self.drawn_by, with_noise, points, y, seeds, progress=progress)

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

    def predict_step(self, batch: tuple[Tensor, Any], batch_idx: int) -> Tensor:
        """Draws as many samples as the batch holds; the b-th batch has its own seed."""
        return self.sample(len(batch[0]), seed=mix(run_seed(), self.global_rank, batch_idx))
