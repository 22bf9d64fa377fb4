"""Times a stranger's way: from `git clone` to a model fine-tuned on own pictures, exported and sampled in the demo.

`python benchmarks/stranger.py PICTURES` takes it in an empty folder, with a fresh clone and a fresh virtual
environment, command by command as the README and docs/own_pictures.md have them. It writes results/stranger.json beside
this file and puts the table into docs/own_pictures.md. It needs nothing but Python: what it times comes from the clone.
With `--folder`, a way that was stopped goes on at the first command that is not done.
"""

import argparse
import json
import os
import platform
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import ProxyHandler, Request, build_opener

HERE = Path(__file__).parent
TREE = HERE.parent
RESULTS, PAGE = HERE / "results" / "stranger.json", TREE / "docs" / "own_pictures.md"
START, END = "<!-- comparison-stranger:start -->", "<!-- comparison-stranger:end -->"
ENDINGS = {".jpg", ".jpeg", ".png", ".webp"}
RUN = "runs/dcgan_faces/version_0"
INDEX = "--extra-index-url https://download.pytorch.org/whl/cpu"  # of the smaller PyTorch, as the README says


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


@contextmanager
def timed_child(command: str, folder: Path, **options: Any) -> Iterator[tuple[subprocess.Popen, dict[str, float]]]:
    """Context manager: a command that runs in a folder, its environment's programs first on the path.

    Yields:
        Its process, and its times in seconds, which are there at the end, once it has ended.

    Raises:
        SystemExit: if it fails.
    """
    own = {"PATH": f"{folder / '.venv' / 'bin'}:{os.environ['PATH']}", "VIRTUAL_ENV": str(folder / ".venv")}
    hidden = ("PYTHONPATH", "PYTHONHOME", "GANZOO_DATA")
    environment = {name: value for name, value in os.environ.items() if name not in hidden} | own
    times: dict[str, float] = {}
    begun = time.perf_counter()
    process = subprocess.Popen(["sh", "-c", command], cwd=folder, env=environment, stdin=subprocess.DEVNULL, **options)
    try:
        yield process, times
    except BaseException:
        process.kill()
        raise
    finally:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"failed: {command}")
    times.setdefault("seconds", round(time.perf_counter() - begun, 1))
    times["processor_seconds"] = round(usage.ru_utime + usage.ru_stime, 1)


def timed(command: str, folder: Path) -> dict[str, float]:
    """Runs a command in a folder; returns its times in seconds.

    Raises:
        SystemExit: if it fails.
    """
    with timed_child(command, folder) as (_, times):
        pass
    return times


def timed_page(command: str, folder: Path) -> dict[str, float]:
    """Runs a command that serves a demo page, draws there as a visitor does, and ends it by Ctrl-C.

    The picture is demo.png in the folder. Its seconds last until it is there; those of the processor are the command's.

    Raises:
        SystemExit: if the page or the command fails.
    """
    begun = time.perf_counter()
    ctrl_c = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}  # ignored behind a shell's `&`
    with timed_child(f"exec {command}", folder, stdout=subprocess.PIPE, text=True, **ctrl_c) as (process, times):
        assert process.stdout is not None
        with process.stdout:
            url = next((word for word in process.stdout.readline().split() if word.startswith("http://")), None)
            if url is None:
                raise SystemExit(f"failed: {command}")
            (folder / "demo.png").write_bytes(drawn_on_page(url))
            times["seconds"] = round(time.perf_counter() - begun, 1)
            process.send_signal(signal.SIGINT)
            process.stdout.read()
    return times


def drawn_on_page(url: str, seed: int = 7) -> bytes:
    """Chooses a seed on a demo page and presses Draw, by the requests that a browser makes; returns the picture.

    Raises:
        SystemExit: if the page cannot draw it.
    """
    page = json.loads(ask(f"{url}config"))
    looks = {part["id"]: part["props"] for part in page["components"]}
    button = next(one for one, look in looks.items() if look.get("value") == "Draw")
    event = next(event for event in page["dependencies"] if [button, "click"] in event["targets"])
    values = [seed if looks[one].get("label") == "Seed" else looks[one].get("value") for one in event["inputs"]]
    visit = {"data": values, "fn_index": event["id"], "session_hash": "stranger"}
    ask(f"{url}gradio_api/queue/join", visit)
    lines = ask(f"{url}gradio_api/queue/data?session_hash=stranger").splitlines()
    messages = [json.loads(line.removeprefix(b"data:")) for line in lines if line.startswith(b"data:")]
    done = next((one for one in messages if one["msg"] == "process_completed"), None)
    if done is None or not done["success"]:
        raise SystemExit(f"failed: to draw at {url}: {messages}")
    return ask(f"{url}gradio_api/file={quote(done['output']['data'][0]['path'])}")


def ask(url: str, question: Any = None) -> bytes:
    """Returns the whole answer of a server on this machine, past any proxy."""
    body = None if question is None else json.dumps(question).encode()
    request = Request(url, body, {"Content-Type": "application/json"})
    with build_opener(ProxyHandler({})).open(request, timeout=3600) as answer:
        return answer.read()


@dataclass(frozen=True)
class Step:
    """A command of the way.

    Attributes:
        what: it is for.
        typed: as a stranger types it.
        run: as it is run here, where that differs.
        take: runs it in a folder, and returns its times.
    """

    what: str
    typed: str
    run: str = ""
    take: Callable[[str, Path], dict[str, float]] = timed


def way(repository: str, steps: int, pip: str) -> list[Step]:
    """Returns the commands of the way."""
    python = shlex.quote(sys.executable)
    fit = "ganzoo fit --recipe dcgan_faces --start dcgan-faces --data.root photos/"
    elsewhere = """python -c 'import ganzoo; print(ganzoo.load("mine").sample(4, seed=0).shape)'"""
    extra = "'ganzoo-lightning[demo]'"
    return [
        Step(
            "clone", "git clone https://github.com/OWNER/ganzoo", f"git clone --quiet {shlex.quote(repository)} ganzoo"
        ),
        Step("environment", "python3 -m venv .venv && . .venv/bin/activate", f"{python} -m venv .venv"),
        Step("install", f"pip install ./ganzoo {pip}".strip(), f".venv/bin/pip install --quiet ./ganzoo {pip}"),
        Step("look", "ganzoo list faces"),
        Step("fine-tune", f"{fit} --trainer.max_steps {steps}"),
        Step("sample", f"ganzoo sample {RUN} -n 16 -o mine.png"),
        Step("export", f"ganzoo export {RUN} -o mine"),
        Step("load it elsewhere", elsewhere),
        Step("install the demo", f"pip install {extra}", f".venv/bin/pip install --quiet {extra}"),
        Step("sample in the demo", "ganzoo demo mine", take=timed_page),
    ]


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
    parser.add_argument("--folder", type=Path, help="where to take the way, to be kept (a temporary one)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(options.folder or temporary).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        report = take_way(options, folder)
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")
    put(table(report))


def take_way(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Runs the commands in a folder, those apart that its report.json has; returns the report."""
    kept = folder / "report.json"
    if kept.is_file():
        report = json.loads(kept.read_text())
    else:
        report = {"hardware": processor(), "python": platform.python_version(), "note": options.note}
        report["pictures"] = own_pictures(options.pictures, folder / "photos", options.count)
        report |= {"steps": options.steps, "commands": [], "load": [load()]}
    done = [one["what"] for one in report["commands"]]
    for step in way(options.repository, report["steps"], options.pip)[len(done) :]:
        times = step.take(step.run or step.typed, folder)
        report["commands"].append({"what": step.what, "command": step.typed, **times})
        kept.write_text(json.dumps(report, indent=1) + "\n")
        print(json.dumps(report["commands"][-1]), flush=True)
    return report | versions(folder) | {"load": [report["load"][0], load()]}


def versions(folder: Path) -> dict[str, str]:
    """Returns the commit that was cloned, and the versions that were installed."""
    commit = ["git", "-C", str(folder / "ganzoo"), "rev-parse", "--short", "HEAD"]
    code = "import torch, ganzoo; print(torch.__version__, ganzoo.__version__)"
    python = [str(folder / ".venv/bin/python"), "-P", "-c", code]
    printed = [subprocess.run(words, capture_output=True, text=True, check=True).stdout for words in (commit, python)]
    return dict(zip(("commit", "torch", "ganzoo"), " ".join(printed).split(), strict=True))


def load() -> float:
    """Returns how many processes wanted a processor in the last minute."""
    return round(os.getloadavg()[0], 1)


if __name__ == "__main__":
    main()
