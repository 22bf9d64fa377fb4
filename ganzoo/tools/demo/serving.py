"""Serving of a demo page: on this machine alone, without a share link, analytics or anything fetched from elsewhere."""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ganzoo.common.errors import GanzooError

WAITING = 32  # visitors; more are told to come back
STYLE = Path(__file__).with_name("style.css")


def require_gradio() -> str:
    """Returns the version of Gradio.

    Raises:
        GanzooError: if it is not installed.
    """
    try:
        return version("gradio")
    except PackageNotFoundError:
        raise GanzooError("demo: gradio is not installed; pip install 'ganzoo-lightning[demo]'.") from None


def serve(
    names: Sequence[str],
    host: str = "127.0.0.1",
    port: int | None = None,
    revision: str | None = None,
    device: str = "cpu",
    threads: int | None = None,
) -> None:
    """Shows models on a page until Ctrl-C; see `ganzoo.tools.demo.demo`.

    Raises:
        GanzooError: if the only model cannot be loaded, or the address cannot be had.
    """
    with served(names, host, port, revision, device, threads) as url:
        print(f"{url} shows it; Ctrl-C ends it.", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print()


@contextmanager
def served(
    names: Sequence[str],
    host: str = "127.0.0.1",
    port: int | None = None,
    revision: str | None = None,
    device: str = "cpu",
    threads: int | None = None,
) -> Iterator[str]:
    """Context manager: the address of a page that is served as long.

    What visitors upload, and what is drawn for them, lies in a folder of this process alone, which goes at the end.

    Raises:
        GanzooError: see `serve`.
    """
    from ganzoo.tools.demo.actions import Shelf

    shelf = Shelf()
    private = {"GRADIO_TEMP_DIR": str(shelf.path / "cache"), "GRADIO_ANALYTICS_ENABLED": "False"}
    try:
        with environment(private):
            page = built(names, revision, device, threads, shelf)
            url = launched(page, host, port)
            try:
                yield url
            finally:
                page.close(verbose=False)
    finally:
        shelf.close()


def built(names: Sequence[str], revision: str | None, device: str, threads: int | None, shelf: Any) -> Any:
    """Returns the page of these models, see `served`."""
    from ganzoo.tools.demo.exhibit import opener
    from ganzoo.tools.demo.page import make_page

    return make_page(names, opener(revision, device, threads), shelf)


def launched(page: Any, host: str, port: int | None) -> str:
    """Starts to serve a page, and returns its address.

    Raises:
        GanzooError: if host or port cannot be had.
    """
    import gradio as gr

    from ganzoo.tools.demo.uploads import MOST_BYTES

    fonts = {"font": ("system-ui", "sans-serif"), "font_mono": ("ui-monospace", "monospace")}  # nothing to fetch
    theme = gr.themes.Default(primary_hue="indigo", neutral_hue="slate", **fonts)
    try:
        _, url, _ = page.queue(max_size=WAITING, default_concurrency_limit=1, api_open=False).launch(
            server_name=host,
            server_port=port,
            share=False,
            show_error=False,
            quiet=True,
            inbrowser=False,
            prevent_thread_lock=True,
            max_file_size=MOST_BYTES,
            footer_links=[],
            enable_monitoring=False,
            run_history=False,
            mcp_server=False,
            ssr_mode=False,
            pwa=False,
            theme=theme,
            css=STYLE.read_text(encoding="utf-8"),
        )
    except (OSError, ValueError, OverflowError) as error:
        place = f"{host}:{port}" if port is not None else host
        raise GanzooError(f"--host and --port: the page cannot be served at {place}: {error}.") from None
    return url


@contextmanager
def environment(values: dict[str, str]) -> Iterator[None]:
    """Context manager: variables of the environment, put back at the end."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
