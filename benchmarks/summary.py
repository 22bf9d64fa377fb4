"""Writes the benchmarks' figures into docs/speed.md, from the JSON files that the benchmarks wrote.

python benchmarks/summary.py
"""

import json
from pathlib import Path
from statistics import median
from typing import Any

from ganzoo.common.files import atomic_write

HERE = Path(__file__).parent
TITLES = {
    "dcgan_mnist": "DCGAN, 32 px, width 32",
    "wgan_gp_mnist": "WGAN-GP, the same",
    "wide_dcgan": "upsampling DCGAN, width 128",
    "sngan": "SNGAN's ResNet",
}


def read(name: str) -> dict[str, Any]:
    """Returns what a benchmark wrote."""
    return json.loads((HERE / "results" / f"{name}.json").read_text())


def throughput() -> str:
    """Returns the table of training speed."""
    found = read("throughput")
    lines = [
        "| networks | ganzoo, ms per update | / careful loop | / tutorial loop | images/s through D | "
        "peak memory, MB: ganzoo, tutorial |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, title in TITLES.items():
        if name not in found:
            continue
        row = found[name]
        ours, loop, tutorial = row["ganzoo"], row["ganzoo/resident"], row["ganzoo/tutorial"]
        lines.append(
            f"| {title} | {ours['ms_per_update']:,.0f} | {loop['median']:.2f} | {tutorial['median']:.2f} | "
            f"{ours['real_images_per_second']:,.0f} | {ours['peak_memory_mb']:,}, "
            f"{row['tutorial']['peak_memory_mb']:,} |"
        )
    first = next(iter(found.values()))
    rounds = ", ".join(str(len(found[name]["ganzoo"]["seconds"])) for name in TITLES if name in found)
    apart = max(row["apart_after_3_updates"] for row in found.values())
    lines += [
        "",
        f"On {first['hardware']}, {first['threads']} threads, torch {first['versions']['torch']}, batch 64; an "
        "update is one of the generator with its critic steps. Both loops train the same networks on the same data "
        f"side by side with ganzoo, in turns; ratios are medians over {rounds} rounds, row by row. The careful loop "
        "is hand-written plain PyTorch with everything that helps: images in one tensor, channels last, "
        f"{first['precision']}, fused Adam, no graph through G in D's move, a frozen opponent; after 3 "
        "updates in float32 its weights and ganzoo's "
        f"{f'differ by at most {apart:.1g}' if apart else 'are the very same'}. The tutorial loop is "
        "what tutorials write: PIL transforms in a DataLoader with two workers, float32. "
        "`python benchmarks/throughput.py` measures it.",
    ]
    return "\n".join(lines)


def levers() -> str:
    """Returns what each lever gives."""
    found = read("levers")
    names = [name for name in TITLES if name in found]
    rows = sorted({key for name in names for key in found[name] if key.startswith("without")})
    lines = ["| step time | " + " | ".join(TITLES[name] for name in names) + " |", "| --- |" + " ---: |" * len(names)]
    lines.append("| all levers | " + " | ".join(f"{found[name]['ms_per_update']:,.0f} ms" for name in names) + " |")
    for row in rows:
        cells = (f"x {found[name][row]:.2f}" if row in found[name] else "" for name in names)
        said = row.replace("without no graph through G", "with a graph through G in D's move")
        lines.append(f"| {said} | " + " | ".join(cells) + " |")
    lines += ["", f"On {found['hardware']}, {found['threads']} threads, torch {found['versions']['torch']}."]
    return "\n".join(lines)


def shares() -> str:
    """Returns where a run's time goes."""
    found = read("throughput")
    parts = ("data", "d", "g", "logging", "rest")
    lines = [
        "| networks | data | D's moves | G's moves | logging | Lightning and the rest |",
        "| --- |" + " ---: |" * len(parts),
    ]
    for name, title in TITLES.items():
        if name in found:
            lines.append(f"| {title} | " + " | ".join(f"{found[name]['shares'][part]:.1%}" for part in parts) + " |")
    return "\n".join(lines)


def besides() -> str:
    """Returns what evaluation, loading and sampling cost."""
    evaluation, loading = read("evaluation"), read("loading")
    fid, start = evaluation["fid"], loading["start"]
    ratios = fid["ganzoo/torch-fidelity"]
    most = max(evaluation["shares"], key=lambda name: evaluation["shares"][name]["share"])
    sampling = max(row["ratio"] for row in loading["sampling"].values())
    rows = [
        (f"FID of {fid['samples']:,} samples, ganzoo / torch-fidelity on the same extractor", spoken(ratios), "1.0"),
        (f"validations of a recipe's own run, share of its time, the largest of {len(evaluation['shares'])}: {most}",
         f"{evaluation['shares'][most]['share']:.1%}", "5%"),
        ("`ganzoo --help`", f"{start['seconds']['ganzoo --help']:.2f} s", "0.3 s"),
        ("`ganzoo.load('dcgan-mnist').sample(16)`, cold, beyond importing torch and lightning.pytorch",
         f"{start['beyond']['seconds']:.2f} s", "1 s"),
        ("`model.sample` / the bare generator, the largest of "
         f"{len(loading['sampling'])} checkpoints", f"{sampling:.3f}", "1.03"),
    ]  # fmt: skip
    lines = ["| figure | measured | at most |", "| --- | ---: | ---: |"]
    lines += [f"| {what} | {measured} | {target} |" for what, measured, target in rows]
    commands = "`python benchmarks/evaluation.py` and `python benchmarks/loading.py` measure them."
    lines += ["", f"On {fid['hardware']}, torch {fid['versions']['torch']}. {commands}"]
    return "\n".join(lines)


def contention() -> str:
    """Returns the table of training speed beside busy loops."""
    found = read("contention")
    rates = found["steps_per_second"]
    loops = sorted({number for systems in rates.values() for row in systems.values() for number in row})
    beside = [{"0": "alone", "1": "beside one loop"}.get(number, f"beside {number}") for number in loops]
    lines = [
        f"| recipe, steps per second | {' | '.join(beside)} | kept beside {loops[-1]} |",
        "| --- |" + " ---: |" * (len(loops) + 1),
    ]
    for recipe, systems in rates.items():
        for name, row in systems.items():
            middle = {number: median(answer["rate"] for answer in row[number]) for number in loops}
            threads = {answer["threads"] for answers in row.values() for answer in answers}
            said = name.replace("before", f"before ({found['before']})")
            cells = [f"{middle[number]:.1f}" for number in loops]
            kept = f"{middle[loops[-1]] / middle[loops[0]]:.0%}"
            of = f"{recipe}, {said}, {' or '.join(map(str, sorted(threads)))} thread(s)"
            lines.append(f"| {of} | {' | '.join(cells)} | {kept} |")
    whole = found.get("demo_beside_one_loop_seconds")
    command = "python benchmarks/contention.py" + (" --before TREE" if found["before"] else "")
    lines += [
        "",
        f"On {found['hardware']}, torch {found['versions']['torch']}; a loop is Python that never waits."
        f"{f' The training of `make demo` takes {whole:.0f} s in all beside one loop.' if whole else ''} `{command}` "
        "measures it.",
    ]
    return "\n".join(lines)


def memory() -> str:
    """Returns the table of the memory that an update takes."""
    found = read("memory")
    lines = ["| networks | ganzoo, MB | careful loop, MB | ganzoo / loop |", "| --- | ---: | ---: | ---: |"]
    for key, row in found.items():
        name, precision, device = key.split(", ")
        width = f", width {row['width']}" if row["width"] else ""
        about = f"{TITLES[name]}{width}, {precision}, {device}"
        lines.append(f"| {about} | {row['ganzoo']:.1f} | {row['loop']:.1f} | {row['ganzoo/loop']:.2f} |")
    first = next(iter(found.values()))
    machine = f"{first['hardware']}, torch {first['versions']['torch']}, batch {first['batch']}"
    return "\n".join([*lines, "", f"On {machine}. `python benchmarks/memory.py` measures it."])


def steps() -> str:
    """Returns the table of the architectures' steps."""
    found = read("steps")
    lines = [
        "| game, recipe | ms per batch: ganzoo, careful step | ganzoo / step (lowest, highest) | "
        "MB: ganzoo, careful step | ganzoo / step |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, row in found.items():
        time, megabytes, ratio = row["ms_per_batch"], row["memory_mb"], row["ganzoo/loop"]
        lines.append(
            f"| {name}, `{row['recipe']}`, batches of {row['batch']} | {time['ganzoo']:,.0f}, {time['loop']:,.0f} | "
            f"{ratio['median']:.2f} ({ratio['low']:.2f}, {ratio['high']:.2f}) | "
            f"{megabytes['ganzoo']:,.0f}, {megabytes['loop']:,.0f} | {row['memory ganzoo/loop']:.2f} |"
        )
    first = next(iter(found.values()))
    apart, rounds = max(row["apart"] for row in found.values()), [row["rounds"] for row in found.values()]
    lines += [
        "",
        f"On {first['hardware']}, {first['threads']} thread(s), torch {first['versions']['torch']}, "
        f"{first['precision']}; processor time while the machine also trained, medians of {min(rounds)} to "
        f"{max(rounds)} segments each, in turns. After the same batches, outputs of both are apart by at most "
        f"{apart:.0e} of their spread. "
        "`python benchmarks/steps.py` measures it.",
    ]
    return "\n".join(lines)


def allocator() -> str:
    """Returns the table of what keeping freed memory saves."""
    found = read("allocator")
    rows = {name: row for name, row in found.items() if isinstance(row, dict) and "ratio" in row}
    lines = [
        "| recipe | ms per batch: kept, handed back | kept / handed back (lowest, highest) | page faults per batch | "
        "peak memory, MB |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, row in rows.items():
        kept, plain, ratio = row["kept"], row["plain"], row["ratio"]
        lines.append(
            f"| `{name}` | {1000 * kept['seconds']:,.0f}, {1000 * plain['seconds']:,.0f} | "
            f"{ratio['median']:.2f} ({ratio['low']:.2f}, {ratio['high']:.2f}) | "
            f"{kept['faults']:,.0f}, {plain['faults']:,.0f} | {kept['peak_mb']:,.0f}, {plain['peak_mb']:,.0f} |"
        )
    rounds = sorted({row["rounds"] for row in rows.values()})
    lines += [
        "",
        f"On {found['hardware']}, one thread, torch {found['versions']['torch']}, float32; processor time, medians of "
        f"{' or '.join(map(str, rounds))} processes each, in turns. `python benchmarks/allocator.py` measures it.",
    ]
    return "\n".join(lines)


def operators() -> str:
    """Returns the table of where a step's time goes by operator."""
    found = read("operators")
    rows = {name: row for name, row in found.items() if isinstance(row, dict) and "shares" in row}
    titles = list(next(iter(rows.values()))["shares"])
    lines = ["| share of a batch's time | " + " | ".join(f"`{name}`" for name in rows) + " |"]
    lines.append("| --- |" + " ---: |" * len(rows))
    for title in titles:
        lines.append(f"| {title} | " + " | ".join(f"{row['shares'][title]:.1%}" for row in rows.values()) + " |")
    rates = " | ".join(f"{row['gflop_per_second']:.0f}" for row in rows.values())
    lines.append(f"| GFLOP/s of convolutions and products | {rates} |")
    lines.append("| GFLOP in a batch | " + " | ".join(f"{row['gflop_per_batch']:.1f}" for row in rows.values()) + " |")
    lines += [
        "",
        f"On {found['hardware']}, one thread, torch {found['versions']['torch']}, {found['precision']}; a product of "
        f"large matrices reaches {found['machine_gflop_per_second']:.0f} GFLOP/s here. "
        "`python benchmarks/operators.py` measures it.",
    ]
    return "\n".join(lines)


def spoken(ratios: dict[str, Any]) -> str:
    """Returns the ratio with and without real features that are there already."""
    return ", ".join(f"{row['time']['median']:.2f} ({name.replace('_', ' ')})" for name, row in ratios.items())


def put(page: Path, name: str, text: str) -> None:
    """Replaces what stands between two markers in a page."""
    start, end = f"<!-- {name}:start -->", f"<!-- {name}:end -->"
    before, _, rest = page.read_text().partition(start)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"{page}: the markers {start} and {end} are missing")
    with atomic_write(page) as file:
        file.write_text(f"{before}{start}\n{text}\n{end}{after}")


def main() -> None:
    """Writes all tables."""
    page = HERE.parent / "docs" / "speed.md"
    put(page, "throughput", throughput())
    put(page, "shares", shares())
    put(page, "levers", levers())
    put(page, "besides", besides())
    put(page, "memory", memory())
    put(page, "steps", steps())
    put(page, "allocator", allocator())
    put(page, "operators", operators())
    if (HERE / "results" / "contention.json").is_file():
        put(page, "contention", contention())


if __name__ == "__main__":
    main()
