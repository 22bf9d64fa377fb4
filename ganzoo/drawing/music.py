"""Pictures and files of piano rolls: rolls with pitch up and time to the right, standard MIDI files, and WAV sound.

A roll (C, T, P) has C tracks of T sixteenth notes and P pitches, of which `lowest_note` says the lowest. A note sounds
where the value is above 0, and goes on as long as it stays there.
"""

import struct
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

from ganzoo.common.files import atomic_write
from ganzoo.common.pitches import NOTES, lowest_note

BEAT = 4  # steps of a roll: sixteenth notes of a quarter
BAR = 4 * BEAT
REST = BEAT  # steps between one roll and the next in a file
TEMPO = 500_000  # microseconds of a quarter: 120 in a minute

OCTAVE = 12
PICTURE = (192, 144)  # pixels of a roll's width and height, about
BLACK_KEYS = (1, 3, 6, 8, 10)
COLOURS = ((0.16, 0.42, 0.78), (0.85, 0.37, 0.16), (0.20, 0.60, 0.35), (0.58, 0.33, 0.70), (0.75, 0.58, 0.10))
EDGE = 3  # white pixels around a roll
WHITE, BLACK, BEAT_LINE, BAR_LINE, OCTAVE_LINE = 0.99, 0.925, 0.86, 0.68, 0.76

TICKS = 480  # of a quarter in a MIDI file
VELOCITY = 90
PROGRAMS = (0, 48, 32, 24, 11)  # General MIDI's piano, strings, bass, guitar and vibraphone, for tracks in turn
DRUMS = 9  # MIDI's channel that has no pitches

RATE = 22_050  # samples of sound in a second
HARMONICS = 6
DECAY, RELEASE = 0.45, 0.06  # seconds in which a note fades to 1/e, and to nothing after its end
RING = 0.5  # seconds of silence after the last note


class Note(NamedTuple):
    """Note of a roll: its track, its MIDI number, and its steps from `start` until before `end`."""

    track: int
    number: int
    start: int
    end: int


def notes_of(roll: Tensor) -> list[Note]:
    """Returns the notes of a piano roll (C, T, P) in the order in which they begin; steps that follow make one note."""
    sounds = np.pad((roll > 0).cpu().numpy().astype(np.int8), [(0, 0), (1, 1), (0, 0)])
    change = np.diff(sounds, axis=1).transpose(0, 2, 1)  # of each pitch, begins and ends in turn
    begins, ends = np.argwhere(change == 1), np.argwhere(change == -1)
    lowest = lowest_note(roll.shape[2])
    spans = zip(begins.tolist(), ends[:, 2].tolist(), strict=True)
    notes = [Note(track, lowest + pitch, start, end) for (track, pitch, start), end in spans]
    return sorted(notes, key=lambda note: (note.start, note.track, note.number))


def laid_out(rolls: Tensor) -> Iterator[Note]:
    """Yields the notes of several rolls (N, C, T, P) played one after another, with rests between them."""
    for number, roll in enumerate(rolls):
        shift = number * (rolls.shape[2] + REST)
        yield from (Note(track, pitch, start + shift, end + shift) for track, pitch, start, end in notes_of(roll))


def octaves_in_use(rolls: Tensor) -> Tensor:
    """Draws piano rolls as `roll_pictures` does; of all MIDI's pitches, the octaves alone in which any of them sounds.

    Args:
        rolls: (N, C, T, P), sounding where above 0.

    Returns:
        Images (N, 3, h, w) in [-1, 1] on the CPU, whose height depends on all of the rolls.
    """
    sounds = (rolls > 0).flatten(0, 2).any(0).nonzero()
    if rolls.shape[3] != NOTES or not len(sounds):
        return roll_pictures(rolls)
    lowest, highest = (int(end) // OCTAVE * OCTAVE for end in (sounds.min(), sounds.max()))
    return roll_pictures(rolls[..., lowest : min(highest + OCTAVE, NOTES)], lowest)


def roll_pictures(rolls: Tensor, lowest: int | None = None) -> Tensor:
    """Draws piano rolls: pitch goes up, time to the right, a colour a track; louder is darker.

    Rows of black keys are shaded, and lines mark beats, bars and the octaves' Cs.

    Args:
        rolls: (N, C, T, P), sounding where above 0.
        lowest: MIDI number of the lowest pitch; by default what their number says.

    Returns:
        Images (N, 3, h, w) in [-1, 1] on the CPU.
    """
    tracks, steps, pitches = rolls.shape[1:]
    wide, high = max(2, round(PICTURE[0] / steps)), max(2, round(PICTURE[1] / pitches))
    first = lowest_note(pitches) if lowest is None else lowest
    names = (torch.arange(pitches) + first) % OCTAVE
    rows = torch.where(torch.isin(names, torch.tensor(BLACK_KEYS)), BLACK, WHITE).flip(0).repeat_interleave(high)
    canvas = rows[:, None].repeat(1, steps * wide)
    canvas[high - 1 :: high][(names == 0).flip(0)] = OCTAVE_LINE
    canvas[:, BEAT * wide :: BEAT * wide] = BEAT_LINE
    canvas[:, BAR * wide :: BAR * wide] = BAR_LINE
    loud = rolls.detach().float().cpu().clamp(0, 1).transpose(2, 3).flip(2)  # (N, C, P, T)
    opaque = torch.where(loud > 0, 0.4 + 0.6 * loud, 0).repeat_interleave(high, 2).repeat_interleave(wide, 3)
    if high > 2:
        opaque[:, :, high - 1 :: high] = 0  # so that neighbouring notes stay apart
    pictures = canvas.expand(len(rolls), 3, -1, -1)
    for track in range(tracks):
        colour = torch.tensor(COLOURS[track % len(COLOURS)])[:, None, None]
        pictures = torch.lerp(pictures, colour.expand_as(pictures), opaque[:, track, None])
    return pad(pad(pictures, [1] * 4, value=BAR_LINE), [EDGE] * 4, value=1.0) * 2 - 1


def save_midi(rolls: Tensor, path: Path) -> None:
    """Writes piano rolls (N, C, T, P) as one standard MIDI file, format 0, one after another with a beat of rest."""
    ticks = TICKS // BEAT
    channels = [track + (track >= DRUMS) for track in range(rolls.shape[1])]
    events = [(0, 0, bytes([0xFF, 0x51, 3]) + TEMPO.to_bytes(3, "big"))]
    events += [(0, 1, bytes([0xC0 | c % 16, PROGRAMS[i % len(PROGRAMS)]])) for i, c in enumerate(channels)]
    for note in laid_out(rolls):
        channel = channels[note.track] % 16
        events.append((note.start * ticks, 3, bytes([0x90 | channel, note.number, VELOCITY])))
        events.append((note.end * ticks, 2, bytes([0x80 | channel, note.number, 0])))  # before the next one begins
    events.sort(key=lambda event: event[:2])
    end = (len(rolls) * (rolls.shape[2] + REST) - REST) * ticks
    track, now = bytearray(), 0
    for time, _, message in [*events, (end, 4, bytes([0xFF, 0x2F, 0]))]:
        track += variable_length(time - now) + message
        now = time
    header = struct.pack(">4sIHHH", b"MThd", 6, 0, 1, TICKS)
    with atomic_write(path) as file:
        file.write_bytes(header + struct.pack(">4sI", b"MTrk", len(track)) + track)


def variable_length(number: int) -> bytes:
    """Returns a whole number as MIDI writes it: 7 bits a byte, the highest bit set in all but the last."""
    parts = [number & 0x7F]
    while number := number >> 7:
        parts.append(number & 0x7F | 0x80)
    return bytes(reversed(parts))


def tone(number: int, seconds: float) -> NDArray[np.float32]:
    """Returns a struck string's sound: harmonics below half the rate, of which higher ones fade sooner.

    Args:
        number: MIDI's of the note.
        seconds: length.
    """
    time = np.arange(round(seconds * RATE)) / RATE
    pitch = 440 * 2 ** ((number - 69) / 12)
    orders = [order for order in range(1, HARMONICS + 1) if order * pitch < RATE / 2]
    waves = [np.sin(2 * np.pi * order * pitch * time) / order**1.4 * np.exp(-time * order / DECAY) for order in orders]
    attack = np.minimum(time / 0.004, 1)  # without it a note would click
    return (attack * np.sum(waves, axis=0) if waves else 0 * time).astype(np.float32)


def sound(rolls: Tensor) -> NDArray[np.int16]:
    """Returns piano rolls (N, C, T, P) as sound, `RATE` numbers a second, one after another with a beat of rest."""
    step = TEMPO / 1e6 / BEAT  # seconds
    notes = [*laid_out(rolls)]
    length = (len(rolls) * (rolls.shape[2] + REST) - REST) * step + RING
    mixed = np.zeros(round(length * RATE), np.float32)
    tones = {number: tone(number, rolls.shape[2] * step + RELEASE) for number in {note.number for note in notes}}
    fade = np.linspace(1, 0, round(RELEASE * RATE), dtype=np.float32)
    for note in notes:
        start = round(note.start * step * RATE)
        struck = tones[note.number][: round((note.end - note.start) * step * RATE) + len(fade)].copy()
        struck[-len(fade) :] *= fade[-len(struck) :]
        mixed[start : start + len(struck)] += struck
    loudest = float(np.abs(mixed).max()) or 1.0
    return (mixed / loudest * 0.9 * 32767).round().astype(np.int16)


def save_sound(rolls: Tensor, path: Path) -> None:
    """Writes piano rolls (N, C, T, P) as one WAV file, one channel of 16 bits at `RATE`."""
    with atomic_write(path) as file, wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(sound(rolls).astype("<i2").tobytes())
