"""The stranger's way: its commands are the README's, and the table is what was measured."""

import json
import re
import shlex
import zipfile
from pathlib import Path

import pytest
from benchmark import load_benchmark
from commands import ganzoo

from ganzoo import list_recipes
from ganzoo.checkpoints.locate import locate_checkpoint

stranger = load_benchmark("stranger")


def test_its_commands_are_there_and_are_the_readmes():
    typed = {what: command for what, command, _ in stranger.way("tree", 100, stranger.INDEX)}
    for command in typed.values():
        if command.startswith("ganzoo "):
            _, name, *words = shlex.split(command)
            options = {word for word in words if word.startswith("-")}
            assert options <= {*re.findall(r"--?[\w.-]+", ganzoo(name, "--help").out)}, command
    words = shlex.split(typed["fine-tune"])
    assert words[words.index("--recipe") + 1] in list_recipes()
    assert (locate_checkpoint(words[words.index("--start") + 1]) / "model.safetensors").is_file()
    readme = (stranger.TREE / "README.md").read_text()
    assert "ganzoo fit --recipe dcgan_faces --data.root my_pictures/ --start dcgan-faces" in readme
    assert stranger.INDEX.removeprefix("--extra-index-url ") in readme


@pytest.mark.parametrize("zipped", [False, True])
def test_it_takes_so_many_pictures_of_a_folder_or_a_zip(zipped, tmp_path):
    source = tmp_path / "mine"
    source.mkdir()
    for name in ("b.PNG", "a.jpg", "c.txt", "d.jpeg"):
        (source / name).write_bytes(name.encode())
    if zipped:
        source = tmp_path / "mine.zip"
        with zipfile.ZipFile(source, "w") as archive:
            for file in sorted((tmp_path / "mine").iterdir()):
                archive.write(file, f"faces/{file.name}")
    assert stranger.own_pictures(source, tmp_path / "photos", 2) == 2
    assert sorted(file.read_bytes() for file in (tmp_path / "photos").iterdir()) == [b"a.jpg", b"b.PNG"]


def test_commands_are_timed_without_what_this_process_has_set(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    seconds = stranger.timed('test -z "$PYTHONPATH" && echo "$VIRTUAL_ENV" > place', tmp_path)
    assert (tmp_path / "place").read_text().strip() == str(tmp_path / ".venv")
    assert {*seconds} == {"seconds", "processor_seconds"}
    with pytest.raises(SystemExit, match="failed: false"):
        stranger.timed("false", tmp_path)


def test_the_page_shows_what_was_measured():
    report = json.loads(stranger.RESULTS.read_text())
    page = stranger.PAGE.read_text(encoding="utf-8")
    shown = page.partition(stranger.START)[2].partition(stranger.END)[0].strip()
    assert shown == stranger.table(report)
    assert [one["what"] for one in report["commands"]] == [what for what, _, _ in stranger.way("", 1, "")]
    assert report["pictures"] == 60
    assert "/tmp" not in json.dumps(report)
    assert Path(stranger.__file__).name in page
