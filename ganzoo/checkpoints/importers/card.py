"""Model card of converted weights: where they come from, under which terms, what is known of them and what is not."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

import yaml

from ganzoo.checkpoints.importers.formats import Converted
from ganzoo.checkpoints.importers.reading import Contents
from ganzoo.checkpoints.licences import ASK, UNKNOWN_LICENCE, data_line, hub_licence
from ganzoo.common.errors import one_line
from ganzoo.common.registry import variant
from ganzoo.games.capabilities import output_of


@dataclass(frozen=True)
class Use:
    """Use of models, by what they make: the Hub's tag, a line of Python, words after `ganzoo`, and how to go on."""

    task: str
    code: str
    command: str
    training: str = ""


GOING_ON = """
Training goes on from it with pictures of your own, CHECKPOINT being the folder that this card lies in:

```bash
ganzoo fit --recipe CHECKPOINT/recipe.yaml --start CHECKPOINT --data.root FOLDER
```
"""
USES = {
    "samples": Use(
        "unconditional-image-generation", "images = {model}.sample(16, seed=0)", "sample {place} -n 16", GOING_ON
    ),
    "translations": Use("image-to-image", "images = {model}.translate(x)", "translate {place} PICTURES -o OUT"),
}


def write_card(
    converted: Converted, files: Sequence[Contents], title: str, place: str, licence: str, source: str
) -> str:
    """Returns the model card of converted weights in Markdown, with the metadata block that the Hub reads.

    Args:
        converted: the model.
        files: that it was made of.
        title: of the checkpoint.
        place: by which it is loaded.
        licence: of weights and data, as far as whoever converts knows them.
        source: where the file comes from; may be empty.
    """
    model = converted.model
    class_path = converted.conversion.model
    use = USES[output_of(model)]
    metadata = {
        "library_name": "ganzoo",
        "pipeline_tag": use.task,
        **hub_licence(licence),
        "tags": ["gan", class_path.split(".")[-2].replace("_", "-")],
        "ganzoo": {
            "converted": {
                "format": converted.format.name,
                "files": [{"file": one.file.name, "sha256": one.sha256} for one in files],
            },
        },
    }
    counts = {name: sum(p.numel() for p in part.parameters()) for name, part in model.exported().items()}
    sizes = ", ".join(f"{name} {count:,}" for name, count in counts.items() if count)
    about = variant(class_path)
    lines = [
        f"- Format: {converted.format.name}",
        *(f"- File: `{one_line(one.file.name)}`, {one.kind}, sha256 `{one.sha256}`" for one in files),
        *([f"- From: {one_line(source)}"] if source else []),
        data_line("unknown to ganzoo", licence, "The terms are as given to `ganzoo convert --licence`."),
        f"- Parameters: {sizes}; stored in single precision, not in half",
        *(f"- Known from the file: {fact}" for fact in converted.conversion.known),
        *(f"- Not known, or different here: {fact}" for fact in converted.conversion.unknown),
    ]
    picture = "![samples](samples.png)\n\n" if output_of(model) == "samples" else ""
    terms = f"\n\n{ASK}" if licence == UNKNOWN_LICENCE else ""
    command = f"ganzoo {use.command.format(place=shlex.quote(place))}"
    code = use.code.format(model=f'ganzoo.load("{place}")')
    return (
        f"---\n{yaml.safe_dump(metadata, sort_keys=False)}---\n\n# {title}\n\n"
        f"{about.title} {about.paper} ({about.url})\n\n"
        "Converted weights: ganzoo has neither trained nor scored them.\n\n"
        f"{picture}```bash\npip install ganzoo-lightning\n{command}\n```\n\n"
        f"```python\nimport ganzoo\n\n{code}\n```\n{use.training}\n"
        "## Where it comes from\n\n" + "\n".join(lines) + "\n\n"
        "## Intended use and limits\n\n"
        "For what the terms of its authors allow. It inherits the limits and biases of data that are not known here; "
        "pictures of people that it draws show nobody. Do not use them to identify, imitate or mislead anyone."
        f"{terms}\n"
    )
