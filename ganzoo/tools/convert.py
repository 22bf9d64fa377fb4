"""The `ganzoo convert` command: published weights of other code as a checkpoint folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ganzoo.common.errors import GanzooError

SAMPLES = 64  # in the picture; fewer of large images
PIXELS = 2**22  # of the picture, about


@dataclass(frozen=True)
class Result:
    """Result of the command.

    Attributes:
        out: the checkpoint folder; None where formats were asked for.
        lines: what is printed.
    """

    out: Path | None
    lines: tuple[str, ...]


def convert(
    files: Sequence[Path] = (),
    *,
    out: Path | None = None,
    licence: str = "unknown",
    source: str = "",
    list: bool = False,
) -> Result:
    """Turn published weights of other code into a checkpoint folder, without running anything in the file.

    Args:
        files: a pickle of NVIDIA's training loops, a file of torch.save, or safetensors; several where a generator and
            its discriminator lie in files of their own.
        out: the checkpoint folder, a new or an empty one.
        licence: of weights and data, such as mit or cc-by-nc-4.0.
        source: where the files come from, for the card.
        list: show the formats that are known.

    Raises:
        GanzooError: if the file is refused, has no known format, or a tensor in it does not fit.
    """
    from ganzoo.checkpoints.importers import formats

    if list:
        return Result(None, tuple(formats.list_formats()))
    if not files or out is None:
        raise GanzooError("convert: name the files, and a folder with -o; `ganzoo convert --list` shows the formats.")
    from ganzoo.checkpoints.folder_format import save_folder
    from ganzoo.checkpoints.importers.card import write_card
    from ganzoo.checkpoints.importers.reading import read_networks
    from ganzoo.checkpoints.licences import require_licence
    from ganzoo.common.registry import name_or_path, title_of
    from ganzoo.drawing.looks import picture
    from ganzoo.games.sampler import Sampler

    require_licence(licence, "--licence")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise GanzooError(f"-o: '{out}' is there already; name a new or an empty folder.")
    read = [read_networks(file) for file in files]
    converted = formats.convert_networks(read)
    model = converted.model
    drawn = None
    if isinstance(model, Sampler):
        shape = model.sample(1, seed=0).shape
        drawn = picture(model.sample(max(4, min(SAMPLES, PIXELS // shape[1:].numel())), seed=0), kind=model.kind)
    card = write_card(converted, read, title_of(out), name_or_path(out), licence, source)
    save_folder(model, out, converted.recipe, card, drawn, precise=True)
    about = [f"{out}  {type(model).__name__} of {converted.format.name}"]
    about += [f"  known    {fact}" for fact in converted.conversion.known]
    about += [f"  unknown  {fact}" for fact in converted.conversion.unknown]
    return Result(out, tuple(about))


def shown(result: Result) -> str:
    """Returns the description of the folder, or the formats."""
    return "\n".join(result.lines)
