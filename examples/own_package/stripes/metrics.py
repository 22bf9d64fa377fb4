"""A metric of one's own: are samples as sharp as real pictures?"""

import torch
from torch import Tensor
from torch.nn.functional import conv2d
from torchmetrics import Metric


class SharpnessGap(Metric):
    """How far the sharpness of samples is from that of real pictures, as a share of the latter; 0 is best.

    Sharpness is the mean absolute answer of a Laplacian filter.
    """

    higher_is_better = False
    full_state_update = False
    total: Tensor
    count: Tensor

    def __init__(self) -> None:
        super().__init__()
        # of samples and of real pictures; over several processes both are summed
        self.add_state("total", torch.zeros(2, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros(2, dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, samples: Tensor, real: bool) -> None:
        """Adds images (N, C, H, W) in [-1, 1]: generated ones, or those of the reference."""
        kernel = samples.new_tensor([[0, 1, 0], [1, -4, 1], [0, 1, 0]])[None, None]
        edges = conv2d(samples.flatten(0, 1)[:, None], kernel).abs()
        self.total[int(real)] += edges.sum()
        self.count[int(real)] += edges.numel()

    def compute(self) -> Tensor:
        """Returns one number."""
        fake, real = self.total / self.count
        return (fake - real).abs() / real
