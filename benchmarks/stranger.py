"""Times a stranger's way: from `git clone` to a model fine-tuned on own pictures, sampled and exported.

`python benchmarks/stranger.py PICTURES` takes it in an empty folder, with a fresh clone and a fresh virtual
environment, command by command as the README and docs/own_pictures.md have them. It writes results/stranger.json beside
this file and puts the table into docs/own_pictures.md. It needs nothing but Python: what it times comes from the clone.
"""

import argparse
import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
TREE = HERE.parent
RESULTS, PAGE = HERE / "results" / "stranger.json", TREE / "docs" / "own_pictures.md"
START, END = "<!-- comparison-stranger:start -->", "<!-- comparison-stranger:end -->"
ENDINGS = {".jpg", ".jpeg", ".png", ".webp"}
RUN = "runs/dcgan_faces/version_0"
INDEX = "--extra-index-url https://download.pytorch.org/whl/cpu"  # of the smaller PyTorch, as the README says


def way(repository: str, steps: int, pip: str) -> list[tuple[str, str, str]]:
    """Returns the commands: what each is for, as it is typed, and as it is run here where that differs."""
    python = shlex.quote(sys.executable)
    fit = "ganzoo fit --recipe dcgan_faces --start dcgan-faces --data.root photos/"
    return [
        ("clone", "git clone https://github.com/OWNER/ganzoo", f"git clone --quiet {shlex.quote(repository)} ganzoo"),
        (
            "environment",
            "python3 -m venv .venv && . .venv/bin/activate",
            f"{python} -m venv .venv",
        ),
        ("install", f"pip install ./ganzoo {pip}".strip(), f".venv/bin/pip install --quiet ./ganzoo {pip}"),
        ("look", "ganzoo list faces", ""),
        ("fine-tune", f"{fit} --trainer.max_steps {steps}", ""),
        ("sample", f"ganzoo sample {RUN} -n 16 -o mine.png", ""),
        ("export", f"ganzoo export {RUN} -o mine", ""),
        ("load it elsewhere", """python -c 'import ganzoo; print(ganzoo.load("mine").sample(4, seed=0).shape)'""", ""),
    ]


def own_pictures(source: Path, folder: Path, count: int) -> int:
    """Copies the first pictures of a folder or a zip; returns how many there were."""
    folder.mkdir()
    if source.is_file():
        with zipfile.ZipFile(source) as archive:
            names = sorted(name for name in archive.namelist() if Path(name).suffix.lower() in ENDINGS)[:count]
            for number, name in enumerate(names):
                (folder / f"{number:03}{Path(name).suffix}").write_bytes(archive.read(name))
        return len(names)
    files = sorted(file for file in source.rglob("*") if file.suffix.lower() in ENDINGS)[:count]
    for number, file in enumerate(files):
        (folder / f"{number:03}{file.suffix}").write_bytes(file.read_bytes())
    return len(files)


def timed(command: str, folder: Path) -> dict[str, float]:
    """Runs a command in a folder, its environment's programs first on the path; returns its times in seconds.

    Raises:
        SystemExit: if it fails.
    """
    own = {"PATH": f"{folder / '.venv' / 'bin'}:{os.environ['PATH']}", "VIRTUAL_ENV": str(folder / ".venv")}
    hidden = ("PYTHONPATH", "PYTHONHOME", "GANZOO_DATA")
    environment = {name: value for name, value in os.environ.items() if name not in hidden} | own
    begun = time.perf_counter()
    process = subprocess.Popen(["sh", "-c", command], cwd=folder, env=environment, stdin=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"failed: {command}")
    seconds = {"seconds": time.perf_counter() - begun, "processor_seconds": usage.ru_utime + usage.ru_stime}
    return {name: round(value, 1) for name, value in seconds.items()}


def processor() -> str:
    """Returns what the system calls its processor, and how many cores there are."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{next(iter(names), platform.processor() or platform.machine())}, {os.cpu_count()} cores"


def minutes(seconds: float) -> str:
    """Returns a duration as the table shows it."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.1f} min"


def table(report: dict) -> str:
    """Returns the page's table."""
    lines = ["| | command | took | of a processor |", "| --- | --- | ---: | ---: |"]
    for one in report["commands"]:
        took, busy = minutes(one["seconds"]), minutes(one["processor_seconds"])
        lines.append(f"| {one['what']} | `{one['command']}` | {took} | {busy} |")
    whole, busy = (sum(one[name] for one in report["commands"]) for name in ("seconds", "processor_seconds"))
    lines.append(f"| all | | {minutes(whole)} | {minutes(busy)} |")
    about = f"{report['pictures']} pictures, {report['steps']:,} steps; {report['hardware']}, Python {report['python']}"
    load = f"the machine's load went from {report['load'][0]} to {report['load'][1]}"
    lines += ["", f"{about}; {load}. {report['note']}".strip()]
    return "\n".join(lines)


def put(text: str) -> None:
    """Puts the table between its markers in the page."""
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(START)
    PAGE.write_text(f"{before}{START}\n{text}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


def main() -> None:
    """Takes the way, and writes report and table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("pictures", type=Path, help="folder or zip of own pictures")
    parser.add_argument("--count", type=int, default=60, help="how many of them")
    parser.add_argument("--steps", type=int, default=1000, help="of fine-tuning")
    parser.add_argument("--repository", default=str(TREE), help="what is cloned; this tree by default")
    parser.add_argument("--pip", default=INDEX, help="more arguments for pip; by default for the PyTorch without CUDA")
    parser.add_argument("--note", default="", help="sentence below the table, such as what else the machine did")
    options = parser.parse_args()
    report: dict = {"hardware": processor(), "python": platform.python_version(), "note": options.note}
    load = [round(os.getloadavg()[0], 1)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        report["pictures"] = own_pictures(options.pictures, folder / "photos", options.count)
        report["steps"], report["commands"] = options.steps, []
        for what, typed, run in way(options.repository, options.steps, options.pip):
            report["commands"].append({"what": what, "command": typed, **timed(run or typed, folder)})
            print(json.dumps(report["commands"][-1]), flush=True)
        commit = ["git", "-C", str(folder / "ganzoo"), "rev-parse", "--short", "HEAD"]
        report["commit"] = subprocess.run(commit, capture_output=True, text=True, check=True).stdout.strip()
        code = "import torch, ganzoo; print(torch.__version__, ganzoo.__version__)"
        versions = [str(folder / ".venv/bin/python"), "-c", code]
        said = subprocess.run(versions, capture_output=True, text=True, check=True).stdout.split()
        report["torch"], report["ganzoo"] = said
    report["load"] = [*load, round(os.getloadavg()[0], 1)]
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")
    put(table(report))


if __name__ == "__main__":
    main()
