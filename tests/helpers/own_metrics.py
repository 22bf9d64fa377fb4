"""Metrics of somebody else's: two that work, and others that must be refused."""

import torch
from torchmetrics import Metric


class Brightness(Metric):
    """The mean of all pixels, of samples alone."""

    higher_is_better = True
    total: torch.Tensor
    count: torch.Tensor

    def __init__(self, times: float = 1.0):
        super().__init__()
        self.times = times
        self.add_state("total", torch.zeros(()), "sum")
        self.add_state("count", torch.zeros(()), "sum")

    def update(self, samples):
        self.total += samples.sum()
        self.count += samples.numel()

    def compute(self):
        return self.times * self.total / self.count


class MeanGap(Metric):
    """How far the mean of samples is from that of real data; keeps them all, and jitters both."""

    name = "gap"
    higher_is_better = False

    def __init__(self):
        super().__init__()
        self.add_state("real", [], "cat")
        self.add_state("fake", [], "cat")

    def update(self, samples, real):
        jittered = samples + 1e-3 * torch.rand(())
        (self.real if real else self.fake).append(jittered.flatten(1).mean(1))

    def compute(self):
        return (torch.cat(self.real).mean() - torch.cat(self.fake).mean()).abs()


class Undecided(Brightness):
    higher_is_better = None


class Fid(Brightness):
    pass


class Loud(Brightness):
    name = "LOUD"


class Deviation(Brightness):
    name = "brightness_std"


class Pairwise(Brightness):
    def update(self, preds, target):
        pass


class Many(Brightness):
    def compute(self):
        return torch.zeros(3)


class NoMetric:
    pass
