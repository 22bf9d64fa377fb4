"""The model card: what a checkpoint is, what it was made from, how good it is, and what it is not for."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

import yaml

from ganzoo.registry import variant
from ganzoo.runs import duration

TASK = "unconditional-image-generation"
LICENCES = {
    "CC BY-SA 3.0": "cc-by-sa-3.0",
    "CC BY 4.0": "cc-by-4.0",
    "CC0-1.0": "cc0-1.0",
    "MIT": "mit",
    "public domain": "cc0-1.0",
}
# Where the Hub has the data; it takes no other names for data sets.
DATASETS = {
    "MNIST": "ylecun/mnist",
    "Fashion-MNIST": "zalando-datasets/fashion_mnist",
    "CIFAR-10": "uoft-cs/cifar10",
}


@dataclass
class Facts:
    """What the tool knows about a checkpoint when it writes it."""

    name: str
    recipe: str
    class_path: str
    data: str
    licence: str  # of the data
    source: str
    shape: tuple[int, ...]
    steps: int
    images: int
    seconds: float
    training_seed: int
    precision: str
    weights: str  # best or last
    hardware: str
    versions: dict[str, str]
    parameters: dict[str, int]
    scores: dict[str, float] = field(default_factory=dict)
    seed: int = 0
    shares: list[float] = field(default_factory=list)
    distances: list[float] = field(default_factory=list)
    remarks: Sequence[str] = ()  # on the training, the variant's own
    redrawn: float | None = None  # root-mean-square error of reconstructions, of a model that makes them


def write_card(facts: Facts) -> str:
    """Returns the model card in Markdown, with the metadata block that the Hub reads."""
    about = variant(facts.class_path)
    return (
        "\n\n".join(
            part
            for part in (
                f"---\n{yaml.safe_dump(_metadata(facts), sort_keys=False)}---",
                f"# {facts.name}",
                f"{about.title} {about.paper}{f' ({about.url})' if about.url else ''}",
                "![samples](samples.png)",
                f'```python\nimport ganzoo\n\nimages = ganzoo.load("{facts.name}").sample(16, seed=0)  '
                f"# ({', '.join(map(str, (16, *facts.shape)))}) in [-1, 1]\n```",
                _training(facts),
                _scores(facts),
                _shares(facts),
                _reconstructions(facts),
                _neighbours(facts),
                _use(facts),
            )
            if part
        )
        + "\n"
    )


def _metadata(facts: Facts) -> dict[str, object]:
    results = [
        {"name": key, "type": key.partition("[")[0], "value": round(number, 5)} for key, number in facts.scores.items()
    ]
    base = DATASETS.get(facts.data.partition(",")[0])  # `CIFAR-10, grey to colour` is made of CIFAR-10
    return {
        "library_name": "ganzoo",
        **({"pipeline_tag": TASK} if len(facts.shape) == 3 else {}),
        "license": LICENCES.get(facts.licence, "other"),
        "tags": [*dict.fromkeys(("gan", facts.class_path.split(".")[-2].replace("_", "-")))],
        **({"datasets": [base]} if base else {}),
        "model-index": [
            {
                "name": facts.name,
                "results": [
                    {
                        "task": {"type": TASK},
                        "dataset": {"name": facts.data, "type": base or re.sub(r"[^\w.-]+", "-", facts.data.lower())},
                        "metrics": results,
                    }
                ],
            }
        ],
        "ganzoo": {
            "recipe": facts.recipe,
            "steps": facts.steps,
            "images": facts.images,
            "seconds": round(facts.seconds),
            "weights": facts.weights,
            "hardware": facts.hardware,
        },
    }


def _training(facts: Facts) -> str:
    remarks = "".join(f"- {remark}\n" for remark in facts.remarks)
    sizes = ", ".join(f"{part} {count:,}" for part, count in facts.parameters.items() if count)
    chosen = "the best step by the recipe's monitor" if facts.weights == "best" else "the last step"
    return (
        "## Training\n\n"
        f"- Data: {facts.data}, licence: {facts.licence}. {facts.source}\n"
        f"- Recipe: `{facts.recipe}` (`recipe.yaml` here is the resolved one), seed {facts.training_seed}, "
        f"precision {facts.precision}\n"
        f"- Steps: {facts.steps:,} ({chosen}); {facts.images:,} real images seen\n"
        f"{remarks}"
        f"- Time: {duration(facts.seconds)} on {facts.hardware}\n"
        f"- Parameters: {sizes}; stored in half precision\n"
        f"- Versions: {', '.join(f'{name} {number}' for name, number in facts.versions.items())}"
    )


def _scores(facts: Facts) -> str:
    rows = "\n".join(f"| `{key}` | {number:.4g} |" for key, number in facts.scores.items())
    return (
        "## Scores\n\n"
        "The brackets say the feature extractor, where there is one, the number of samples and the reference split. "
        f"Samples were drawn with seed {facts.seed} from the averaged generator where one is kept.\n\n"
        f"| score | value |\n|---|---|\n{rows}"
    )


def _shares(facts: Facts) -> str:
    if not facts.shares:
        return ""
    digits = " | ".join(map(str, range(len(facts.shares))))
    shares = " | ".join(f"{100 * share:.1f}%" for share in facts.shares)
    return (
        "Share of samples that the `mnist` extractor's classifier takes for each digit:\n\n"
        f"| {digits} |\n|{'---|' * len(facts.shares)}\n| {shares} |"
    )


def _reconstructions(facts: Facts) -> str:
    if facts.redrawn is None:
        return ""
    return (
        "## What does a code keep?\n\n![held-out images above their reconstructions](reconstructions.png)\n\n"
        "Images of the reference split, below each row what is decoded from their codes. Root-mean-square error on the "
        f"scale of [-1, 1]: {facts.redrawn:.3f}."
    )


def _neighbours(facts: Facts) -> str:
    if not facts.distances:
        return ""
    return (
        "## Does it copy?\n\n![samples above their nearest training images](neighbours.png)\n\n"
        f"{len(facts.distances)} samples, below each row the nearest training images by pixel distance, mirrored "
        f"ones included. Root-mean-square distance on the scale of [-1, 1]: smallest "
        f"{min(facts.distances):.3f}, median {median(facts.distances):.3f}."
    )


def _use(facts: Facts) -> str:
    return (
        "## Intended use and limits\n\n"
        "For teaching, for tests of software, and as a baseline for research on small images. It draws from the "
        f"distribution of {facts.data} and inherits its limits and biases: what is rare there is rarer here, and some "
        "samples are malformed. It is not a source of real records. Pictures of people that it draws show nobody; do "
        "not use them to identify, imitate or mislead anyone."
    )
