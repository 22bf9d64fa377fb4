"""Results on a demo page: uploads, viewers, downloads and the command below them, filled when events call an action."""

import html
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from ganzoo.common.errors import GanzooError
from ganzoo.tools.demo import actions
from ganzoo.tools.demo.actions import Outcome, Shelf, for_visitor

log = logging.getLogger(__name__)

SORRY = "Something went wrong on this side; it has been written to the log. Other choices may work."
MODEL = "model"  # what all events share: one at a time has the model
DOWNLOADS = {".png": "Picture", ".gif": "GIF", ".mp4": "Film", ".wav": "Sound", ".mid": "MIDI", ".obj": "Mesh"}
ARRAY = "Numbers (.npz)"


# ---- uploads


def picture_upload() -> Any:
    """Lays out an input for a picture that hands on where it lies: nothing is decoded before its bounds are checked."""
    upload: Any = gr.Image(
        label="Picture",
        type="filepath",
        image_mode=None,
        sources=["upload", "clipboard"],
        height=240,
        interactive=True,
    )
    # not by a subclass, beside whose file Gradio would write another one
    upload.preprocess = lambda payload: None if payload is None else payload.path
    return upload


# ---- results


def picture(label: str, value: Any, named: bool = True) -> Any:
    """Returns what shows a picture, or a GIF; its label covers a corner of it."""
    return gr.Image(
        value,
        label=label,
        type="filepath",
        interactive=False,
        buttons=["fullscreen"],
        elem_classes="drawn",
        show_label=named,
    )


def player(label: str, value: Any, named: bool = True) -> Any:
    """Returns what plays sound."""
    return gr.Audio(
        value, label=label, type="filepath", interactive=False, buttons=[], elem_classes="played", show_label=named
    )


# How a browser shows a file, by its suffix; the others are downloaded.
VIEWERS: dict[str, Callable[[str, Any, bool], Any]] = {".png": picture, ".gif": picture, ".wav": player}


@dataclass
class Result:
    """Part of a page that shows what an action has written.

    Attributes:
        components: that an action fills, in the order of `values`.
        shown: suffixes of the files that are looked at, or listened to.
        offered: suffixes of those that can be downloaded.
        before: whether what the model was shown stands in front.
    """

    components: list[Any] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    offered: list[str] = field(default_factory=list)
    before: bool = False

    def values(self, outcome: Outcome) -> list[Any]:
        """Returns what the components are to show of an outcome."""
        seen = [None if outcome.before is None else str(outcome.before)] if self.before else []
        files = [str(outcome.files[suffix]) for suffix in (*self.shown, *self.offered)]
        return [*seen, *files, outcome.note, as_code(outcome.command)]


def result(
    formats: Sequence[str], labels: dict[str, str], outcome: Outcome | None, before: str = "", empty: str = ""
) -> Result:
    """Lays out what shows an outcome: viewers, downloads and the command.

    Args:
        formats: suffixes of the files.
        labels: of the viewers by suffix.
        outcome: what is shown at first.
        before: label of the picture of what the model was shown; empty for none.
        empty: what stands there before there is an outcome.
    """
    there = actions.written_formats(formats)
    shown = [suffix for suffix in there if suffix in VIEWERS]
    area = Result(shown=shown, offered=list(there), before=bool(before))
    values = iter(area.values(outcome) if outcome is not None else [None] * (bool(before) + len(shown) + len(there)))
    with gr.Row(elem_classes="viewers"):
        if before:
            area.components.append(picture(before, next(values)))
        for suffix in shown:
            label, several = labels.get(suffix, DOWNLOADS[suffix]), bool(before) or len(shown) > 1
            area.components.append(VIEWERS[suffix](label, next(values), several))
    with gr.Row(elem_classes="downloads"):
        for suffix in there:
            text = f"{DOWNLOADS[suffix]} ({suffix})" if suffix in DOWNLOADS else ARRAY
            area.components.append(gr.DownloadButton(text, value=next(values), size="sm", min_width=110))
    note = gr.Markdown(outcome.note if outcome else empty, elem_classes="note")
    command = gr.Markdown(as_code(outcome.command) if outcome else "", elem_classes="command")
    area.components += [note, command]
    return area


def as_code(command: str) -> str:
    """Returns a command as Markdown."""
    return f"The same in a shell:\n```bash\n{command}\n```" if command else ""


def answering(act: Callable[..., Outcome], area: Result, shelf: Shelf) -> Callable[..., list[Any]]:
    """Returns an action as a page calls it: a visitor is told in a line what does not fit, and nothing of a mishap.

    Args:
        act: is given a folder and the visitor's choices.
        area: what shows its outcome.
        shelf: where files go.
    """

    def answer(*values: Any) -> list[Any]:
        try:
            return area.values(act(shelf.folder(), *values))
        except GanzooError as error:
            message, title = for_visitor(str(error)), "That does not fit"
        except Exception:
            log.exception("a visitor's %s failed", getattr(getattr(act, "func", act), "__name__", "action"))
            message, title = SORRY, "Sorry"
        raise gr.Error(html.escape(message, quote=False), title=title, print_exception=False)

    return answer


def on_events(
    triggers: Sequence[Any],
    act: Callable[..., Outcome],
    inputs: list[Any],
    area: Result,
    shelf: Shelf,
    after: Any = None,
) -> None:
    """Lets events call an action, and another event when it has ended; one at a time for the whole page."""
    answer = answering(act, area, shelf)
    alone: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": MODEL, "api_visibility": "private"}
    gr.on(triggers, answer, inputs, area.components, show_progress="minimal", trigger_mode="always_last", **alone)
    if after is not None:
        after.then(answer, inputs, area.components, show_progress="minimal", **alone)
