"""Pictures whose headers promise more than there is, or than anybody should decode."""

import struct
import zlib


def promising_png(width: int, height: int, rows: int = 1) -> bytes:
    """Returns a grey PNG whose header promises so many pixels, of which a few rows are there, black."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes((width + 1) * rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
