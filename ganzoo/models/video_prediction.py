"""Multi-scale video prediction: the next frame of a clip, kept sharp by a gradient difference loss and discriminators.

Paper: Mathieu, Couprie and LeCun, Deep Multi-Scale Video Prediction beyond Mean Square Error, 2015.
URL: https://arxiv.org/abs/1511.05440 (equations 2 to 7; algorithm 1; section 3)
Code: https://github.com/coupriec/VideoPredictionICLR2016
Deviations: the paper writes its losses as sums over pixels. We take means, as the authors' training script does, which
    the learning rates fit; it has no gradient difference loss. The losses of pixels are added up over all scales, as
    there. Both players see the same clips of a batch; algorithm 1 draws others for the predictor. The script also shows
    its discriminators frames that follow other clips, as fakes; the paper does not mention it, and we leave it out.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, Optimizer

from ganzoo.common.errors import GanzooError
from ganzoo.common.kinds import Kind
from ganzoo.games.move import AdversarialMove
from ganzoo.games.objective import Objective
from ganzoo.games.players import Terms
from ganzoo.games.translator import Translator
from ganzoo.losses.frames import gradient_difference, lp_loss
from ganzoo.losses.objectives import logistic_d, nonsaturating_g, of_fakes
from ganzoo.networks.video_prediction import mean_pyramid

# equations 2 and 4: binary cross-entropies, added up over the scales, of logits (N, scales)
OVER_SCALES = Objective(
    lambda real, fake: real.shape[1] * logistic_d(real, fake),
    of_fakes(lambda fake: fake.shape[1] * nonsaturating_g(fake)),
)


class VideoPrediction(Translator):
    """A discriminator to each scale judges (earlier frames, next frame); G fools all, and stays near the truth.

    Sources are earlier frames, stacked on their channels. With `gdl_weight: 0` and `adv_weight: 0` it is trained by the
    pixels' distance alone.

    Args:
        generator: earlier frames to the next one, at several scales: see `MultiScalePredictor`.
        discriminator: a frame at all scales and those before it to a logit for each.
        p: exponent of the pixels' distance, 1 or 2.
        lp_weight: its weight.
        gdl_weight: weight of the gradient difference loss.
        alpha: its exponent.
        adv_weight: weight of the adversarial term; 0 leaves the discriminator out.
        g_lr: learning rate of the generator.
        d_lr: learning rate of the discriminator.
        optimizer: class of both optimizers.
        **kwargs: see `Translator`.

    Raises:
        GanzooError: if there is an adversarial term, but no discriminator, or one of other scales.
    """

    objective = OVER_SCALES

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module | None = None,
        p: float = 2.0,
        lp_weight: float = 1.0,
        gdl_weight: float = 1.0,
        alpha: float = 1.0,
        adv_weight: float = 0.05,
        g_lr: float = 0.04,
        d_lr: float = 0.02,
        optimizer: type[Optimizer] = SGD,
        **kwargs: Any,
    ) -> None:
        if adv_weight and discriminator is None:
            raise GanzooError(f"model.discriminator: adv_weight is {adv_weight}, which needs one; 0 does without.")
        made, judged = (getattr(network, "scales", None) for network in (generator, discriminator))
        if None not in (made, judged) and made != judged:
            raise GanzooError(f"model.discriminator: it judges {judged} scales, but the generator predicts {made}.")
        super().__init__(
            generator, discriminator if adv_weight else None, g_lr=g_lr, d_lr=d_lr, optimizer=optimizer, **kwargs
        )
        self.p, self.lp_weight, self.gdl_weight, self.alpha = p, lp_weight, gdl_weight, alpha
        self.adv_weight = adv_weight

    def fits(self, datamodule: Any) -> None:
        """Raises GanzooError where the networks do not fit the data, the discriminator its training patches."""
        super().fits(datamodule)
        patch, judged = getattr(datamodule, "patch", None), getattr(self.discriminator, "patch", None)
        sides = (patch, patch) if patch else tuple(datamodule.shape[1:])
        if judged is not None and sides != (judged, judged):
            side = f"{sides[1]}x{sides[0]}"
            raise GanzooError(f"model.discriminator.patch: {judged} given, but training frames have {side} pixels.")

    def check_opponents(self, kind: Kind | None) -> None:
        """Raises GanzooError where augmentation would change a frame, but not those before it, or stabilisers fail."""
        super().check_opponents(kind)
        changing = [type(stabiliser).__name__ for stabiliser in self.stabilisers if stabiliser.augments]
        if names := [*([self.augment] if self.augment else []), *changing]:
            raise GanzooError(f"model: {', '.join(names)} would change a frame, but not those that it is judged with.")

    def real_pair(self, x: Tensor, y: Tensor) -> tuple[Tensor, Any]:
        """Returns the true frames, and what they are judged beside: those before, and themselves at coarser scales."""
        *coarser, finest = mean_pyramid(y, self.generator.scales)  # type: ignore[arg-type]
        return finest, (x, *coarser)

    def fake_pair(self, x: Tensor, y: Tensor) -> tuple[Tensor, Any]:
        """Returns predicted frames, and what they are judged beside: those before, and the coarser predictions."""
        *coarser, finest = self.generator.predictions(x)  # type: ignore[operator]
        return finest, (x, *coarser)

    def discriminator_inputs(self, x: Tensor, y: Any, by: str) -> tuple[Any, ...]:
        """Returns frames, those before them, and the frames at coarser scales."""
        return x, *y

    def g_loss(self, x: Tensor, y: Tensor, move: AdversarialMove) -> Terms:
        """Returns equation 7: distances of pixels and of their gradients at all scales, and the adversarial term."""
        finest, beside = self.fake_pair(x, y)
        frames = [*beside[1:], finest]
        pairs = [*zip(frames, mean_pyramid(y, len(frames)), strict=True)]
        terms: dict[str, Tensor] = {}
        if self.lp_weight:
            terms["lp"] = self.lp_weight * torch.stack([lp_loss(*pair, self.p) for pair in pairs]).sum()
        if self.gdl_weight:
            terms["gdl"] = self.gdl_weight * torch.stack([gradient_difference(*p, self.alpha) for p in pairs]).sum()
        if self.adv_weight:
            terms["adv"] = self.adv_weight * self.objective.g(None, move.judge(finest, beside, real=False))
        return terms

    @property
    def frames(self) -> int:
        """Number of earlier frames that a prediction is made of."""
        return self.generator.frames  # type: ignore[return-value]

    def predict_frames(self, clips: Tensor, count: int = 1) -> Tensor:
        """Predicts what follows the last frames of clips, frame by frame: each prediction is shown to the next.

        Args:
            clips: (N, C, T, H, W) in [-1, 1], of at least `frames` frames.
            count: how many frames.

        Returns:
            (N, C, count, H, W) in [-1, 1], on the model's device.

        Raises:
            GanzooError: if the clips are too short, or the generator does not take their frames.
        """
        if clips.dim() != 5 or clips.shape[2] < self.frames:
            wanted = f"clips (N, C, T, H, W) of at least {self.frames} frames are wanted"
            raise GanzooError(f"clips: {wanted}, not a tensor of shape {tuple(clips.shape)}.")
        frames = [*clips[:, :, -self.frames :].to(self.device).unbind(2)]
        for _ in range(count):
            frames.append(self.translate(torch.cat(frames[-self.frames :], 1)))
        return torch.stack(frames[self.frames :], 2)
