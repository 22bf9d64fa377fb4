"""Layout of a demo page: what is said of a model, and a tab for each thing that it can do, by a table."""

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from jinja2 import Environment, PackageLoader

from ganzoo.common import registry
from ganzoo.common.errors import GanzooError
from ganzoo.drawing.looks import drawn_alone
from ganzoo.games.capabilities import Composes, PredictsFrames, Reconstructs, Translates
from ganzoo.games.sampler import Sampler
from ganzoo.tools.demo import actions
from ganzoo.tools.demo.actions import Shelf
from ganzoo.tools.demo.exhibit import (
    Exhibit,
    class_choices,
    describe,
    example_pictures,
    is_random,
    takes_text,
    truncates,
)
from ganzoo.tools.demo.results import MODEL, on_events, picture_upload, result

FORGET = (600, 3600)  # seconds: how often files that were sent are looked at, and the age at which they go
CARD = "Model card"
SHOWN = "What the model is shown"


# ---- tabs


def seed_controls() -> tuple[Any, Any]:
    """Lays out a seed and a button that draws another one; returns both."""
    with gr.Row(equal_height=True, elem_classes="seeds"):
        seed = gr.Number(
            0,
            label="Seed",
            precision=0,
            minimum=0,
            maximum=actions.MOST_SEED,
            min_width=110,
            scale=2,
            elem_classes="seed",
            interactive=True,
        )
        dice = gr.Button("New seed", min_width=110, scale=1, elem_classes="dice")
    dice.click(None, None, seed, js="() => Math.floor(Math.random() * 1e6)")
    return seed, dice


def truncation_control(model: Any) -> Any:
    """Lays out the factor towards what is typical; hidden where the latent space has none."""
    return gr.Slider(
        0,
        1,
        1,
        step=0.05,
        label="Truncation",
        info="Below 1: more typical, less varied.",
        visible=truncates(model),
        elem_classes="truncation",
        interactive=True,
    )


def class_control(model: Any, first: int = 0) -> Any:
    """Lays out the choice of classes, of which the first so many are chosen; hidden where there are none."""
    choices = class_choices(model)
    return gr.Dropdown(
        choices,
        value=choices[:first],
        multiselect=True,
        label="Classes",
        info="None: all of them.",
        visible=bool(choices),
        interactive=True,
    )


def samples_tab(exhibit: Exhibit, shelf: Shelf, slow: bool = False) -> None:
    """Lays out samples of a model; in formats that take long, once they are asked for, if those are wanted."""
    model, offer, kind = exhibit.model, actions.OFFERS[exhibit.kind.name], exhibit.kind
    act = partial(actions.draw_samples, exhibit, slow=slow)
    with gr.Row():
        with gr.Column(scale=2, min_width=260):
            seed, _ = seed_controls()
            count = gr.Slider(1, offer.most, offer.count, step=1, label=f"Number of {kind.items}", interactive=True)
            labels = class_control(model)
            text = gr.Textbox(
                label="Text",
                lines=2,
                max_lines=8,
                max_length=actions.MOST_TEXTS * actions.LONGEST_TEXT,
                info="A line each; none: those that the model keeps.",
                placeholder=known_words(model),
                visible=takes_text(model),
                interactive=True,
            )
            truncation = truncation_control(model)
            draw = gr.Button("Draw", variant="primary", elem_classes="draw")
        with gr.Column(scale=5, min_width=300):
            if slow:
                area = result(offer.slow, {}, None, empty="Press Draw; this takes a while.")
            else:
                area = result(offer.formats, {}, act(shelf.folder()))
    inputs = [seed, count, labels, text, truncation]
    events = [seed.change, count.change, labels.change, text.submit, truncation.change]
    on_events([draw.click, *([] if slow else events)], act, inputs, area, shelf)


def known_words(model: Any) -> str:
    """Returns some words that a model of texts knows; empty where it does not say."""
    words = getattr(getattr(model, "condition", None), "vocabulary", ())
    return f"such as: {', '.join(words[:: max(1, len(words) // 12)][:12])}" if words else ""


def pieces_tab(exhibit: Exhibit, shelf: Shelf) -> None:
    """Lays out pieces of music, bar by bar under chords."""
    offer = actions.OFFERS[exhibit.kind.name]
    act = partial(actions.draw_music, exhibit)
    with gr.Row():
        with gr.Column(scale=2, min_width=260):
            seed, _ = seed_controls()
            count = gr.Slider(1, offer.most, offer.count, step=1, label="Number of pieces", interactive=True)
            bars = gr.Slider(*actions.BARS, 8, step=1, label="Bars of each", interactive=True)
            chords = gr.Textbox(
                label="Chords",
                placeholder="C Am F G",
                info="One to a bar, from the start again; none: kept ones.",
                max_length=300,
                interactive=True,
            )
            draw = gr.Button("Compose", variant="primary", elem_classes="draw")
        with gr.Column(scale=5, min_width=300):
            area = result(offer.formats, {}, act(shelf.folder()))
    events = [draw.click, seed.change, count.change, bars.change, chords.submit]
    on_events(events, act, [seed, count, bars, chords], area, shelf)


def walk_tab(exhibit: Exhibit, shelf: Shelf) -> None:
    """Lays out a movie from sample to sample."""
    model = exhibit.model
    with gr.Row():
        with gr.Column(scale=2, min_width=260):
            seed, _ = seed_controls()
            stops = gr.Slider(
                *actions.STOPS, 5, step=1, label="Stops", info="Samples that the way leads through.", interactive=True
            )
            steps = gr.Slider(*actions.STEPS, 16, step=1, label="Pictures from stop to stop", interactive=True)
            labels = class_control(model, 1)
            truncation = truncation_control(model)
            loop = gr.Checkbox(True, label="Back to the first stop", interactive=True)
            draw = gr.Button("Walk", variant="primary", elem_classes="draw")
        with gr.Column(scale=5, min_width=300):
            area = result(actions.MOVIE_FORMATS, {}, None, empty="Choose a way, and press Walk.")
    inputs = [seed, stops, steps, labels, truncation, loop]
    on_events([draw.click], partial(actions.draw_walk, exhibit), inputs, area, shelf)


def upload_examples(exhibit: Exhibit, shelf: Shelf, upload: Any) -> tuple[list[Path], Any]:
    """Lays out examples to try a model with, where its checkpoint has some; returns them, and what one is chosen by."""
    paths = example_pictures(exhibit, shelf.folder())
    if not paths:
        return [], None
    examples = gr.Examples([[str(path)] for path in paths], [upload], label="Or one of these", api_visibility="private")
    return paths, examples.load_input_event


def translate_tab(exhibit: Exhibit, shelf: Shelf) -> None:
    """Lays out the translation of a picture that is uploaded."""
    model, act = exhibit.model, partial(actions.translate_upload, exhibit)
    with gr.Row():
        with gr.Column(scale=2, min_width=260):
            upload = picture_upload()
            paths, chosen = upload_examples(exhibit, shelf, upload)
            back = gr.Checkbox(
                False, label="The other way round", visible=getattr(model, "back", None) is not None, interactive=True
            )
            random = is_random(model)
            seed = gr.Number(
                0,
                label="Seed",
                precision=0,
                minimum=0,
                maximum=actions.MOST_SEED,
                visible=random,
                elem_classes="seed",
                interactive=True,
            )
            draw = gr.Button("Translate", variant="primary", elem_classes="draw")
        with gr.Column(scale=5, min_width=300):
            first = act(shelf.folder(), paths[0]) if paths else None
            area = result((".png",), {".png": "Translation"}, first, SHOWN, "Upload a picture.")
    events = [draw.click, upload.upload, back.change, *([seed.change] if random else [])]
    on_events(events, act, [upload, back, seed], area, shelf, chosen)


def continue_tab(exhibit: Exhibit, shelf: Shelf) -> None:
    """Lays out the prediction of what follows a clip that is uploaded."""
    act = partial(actions.continue_upload, exhibit)
    with gr.Row():
        with gr.Column(scale=2, min_width=260):
            upload = gr.File(
                label=f"Clip of at least {exhibit.model.frames} frames: a GIF or a film",
                type="filepath",
                interactive=True,
            )
            paths, chosen = upload_examples(exhibit, shelf, upload)
            frames = gr.Slider(*actions.PREDICTED, 5, step=1, label="Frames to predict", interactive=True)
            draw = gr.Button("Predict", variant="primary", elem_classes="draw")
        with gr.Column(scale=5, min_width=300):
            first = act(shelf.folder(), paths[0]) if paths else None
            area = result(actions.CLIP_FORMATS, {".gif": "Clip", ".png": "Frame by frame"}, first)
    on_events([draw.click, upload.upload], act, [upload, frames], area, shelf, chosen)


def reconstruct_tab(exhibit: Exhibit, shelf: Shelf) -> None:
    """Lays out what is left of a picture that is uploaded when it is encoded and decoded."""
    with gr.Row():
        with gr.Column(scale=2, min_width=260):
            upload = picture_upload()
            draw = gr.Button("Reconstruct", variant="primary", elem_classes="draw")
        with gr.Column(scale=5, min_width=300):
            area = result((".png",), {".png": "Reconstruction"}, None, SHOWN, "Upload a picture.")
    on_events([draw.click, upload.upload], partial(actions.reconstruct_upload, exhibit), [upload], area, shelf)


@dataclass(frozen=True)
class Section:
    """A tab of the page, and which models have it."""

    title: str
    fits: Callable[[Exhibit], bool]
    lay_out: Callable[[Exhibit, Shelf], None]


def has_slow(exhibit: Exhibit) -> bool:
    """Returns whether some formats of a model's samples take long."""
    return bool(actions.OFFERS[exhibit.kind.name].slow)


SECTIONS = (
    Section("Pieces", lambda shown: isinstance(shown.model, Composes), pieces_tab),
    Section("Samples", lambda shown: isinstance(shown.model, Sampler), samples_tab),
    Section(
        "Movie", lambda shown: isinstance(shown.model, Sampler) and has_slow(shown), partial(samples_tab, slow=True)
    ),
    Section("Walk", lambda shown: isinstance(shown.model, Sampler) and drawn_alone(shown.kind), walk_tab),
    Section("Go on", lambda shown: isinstance(shown.model, PredictsFrames), continue_tab),
    Section(
        "Translate",
        lambda shown: isinstance(shown.model, Translates) and not isinstance(shown.model, PredictsFrames),
        translate_tab,
    ),
    Section(
        "Reconstruct",
        lambda shown: isinstance(shown.model, Reconstructs) and actions.reconstructed_shape(shown) is not None,
        reconstruct_tab,
    ),
)


# ---- pages


def panel(exhibit: Exhibit, shelf: Shelf) -> None:
    """Lays out all that a page shows of a model."""
    about = describe(exhibit)
    gr.Markdown(rendered("about.html", about=about), elem_classes="about")
    sections = [section for section in SECTIONS if section.fits(exhibit)]
    # named, so that the page of the next model does not look for a tab of this one's
    with gr.Tabs(selected=sections[0].title if sections else None):
        for section in sections:
            with gr.Tab(section.title, id=section.title):
                section.lay_out(exhibit, shelf)
    if about.card:
        with gr.Accordion(CARD, open=False, elem_id="card"):
            gr.Markdown(about.card, elem_classes="card")


def rendered(template: str, **values: Any) -> str:
    """Returns a template of this folder, filled; what is put into it is text, not markup."""
    loader = PackageLoader("ganzoo.tools.demo", "templates")
    page = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return page.get_template(template).render(**values)


def choices() -> list[tuple[str, str]]:
    """Returns the bundled checkpoints, newest papers first, each with what it is."""
    variants = {name: variant_of(name) for name in registry.list_checkpoints()}
    names = sorted(variants, key=lambda name: (-int(variants[name].year or 0), name))
    return [(f"{name} - {variants[name].title.partition(':')[0]}, {variants[name].year}", name) for name in names]


def variant_of(checkpoint: str) -> registry.Variant:
    """Returns the variant of a bundled checkpoint."""
    return registry.variant(registry.model_class_path(registry.CHECKPOINTS / checkpoint / "recipe.yaml"))


def make_page(names: Sequence[str], opened: Callable[[str], Exhibit], shelf: Shelf) -> gr.Blocks:
    """Returns the page of one model, or of several to choose from, each loaded when it is chosen.

    Args:
        names: of the models.
        opened: loads one.
        shelf: where files go.

    Raises:
        GanzooError: if the only model cannot be loaded.
    """
    single = opened(names[0]) if len(names) == 1 else None
    title = "ganzoo" if single is None else f"{single.title} - ganzoo"
    with gr.Blocks(title=title, analytics_enabled=False, delete_cache=FORGET) as page:
        if single is not None:
            panel(single, shelf)
            return page
        gr.Markdown(rendered("front.html", count=len(names)), elem_classes="front")
        listed = [(label, name) for label, name in choices() if name in names]
        choice = gr.Dropdown(listed, value=listed[0][1], label="Model", elem_id="model", interactive=True)

        @gr.render(inputs=choice, concurrency_limit=1, concurrency_id=MODEL, show_progress="minimal")
        def chosen(name: str) -> None:
            try:
                exhibit = opened(name)
            except GanzooError as error:
                gr.Markdown(html.escape(str(error)))
                return
            panel(exhibit, shelf)

    return page
