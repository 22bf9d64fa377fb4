"""MIDI files with melody and chords as tunes, and a folder of them as data."""

import hashlib
import logging
import warnings
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganzoo.common.errors import GanzooError, one_line
from ganzoo.common.pitches import NOTES
from ganzoo.data.base import Split
from ganzoo.data.finding import elsewhere, some
from ganzoo.data.tunes import BAR, SILENT, Tune, Tunes, accompanied

log = logging.getLogger(__name__)

ENDINGS = (".mid", ".midi")
LARGEST = 2**21  # bytes of a file
LONGEST = 2000  # bars
QUARTER = 4  # steps
Sounds = NDArray[np.bool_]  # (steps, 128): whether a note sounds


def read_midi(content: bytes, name: str) -> Tune:
    """Reads a tune in 4/4: the highest track is the melody, of which the highest note counts, the others chords.

    Of a file with one track, the highest note is the melody, and all notes make chords. Times are rounded to sixteenth
    notes. An upbeat is left out, and rests in the melody are filled, as `Tunes` says.

    Args:
        content: of the file.
        name: of the file, for errors.

    Raises:
        GanzooError: if it is no MIDI file, is too large, holds no notes, or is not in 4/4.
    """
    try:
        import pretty_midi
    except ImportError as error:
        raise GanzooError(f"{name}: MIDI files are read by pip install 'ganzoo-lightning[music]'.") from error
    if len(content) > LARGEST:
        raise GanzooError(f"{name}: it has {len(content):,} bytes, but a tune has {LARGEST:,} at most.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            score = pretty_midi.PrettyMIDI(BytesIO(content))
    except Exception as error:  # mido and pretty_midi fail in many ways on damaged files
        reason = str(error) or type(error).__name__
        raise GanzooError(f"{name}: it is no MIDI file, or a damaged one ({one_line(reason)[:100]}).") from error
    metres = {(change.numerator, change.denominator) for change in score.time_signature_changes}
    if other := metres - {(4, 4)}:
        raise GanzooError(f"{name}: it is in {'/'.join(map(str, min(other)))}, and only 4/4 is read.")
    tracks = [track.notes for track in score.instruments if not track.is_drum and track.notes]
    if not tracks:
        raise GanzooError(f"{name}: it holds no notes.")
    tracks.sort(key=lambda notes: -float(np.mean([note.pitch for note in notes])))
    step = score.resolution / QUARTER
    melody, *others = [[*spans(notes, score, step)] for notes in tracks]
    steps = max(end for spans in (melody, *others) for _, _, end in spans)
    if steps > LONGEST * BAR:
        raise GanzooError(f"{name}: it has {steps // BAR:,} bars, but a tune has {LONGEST:,} at most.")
    sounds = sounding(melody, steps)
    line = np.where(sounds.any(1), NOTES - 1 - sounds[:, ::-1].argmax(1), SILENT)
    below = sounding([span for spans in others for span in spans], steps) if others else sounds
    return accompanied(line, below)


def spans(notes: list[Any], score: Any, step: float) -> Iterator[tuple[int, int, int]]:
    """Yields the pitch of each note, its first step, and the one after its last."""
    for note in notes:
        start = round(score.time_to_tick(note.start) / step)
        yield note.pitch, start, max(round(score.time_to_tick(note.end) / step), start + 1)


def sounding(notes: list[tuple[int, int, int]], steps: int) -> Sounds:
    """Returns where notes sound, a pitch and two steps each."""
    sounds = np.zeros((steps, NOTES), dtype=bool)
    for pitch, start, end in notes:
        sounds[start:end, pitch] = True
    return sounds


def read_midi_file(path: Path, field: str) -> Tune:
    """Reads a MIDI file as a tune.

    Args:
        path: of the file.
        field: what an error names.

    Raises:
        GanzooError: see `read_midi`; or it cannot be read, or has no whole bar.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise GanzooError(f"{field}: {path} has more than {LARGEST:,} bytes.")
        tune = read_midi(path.read_bytes(), f"{field}: {path}")
    except OSError as error:
        raise GanzooError(f"{field}: {path} cannot be read ({error.strerror or error}).") from error
    if not len(tune.chords):
        raise GanzooError(f"{field}: {path} has no whole bar.")
    return tune


class MidiFolder(Tunes):
    """Melodies of the MIDI files below a folder or in a zip, each bar with the chord of what sounds below them.

    Files that cannot be read, or are not in 4/4, are left out, and named in a warning.

    Args:
        root: the folder or zip. A relative path that does not exist is also looked for under `$GANZOO_DATA`.
        held_out: share of the files that make a test split: those whose names have the lowest hashes. 0: none, and
            scores refer to the training files.
        title: what the tunes are, for model cards. Default: the name of the folder.
        licence: their terms.
        source: who made them, and where they come from.
        **kwargs: see `Tunes`.
    """

    def __init__(
        self,
        root: str | None = None,
        held_out: float = 0.1,
        title: str | None = None,
        licence: str = "unknown",
        source: str = "",
        **kwargs: Any,
    ) -> None:
        if not 0 <= held_out < 1:
            raise GanzooError(f"data.held_out: {held_out} given, but it must be at least 0 and below 1.")
        super().__init__(root, **kwargs)
        if root is not None and not self.root.exists():
            self.root = next((path for path in elsewhere(root) if path.exists()), self.root)
        self.held_out = held_out
        self.title = title or self.root.stem or "tunes"
        self.licence, self.source = licence, source
        self.reference: Split = "test" if held_out else "train"
        self._files: dict[str, Tune] = {}

    def read(self, split: Split) -> list[Tune]:
        """Reads the files of a split, sorted by their names.

        Raises:
            GanzooError: if none can be read, or all are held out.
        """
        if not self._files:
            self._files = self._all()
        names = sorted(self._files)
        order = sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())
        held = set(order[: max(1, round(self.held_out * len(order)))] if self.held_out else [])
        if len(held) == len(names):
            few = f"of {len(names)} MIDI file(s) none is left to train on; 0 scores against the training files"
            raise GanzooError(f"data.held_out: {self.held_out} given, but {few}.")
        return [self._files[name] for name in names if (name in held) == (split == "test")]

    def _all(self) -> dict[str, Tune]:
        tunes, reasons = {}, []
        for name, content in self._contents():
            try:
                tunes[name] = read_midi(content, name)
            except GanzooError as error:
                reasons.append(str(error))
        if not tunes:
            why = f" {reasons[0]}" if reasons else f" There is none that ends in {' or '.join(ENDINGS)}."
            raise GanzooError(f"data.root: no MIDI file in {self.root} can be read.{why}")
        if reasons:
            log.warning("%s", one_line(f"{self.root.name}: left out {len(reasons)} MIDI file(s): {some(reasons, 2)}"))
        return tunes

    def _contents(self) -> Iterator[tuple[str, bytes]]:
        """Yields the names and contents of the MIDI files; no more is read than a tune may have."""
        if self.root.is_dir():
            for path in sorted(self.root.rglob("*")):
                if path.suffix.lower() in ENDINGS and path.is_file():
                    with path.open("rb") as file:
                        yield path.relative_to(self.root).as_posix(), file.read(LARGEST + 1)
            return
        try:
            with zipfile.ZipFile(self.root) as archive:
                for name in sorted(archive.namelist()):
                    if name.lower().endswith(ENDINGS):
                        with archive.open(name) as file:
                            yield name, file.read(LARGEST + 1)
        except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
            raise GanzooError(
                f"data.root: {self.root} is no folder or zip of MIDI files that can be read ({error})."
            ) from error
