"""The one training loop: a game of players, each with its modules, its optimizer and its loss.

`Game` plays any number of players in turn and keeps the averaged weights; `GAN` adds what the variants with a generator
and a discriminator share: the latent prior, the socket before the discriminator, sampling. No variant repeats the loop.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from ganzoo.augment import augmentations, diff_augment
from ganzoo.batches import chunks
from ganzoo.ema import Average
from ganzoo.errors import GanzooError
from ganzoo.latent import Prior, draw_latent
from ganzoo.players import Player, Terms, build_optim
from ganzoo.schedules import Schedule, value
from ganzoo.seeding import mix, run_seed

SAMPLE_BATCH = 512


class Game(pl.LightningModule):
    """The loop: each batch every player whose turn it is moves once, the others frozen.

    `trainer.global_step` and `max_steps` count the updates of the player marked `counted`.

    Args:
        accumulate: splits a batch into so many chunks whose gradients are added before a step.

    Attributes:
        recipe: the resolved recipe that the model was made from, as YAML; empty for one made by hand.
        card: the model card of a loaded checkpoint.
    """

    recipe = ""
    card = ""

    def __init__(self, accumulate: int = 1) -> None:
        super().__init__()
        if accumulate < 1:
            raise GanzooError(f"model.accumulate: must be at least 1, not {accumulate}.")
        self.automatic_optimization = False
        self.accumulate = accumulate
        self.averages = nn.ModuleDict()
        self.batches = 0  # seen so far in this run; seeds the next one
        self.images = 0  # real samples seen so far, over all processes
        self.waited: dict[str, int] = {}  # batches since each player's last move
        self.stash: dict[str, tuple[Tensor, int]] = {}  # sums and counts since the last log, never read in the step

    @abstractmethod
    def players(self) -> Sequence[Player]:
        """Returns the players in the order in which they move within a batch."""

    @property
    def progress(self) -> float:
        """Share of the run that is done, in [0, 1]; 0 outside a run or in an endless one."""
        trainer = self._trainer
        if trainer is None:
            return 0.0
        done, total = trainer.global_step, trainer.max_steps
        if total is None or total < 1:
            done, total = trainer.current_epoch, trainer.max_epochs or -1
        return min(done / total, 1.0) if total > 0 else 0.0

    def check(self, shape: tuple[int, ...]) -> None:
        """Raises GanzooError where the game does not fit samples of this shape; a plain game fits any."""

    def setup(self, stage: str) -> None:
        """Lays out convolutions' weights channels last, which CPUs and tensor cores are faster with."""
        for parameter in self.parameters():
            if parameter.dim() == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)

    def configure_optimizers(self) -> list[dict[str, Any]]:  # type: ignore[override]  # Lightning's, told plainer
        """Gives each player an optimizer, in the players' order, unless it shares another's."""
        self.line_up = tuple(self.players())
        if sum(player.counted for player in self.line_up) != 1:
            raise ValueError(f"{type(self).__name__}: exactly one player must be counted")
        owners = [player for player in self.line_up if player.shares is None]
        seats = {player.name: seat for seat, player in enumerate(owners)}
        self.seats = {player.name: seats[player.shares or player.name] for player in self.line_up}
        configured: list[dict[str, Any]] = []
        for player in owners:
            optimizer = player.optim([p for module in player.modules for p in module.parameters()])
            configured.append({"optimizer": optimizer})
            if player.scheduler is not None:
                configured[-1]["lr_scheduler"] = player.scheduler(optimizer)
        return configured

    def on_fit_start(self) -> None:
        """Lets a loaded model train like any other: it comes in evaluation mode, and Lightning keeps what it finds."""
        self.train()

    def training_step(self, batch: tuple[Any, Any], batch_idx: int) -> None:
        """Plays one batch. Reseeded by batch, so that ranks differ and a resumed run draws what it would have drawn."""
        x, y = batch
        self.batches += 1
        self.images += len(x) * self.trainer.world_size
        torch.manual_seed(mix(run_seed(), self.global_rank, self.batches))
        for player in self.line_up:
            self.waited[player.name] = self.waited.get(player.name, 0) + 1
            if self.waited[player.name] >= value(player.every, self.progress):
                self.waited[player.name] = 0
                self.move(player, x, y)

    def move(self, player: Player, x: Any, y: Any) -> None:
        """Lets one player take one step while every other parameter is frozen."""
        optimizer = self.optimizers(use_pl_optimizer=True)
        optimizer = optimizer[self.seats[player.name]] if isinstance(optimizer, list) else optimizer
        with self.toggled_optimizer(optimizer):
            optimizer.zero_grad()
            for part_x, part_y in zip(chunks(x, self.accumulate), chunks(y, self.accumulate), strict=True):
                terms = player.loss(part_x, part_y)
                loss = torch.stack([term.float() for term in terms.values()]).sum()
                self.manual_backward(loss * (len(part_x) / len(x)))  # chunks of a batch may differ by one
                for name, term in terms.items():
                    self.note(f"{player.name}/{name}", term)
            if player.counted:
                optimizer.step()
            else:  # the same path through precision plugin and strategy, without advancing `global_step`
                self.trainer.strategy.optimizer_step(optimizer.optimizer, lambda: None)
        if player.after is not None:
            player.after()
        if player.counted:
            self._counted_update()

    def _counted_update(self) -> None:
        schedulers = self.lr_schedulers() or []
        for scheduler in schedulers if isinstance(schedulers, list) else [schedulers]:
            scheduler.step()  # type: ignore[call-arg]  # every scheduler but ReduceLROnPlateau steps without a metric
        for name, average in self.averages.items():
            average.update(getattr(self, name), self.global_step)  # type: ignore[operator]

    def average(self, name: str, decay: float | None) -> None:
        """Keeps an exponential moving average of the attribute `name`; `decay` None keeps none."""
        if decay is not None:
            self.averages[name] = Average(getattr(self, name), decay)

    def averaged(self, name: str) -> nn.Module:
        """Returns the averaged copy of the attribute `name`, or the live module where none is kept."""
        return self.averages[name].module if name in self.averages else getattr(self, name)  # type: ignore[return-value]

    def exported(self) -> dict[str, nn.Module]:
        """Returns what a published checkpoint holds: every submodule, averaged where an average is kept."""
        return {name: self.averaged(name) for name, _ in self.named_children() if name != "averages"}

    def note(self, name: str, tensor: Tensor) -> None:
        """Stashes a scalar to be shown; its mean since the last log is logged. Never waits for the device."""
        total, count = self.stash.get(name, (0.0, 0))
        self.stash[name] = (total + tensor.detach().float(), count + 1)

    def noted(self) -> dict[str, float]:
        """Returns the means of what was noted since `stash` was last cleared. This waits for the device."""
        return {name: float(total) / count for name, (total, count) in self.stash.items()}

    def validation_step(self, batch: tuple[Any, Any], batch_idx: int) -> None:
        """Does nothing: scores are computed by the Quality callback."""

    test_step = validation_step

    def on_validation_start(self) -> None:
        """Gives all processes the first one's BatchNorm statistics, so that they score the model that is kept."""
        if self.trainer.world_size > 1:
            for buffer in self.buffers():
                torch.distributed.broadcast(buffer, 0)

    on_test_start = on_train_end = on_validation_start

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Adds the loop's own counters.

        Raises:
            GanzooError: if a weight is NaN or infinite; nothing is written then.
        """
        for name, tensor in checkpoint["state_dict"].items():
            if not tensor.isfinite().all():  # a finite term may have had a gradient that was not
                raise GanzooError(
                    f"{name} is not finite at step {self.global_step}: training stopped, the last good checkpoint is "
                    "kept. Lower the learning rate, or train with --trainer.precision 32-true."
                )
        checkpoint["game"] = {
            "batches": self.batches,
            "images": self.images,
            "waited": dict(self.waited),
            "recipe": self.recipe,
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Takes the loop's own counters back."""
        game = checkpoint["game"]
        self.batches, self.images, self.waited = game["batches"], game["images"], dict(game["waited"])


class GAN(Game):
    """A generator against a discriminator.

    Args:
        generator: maps latent vectors (N, latent_dim) to samples; says its `latent_dim` and its samples' `shape`.
        discriminator: maps samples to logits (N,), without a sigmoid.
        g_lr: learning rate of the generator.
        d_lr: learning rate of the discriminator.
        betas: decay rates of the optimizer's moments, where it has them.
        optimizer: class of both optimizers.
        n_critic: discriminator updates per generator update.
        lr_factor: factor on both learning rates over the run.
        prior: distribution of the latent vector: standard normal, or uniform on [-1, 1].
        augment: DiffAugment policy in front of the discriminator, such as `color,translation,cutout`.
        ema: decay of the averaged generator that is evaluated and exported; None evaluates the live one.
        accumulate: splits a batch into so many chunks.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        g_lr: float = 2e-4,
        d_lr: float = 2e-4,
        betas: tuple[float, float] = (0.5, 0.999),
        optimizer: type[Optimizer] = Adam,
        n_critic: int | Schedule = 1,
        lr_factor: Schedule | None = None,
        prior: Prior = "normal",
        augment: str = "",
        ema: float | None = 0.999,
        accumulate: int = 1,
    ) -> None:
        super().__init__(accumulate)
        self.generator = generator
        self.discriminator = discriminator
        self.optim = {"g": build_optim(optimizer, g_lr, betas), "d": build_optim(optimizer, d_lr, betas)}
        self.n_critic = n_critic
        self.lr_factor = lr_factor
        self.prior = prior
        augmentations(augment)  # so that a misspelt name shows before any training
        self.augment = augment
        self.average("generator", ema)

    def setup(self, stage: str) -> None:
        """Prepares the networks, and checks that they fit the data."""
        super().setup(stage)
        data = getattr(getattr(self.trainer, "datamodule", None), "shape", None)
        if data is not None:
            self.check(data)

    def check(self, shape: tuple[int, ...]) -> None:
        """Checks that networks and augmentation fit samples of this shape.

        Raises:
            GanzooError: if a network makes or judges samples of another shape, or augments what are no images.
        """
        for name, network in (("generator", self.generator), ("discriminator", self.discriminator)):
            made_for = getattr(network, "shape", shape)
            if made_for != shape:
                raise GanzooError(
                    f"model.{name}: it is made for samples of shape {made_for}, but the data gives {shape}."
                )
        if self.augment and len(shape) != 3:
            raise GanzooError(f"model.augment: '{self.augment}' is for images, but the data has shape {shape}.")

    @abstractmethod
    def d_loss(self, x: Tensor, y: Tensor | None) -> Terms:
        """What the discriminator descends, term by term."""

    @abstractmethod
    def g_loss(self, x: Tensor, y: Tensor | None) -> Terms:
        """What the generator descends, term by term."""

    def players(self) -> Sequence[Player]:
        """The discriminator on every batch, then the generator on every `n_critic`-th."""
        scheduler = self._decay if self.lr_factor is not None else None
        return (
            Player("d", [self.discriminator], self.d_loss, self.optim["d"], scheduler=scheduler, after=self.after_d),
            Player("g", [self.generator], self.g_loss, self.optim["g"], self.n_critic, scheduler, counted=True),
        )

    def after_d(self) -> None:
        """Called after each step of the discriminator; WGAN clips here."""

    def _decay(self, optimizer: Optimizer) -> LRScheduler:
        return LambdaLR(optimizer, lambda _: value(self.lr_factor, self.progress))  # type: ignore[arg-type]

    def fake(self, n: int, y: Tensor | None = None) -> Tensor:
        """Draws n samples from the live generator, differentiable, in training mode."""
        return self.generator(self.latent(n))

    def judge(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Returns the discriminator's logits (N,) on augmented input."""
        return self.discriminator(diff_augment(x, self.augment))

    def note_accuracy(self, real: Tensor, fake: Tensor) -> None:
        """Notes the share of real and of generated samples that the logits put on the right side of 0."""
        self.note("d/acc_real", (real > 0).float().mean())
        self.note("d/acc_fake", (fake < 0).float().mean())

    def latent(self, n: int, seed: int | None = None) -> Tensor:
        """Draws n latent vectors (n, latent_dim) from the prior; see `draw_latent`."""
        return draw_latent(n, self.generator.latent_dim, self.prior, self.device, seed)  # type: ignore[arg-type]

    @torch.no_grad()
    def sample(self, n: int, y: Tensor | None = None, seed: int | None = None, truncation: float = 1.0) -> Tensor:
        """Draws samples from the averaged generator in evaluation mode.

        Args:
            n: how many.
            y: labels (n,) for a conditional generator.
            seed: fixes the draw; image i is the same whatever n is, up to rounding. None draws anew each time.
            truncation: factor on the latent vectors; below 1 it trades variety for typicality.

        Returns:
            Images (n, C, H, W) in [-1, 1], or points (n, 2), on the model's device.

        Raises:
            GanzooError: if n is negative, or labels are given to a model without any.
        """
        if n < 0:
            raise GanzooError(f"n: the number of samples must be at least 0, not {n}.")
        if y is not None:
            raise GanzooError(f"labels: {type(self).__name__} is unconditional; it has no classes to choose from.")
        generator = self.averaged("generator")
        training = generator.training
        generator.eval()
        samples = [generator(z) for z in (truncation * self.latent(n, seed)).split(SAMPLE_BATCH)]
        generator.train(training)
        return torch.cat(samples)

    def predict_step(self, batch: tuple[Tensor, Any], batch_idx: int) -> Tensor:
        """Draws as many samples as the batch holds; the b-th batch has its own seed."""
        return self.sample(len(batch[0]), seed=mix(run_seed(), self.global_rank, batch_idx))
