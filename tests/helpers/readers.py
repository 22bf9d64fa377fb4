"""Small readers of the files that samples are saved as, written from the formats' definitions alone."""

import struct
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple


class MidiNote(NamedTuple):
    channel: int
    number: int
    start: int  # in ticks
    end: int


def read_midi(path: Path) -> tuple[int, list[MidiNote], int]:
    """Returns the ticks of a quarter, the notes, and the length in ticks of a MIDI file of format 0."""
    data = path.read_bytes()
    assert data[:4] == b"MThd"
    size, form, tracks, division = struct.unpack(">IHHH", data[4:14])
    assert (size, form, tracks) == (6, 0, 1)
    assert data[14:18] == b"MTrk"
    body = data[22:]
    assert len(body) == struct.unpack(">I", data[18:22])[0]
    notes, on, now, place = [], {}, 0, 0
    while True:
        delta = 0
        while True:
            byte, place = body[place], place + 1
            delta = delta * 128 + byte % 128
            if byte < 128:
                break
        now += delta
        status = body[place]
        if status == 0xFF:
            kind, length = body[place + 1], body[place + 2]
            place += 3 + length
            if kind == 0x2F:
                break
        elif status // 16 == 0xC:
            place += 2
        else:
            key = (status % 16, body[place + 1])
            if status // 16 == 9 and body[place + 2]:
                assert key not in on, "a note begins that sounds already"
                on[key] = now
            else:
                assert status // 16 in (8, 9)
                notes.append(MidiNote(*key, on.pop(key), now))
            place += 3
    assert place == len(body)
    assert not on, "a note never ends"
    return division, notes, now


def read_obj(path: Path) -> tuple[list[tuple[float, ...]], dict[str, list[list[int]]]]:
    """Returns the corners of an OBJ file, and by the names of its objects their faces, corners counted from 0."""
    corners, objects = [], {}
    for line in path.read_text().splitlines():
        word, *rest = line.split()
        if word == "v":
            corners.append(tuple(map(float, rest)))
        elif word == "o":
            objects[rest[0]] = []
        elif word == "f":
            list(objects.values())[-1].append([int(index) - 1 for index in rest])
    return corners, objects


def is_closed(faces: list[list[int]]) -> bool:
    """Returns whether each edge is walked along as often in one direction as in the other, so that nothing is open."""
    edges = Counter((a, b) for face in faces for a, b in zip(face, [*face[1:], face[0]], strict=True))
    return bool(edges) and all(count == edges[b, a] for (a, b), count in edges.items())


def volume(corners: list[tuple[float, ...]], faces: list[list[int]]) -> float:
    """Returns the volume inside a closed mesh, positive where its faces look outwards."""
    total = 0.0
    for face in faces:
        a = corners[face[0]]
        for i, j in pairwise(face[1:]):
            b, c = corners[i], corners[j]
            total += a[0] * (b[1] * c[2] - b[2] * c[1])
            total += a[1] * (b[2] * c[0] - b[0] * c[2])
            total += a[2] * (b[0] * c[1] - b[1] * c[0])
    return total / 6
