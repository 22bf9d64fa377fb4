"""Players of samples that move or sound, for the page of checkpoints: clips, turning solids, music."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from torch import Tensor

from ganzoo.common.kinds import MUSIC, VIDEO, VOXELS
from ganzoo.drawing.films import save_clips, with_masks
from ganzoo.drawing.music import save_sound
from ganzoo.drawing.solids import save_turning
from ganzoo.games.capabilities import Composes, HasMasks
from ganzoo.games.sampler import Sampler

CLIPS, SOLIDS, BARS = 8, 6, 8  # of a player
SEED = 0


@dataclass(frozen=True)
class Player:
    """File that plays in a page.

    Attributes:
        content: bytes of a GIF or a WAV file.
        kind: its media type.
        caption: what it plays.
    """

    content: bytes
    kind: str
    caption: str

    @property
    def sounds(self) -> bool:
        """Whether it is heard, not seen."""
        return self.kind.startswith("audio/")


def player_of(model: object) -> Player | None:
    """Returns the player of a model's samples of seed 0; None of what neither moves nor sounds."""
    if not isinstance(model, Sampler) or model.kind is None:
        return None
    make = PLAYERS.get(model.kind.name)
    return None if make is None else make(model)


def play_clips(model: Sampler) -> Player:
    """Returns clips that play side by side, the masks of a model that draws through some below them."""
    y = model.conditions(CLIPS)
    points = model.space.draw(CLIPS, SEED, y=y)
    clips, caption = model.render(points, y, model.noise_seeds(CLIPS, SEED)), f"{CLIPS} clips"
    if isinstance(model, HasMasks):
        clips, caption = with_masks(clips, model.masks(points)), f"{CLIPS} clips, and below each its mask"
    return Player(_written(save_clips, clips, ".gif"), "image/gif", caption)


def turn_solids(model: Sampler) -> Player:
    """Returns solids that turn side by side."""
    return Player(_written(save_turning, model.sample(SOLIDS, seed=SEED), ".gif"), "image/gif", f"{SOLIDS} solids")


def play_music(model: Sampler) -> Player:
    """Returns a piece of several bars, under the chords kept from the data, or bars one after another."""
    if isinstance(model, Composes):
        chords = model.conditions(BARS)[0]  # and the bars before
        return Player(
            _written(save_sound, model.compose(chords[None], seed=SEED), ".wav"), "audio/wav", f"a piece of {BARS} bars"
        )
    rolls = model.sample(BARS, seed=SEED)
    return Player(_written(save_sound, rolls, ".wav"), "audio/wav", f"{BARS} samples, one after another")


# By the kind of sample; the others stand still.
PLAYERS: dict[str, Callable[[Sampler], Player]] = {
    VIDEO.name: play_clips,
    VOXELS.name: turn_solids,
    MUSIC.name: play_music,
}


def _written(save: Callable[[Tensor, Path], None], samples: Tensor, suffix: str) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"samples{suffix}"
        save(samples, path)
        return path.read_bytes()
