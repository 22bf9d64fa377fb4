"""Pieces of music that a model of bars draws, against held-out tunes and two baselines.

    python -m ganzoo.tools.evaluate.pieces CHECKPOINT --root DATA -o pieces.json
    python -m ganzoo.tools.evaluate.pieces MIDI_FILES --data chorales

draws pieces under the chords of held-out passages, and scores them beside other passages of real tunes, bars of
training tunes in random order, and a first-order Markov chain of their steps. All are compared with the held-out
passages. Of a model it says, too, how much of a piece another primer changes. MIDI files in a folder or zip are scored
likewise, under the chords that are read from them.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from ganzoo.checkpoints.loading import load
from ganzoo.common.errors import GanzooError
from ganzoo.common.files import atomic_write
from ganzoo.common.hardware import versions
from ganzoo.data import Chorales, MidiFolder, Nottingham
from ganzoo.data.midi import ENDINGS
from ganzoo.data.tunes import BAR, Tunes
from ganzoo.games.capabilities import Composes
from ganzoo.metrics.bootstrap import Scored
from ganzoo.metrics.collection import NOTHING
from ganzoo.metrics.score import Items, Setting
from ganzoo.metrics.scores.chord_notes import in_chord
from ganzoo.metrics.scores.copied_bars import copies
from ganzoo.metrics.selection import SCORES
from ganzoo.tools.evaluate.subjects import recipe_data, recipe_of

DATA: dict[str, type[Tunes]] = {"chorales": Chorales, "nottingham": Nottingham}
DISTANCES = ("pitch_histogram", "note_lengths", "bar_pitches", "qualified_notes", "empty_bars")


def rolled(pitches: Tensor, notes: int) -> Tensor:
    """Returns melodies (n, T) as rolls (n, 1, T, notes) in [-1, 1]."""
    return 2.0 * one_hot(pitches, notes)[:, None] - 1


def shuffled_bars(real: Tensor, n: int, seed: int = 0) -> Tensor:
    """Returns n pieces of as many bars as real ones (N, 1, T, P) have, each bar drawn from all of theirs."""
    bars = real.unflatten(2, (-1, BAR)).transpose(1, 2).flatten(0, 1)  # (N * bars, 1, 16, P)
    length = real.shape[2] // BAR
    order = torch.randint(len(bars), (n, length), generator=torch.Generator().manual_seed(seed))
    return bars[order].transpose(1, 2).flatten(2, 3)


def markov_chain(real: Tensor, n: int, seed: int = 0) -> Tensor:
    """Returns n pieces as long as real ones (N, 1, T, P), each step's pitch drawn by the one before, as in these.

    The first is drawn from all first ones. Real ones have one note at a time.
    """
    pitches = real[:, 0].argmax(-1)
    counts = torch.zeros(real.shape[3], real.shape[3])
    pairs = pitches[:, :-1].flatten(), pitches[:, 1:].flatten()
    counts.index_put_(pairs, torch.ones(len(pairs[0])), accumulate=True)
    counts[counts.sum(1) == 0] = pitches[:, 0].bincount(minlength=real.shape[3]).float()  # nothing follows: start again
    random = torch.Generator().manual_seed(seed)
    first = torch.randint(len(pitches), (n,), generator=random)
    steps = [pitches[first, 0]]
    while len(steps) < real.shape[2]:
        steps.append(torch.multinomial(counts[steps[-1]], 1, generator=random)[:, 0])
    return rolled(torch.stack(steps, 1), real.shape[3])


def measured(pieces: Tensor, chords: Tensor, held: Tensor, known: Tensor) -> dict[str, float]:
    """Returns the scores of pieces against held-out ones, and their own shares of notes in the chord and of copies.

    Args:
        pieces: rolls (n, 1, T, P).
        chords: of each bar (n, bars, 13).
        held: held-out pieces (N, 1, T, P).
        known: bars of the training set as numbers.
    """
    data = SimpleNamespace(bar=BAR)
    values = {}
    for name in DISTANCES:
        score = SCORES[name]
        samples, reference = (Items(score.keep(x, 0, data), NOTHING, NOTHING, None, NOTHING) for x in (pieces, held))
        scored = score.measure(samples, reference, Setting(data))
        assert isinstance(scored, Scored)  # each of these is one score
        values[name] = float(scored.value)
    inside, total = in_chord(SCORES["chord_notes"].keep(pieces, 0, data), chords).sum(0).tolist()
    copied, bars = copies(SCORES["copied_bars"].keep(pieces, 0, data), known).sum(0).tolist()
    return {**values, "in chord": inside / max(total, 1), "copied": copied / max(bars, 1)}


def compare_pieces(model: Any, data: Tunes, n: int = 100, bars: int = 8, seed: int = 0) -> dict[str, dict[str, float]]:
    """Returns the scores of a model's pieces, of real ones and of both baselines.

    Chords of a model's pieces are those of held-out passages, in turn. Of real tunes, the held-out passages are
    compared with themselves, and as many training passages with them, each under its own chords.

    Args:
        model: draws pieces; or tunes, whose training passages are taken in their own keys.
        data: the tunes that they are compared with.
        n: pieces.
        bars: of each.
        seed: of everything that is drawn.
    """
    held, under = data.passages("test", bars)
    real, own = data.passages("train", bars)
    chords = under[torch.arange(n) % len(under)]
    if isinstance(model, Tunes):
        name, scored = "files", [x[:n] for x in model.passages("train", bars)]
    else:
        name, scored = "model", [model.compose(chords, seed=seed).cpu(), chords]
    order = torch.randperm(len(real), generator=torch.Generator().manual_seed(seed))[:n]
    known = SCORES["copied_bars"].prepare(Items(NOTHING, NOTHING, NOTHING, None, NOTHING), Setting(data))
    subjects = {
        "held-out tunes": (held, under),
        "training tunes": (real[order], own[order]),
        name: (scored[0], scored[1]),
        "shuffled bars": (shuffled_bars(real, n, seed), chords),
        "Markov chain": (markov_chain(real, n, seed), chords),
    }
    return {name: measured(pieces, of, held, known) for name, (pieces, of) in subjects.items()}


def primer_changes(model: Any, data: Tunes, n: int = 100, bars: int = 8, seed: int = 0) -> dict[str, list[float]]:
    """Returns how much of each bar of a model's pieces changes, as a share of its steps, 0 to 1.

    A piece follows the last bar of a held-out passage, under the chords of the one after it; and then the last bar of
    another passage, with the same latent vectors. As a measure of that, the first is drawn once more with others.

    Args:
        model: draws pieces.
        data: its tunes.
        n: pieces.
        bars: of each.
        seed: of everything that is drawn.

    Returns:
        Shares of each bar in turn: "another primer", "another draw".
    """
    held, under = data.passages("test", bars)
    turn = torch.arange(n)
    chords, primers = under[(turn + 1) % len(under)], held[turn % len(held), :, -BAR:]
    others = primers.roll(1, 0)
    piece = model.compose(chords, primers, seed)

    def changed(other: Tensor) -> list[float]:
        differs = (piece[:, 0].argmax(-1) != other[:, 0].argmax(-1)).float()
        return differs.unflatten(1, (bars, BAR)).mean((0, 2)).tolist()

    return {
        "another primer": changed(model.compose(chords, others, seed)),
        "another draw": changed(model.compose(chords, primers, seed + 1)),
    }


def is_music(name: str) -> bool:
    """Returns whether a name is that of a zip, or of a folder that is no checkpoint and holds MIDI files."""
    path = Path(name).expanduser()
    if path.is_dir():
        return any(file.suffix.lower() in ENDINGS for file in path.rglob("*"))
    return path.suffix.lower() == ".zip" and path.is_file()


def named_tunes(name: str, root: str | None) -> Tunes:
    """Returns tunes by the name of a data set, or from MIDI files in a folder or zip.

    Raises:
        GanzooError: if there is nothing of that name.
    """
    if name in DATA:
        return DATA[name](root=root)
    if not Path(name).expanduser().exists():
        raise GanzooError(f"--data: '{name}' is neither of {', '.join(DATA)}, nor MIDI files in a folder or zip.")
    return MidiFolder(name)


def table(results: dict[str, dict[str, float]]) -> str:
    """Returns numbers by row and column as a Markdown table."""
    columns = [*next(iter(results.values()))]
    lines = [["pieces", *columns], ["---", *["---:"] * len(columns)]]
    lines += [[name, *(f"{value:.3f}" for value in values.values())] for name, values in results.items()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def change_table(changes: dict[str, list[float]]) -> str:
    """Returns how much of each bar changes as a Markdown table."""
    bars = len(next(iter(changes.values())))
    return table({name: {f"bar {bar + 1}": values[bar] for bar in range(bars)} for name, values in changes.items()})


def report(model: Any, data: Tunes, name: str, n: int, bars: int, seed: int) -> dict[str, Any]:
    """Returns all that is measured of a model, or of MIDI files, with what it depends on."""
    origin = getattr(model, "origin", None)
    return {
        "name": name,
        "sha256": getattr(origin, "sha256", None),
        "data": data.title,
        "pieces": n,
        "bars": bars,
        "seed": seed,
        "scores": compare_pieces(model, data, n, bars, seed),
        "changes": primer_changes(model, data, n, bars, seed) if isinstance(model, Composes) else {},
        "versions": versions(),
    }


def report_text(results: dict[str, Any]) -> str:
    """Returns a report as Markdown."""
    count = f"{results['pieces']} pieces of {results['bars']} bars, seed {results['seed']}, beside {results['data']}."
    parts = [f"`{results['name']}`: {count} Distances to held-out tunes: lower is better.", table(results["scores"])]
    if results["changes"]:
        parts += ["Share of a bar's steps that change:", change_table(results["changes"])]
    return "\n\n".join(parts)


def main(argv: Sequence[str] | None = None) -> None:
    """Prints distances to held-out tunes (lower is better), and the shares of notes in the chord and of copied bars."""
    parser = argparse.ArgumentParser(prog="python -m ganzoo.tools.evaluate.pieces", description=main.__doc__)
    parser.add_argument("name", help="a checkpoint, as `ganzoo sample` takes it, or MIDI files in a folder or zip")
    parser.add_argument("--data", help="chorales, nottingham, or MIDI files, a tenth held out (the recipe's data)")
    parser.add_argument("-n", type=int, default=100, help="number of pieces (100)")
    parser.add_argument("--bars", type=int, default=8, help="bars of each (8)")
    parser.add_argument("--seed", type=int, default=0, help="of everything that is drawn (0)")
    parser.add_argument("-o", dest="out", type=Path, help="JSON file to write, with the tables as .md beside it")
    parser.add_argument("--root", help="folder of the recipe's data ($GANZOO_DATA, else ./data)")
    options = parser.parse_args(argv)
    try:
        if options.out is not None and options.out.suffix != ".json":
            raise GanzooError(f"-o: '{options.out}' given, but it must end in .json.")
        for name, value in (("-n", options.n), ("--bars", options.bars)):
            if value < 1:
                raise GanzooError(f"{name}: must be at least 1, not {value}.")
        model: Any
        if is_music(options.name):
            model = MidiFolder(options.name, held_out=0.0)
            if options.data is None:
                raise GanzooError("--data: not given; name the tunes to compare the files with.")
        else:
            model = load(options.name)
            if not isinstance(model, Composes):
                raise GanzooError(f"{type(model).__name__} draws no pieces of music.")
        if options.data is not None:
            data = named_tunes(options.data, options.root)
        else:
            data = recipe_data(model.origin, recipe_of(model), options.root)
        if not isinstance(data, Tunes):
            raise GanzooError(f"the recipe's data, {type(data).__name__}, are no tunes.")
        results = report(model, data, options.name, options.n, options.bars, options.seed)
        if options.out is not None:
            for path, content in (
                (options.out, json.dumps(results, indent=1, ensure_ascii=False)),
                (options.out.with_suffix(".md"), report_text(results)),
            ):
                with atomic_write(path) as file:
                    file.write_text(content + "\n", encoding="utf-8")
        print(report_text(results))
    except GanzooError as error:
        sys.exit(f"pieces: error: {error}")


if __name__ == "__main__":
    main()
