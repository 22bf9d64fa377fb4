"""The pages for readers: links and commands that work, tables as the tool wrote them, a README of one page."""

import argparse
import itertools
import json
import os
import pkgutil
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from benchmark import load_benchmark
from commands import ganzoo

from ganzoo import list_recipes

TREE = Path(__file__).parents[2]
README = TREE / "README.md"
PAGES = [README, TREE / "CONTRIBUTING.md", TREE / "CHANGELOG.md", *sorted((TREE / "docs").rglob("*.md"))]
PAGES += sorted((TREE / "examples").rglob("*.md"))
GUIDES = [README, TREE / "CONTRIBUTING.md", *sorted((TREE / "docs").glob("*.md"))]
FENCED = re.compile(r"^```.*?^```$", re.M | re.S)
LINK = re.compile(r'\]\(([^)\s]+)\)|\b(?:src|href)="([^"]+)"')


def named(page):
    return page.relative_to(TREE).as_posix()


def anchors(page):
    """Returns the anchors of a page's headings, as GitHub forms them."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", page.read_text(encoding="utf-8")), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def between(page, table):
    """Returns what stands between a table's markers, which must be there once."""
    text = page.read_text(encoding="utf-8")
    start, end = f"<!-- {table}:start -->", f"<!-- {table}:end -->"
    assert (text.count(start), text.count(end)) == (1, 1), f"{page}: {start}"
    return text.partition(start)[2].partition(end)[0].strip()


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_relative_link_and_picture_is_there(page):
    text = re.sub(r"`[^`\n]*`", "", FENCED.sub("", page.read_text(encoding="utf-8")))
    missing = []
    for target in (link or source for link, source in LINK.findall(text)):
        if re.match(r"\w+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or TREE not in file.parents or (anchor and anchor not in anchors(file)):
            missing.append(target)
    assert missing == []


def test_the_readme_is_one_page():
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 150


def test_the_readme_shows_every_room_from_top_to_bottom():
    tree = re.search(r"^ganzoo/\n((?:  .+\n)+)", README.read_text(encoding="utf-8"), re.M)[1]
    shown = [line.split()[0] for line in tree.splitlines()]
    rooms = {path.parent.name + "/" for path in (TREE / "ganzoo").glob("*/__init__.py")}
    assert {name for name in shown if name.endswith("/")} == rooms
    assert [name for name in shown if not (TREE / "ganzoo" / name).exists()] == []
    project = tomllib.loads((TREE / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    height = {room.strip() + "/": number for number, layer in enumerate(layers) for room in layer.split("|")}
    assert [height[name] for name in shown if name in rooms] == sorted(height[name] for name in rooms)


@pytest.mark.parametrize("page", GUIDES, ids=named)
def test_files_and_names_of_ours_on_a_page_are_there(page):
    text = page.read_text(encoding="utf-8")
    files = set(re.findall(r"`((?:ganzoo|tests|benchmarks|recipes|examples|docs)/[a-z_/.]+)`", text))
    assert [file for file in files if not (TREE / file).exists()] == []
    names = {name for name in re.findall(r"\bganzoo(?:\.\w+)+", text) if "__" not in name}  # trust.md refuses those
    for name in names - {"ganzoo.json", "ganzoo.tools.NAME.NAME"}:  # a file within exported ones; any command
        pkgutil.resolve_name(name)


def test_every_page_is_reached_from_the_readme():
    text = README.read_text(encoding="utf-8")
    assert [page.name for page in (TREE / "docs").glob("*.md") if f"](docs/{page.name})" not in text] == []


def test_every_table_stands_on_one_page():
    tables = [name for page in PAGES for name in re.findall(r"<!-- (\S+):start -->", page.read_text(encoding="utf-8"))]
    assert sorted(tables) == sorted({*tables})
    assert {"comparison", "comparison-all", "comparison-conditional", "comparison-lab", "throughput"} <= {*tables}


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_writes_the_tables_where_they_stand():
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    words = ["make", "-n", "compare", "compare-all", "compare-conditional", "lab"]
    done = subprocess.run(words, cwd=TREE, env=environment, capture_output=True, text=True, timeout=60, check=True)
    parser = argparse.ArgumentParser()
    parser.add_argument("command")
    parser.add_argument("--readme", type=Path)
    parser.add_argument("--table", default="")
    parser.add_argument("-o", "--out", type=Path)
    tables = []
    for line in done.stdout.replace("\\\n", " ").splitlines():
        if "--readme" in line:
            options = parser.parse_known_args(shlex.split(line)[1:])[0]
            table = {"compare": options.table, "lab": "lab"}[options.command]
            tables.append("-".join(filter(None, ("comparison", table))))
            file = "lab.md" if options.command == "lab" else "comparison.md"
            text = (TREE / options.out / file).read_text(encoding="utf-8")
            assert between(TREE / options.readme, tables[-1]) == text.strip()
    assert sorted(tables) == ["comparison", "comparison-all", "comparison-conditional", "comparison-lab"]


def test_benchmarks_write_their_tables_where_they_stand(monkeypatch):
    summary, adaptation = load_benchmark("summary"), load_benchmark("adaptation")
    tables = {}
    monkeypatch.setattr(summary, "put", lambda page, table, text: tables.update({table: (page, text)}))
    summary.main()
    assert {"throughput", "shares", "levers", "besides"} <= {*tables}
    results = json.loads(adaptation.RESULTS.read_text(encoding="utf-8"))
    tables["comparison-adaptation"] = adaptation.PAGE, adaptation.table(results)
    for table, (page, text) in tables.items():
        assert between(page, table) == text.strip()


@pytest.mark.parametrize("page", GUIDES, ids=named)
def test_commands_on_a_page_are_there(page):
    commands = {*re.findall(r"^  ([a-z]+)  ", ganzoo("--help").out, re.M)}
    assert len(commands) > 10
    unknown = []
    for block in re.findall(r"^```console\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S):
        for line in re.findall(r"^ganzoo (.+)$", block.replace("\\\n", " "), re.M):
            command, *words = shlex.split(line, comments=True)
            recipes = {name for option, name in itertools.pairwise(words) if option == "--recipe"}
            recipes = {name for name in recipes if "/" not in name}  # the others are files of the reader's own
            options = {word for word in words if re.fullmatch(r"--[\w-]+", word)}
            shown = ganzoo(command, "--help").out if command in commands else ""
            if not recipes <= {*list_recipes()} or not options <= {*re.findall(r"--[\w-]+", shown)}:
                unknown.append(line)
    assert unknown == []
