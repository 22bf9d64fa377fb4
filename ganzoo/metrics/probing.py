"""Linear probe: a linear classifier on a discriminator's features, beside one on raw pixels or voxels.

Radford et al. 2016, arXiv 1511.06434, section 5.1: the activations of all convolutional layers, max-pooled to 4x4,
flattened and concatenated, feed a regularised linear L2-SVM. Wu et al. 2016, arXiv 1610.07584, section 4.2, do so for
solids with all layers but the first, max-pooled to 2x2x2.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_max_pool2d, adaptive_max_pool3d

from ganzoo.common.errors import GanzooError
from ganzoo.common.hardware import versions
from ganzoo.data.base import DataModule, Split
from ganzoo.games.sampler import Sampler

C = 1.0  # of the SVM, whose inputs have mean squared length 1
CONVOLUTIONS = (nn.Conv2d, nn.Conv3d)
WEIGHTED = (*CONVOLUTIONS, nn.ConvTranspose2d, nn.ConvTranspose3d, nn.Linear)


class Protocol(NamedTuple):
    """How a discriminator of some kind of sample is read.

    Attributes:
        items: name of several samples.
        raw: what a sample's own numbers are.
        side: to which maps are max-pooled.
        pool: what does so.
        skipped: number of first layers that are left out.
    """

    items: str
    raw: str
    side: int
    pool: Callable[[Tensor, list[int]], Tensor]
    skipped: int = 0


# by the number of a sample's axes
PROTOCOLS = {
    3: Protocol("images", "pixels", 4, adaptive_max_pool2d),
    4: Protocol("solids", "voxels", 2, adaptive_max_pool3d, skipped=1),
}


@dataclass(frozen=True)
class Probe:
    """Result of a linear probe: test accuracies in [0, 1], and what they depend on."""

    features_accuracy: float
    pixels_accuracy: float
    layers: int  # of the discriminator
    features: int  # numbers per image
    pixels: int  # or voxels
    train: int  # images
    test: int
    data: str
    seed: int
    C: float
    versions: dict[str, str]


def linear_probe(
    model: Sampler,
    datamodule: DataModule,
    train_size: int = 10_000,
    seed: int = 0,
    tell: Callable[[str], None] = lambda line: None,
) -> Probe:
    """Returns the test accuracy of a linear SVM on a discriminator's features, and of one on raw pixels or voxels.

    Both see the same training images, chosen at random. Features are standardised by the training images' mean and
    standard deviation.

    Args:
        model: has a discriminator that takes the data's images.
        datamodule: labelled images with a test split.
        train_size: training images; all of them where there are fewer.
        seed: chooses them.
        tell: called with a line on each result as soon as it is there.

    Raises:
        GanzooError: if the discriminator takes no such images, or the data have no labels or no test split.
    """
    if train_size < 1:
        raise GanzooError(f"--train-size: at least 1 image is needed, not {train_size}.")
    takes = discriminated(model)
    if takes != datamodule.shape:
        raise GanzooError(f"--data: {datamodule.title} has shape {datamodule.shape}, the discriminator takes {takes}.")
    train, train_labels = _examples(datamodule, "train", train_size, seed)
    test, test_labels = _examples(datamodule, "test")
    if len(train_labels.unique()) < 2:
        raise GanzooError("--train-size: the training images are all of one class; take more.")
    pixels = _accuracy(train.flatten(1), train_labels, test.flatten(1), test_labels, seed)
    raw, items = (protocol := PROTOCOLS[len(takes)]).raw, protocol.items
    tell(f"raw {raw}     {pixels:7.2%} of {len(test):,} test {items}, by {train[0].numel():,} numbers each")
    (train_features, widths), (test_features, _) = (
        discriminator_features(model, train),
        discriminator_features(model, test),
    )
    accuracy = _accuracy(train_features, train_labels, test_features, test_labels, seed)
    tell(f"discriminator  {accuracy:7.2%}, by {sum(widths):,} numbers from {len(widths)} layers")
    return Probe(
        features_accuracy=accuracy,
        pixels_accuracy=pixels,
        layers=len(widths),
        features=sum(widths),
        pixels=train[0].numel(),
        train=len(train),
        test=len(test),
        data=datamodule.title,
        seed=seed,
        C=C,
        versions=versions() | {"scikit-learn": version("scikit-learn")},
    )


def discriminated(model: Sampler) -> tuple[int, ...]:
    """Returns the shape of the images or solids that a model's discriminator takes.

    Raises:
        GanzooError: if it has none, or one of something else.
    """
    network, name = getattr(model, "discriminator", None), type(model).__name__
    if not isinstance(network, nn.Module):
        raise GanzooError(f"{name} has no discriminator to probe.")
    shape = tuple(getattr(network, "shape", ()))
    if len(shape) not in PROTOCOLS:
        raise GanzooError(f"{name}'s discriminator takes samples of shape {shape}, no images or solids.")
    return shape


def discriminator_features(model: Sampler, x: Tensor) -> tuple[Tensor, list[int]]:
    """Returns the features (N, F) of images in a model's discriminator, in evaluation mode.

    These are the activations of all convolutions, max-pooled to 4x4; of a network without any, of all linear layers.
    Of solids they are those of all convolutions but the first, max-pooled to 2x2x2. The one that gives the logit is
    left out. A conditional discriminator is given the same label with every image.

    Args:
        model: has a discriminator that takes such images.
        x: any number of images (N, C, H, W) or solids (N, C, D, H, W) in [-1, 1].

    Returns:
        Features (N, F) on the CPU, and how many of the F each layer gives.
    """
    widths: list[int] = []

    def see(network: nn.Module, part: Tensor) -> Tensor:
        labels = [part.new_zeros(len(part), dtype=torch.long)] if getattr(network, "n_classes", 0) else []
        protocol = PROTOCOLS[part.dim() - 1]
        layers = activations(network, part, *labels)
        skipped = protocol.skipped if layers[0].dim() > 2 and len(layers) > protocol.skipped else 0
        pooled = [_pooled(maps, protocol) for maps in layers[skipped:]]
        widths[:] = [layer.shape[1] for layer in pooled]
        return torch.cat(pooled, 1)

    return model.evaluated("discriminator", see, x).float().cpu(), widths


def activations(network: nn.Module, *inputs: Tensor) -> list[Tensor]:
    """Applies a network and returns its layers' outputs, after normalisation and activation if these are modules.

    Of a network with convolutions these are the layers that count, of any other the linear ones.

    Returns:
        Maps (N, C, ...) or features (N, F) of each layer in turn, but not the logit's.
    """
    layers = [layer for layer in network.modules() if isinstance(layer, WEIGHTED)]
    counted = CONVOLUTIONS if any(isinstance(layer, CONVOLUTIONS) for layer in layers) else (nn.Linear,)
    outputs: list[Tensor] = []
    following = False  # whether the last layer with weights counts

    def look(layer: nn.Module, _: Any, output: Any) -> None:
        nonlocal following
        if isinstance(layer, WEIGHTED):
            following = isinstance(layer, counted)
            if following:
                outputs.append(output)
        elif following and isinstance(output, Tensor) and output.shape == outputs[-1].shape:
            outputs[-1] = output

    watched = [layer for layer in network.modules() if isinstance(layer, WEIGHTED) or not [*layer.children()]]
    handles = [layer.register_forward_hook(look) for layer in watched]
    network(*inputs)
    for handle in handles:
        handle.remove()
    return outputs[:-1] if outputs and outputs[-1].shape[1] == 1 else outputs


def _pooled(maps: Tensor, protocol: Protocol) -> Tensor:
    """Max-pools maps that are larger than the protocol's side to that, and flattens them."""
    sides = [min(protocol.side, side) for side in maps.shape[2:]]
    return (protocol.pool(maps, sides) if sides else maps).flatten(1)


def _examples(datamodule: DataModule, split: Split, size: int | None = None, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Returns a split's images in [-1, 1] and their labels, all or so many at random."""
    items, labels = datamodule.split(split)
    if labels is None:
        raise GanzooError(f"--data: {datamodule.title} has no labels; in a folder, sub-folders are the classes.")
    index = torch.arange(len(items))
    if size is not None:
        index = torch.randperm(len(items), generator=torch.Generator().manual_seed(seed))[:size]
    x = items[index] if isinstance(items, Tensor) else torch.stack([items[i] for i in index.tolist()])
    return x.float().div_(127.5).sub_(1), labels[index]


def _accuracy(train: Tensor, labels: Tensor, test: Tensor, test_labels: Tensor, seed: int) -> float:
    """Returns the test accuracy of an SVM on features (N, F), standardised and scaled to a mean squared length of 1."""
    from sklearn.svm import LinearSVC

    mean, std = train.mean(0), train.std(0, correction=0)
    scale = torch.where(std > 1e-6, 1 / std, 0) / train.shape[1] ** 0.5  # a constant feature carries no information
    svm = LinearSVC(C=C, dual=True, max_iter=10_000, random_state=seed)
    svm.fit(((train - mean) * scale).numpy(), labels.numpy())
    return float(svm.score(((test - mean) * scale).numpy(), test_labels.numpy()))
