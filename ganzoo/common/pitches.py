"""Pitches of piano rolls as MIDI note numbers."""

NOTES = 128  # MIDI's
PIANO = {88: 21}  # keys of a piano, and the lowest one
MIDDLE = 60  # middle C


def lowest_note(pitches: int) -> int:
    """Returns the MIDI note number of a piano roll's lowest pitch.

    A roll of 128 pitches holds all of MIDI's, one of 88 the piano's; another number begins with the C that puts middle
    C nearest to its middle.

    Args:
        pitches: length of the roll's axis of pitches.
    """
    lowest = PIANO.get(pitches, 12 * round((MIDDLE - pitches / 2) / 12))
    return max(0, min(lowest, NOTES - pitches))
