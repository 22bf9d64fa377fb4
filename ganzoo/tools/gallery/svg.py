"""Small drawings of a run's curves as SVG for a web page."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ganzoo.common.curves import Curve, is_score, smooth
from ganzoo.drawing.plot import concise

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 360, 136, 44, 58, 26, 18  # of a drawing, and its margins


def draw_svg(title: str, curves: Mapping[str, Curve], dots: bool = False) -> str:
    """Returns an SVG element of curves over a common axis of generator steps, in its surroundings' colours.

    Args:
        title: stands above them.
        curves: by name; each is named and valued at its end.
        dots: mark every point, and let the height grow with the logarithm where values differ much.
    """
    shown = {name: Curve(curve.steps, curve.values if dots else smooth(curve.values)) for name, curve in curves.items()}
    values = np.concatenate([curve.values for curve in shown.values()])
    low, high, last = values.min(), values.max(), max(curve.steps[-1] for curve in shown.values())
    scale: Callable[[float], float] = math.log if dots and low > 0 and high / low > 15 else float
    bottom, span = scale(low), (scale(high) - scale(low)) or 1.0

    def x(step: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * step / max(last, 1)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (scale(value) - bottom) / span

    parts = [_text(0, 11, title if scale is float else f"{title}, on a logarithmic scale", "title")]
    for value in dict.fromkeys((low, high)):
        parts += [f'<path class="rule" d="M{LEFT} {y(value):.1f}H{WIDTH - RIGHT}"/>']
        parts += [_text(LEFT - 4, y(value) + 3, concise(value), "tick end")]
    parts += [_text(LEFT, HEIGHT - 4, "0", "tick"), _text(WIDTH - RIGHT, HEIGHT - 4, f"{last:,} steps", "tick end")]
    ends = _apart([y(curve.values[-1]) for curve in shown.values()])
    for i, ((name, curve), end) in enumerate(zip(shown.items(), ends, strict=True)):
        points = [f"{x(step):.1f} {y(value):.1f}" for step, value in zip(*curve, strict=True)]
        parts.append(f'<path class="line c{i % 4}" d="M{"L".join(points)}"/>')
        parts += [
            f'<circle class="c{i % 4}" cx="{at[0]}" cy="{at[1]}" r="2"/>' for at in (p.split() for p in points) if dots
        ]
        label = concise(curve.values[-1]) if len(shown) == 1 else name
        parts.append(_text(WIDTH - RIGHT + 6, end + 3, label, f"label c{i % 4}"))
    about = f"{title}: " + "; ".join(
        f"{name} from {concise(curve.values[0])} to {concise(curve.values[-1])}" for name, curve in shown.items()
    )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{_escaped(about)}, over {last:,} generator steps">'
        f"{''.join(parts)}</svg>"
    )


def panels(curves: Mapping[str, Curve]) -> list[str]:
    """Returns SVG elements of a run's first score, and of the adversarial losses or else the other terms."""
    scores = [name for name in curves if is_score(name)]
    first = next((name for word in ("fid", "kid", "swd") for name in scores if name.startswith(word)), None)
    terms = [name for name in curves if name.endswith("/adv")] or [name for name in curves if not is_score(name)]
    drawn = [draw_svg(first, {first: curves[first]}, dots=True)] if first else []
    if terms:
        title = "adversarial losses" if terms[0].endswith("/adv") else "losses"
        drawn.append(draw_svg(title, {name.removesuffix("/adv"): curves[name] for name in terms[:4]}))
    return drawn


def _apart(heights: Sequence[float], gap: float = 11) -> list[float]:
    """Moves labels' heights apart, upwards from the lowest."""
    placed = dict.fromkeys(range(len(heights)), 0.0)
    before = math.inf
    for i in sorted(placed, key=lambda i: -heights[i]):
        before = placed[i] = min(heights[i], before - gap)
    return list(placed.values())


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:.1f}">{_escaped(text)}</text>'


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
