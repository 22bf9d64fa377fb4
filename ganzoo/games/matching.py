"""Training of a text encoder on which caption is of which image, before a game begins."""

from itertools import chain, repeat
from typing import Any

import torch
from torch import Tensor
from torch.optim import Adam
from torch.optim.lr_scheduler import CosineAnnealingLR

from ganzoo.common.distributed import of_first_process
from ganzoo.common.seeding import mix, run_seed

STREAM = 0x7E87  # of random numbers that no batch of the game draws from


def learn_matching(encoder: Any, loader: Any, steps: int, lr: float = 1e-3) -> float:
    """Trains an encoder by its `matching_loss`, and freezes it in evaluation mode.

    Args:
        encoder: text encoder with `learnt`, the parameters, `matching_loss` and `filled`.
        loader: batches (images, (captions, groups)), over and over again.
        steps: how many of them.
        lr: Adam's learning rate, which falls to 0 along a cosine.

    Returns:
        The mean loss of the last hundred batches; 0 without any.
    """
    encoder.requires_grad_(True).train()
    parameters = [*encoder.learnt()]
    device = encoder.filled.device
    losses: list[Tensor] = []
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []), torch.enable_grad():
        torch.manual_seed(mix(run_seed(), STREAM))
        optimizer = Adam(parameters, lr=lr)
        schedule = CosineAnnealingLR(optimizer, max(steps, 1))
        for _, (x, (captions, groups)) in zip(range(steps), chain.from_iterable(repeat(loader)), strict=False):
            loss = encoder.matching_loss(x.to(device), captions.to(device), groups.to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.detach())
    for tensor in encoder.state_dict().values():
        tensor.copy_(of_first_process(tensor))
    encoder.filled.fill_(1)
    encoder.requires_grad_(False).eval()
    return float(torch.stack(losses[-100:]).mean()) if losses else 0.0
