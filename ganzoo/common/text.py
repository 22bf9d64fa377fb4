"""Durations and errors of the operating system as text."""


def os_error_text(error: OSError) -> str:
    """Returns what the system refused, and of which file where it says so."""
    where = f" '{error.filename}'" if error.filename else ""
    return f"{error.strerror or error}{where}"


def duration(seconds: float) -> str:
    """Returns a duration as text: `0.4 s`, `40 s`, `12 min`, `3 h 20 min`."""
    if 0.0005 <= seconds < 0.095:
        return f"{seconds:.1g} s"
    if 0.095 <= seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
