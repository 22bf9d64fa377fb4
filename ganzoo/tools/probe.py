"""The `ganzoo probe` command: linear classification of images or solids by a discriminator's features."""

import json as json_text
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo.common import threads as cpu
from ganzoo.tools.arguments import load_sampler

if TYPE_CHECKING:
    from ganzoo.metrics.probing import Probe


def probe(
    name: str,
    *,
    data: str,
    root: str | None = None,
    train_size: int = 10_000,
    seed: int = 0,
    json: Path | None = None,
    revision: str | None = None,
    device: str = "cpu",
    threads: int | None = None,
) -> "Probe":
    """Classify images or solids by what a discriminator sees in them, and by their raw pixels or voxels.

    Args:
        name: a bundled checkpoint, a checkpoint folder, a run, a .ckpt, or a Hub repository.
        data: mnist, fashion_mnist, cifar10, digits, or a folder or zip of pictures by class; of voxels shapes, solids,
            a folder of meshes or arrays by class, or a .npz file of an array for each class.
        root: folder of a named data set ($GANZOO_DATA, else ./data).
        train_size: training images or solids at most.
        seed: chooses them.
        json: also write the result to this file.
        revision: branch, tag or commit of a Hub repository.
        device: cpu, cuda, mps.
        threads: CPU threads; one, or all where that is faster, by default.

    Returns:
        The accuracies, of which each is printed as soon as it is there.

    Raises:
        GanzooError: if an argument does not fit, or there is nothing to probe.
    """
    import torch

    from ganzoo.common.files import atomic_write
    from ganzoo.data.named import find_data
    from ganzoo.metrics.probing import discriminated, discriminator_features, linear_probe

    model = load_sampler(name, revision, device, threads)
    images = find_data(data, shape := discriminated(model), root)
    if model.device.type == "cpu":
        count = train_size + len(images.split("test")[0])
        cpu.adapt_threads(lambda n: discriminator_features(model, torch.zeros(n, *shape)), count, threads)
    result = linear_probe(model, images, train_size, seed, lambda line: print(line, flush=True))
    if json is not None:
        with atomic_write(json) as file:
            file.write_text(json_text.dumps({"model": name, **asdict(result)}, indent=1) + "\n")
    return result


def shown(result: "Probe") -> None:
    """Says nothing more: the accuracies have been printed."""
