"""The stranger's way: its commands are the README's, and the table is what was measured."""

import json
import re
import shlex
import sys
import threading
import zipfile
from argparse import Namespace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from benchmark import load_benchmark
from commands import ganzoo

from ganzoo import list_recipes
from ganzoo.checkpoints.locate import locate_checkpoint

stranger = load_benchmark("stranger")


def test_its_commands_are_there_and_are_the_readmes():
    typed = {step.what: step.typed for step in stranger.way("tree", 100, stranger.INDEX)}
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
    assert typed["install the demo"] in (stranger.TREE / "docs" / "demo.md").read_text()
    assert [*typed][-1] == "sample in the demo"


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


CONFIG = {
    "components": [
        {"id": 1, "props": {"label": "Seed", "value": 0}},
        {"id": 2, "props": {"label": "Truncation", "value": 1.0}},
        {"id": 3, "props": {"value": "Draw"}},
        {"id": 4, "props": {"value": "New seed"}},
    ],
    "dependencies": [
        {"id": 8, "inputs": [], "targets": [[4, "click"]]},
        {"id": 9, "inputs": [1, 2], "targets": [[1, "change"], [3, "click"]]},
    ],
}


class Page(BaseHTTPRequestHandler):
    """The requests of a demo page with a Draw button, which answers with its seed in place of a picture."""

    def do_GET(self):
        path = self.path.lstrip("/")
        if path.startswith("gradio_api/queue/data"):
            seed, _ = self.server.chosen["data"]
            output = {"data": [{"path": f"/shelf/{seed} 16.png"}]}
            messages = [{"msg": "estimation"}, {"msg": "process_completed", "success": seed < 100, "output": output}]
            text = "\n\n".join(f"data: {json.dumps(message)}" for message in messages)
        elif path.startswith("gradio_api/file="):
            text = path.removeprefix("gradio_api/file=")
        else:
            text = json.dumps(CONFIG if path == "config" else {"event_id": "e"})
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())

    def do_POST(self):
        self.server.chosen = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture
def page():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


SERVES = """
import sys, time
print(sys.argv[1], "shows it; Ctrl-C ends it.", flush=True)
try:
    time.sleep(60)
except KeyboardInterrupt:
    open("closed", "w").close()
"""


def test_a_page_is_drawn_on_and_closed(page, tmp_path):
    (tmp_path / "serves.py").write_text(SERVES)
    url = f"http://127.0.0.1:{page.server_port}/"
    times = stranger.timed_page(f"{shlex.quote(sys.executable)} serves.py {url}", tmp_path)
    assert page.chosen == {"data": [7, 1.0], "fn_index": 9, "session_hash": "stranger"}
    assert (tmp_path / "demo.png").read_text() == "/shelf/7%2016.png"
    assert (tmp_path / "closed").is_file()
    assert {*times} == {"seconds", "processor_seconds"}
    assert times["seconds"] < 50
    with pytest.raises(SystemExit, match="to draw"):
        stranger.drawn_on_page(url, seed=100)
    with pytest.raises(SystemExit, match="failed: false"):
        stranger.timed_page("false", tmp_path)


@pytest.mark.browser
def test_a_page_draws_for_it_what_the_command_draws(tmp_path):
    pytest.importorskip("gradio", reason="pip install 'ganzoo-lightning[demo]'")
    from ganzoo.tools.demo.serving import served
    from ganzoo.tools.sample import sample

    sample("wgan-gp-mnist", n=16, seed=7, out=tmp_path / "x.png")
    with served(["wgan-gp-mnist"]) as url:
        assert stranger.drawn_on_page(url) == (tmp_path / "x.png").read_bytes()


def test_a_way_that_was_stopped_goes_on(tmp_path, monkeypatch):
    run, broken = [], ["two"]

    def take(command, _):
        if command in broken:
            raise SystemExit(f"failed: {command}")
        run.append(command)
        return {"seconds": 1.0, "processor_seconds": 0.5}

    monkeypatch.setattr(stranger, "way", lambda *_: [stranger.Step(one, one, take=take) for one in ("one", "two")])
    monkeypatch.setattr(stranger, "versions", lambda _: {"torch": "2.14"})
    source = tmp_path / "mine"
    source.mkdir()
    (source / "a.png").write_bytes(b"a")
    options = Namespace(pictures=source, count=60, steps=5, repository="", pip="", note="")
    with pytest.raises(SystemExit):
        stranger.take_way(options, tmp_path)
    broken.clear()
    report = stranger.take_way(options, tmp_path)
    assert run == ["one", "two"]
    assert [one["what"] for one in report["commands"]] == run
    assert (report["pictures"], report["torch"], len(report["load"])) == (1, "2.14", 2)
    assert stranger.table(report).count("` | 1 s | 0 s |") == 2


def test_the_page_shows_what_was_measured():
    report = json.loads(stranger.RESULTS.read_text())
    page = stranger.PAGE.read_text(encoding="utf-8")
    shown = page.partition(stranger.START)[2].partition(stranger.END)[0].strip()
    assert shown == stranger.table(report)
    measured = [one["what"] for one in report["commands"]]
    assert measured == [step.what for step in stranger.way("", 1, "")][: len(measured)]
    assert "load it elsewhere" in measured  # what comes behind may be newer than the measurement
    assert report["pictures"] == 60
    assert "/tmp" not in json.dumps(report)
    assert Path(stranger.__file__).name in page
