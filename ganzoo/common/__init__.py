"""What everything else rests on: errors, files, seeds, hardware, names on disk. Knows no model."""
