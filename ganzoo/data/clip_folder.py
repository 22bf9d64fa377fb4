"""Data set of your own video: a folder or zip of GIFs, movies, arrays, or folders of frames."""

from copy import copy
from hashlib import sha256
from pathlib import Path, PurePosixPath

import torch
from torch import Tensor
from torch.utils.data import Dataset

from ganzoo.common.errors import GanzooError, require_at_least
from ganzoo.common.kinds import VIDEO
from ganzoo.common.seeding import mix
from ganzoo.data.base import DataModule, Loaded, Split, tensor_bytes
from ganzoo.data.clip_files import ANIMATIONS, MOVIES, ClipSource, read_clips
from ganzoo.data.finding import elsewhere, some, warn
from ganzoo.data.layout import role

RESIDENT_BYTES = 2**31  # of all frames together


class ClipFolder(DataModule):
    """Clips (channels, frames, size, size) cut out of all videos below a folder or in a zip.

    A video is a GIF, a movie, an array, or a folder of numbered frames; see `ganzoo.data.clip_files`. Videos that are
    damaged or too short are left out, and named in a warning. Training cuts anew in each epoch: each part of a video
    gives a clip that begins anywhere in it, out of one random square for all its frames. Scores refer to the parts as
    they follow each other, and to the middle square. Folders called train and test part the videos.

    Args:
        root: the folder, zip, or a single video. A relative path that does not exist is also looked for under
            `$GANZOO_DATA`.
        size: height and width of the clips in pixels.
        frames: of a clip.
        stride: every how many frames of a video one is taken.
        scale: pixels of the shorter side of a video, to which it is resized, as a multiple of `size`.
        channels: 3 (RGB) or 1 (grey).
        held_out: share of the videos that make a test split where no folders do: those with the lowest hashes of their
            names. 0: none, and scores refer to the training videos.
        title: what the videos are, for model cards. Default: the name of the folder.
        licence: their terms.
        source: who made them, and where they come from.
        batch_size: clips per process.
        flip: mirror half of the training clips, chosen at random.
    """

    kind = VIDEO

    def __init__(
        self,
        root: str | None = None,
        size: int = 64,
        frames: int = 32,
        stride: int = 1,
        scale: float = 1.0,
        channels: int = 3,
        held_out: float = 0.0,
        title: str | None = None,
        licence: str = "unknown",
        source: str = "",
        batch_size: int = 32,
        flip: bool = False,
    ) -> None:
        super().__init__(batch_size, flip)
        for name, value, least in (
            ("size", size, 8),
            ("frames", frames, 1),
            ("stride", stride, 1),
            ("scale", scale, 1),
        ):
            require_at_least(f"data.{name}", value, least)
        if channels not in (1, 3):
            raise GanzooError(f"data.channels: {channels} given, but it must be 3 (RGB) or 1 (grey).")
        if not 0 <= held_out < 1:
            raise GanzooError(f"data.held_out: {held_out} given, but it must be at least 0 and below 1.")
        self.named = root is not None
        self.root = Path(root or ".").expanduser()
        if root is not None and not self.root.exists():
            self.root = next((path for path in elsewhere(root) if path.exists()), self.root)
        self.size, self.frames, self.stride, self.scale = size, frames, stride, scale
        self.channels, self.held_out = channels, held_out
        self.title, self.licence, self.source = title or self.root.stem or "clips", licence, source
        self.shape = (channels, frames, size, size)
        self._names: dict[str, list[str]] = {}
        self._videos: dict[str, Tensor] = {}

    @property
    def resized(self) -> str:
        """Words for how videos come to a square."""
        return "the middle square of each frame, by Lanczos interpolation (Pillow), antialiased"

    def inspect(self) -> None:
        """Finds the videos.

        Raises:
            GanzooError: there are none.
        """
        if self._names:
            return
        if not self.named:
            raise GanzooError("data.root: not given. Name the folder or the zip of your clips with --data.root.")
        if not self.root.exists():
            raise GanzooError(f"data.root: {self.root} does not exist. Give a folder or a zip of clips.")
        self._files = ClipSource(self.root)
        self._names = self._files.clips()
        if not self._names:
            endings = ", ".join((*ANIMATIONS, *MOVIES))
            raise GanzooError(f"data.root: no clips in {self.root}; they end in {endings}, or are folders of frames.")
        parted = any(map(_is_test, self._names))
        self.reference: Split = "test" if parted or self.held_out else "train"

    def load(self, split: Split) -> Loaded:
        """Reads all videos at first, and returns the clips of a split.

        Raises:
            GanzooError: no video can be read, none is in the split, or all are held out.
        """
        self._videos = self._videos or self._read()
        names = [*self._videos]
        held = {name for name in names if _is_test(name)}
        if self.held_out and not held:
            order = sorted(names, key=lambda name: sha256(name.encode()).digest())
            held = {*order[: max(1, round(self.held_out * len(order)))]}
            if len(held) == len(names):
                few = f"of {len(names)} video(s) none is left to train on; 0 scores against the training videos"
                raise GanzooError(f"data.held_out: {self.held_out} given, but {few}.")
        own = [name for name in names if (name in held) == (split == "test")]
        if not own:
            raise GanzooError(f"data.root: of {len(names)} video(s) in {self.root} none is in the {split} split.")
        return Windows([self._videos[name] for name in own], self.size, self.frames, self.stride), None

    def _read(self) -> dict[str, Tensor]:
        """Returns the videos that are long enough, uint8 (T, C, H, W) each."""
        videos: dict[str, Tensor] = {}
        reasons, short, total = [], [], 0
        span = span_of(self.frames, self.stride)
        for name, files in self._names.items():
            try:
                for number, video in enumerate(read_clips(self._files, files, self._side, self.channels)):
                    if len(video) < span:
                        short.append(name)
                        continue
                    videos[f"{name}/{number}"] = video
                    total += video.numel()
                    if total > RESIDENT_BYTES:
                        limit = f"{RESIDENT_BYTES / 2**30:g} GiB"
                        raise MemoryError(f"data.root: the frames in {self.root} take more than {limit}")
            except GanzooError as error:
                reasons.append(str(error).removeprefix("data.root: "))
            except MemoryError as error:
                raise GanzooError(f"{error}. Lower --data.size or --data.scale, or take fewer videos.") from error
        few = f"{some(short)} with fewer than {span} frames"
        if not videos:
            why = reasons[0] if reasons else f"{few}. Lower --data.frames."
            raise GanzooError(f"data.root: no clip in {self.root} can be used: {why}")
        if short:
            warn(self.root.name, f"left out {few}")
        if reasons:
            warn(self.root.name, f"left out {len(reasons)} clip(s): {some(reasons, 2)}")
        return videos

    @property
    def _side(self) -> int:
        return round(self.size * self.scale)


class Windows(Dataset[Tensor]):
    """Dataset of clips cut out of videos: parts that follow each other, or, once seeded, such as begin at random.

    Args:
        videos: uint8 (T, C, H, W) each, no shorter and no smaller than a clip.
        size: height and width of a clip.
        frames: of a clip.
        stride: every how many frames of a video one is taken.

    Attributes:
        shape: (C, T, H, W) of a clip.
    """

    seed: int | None = None  # of where clips begin and lie; None: where the parts do, and in the middle

    def __init__(self, videos: list[Tensor], size: int, frames: int, stride: int = 1) -> None:
        self.videos, self.size, self.frames, self.stride = videos, size, frames, stride
        self.shape = (videos[0].shape[1], frames, size, size)
        span = span_of(frames, stride)
        self.places = [(index, start) for index, video in enumerate(videos) for start in _starts(len(video), span)]

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int) -> Tensor:
        number, start = self.places[index]
        video, span = self.videos[number], span_of(self.frames, self.stride)
        spare = video.shape[2] - self.size, video.shape[3] - self.size
        if self.seed is None:
            top, left = (side // 2 for side in spare)
        else:
            generator = torch.Generator().manual_seed(mix(self.seed, index))
            late = min(span - 1, len(video) - span - start)
            top, left, later = (int(torch.randint(n + 1, (), generator=generator)) for n in (*spare, late))
            start += later
        cut = video[start : start + span : self.stride, :, top : top + self.size, left : left + self.size]
        return cut.transpose(0, 1).contiguous()

    def seeded(self, seed: int) -> "Windows":
        """Returns a copy whose clips begin and lie where the seed and their index say."""
        windows = copy(self)
        windows.seed = seed
        return windows

    def signature(self) -> str:
        """Returns a text that changes with the videos and with how they are cut."""
        digest = sha256()
        for video in self.videos:
            digest.update(repr(video.shape).encode() + tensor_bytes(video))
        return f"{digest.hexdigest()} {self.shape} {self.stride}"


def span_of(frames: int, stride: int) -> int:
    """Returns the frames of a video that a clip reaches over."""
    return (frames - 1) * stride + 1


def _starts(length: int, span: int) -> range:
    return range(0, length - span + 1, span)


def _is_test(name: str) -> bool:
    """Returns whether a video is in a folder called test, which may be that of its frames."""
    return any(role(part) in ("test", "val") for part in PurePosixPath(name).parts)
