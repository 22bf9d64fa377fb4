"""The `ganzoo demo` command: models on a web page of one's own, and the folder of a Hugging Face Space with it."""

from pathlib import Path


def demo(
    name: str | None = None,
    *,
    space: Path | None = None,
    host: str = "127.0.0.1",
    port: int | None = None,
    revision: str | None = None,
    device: str = "cpu",
    threads: int | None = None,
) -> str | None:
    """Show models on a web page: sample, walk, translate, download.

    The page is for this machine alone, until --host says otherwise, and sends nothing elsewhere. Ctrl-C ends it.

    Args:
        name: a bundled checkpoint, a checkpoint folder, a run, a .ckpt, or a Hub repository (all bundled checkpoints,
            to choose from).
        space: write a folder for a Hugging Face Space in place of showing the page: a new or an empty one.
        host: network address of this machine that the page is at; 0.0.0.0 lets others in.
        port: its port (the first free one from 7860 on).
        revision: branch, tag or commit of a Hub repository.
        device: cpu, cuda, mps.
        threads: CPU threads; one, or all where that is faster, by default.

    Returns:
        What to do with the Space's folder; None once the page has been closed.

    Raises:
        GanzooError: if a package is missing, a model cannot be loaded or shown, or an argument does not fit.
    """
    from ganzoo.common import registry
    from ganzoo.common.errors import GanzooError

    if space is not None:
        from ganzoo.tools.demo.space import write_space

        if name is None:
            raise GanzooError("--space: name the model to show: ganzoo demo NAME --space FOLDER.")
        return write_space(name, space, revision)
    if revision is not None and name is None:
        raise GanzooError("--revision: it is that of a Hub repository; name one.")
    from ganzoo.tools.demo.serving import require_gradio, serve

    require_gradio()
    serve([name] if name is not None else registry.list_checkpoints(), host, port, revision, device, threads)
    return None
