"""Training, measurement and publication of the classifiers that are shipped."""

import json
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ganzoo.common.hardware import precision
from ganzoo.metrics.distances import inception_score
from ganzoo.networks.classifiers import Classifier, load_classifier, normalised, predict, save_classifier

Labelled = tuple[Tensor, Tensor]
AnyClassifier = TypeVar("AnyClassifier", bound=Classifier)


def train_classifier(
    model: AnyClassifier,
    images: Tensor,
    labels: Tensor,
    distort: Callable[[Tensor], Tensor],
    epochs: int,
    batch_size: int = 128,
    lr: float = 2e-3,
    weight_decay: float = 0.02,
    smoothing: float = 0.0,
) -> AnyClassifier:
    """Trains a classifier in one cycle of the learning rate; returns the moving average of its weights.

    Args:
        model: A new classifier.
        images: (N, C, H, W), uint8.
        labels: (N,) class indices.
        distort: Changes a batch in [-1, 1] at random, as the classes allow.
        epochs: Passes over the images.
        batch_size: Images in a step.
        lr: The highest learning rate.
        weight_decay: AdamW's.
        smoothing: Share of the target that all classes share.
    """
    batches = len(images) // batch_size
    mixed = precision("cpu") == "bf16-mixed"  # elsewhere bfloat16 is many times slower than float32
    model = model.to(memory_format=torch.channels_last)
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.998), use_buffers=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=epochs * batches, pct_start=0.15)
    for epoch in range(epochs):
        total = 0.0
        for index in torch.randperm(len(images)).split(batch_size)[:batches]:
            x = distort(normalised(images[index])).contiguous(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
                logits = model(x)[1]
            loss = F.cross_entropy(logits.float(), labels[index], label_smoothing=smoothing)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            average.update_parameters(model)
            total += loss.item()
        print(f"epoch {epoch + 1}/{epochs}: loss {total / batches:.4f}", flush=True)
    return average.module.eval()  # type: ignore[return-value]  # a copy of the model


def measure_classifier(path: Path, images: Tensor, labels: Tensor) -> dict[str, float]:
    """Returns test accuracy and other figures of the classifier saved at `path`."""
    network = load_classifier(path)
    logits = predict(network, images)
    torch.manual_seed(0)
    results = {
        "test_accuracy": (logits.argmax(1) == labels).double().mean(),
        "test_cross_entropy": F.cross_entropy(logits, labels),
        "test_inception_score": inception_score(logits)[0],
        "parameters": torch.tensor(sum(p.numel() for p in network.parameters())),
    }
    return {key: round(value.item(), 4) for key, value in results.items()}


def publish(
    model: Classifier, out: Path, test: Labelled, settings: dict[str, Any], more: dict[str, Labelled] | None = None
) -> None:
    """Saves a classifier, measures it as loaded again, and writes the figures beside it.

    Args:
        model: What was trained.
        out: The .safetensors file; the .json beside it holds what is known of it.
        test: Images and labels that it has not seen.
        settings: How it was trained.
        more: Further test sets, of which the accuracy alone is kept, by its name.
    """
    about = dict(settings)
    about["torch"] = torch.__version__
    about["hardware"] = f"{platform.machine()} CPU, {torch.get_num_threads()} thread(s), {precision('cpu')}"
    save_classifier(model, out, {})
    about |= measure_classifier(out, *test)
    about |= {name: measure_classifier(out, *other)["test_accuracy"] for name, other in (more or {}).items()}
    save_classifier(model, out, {key: str(value) for key, value in about.items()})
    out.with_suffix(".json").write_text(json.dumps(about, indent=2) + "\n")
    print(f"test accuracy {about['test_accuracy']:.2%} -> {out}")
