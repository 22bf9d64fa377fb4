"""The demo page in a browser and by HTTP: drawing, uploading, refusing, and a Space's folder that runs as it is."""

import logging
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from promising import promising_png

from ganzoo.common.errors import GanzooError
from ganzoo.common.registry import list_checkpoints
from ganzoo.tools.demo import actions
from ganzoo.tools.sample import sample

pytestmark = pytest.mark.browser
PATIENCE = 240_000  # milliseconds, on a machine with other things to do
SMALL = "wgan-gp-mnist"


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    browsers = ("chromium", "google-chrome", "chromium-browser")
    found = next(filter(None, map(shutil.which, browsers)), None)  # else the one that playwright has installed
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=found)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def serve():
    """Serves pages of checkpoints, each of which stays until the end."""
    pytest.importorskip("gradio", reason="pip install 'ganzoo-lightning[demo]'")
    from contextlib import ExitStack

    from ganzoo.tools.demo.serving import served

    with ExitStack() as stack:
        pages = {}

        def page(*names):
            if names not in pages:
                pages[names] = stack.enter_context(served(names))
            return pages[names]

        yield page


@contextmanager
def opened(browser, url, width=1280):
    """Context manager: a tab that shows a page, whose requests and complaints are looked at in the end."""
    tab = browser.new_page(viewport={"width": width, "height": 900})
    tab.set_default_timeout(PATIENCE)
    asked, complaints = [], []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.goto(url)
    tab.wait_for_selector(".about h1")
    yield tab
    assert [one for one in asked if not one.startswith((url, "data:", "blob:"))] == []
    assert complaints == []
    assert "Traceback" not in tab.content()
    tab.close()


def shown(tab, place=0):
    """Returns where the visible picture is, and its pixels."""
    picture = tab.locator(".drawn img:visible").nth(place)
    picture.wait_for()
    source = picture.get_attribute("src")
    return source, np.asarray(Image.open(BytesIO(tab.request.get(source).body())).convert("RGB"))


def next_picture(tab, before, place=0):
    """Waits until another picture than one at an address is shown, and returns both as `shown` does."""
    deadline = time.monotonic() + PATIENCE / 1000
    while time.monotonic() < deadline:
        source = tab.locator(".drawn img:visible").nth(place).get_attribute("src")
        if source and source != before:
            return shown(tab, place)
        tab.wait_for_timeout(200)
    raise AssertionError("the picture stays as it is")


def type_number(tab, where, value):
    field = tab.locator(f"{where}:visible input[type=number]").first
    field.fill(str(value))
    field.press("Enter")
    field.blur()


def try_samples(tab, name, folder):
    """Draws, changes the seed and back, and truncates; pictures are those that the command draws."""
    first, pixels = shown(tab)
    type_number(tab, ".seed", 7)
    second, others = next_picture(tab, first)
    assert others.shape != pixels.shape or (others != pixels).any()
    type_number(tab, ".seed", 0)
    again, same = next_picture(tab, second)
    assert again == first
    np.testing.assert_array_equal(same, pixels)
    type_number(tab, ".truncation", 0.5)
    _, truncated = next_picture(tab, first)
    count = actions.OFFERS["images"].count
    for factor, drawn in ((1.0, pixels), (0.5, truncated)):
        sample(name, n=count, seed=0, truncation=[factor], out=folder / "x.png")
        np.testing.assert_array_equal(np.asarray(Image.open(folder / "x.png").convert("RGB")), drawn)
    command = tab.locator(".command:visible").first.inner_text()
    assert f"-n {count} --seed 0 --truncation 0.5 -o samples.png" in " ".join(command.split())


def test_samples_follow_seed_and_truncation(browser, serve, tmp_path):
    with opened(browser, serve(SMALL)) as tab:
        assert tab.locator(".about h1").inner_text() == SMALL
        assert "CC BY-SA 3.0" in tab.locator(".facts").inner_text()
        try_samples(tab, SMALL, tmp_path)


def test_a_walk_is_drawn_and_downloaded(browser, serve):
    with opened(browser, serve(SMALL)) as tab:
        tab.get_by_role("tab", name="Walk").click()
        tab.locator("button.draw:visible").click()
        source, _ = shown(tab)
        movie = Image.open(BytesIO(tab.request.get(source).body()))
        assert (movie.format, movie.n_frames) == ("GIF", 80)
        with tab.expect_download() as download:
            tab.locator(".downloads:visible").get_by_role("button", name="GIF").click()
        assert Path(download.value.path()).read_bytes()[:3] == b"GIF"


@pytest.mark.parametrize("width", [375, 1280])
def test_the_page_fits_a_screen(browser, serve, width):
    with opened(browser, serve(SMALL), width) as tab:
        shown(tab)
        assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_an_upload_is_translated_and_a_hostile_one_is_refused_in_a_line(browser, serve, tmp_path):
    with opened(browser, serve("cyclegan-mnist")) as tab:
        first, _ = shown(tab, 1)  # an example's, whose source is beside it
        Image.new("RGB", (40, 24), "red").save(tmp_path / "red.png")
        upload = tab.locator("input[type=file]").first
        upload.set_input_files(tmp_path / "red.png")
        _, made = next_picture(tab, first, 1)
        assert made.shape[:2] == (24, 40)
        for content, refusal in (
            (promising_png(5000, 5000), "The picture has 5,000 x 5,000 pixels, and at most 16,777,216 are taken."),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "This is no picture that can be read"),
        ):
            (tmp_path / "evil.png").write_bytes(content)
            tab.get_by_label("Remove Image").or_(tab.get_by_label("Clear")).first.click()
            tab.locator("input[type=file]").first.set_input_files(tmp_path / "evil.png")
            toast = tab.locator(".toast-body").filter(has_text=refusal)
            toast.first.wait_for()
            lines = toast.first.inner_text().splitlines()  # those of earlier ones, too, and a title
            assert len([line for line in lines if refusal in line]) == 1
            assert str(tmp_path) not in toast.first.inner_text()


def test_a_model_is_chosen_among_all(browser, serve):
    with opened(browser, serve(*list_checkpoints())) as tab:
        shown(tab)
        before = tab.locator(".about h1").inner_text()
        assert before in list_checkpoints()
        for name in ("cgan-mnist", "cyclegan-mnist", "dcgan-faces"):
            choice = tab.locator("#model input")
            choice.click()
            choice.fill(name)
            tab.get_by_role("option", name=re.compile(f"^{name} ")).click()
            tab.locator(".about h1", has_text=re.compile(f"^{name}$")).wait_for()
            drawn, _ = shown(tab)
        type_number(tab, ".seed", 1)
        drawn, _ = next_picture(tab, drawn)
        type_number(tab, ".truncation", 0.5)
        next_picture(tab, drawn)


def test_a_space_runs_as_it_is(browser, tmp_path, monkeypatch):
    pytest.importorskip("gradio", reason="pip install 'ganzoo-lightning[demo]'")
    from ganzoo.tools.demo import demo

    demo(SMALL, space=tmp_path / "page")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {"GRADIO_SERVER_PORT": str(port), "PYTHONUNBUFFERED": "1"}
    environment["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    child = subprocess.Popen(
        [sys.executable, "app.py"], cwd=tmp_path / "page", env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout.readline().startswith(f"http://127.0.0.1:{port}")
        with opened(browser, f"http://127.0.0.1:{port}/") as tab:
            assert tab.locator(".about h1").inner_text() == SMALL
            monkeypatch.chdir(tmp_path / "page")
            try_samples(tab, f"./{SMALL}", tmp_path)
    finally:
        child.terminate()
        child.wait(30)


def fetch(url, data=None):
    """Returns status and text of an answer."""
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")


def test_files_of_this_machine_are_not_handed_out(serve):
    url = serve(SMALL)
    for path in ("/etc/passwd", __file__, str(Path(__file__).parents[2] / "pyproject.toml")):
        status, text = fetch(f"{url}gradio_api/file={path}")
        assert status in (403, 404), path
        assert "ganzoo" not in text


def test_uploads_have_a_bound_of_bytes(serve):
    boundary = "x" * 20
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="x.png"\r\n\r\n'
    body = head.encode() + bytes(11 * 2**20) + f"\r\n--{boundary}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    request = urllib.request.Request(f"{serve(SMALL)}gradio_api/upload", body, headers)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=60)
    assert refused.value.code == 413


def test_a_mishap_is_logged_and_the_visitor_told_nothing_of_it(caplog):
    gradio = pytest.importorskip("gradio", reason="pip install 'ganzoo-lightning[demo]'")
    from ganzoo.tools.demo.results import SORRY, Result, answering

    def fail(folder, value):
        if value == "known":
            raise GanzooError("--text: no <b>word</b> of it.")
        raise RuntimeError("secret")

    shelf = actions.Shelf()
    answer = answering(fail, Result(), shelf)
    with caplog.at_level(logging.ERROR), pytest.raises(gradio.Error) as told:
        answer("unknown")
    assert told.value.message == SORRY
    assert "secret" in caplog.text
    with pytest.raises(gradio.Error) as told:
        answer("known")
    assert told.value.message == "No &lt;b&gt;word&lt;/b&gt; of it."
    shelf.close()
