"""Standing statistics: BatchNorm's means and variances computed anew from what a generator draws.

Paper: Brock, Donahue and Simonyan 2019, "Large Scale GAN Training for High Fidelity Natural Image Synthesis", arXiv
1809.11096, appendix D: running averages lag behind the weights, and an averaged generator has others than a live one.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ganzoo.common.conditions import Classes, Values
from ganzoo.common.errors import GanzooError
from ganzoo.common.eval_mode import evaluating
from ganzoo.common.seeding import mix
from ganzoo.games.sampler import Sampler

BATCH = 64  # samples of a batch


@torch.no_grad()
def keep_standing_statistics(model: Any, batches: int, batch_size: int = BATCH, seed: int = 0) -> None:
    """Sets the statistics of a generator's BatchNorm to means over batches of samples that it draws with their own.

    Latent vectors are random, and so are classes; other conditions take turns. Variances are those with n - 1 that
    training averages, too. The network that samples come from is changed: the averaged one, where one is kept.

    Args:
        model: draws samples.
        batches: how many batches, 16 in the paper's code.
        batch_size: samples in each.
        seed: of the latent vectors and classes.

    Raises:
        GanzooError: if the model draws no samples, or its network has no such layer, or `batches` is below 1.
    """
    if batches < 1:
        raise GanzooError(f"--standing-statistics: {batches} given, but it must be at least 1.")
    network = model.averaged(model.drawn_by) if isinstance(model, Sampler) else nn.Identity()
    layers = [layer for layer in network.modules() if isinstance(layer, _BatchNorm) and layer.track_running_stats]
    if not layers:
        raise GanzooError(f"--standing-statistics: what {type(model).__name__} draws with has no BatchNorm.")
    momenta = [layer.momentum for layer in layers]
    with evaluating(network):
        for layer in layers:
            layer.reset_running_stats()
            layer.train()
            layer.momentum = None  # sums over counters
        devices = [model.device] if model.device.type == "cuda" else []
        with torch.random.fork_rng(devices):  # of noise in layers
            torch.manual_seed(seed)
            for number in range(batches):
                y = random_conditions(model, batch_size, mix(seed, number))
                model.space.generate(network, model.space.draw(batch_size, mix(seed, number), 1.0, y), y)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum


def random_conditions(model: Sampler, n: int, seed: int) -> Values:
    """Returns the conditions of n samples: random classes, or others in turn; None without any."""
    if not isinstance(model.condition, Classes):
        return model.conditions(n)
    generator = torch.Generator().manual_seed(seed)
    labels: Tensor = torch.randint(model.n_classes, (n,), generator=generator)
    return model.conditions(n, labels)
