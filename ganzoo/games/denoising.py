"""Chains of denoising steps: few and large, from data to noise and back, with the Gaussian of each step back.

Source: Xiao et al. 2021, "Tackling the Generative Learning Trilemma with Denoising Diffusion GANs", arXiv 2112.07804,
section 3 and appendix A; the diffusion that keeps variances is that of Song et al. 2021, arXiv 2011.13456, appendix C.
"""

import torch
from torch import Tensor, nn

from ganzoo.common.errors import GanzooError

START = 1e-3  # time of the data, in which the noise ends at 1


class DenoisingChain(nn.Module):
    """Steps 0 to T of a diffusion that begins with data, x_0, and ends with noise, x_T.

    x_{t+1} is sqrt(1 - beta) x_t with noise of variance beta; given the data, too, x_t is Gaussian around a mean of
    x_0 and x_{t+1}, and that is how a step is undone.

    Args:
        steps: T.
        beta_min: rate of the noise at the data's end.
        beta_max: rate of the noise at the other end.

    Raises:
        GanzooError: if there is no step.
    """

    scales: Tensor  # (3, T + 1): of x_0 in x_t, of its noise, and of x_{t-1} in x_t
    noises: Tensor  # (T + 1,): of the noise of the step to x_t
    means: Tensor  # (2, T): of x_0 and of x_{t+1} in the mean of x_t
    spreads: Tensor  # (T,): standard deviations of x_t, given both

    def __init__(self, steps: int = 4, beta_min: float = 0.1, beta_max: float = 20.0) -> None:
        super().__init__()
        if steps < 1:
            raise GanzooError(f"model.steps: must be at least 1, not {steps}.")
        self.steps = steps
        time = torch.arange(steps + 1, dtype=torch.double) / steps * (1 - START) + START
        left = (-0.5 * time**2 * (beta_max - beta_min) - time * beta_min).exp()
        betas = (1 - left[1:] / left[:-1]).float().double()  # rounded as the code has them
        kept = torch.cat([torch.ones(1, dtype=torch.double), (1 - betas).cumprod(0)])  # at the data nothing is lost
        before, after = kept[:-1], kept[1:]
        one, none = torch.ones(1), torch.zeros(1)
        means = torch.stack([betas * before.sqrt(), (1 - before) * (1 - betas).sqrt()]) / (1 - after)
        self._keep("scales", torch.stack([kept.sqrt(), (1 - kept).sqrt(), torch.cat([one, (1 - betas).sqrt()])]))
        self._keep("noises", torch.cat([none, betas.sqrt()]))
        self._keep("means", means)
        self._keep("spreads", (betas * (1 - before) / (1 - after)).sqrt())

    def _keep(self, name: str, numbers: Tensor) -> None:
        self.register_buffer(name, numbers.float(), persistent=False)

    def noised(self, x: Tensor, t: Tensor, noise: Tensor | None = None) -> Tensor:
        """Returns x_t of data x (N, ...) at steps t (N,) from 0 to T; the noise is drawn unless it is given."""
        noise = torch.randn_like(x) if noise is None else noise
        return at(self.scales[0], t, x) * x + at(self.scales[1], t, x) * noise

    def onward(self, x: Tensor, t: Tensor, noise: Tensor | None = None) -> Tensor:
        """Returns x_{t+1} of x_t (N, ...) at steps t (N,) from 0 to T - 1; the noise is drawn unless it is given."""
        noise = torch.randn_like(x) if noise is None else noise
        return at(self.scales[2], t + 1, x) * x + at(self.noises, t + 1, x) * noise

    def back(self, clean: Tensor, x: Tensor, t: Tensor, noise: Tensor | None = None) -> Tensor:
        """Draws x_t given x_0 and x_{t+1}; at t = 0 that is x_0.

        Args:
            clean: x_0 (N, ...).
            x: x_{t+1}, of the same shape.
            t: steps (N,) from 0 to T - 1.
            noise: standard normal; None draws it.
        """
        noise = torch.randn_like(x) if noise is None else noise
        return at(self.means[0], t, x) * clean + at(self.means[1], t, x) * x + at(self.spreads, t, x) * noise


def at(numbers: Tensor, t: Tensor, x: Tensor) -> Tensor:
    """Returns the numbers of steps t (N,), to be multiplied with x (N, ...)."""
    return numbers[t].view(-1, *[1] * (x.dim() - 1))
