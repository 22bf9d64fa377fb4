"""Facts to write a model card of, and a reader of a card's metadata."""

from typing import Any

import yaml

from ganzoo.checkpoints.card import Facts

SCORES = {"fid[mnist,10k/test]": 6.28, "is[mnist,10k]": 9.3456, "kid[mnist,10k/test]": 0.00123}


def facts(**others: Any) -> Facts:
    """What a card says of a WGAN-GP on MNIST, but for what is changed."""
    return Facts(
        **{
            "name": "wgan-gp-mnist",
            "recipe": "wgan_gp_mnist",
            "class_path": "ganzoo.models.wgan_gp.WGANGP",
            "data": "MNIST",
            "licence": "CC BY-SA 3.0",
            "source": "Yann LeCun and others",
            "shape": (1, 32, 32),
            "steps": 8000,
            "images": 2_560_000,
            "seconds": 5400.4,
            "training_seed": 3,
            "precision": "bf16-mixed",
            "weights": "best",
            "hardware": "an abacus, 2 cores",
            "versions": {"ganzoo": "0.1.0", "torch": "2.11"},
            "parameters": {"generator": 1_234_567, "discriminator": 7654},
            "scores": SCORES,
        }
        | others
    )


def front_matter(card: str) -> tuple[dict[str, Any], str]:
    """Splits a card into its metadata and its text."""
    opening, metadata, body = card.split("---\n", 2)
    assert opening == ""
    return yaml.safe_load(metadata), body
