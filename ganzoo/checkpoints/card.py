"""Model card of a checkpoint: what it is, what it was made from, how good it is, and what it is not for."""

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

import yaml

from ganzoo.checkpoints.licences import ASK, UNKNOWN_LICENCE, data_line, hub_licence
from ganzoo.common.class_names import CLASSES_SHOWN, class_list
from ganzoo.common.kinds import IMAGES, Kind
from ganzoo.common.registry import variant
from ganzoo.common.text import duration
from ganzoo.games.capabilities import Output


@dataclass(frozen=True)
class Words:
    """Words of a card on samples of a kind.

    Attributes:
        tasks: pipeline tags by which the Hub finds models, by what they make; none where it has no honest one.
        studied: what research with such a model is on.
        picture: what its picture shows, in a sentence; empty where that is plain.
        file: ending of a command that saves samples as what they are; empty where a picture is that.
        limits: what samples are not to be used for, in a sentence.
    """

    tasks: dict[str, str] = field(default_factory=dict)
    studied: str = ""
    picture: str = ""
    file: str = ""
    limits: str = ""


NOBODY = " Pictures of people that it draws show nobody; do not use them to identify, imitate or mislead anyone."
WORDS: dict[str, Words] = {
    "images": Words(
        {
            "samples": "unconditional-image-generation",
            "translations": "image-to-image",
            "classes": "image-classification",
            "reconstructions": "image-to-image",
        },
        "small images",
        limits=NOBODY,
    ),
    "points": Words(studied="points in the plane"),
    "video": Words(
        {"classes": "video-classification"},
        "small videos",
        "Each strip shows frames spread evenly over one clip.",
        " -o clips.gif",
        NOBODY,
    ),
    "voxels": Words(
        studied="small solids", picture="Each solid is what lies above 0, seen from the front.", file=" -o solids.obj"
    ),
    "music": Words(
        studied="short pieces of music",
        picture="Each piano roll has time from left to right, with a line at each beat, and higher notes further up.",
        file=" -o music.mid",
        limits=" A piece may come near to one that it has learnt from; compare before you call it new.",
    ),
}
OTHER_TASK = "other"  # in the metadata's list of results, which must name one
# Where the Hub has the data; it takes no other names for data sets.
DATASETS = {
    "MNIST": "ylecun/mnist",
    "Fashion-MNIST": "zalando-datasets/fashion_mnist",
    "CIFAR-10": "uoft-cs/cifar10",
}


@dataclass
class Facts:
    """Facts about a checkpoint that its card states."""

    name: str
    recipe: str
    class_path: str
    data: str
    licence: str  # of the data
    source: str
    shape: tuple[int, ...]  # of what it makes, or of what it classifies
    steps: int
    images: int
    seconds: float | None  # None where it was not recorded
    training_seed: int
    precision: str
    weights: str  # best or last
    hardware: str
    versions: dict[str, str]
    parameters: dict[str, int]
    scores: dict[str, float] = field(default_factory=dict)
    own_scores: dict[str, str] = field(default_factory=dict)  # what is said of scores that are not ganzoo's
    seed: int = 0
    classifier: str = ""  # extractor that classified the samples
    shares: dict[str, float] = field(default_factory=dict)  # of samples, by the names of its classes
    distances: list[float] = field(default_factory=list)
    remarks: Sequence[str] = ()  # on the training, the variant's own
    redrawn: float | None = None  # root-mean-square error of reconstructions, of a model that makes them
    place: str = ""  # what it is loaded by: a name or a path; the name by default
    class_names: Sequence[str] = ()
    training_images: int | None = None  # in the data's training split, where it is known; likewise below
    reference: str = ""  # name of the split that scores compare with
    reference_images: int | None = None
    samples: int | None = None  # that scores were computed from
    makes: Output = "samples"
    kind: Kind = IMAGES  # of what it makes, or of what it classifies
    source_shape: tuple[int, ...] | None = None  # of what it translates
    source_scores: dict[str, float] = field(default_factory=dict)  # of what it translates, merely fitted in shape
    truth: bool = False  # whether it is known what translations should look like
    earlier_frames: int = 0  # of a clip, in what it translates to the next one; 0 of other translators

    @property
    def resized(self) -> bool:
        """Whether translations differ from their sources in size."""
        return self.source_shape is not None and self.source_shape[1:] != self.shape[1:]

    @property
    def use(self) -> str:
        """Row of `MAKING`: what it makes, or `frames` where translations are the next frames of clips."""
        return "frames" if self.earlier_frames else self.makes

    @property
    def words(self) -> Words:
        """Words on samples of this kind."""
        return WORDS[self.kind.name]

    def axes(self, n: object = "N") -> str:
        """Returns the shape of n of what it makes as text, such as `(16, 3, 32, 32)`."""
        return _shape_text(n, self.shape)


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
                _picture(facts),
                _example(facts),
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


def _shape_text(n: object, shape: Sequence[object]) -> str:
    return f"({', '.join(map(str, (n, *shape)))})"


def _clips_text(facts: Facts, frames: object) -> str:
    return _shape_text("N", (facts.shape[0], frames, *facts.shape[1:]))


@dataclass(frozen=True)
class Making:
    """Parts of a card on models that make samples, translations, classes or reconstructions.

    Attributes:
        picture: Markdown of the picture and what is to be said of it.
        code: a line of Python in which a loaded model, `{model}`, is used.
        command: words after `ganzoo` that use it on the command line; empty where there are none.
        scored: a sentence on what was scored.
        limits: what it cannot do, in sentences.
    """

    picture: Callable[[Facts], str]
    code: Callable[[Facts], str]
    command: Callable[[Facts, str], str]
    scored: Callable[[Facts], str]
    limits: Callable[[Facts], str]


def _picture_of_samples(facts: Facts) -> str:
    turns = f"The classes take turns: {', '.join(facts.class_names[:CLASSES_SHOWN])}." if facts.class_names else ""
    remarks = " ".join(remark for remark in (facts.words.picture, turns) if remark)
    return "\n\n".join(["![samples](samples.png)", *([remarks] if remarks else [])])


def _picture_of_translations(facts: Facts) -> str:
    columns = ["source", *["the same, resized (bicubic)"] * facts.resized, "translation", *["truth"] * facts.truth]
    return f"![translations](samples.png)\n\nImages of the reference split; from the left: {', '.join(columns)}."


def _sampling_command(facts: Facts, place: str) -> str:
    chosen = f" --labels {shlex.join(facts.class_names[:2])}" if facts.class_names else ""
    return f"sample {place} -n 16{chosen}{facts.words.file}"


def _bounded(facts: Facts) -> str:
    return f" {facts.kind.bounds}" if facts.kind.bounds else ""


MAKING: dict[str, Making] = {
    "samples": Making(
        picture=_picture_of_samples,
        code=lambda facts: f"{facts.kind.name} = {{model}}.sample(16, seed=0)  # {facts.axes(16)}{_bounded(facts)}",
        command=_sampling_command,
        scored=lambda facts: (
            f"Samples were drawn with seed {facts.seed} from the averaged generator where one is kept."
        ),
        limits=lambda facts: (
            f"It draws from the distribution of {facts.data} and inherits its limits and biases: what is rare there is "
            f"rarer here, and some samples are malformed. It is not a source of real records.{facts.words.limits}"
        ),
    ),
    "translations": Making(
        picture=_picture_of_translations,
        code=lambda facts: (
            f"images = {{model}}.translate(x)  # {_shape_text('N', facts.source_shape or ())} to {facts.axes()}, both "
            f"{facts.kind.bounds}"
        ),
        command=lambda facts, place: f"translate {place} PICTURES -o OUT",
        scored=lambda facts: (
            "Images of the reference split were translated by the averaged generator where one is kept; on the right "
            "what they get themselves, resized (bicubic), greyed or shown in colour where the shapes differ."
        ),
        limits=lambda facts: (
            f"It has learnt from {facts.data} alone and inherits its limits and biases: pictures of another kind come "
            "out wrong. What it adds to a picture is invented, however likely it looks: do not take it for evidence, "
            "and do not use it to identify, imitate or mislead anyone."
        ),
    ),
    "frames": Making(
        picture=lambda facts: (
            f"![predictions](samples.png)\n\nClips of the reference split; from the left: {facts.earlier_frames} "
            "frames, the predicted next one, and the true one."
        ),
        code=lambda facts: (
            f"frames = {{model}}.predict_frames(clips, 5)  # {_clips_text(facts, 'T')} to {_clips_text(facts, 5)}, "
            f"both {facts.kind.bounds}"
        ),
        command=lambda facts, place: f"translate {place} CLIP -o OUT.gif --frames 5",
        scored=lambda facts: (
            "The frame that follows each clip of the reference split was predicted by the averaged generator where one "
            "is kept; on the right what its last frame gets, repeated."
        ),
        limits=lambda facts: (
            f"It has learnt from {facts.data} alone and inherits its limits and biases: clips of another kind, or of "
            "another speed, go on wrongly. Each predicted frame blurs the next one a little more. What it shows has "
            "not happened: do not take it for evidence."
        ),
    ),
    "classes": Making(
        picture=lambda facts: "",
        code=lambda facts: f"classes = {{model}}.classify(x).argmax(1)  # of {facts.axes()}{_bounded(facts)}",
        command=lambda facts, place: "",
        scored=lambda facts: f"All {facts.kind.items} of the reference split were classified.",
        limits=lambda facts: (
            f"It has learnt from {facts.data} alone and inherits its limits and biases: {facts.kind.items} of another "
            "kind get a class as well, and a wrong one."
        ),
    ),
    "reconstructions": Making(
        picture=lambda facts: (
            f"![reconstructions](samples.png)\n\n{facts.kind.items.capitalize()} of the reference split; from the "
            "left: original, reconstruction."
        ),
        code=lambda facts: f"{facts.kind.name} = {{model}}.reconstruct(x)  # of {facts.axes()}{_bounded(facts)}",
        command=lambda facts, place: f"evaluate {place}",
        scored=lambda facts: (
            f"{facts.kind.items.capitalize()} of the reference split were reconstructed, by the averaged autoencoder "
            "where one is kept. Scores of what is drawn over its codes can hardly be better."
        ),
        limits=lambda facts: (
            f"It has learnt from {facts.data} alone and inherits its limits and biases: what its codes do not hold "
            "comes out wrong, and is invented, however likely it looks. It draws nothing new by itself."
        ),
    ),
}


def _picture(facts: Facts) -> str:
    return MAKING[facts.use].picture(facts)


def _example(facts: Facts) -> str:
    place = facts.place or facts.name
    code = MAKING[facts.use].code(facts).format(model=f'ganzoo.load("{place}")')
    command = MAKING[facts.use].command(facts, shlex.quote(place))
    shell = ["pip install ganzoo-lightning"]
    if command:
        shell.append(f"ganzoo {command}")
    lines = "\n".join(shell)
    return f"```bash\n{lines}\n```\n\n```python\nimport ganzoo\n\n{code}\n```"


def _metadata(facts: Facts) -> dict[str, object]:
    results = [
        {"name": key, "type": key.partition("[")[0], "value": round(number, 5)} for key, number in facts.scores.items()
    ]
    base = DATASETS.get(facts.data.partition(",")[0])  # `CIFAR-10, grey to colour` is made of CIFAR-10
    task = facts.words.tasks.get(facts.use)
    seconds = {} if facts.seconds is None else {"seconds": round(facts.seconds, 0 if facts.seconds >= 10 else 2)}
    return {
        "library_name": "ganzoo",
        **({"pipeline_tag": task} if task else {}),
        **hub_licence(facts.licence),
        "tags": [*dict.fromkeys(("gan", facts.class_path.split(".")[-2].replace("_", "-")))],
        **({"datasets": [base]} if base else {}),
        "model-index": [
            {
                "name": facts.name,
                "results": [
                    {
                        "task": {"type": task or OTHER_TASK},
                        "dataset": {
                            "name": facts.data,
                            "type": base or re.sub(r"[^\w.-]+", "-", facts.data.lower()).strip("-.") or "own",
                        },
                        "metrics": results,
                    }
                ],
            }
        ],
        "ganzoo": {
            "recipe": facts.recipe,
            "steps": facts.steps,
            "images": facts.images,
            **seconds,
            "weights": facts.weights,
            "hardware": facts.hardware,
            **({"class_names": [*facts.class_names]} if facts.class_names else {}),
        },
    }


def _training(facts: Facts) -> str:
    remarks = "".join(f"- {remark}\n" for remark in facts.remarks)
    sizes = ", ".join(f"{part} {count:,}" for part, count in facts.parameters.items() if count)
    chosen = "the best step by the recipe's monitor" if facts.weights == "best" else "the last step"
    classes = f"- Classes: {class_list(facts.class_names)}\n" if facts.class_names else ""
    time = "not recorded," if facts.seconds is None else duration(facts.seconds)
    return (
        "## Training\n\n"
        f"{data_line(facts.data, facts.licence, facts.source)}\n"
        f"{_counts(facts)}"
        f"{classes}"
        f"- Recipe: `{facts.recipe}` (`recipe.yaml` here is the resolved one), seed {facts.training_seed}, "
        f"precision {facts.precision}\n"
        f"- Steps: {facts.steps:,} ({chosen}); {facts.images:,} real {facts.kind.items} seen\n"
        f"{remarks}"
        f"- Time: {time} on {facts.hardware}\n"
        f"- Parameters: {sizes}; stored in half precision\n"
        f"- Versions: {', '.join(f'{name} {number}' for name, number in facts.versions.items())}"
    )


def _counts(facts: Facts) -> str:
    """Says how many items there were to learn from, and how many scores compare with."""
    if facts.training_images is None or facts.reference_images is None:
        return ""
    same = "the same, for nothing is held out" if facts.reference == "train" else f"the {facts.reference} split"
    train = f"{facts.training_images:,} {facts.kind.items} to train on"
    return f"- Counts: {train}; scores refer to {facts.reference_images:,}, {same}\n"


def _scores(facts: Facts) -> str:
    about = MAKING[facts.use].scored(facts)
    itself = "the last frame" if facts.earlier_frames else "bicubic" if facts.resized else "the source itself"
    head, rule = (f"| score | value | {itself} |", "|---|---|---|")
    if not facts.source_scores:
        head, rule = "| score | value |", "|---|---|"
    about += "".join(f" `{name}` is {description}." for name, description in facts.own_scores.items())
    rows = [f"| `{key}` | {number:.4g} |{_itself(facts, key)}" for key, number in facts.scores.items()]
    keys = "The brackets say the feature extractor, where there is one, the number of samples and the reference split."
    if facts.makes == "samples" and facts.samples is not None and facts.reference_images is not None:
        real = f"the {facts.reference_images:,} {facts.kind.items} of `{facts.reference}`"
        keys += f" Here {facts.samples:,} samples meet {real}."
    return "\n".join((f"## Scores\n\n{keys} {about}\n", head, rule, *rows))


def _itself(facts: Facts, key: str) -> str:
    return f" {facts.source_scores[key]:.4g} |" if facts.source_scores else ""


def _shares(facts: Facts) -> str:
    if not facts.shares:
        return ""
    names = " | ".join(facts.shares)
    shares = " | ".join(f"{100 * share:.1f}%" for share in facts.shares.values())
    return (
        f"Share of samples that the `{facts.classifier}` extractor's classifier takes for each class:\n\n"
        f"| {names} |\n|{'---|' * len(facts.shares)}\n| {shares} |"
    )


def _reconstructions(facts: Facts) -> str:
    if facts.redrawn is None:
        return ""
    return (
        f"## What does a code keep?\n\n![held-out {facts.kind.items} above their reconstructions](reconstructions.png)"
        f"\n\n{facts.kind.items.capitalize()} of the reference split, below each row what is decoded from their codes. "
        f"Root-mean-square error on the scale of [-1, 1]: {facts.redrawn:.3f}."
    )


def _neighbours(facts: Facts) -> str:
    if not facts.distances:
        return ""
    mirrored = ", mirrored ones included" if facts.kind.mirrored else ""
    return (
        f"## Does it copy?\n\n![samples above their nearest training {facts.kind.items}](neighbours.png)\n\n"
        f"{len(facts.distances)} samples, below each row the nearest training {facts.kind.items} by "
        f"{'pixel ' * facts.kind.mirrored}distance{mirrored}. Root-mean-square distance on the scale of [-1, 1]: "
        f"smallest {min(facts.distances):.3f}, median {median(facts.distances):.3f}."
    )


def _use(facts: Facts) -> str:
    terms = "" if facts.licence != UNKNOWN_LICENCE else f"\n\n{ASK}"
    return (
        "## Intended use and limits\n\n"
        f"For teaching, for tests of software, and as a baseline for research on {facts.words.studied}. "
        f"{MAKING[facts.use].limits(facts)}{terms}"
    )
