"""The site in a browser: a page's model draws there what PyTorch draws here, and asks nobody else for anything."""

import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch
from website_pages import TREE, live, variants

import ganzoo
from ganzoo.common import registry

pytestmark = pytest.mark.browser
# Latent vectors; labels; a mapping network and noise; an autoencoder's codes.
NAMES = ["wgan-gp-mnist", "acgan-mnist", "stylegan2-faces", "aae-mnist"]
STEP = 2 / 255  # a grey level, on the scale of [-1, 1]


class Files(SimpleHTTPRequestHandler):
    """A folder, as any host of static files serves it."""

    extensions_map = SimpleHTTPRequestHandler.extensions_map | {".mjs": "text/javascript", ".wasm": "application/wasm"}

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The address of the site, with live samplers of some checkpoints; classes are left out, which take minutes."""
    pytest.importorskip("mkdocs")
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    live.fetch_runtime()
    for name in NAMES:
        live.refresh(name)
    out = tmp_path_factory.mktemp("site")
    build(load_config(str(TREE / "mkdocs.yml"), site_dir=str(out), plugins=["search"], strict=True))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, directory=out))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    names = ("chromium", "google-chrome", "chromium-browser")
    found = next(filter(None, map(shutil.which, names)), None)  # else the one that playwright has installed
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=found)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, address):
    """A function that opens a page; afterwards a check that nobody else was asked, and that nothing failed."""
    tabs, asked, said = [], [], []

    def opened(page, width=1280, scheme="light"):
        tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        tabs.append(tab)
        tab.set_default_timeout(240_000)
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.goto(address + page)
        return tab

    yield opened
    for tab in tabs:
        tab.close()
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
    assert said == []


def sampler_of(tab, name):
    """Starts a page's sampler, and returns its figure."""
    figure = tab.locator(f"#{name} ~ figure.samples, .hero figure.samples").first
    figure.get_by_role("button", name="Draw in this browser").click()
    tab.wait_for_function("document.querySelector('figure.drawing')?.sampler")
    return figure


def page_of(name):
    return variants.page_of(registry.CHECKPOINTS / name).removesuffix(".md") + f"/#{name}"


@pytest.mark.parametrize("name", NAMES)
def test_a_page_draws_what_python_draws(name, visit):
    tab, model = visit(page_of(name)), ganzoo.load(name)
    figure = sampler_of(tab, name)

    def numbers(call):
        drawn = tab.evaluate(f"async () => [...await document.querySelector('figure.drawing').sampler.{call}]")
        return torch.tensor(drawn).view(-1, *model.sample(1, seed=0).shape[1:])

    assert (numbers("draw({n: 5, seed: 7})") - model.sample(5, seed=7)).abs().max() < STEP / 4
    if live.read_live(name).truncates:
        drawn = numbers("draw({n: 2, seed: 3, truncation: 0.5})")
        assert (drawn - model.sample(2, seed=3, truncation=0.5)).abs().max() < STEP / 4
    if model.n_classes:
        drawn = numbers("draw({n: 2, seed: 3, label: 4})")
        assert (drawn - model.sample(2, torch.tensor([4, 4]), seed=3)).abs().max() < STEP / 4
    if name == NAMES[0]:  # a latent vector that no seed draws
        z = torch.linspace(-2, 2, 100)[None]
        drawn = numbers(f"run({{n: 1, feeds: {{z: {z[0].tolist()}}}}})")
        assert (drawn - model.render(z)).abs().max() < STEP / 4
    # what stands on the screen is that picture, too
    figure.get_by_role("spinbutton", name="Seed").fill("7")
    figure.get_by_role("spinbutton", name="Seed").press("Enter")
    tab.wait_for_function(
        f"document.querySelector('figure.drawing code').textContent.includes('{name} -n 16 --seed 7')"
    )
    levels = tab.evaluate("""[...document.querySelectorAll('figure.drawing canvas')].map(canvas =>
        [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data])""")
    for shown, picture in zip(levels, ganzoo.to_pil(model.sample(16, seed=7)), strict=True):
        expected = np.asarray(picture.convert("RGB")).astype(int)
        assert abs(np.array(shown).reshape(*expected.shape[:2], 4)[..., :3] - expected).max() <= 1


def test_a_sampler_draws_anew_walks_and_stops(visit):
    tab = visit(page_of(NAMES[0]))
    figure = sampler_of(tab, NAMES[0])
    levels = "document.querySelector('figure.drawing canvas').toDataURL()"
    first = tab.evaluate(levels)
    figure.get_by_role("button", name="New samples").click()
    tab.wait_for_function(f"{levels} !== {first!r}")
    figure.get_by_role("button", name="Walk").click()
    second = tab.evaluate(levels)
    tab.wait_for_function(f"{levels} !== {second!r}")
    figure.get_by_role("button", name="Stop").click()
    assert figure.get_by_role("button", name="Walk").is_visible()


@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize(
    "page", ["", "quick_start/", "models/", page_of(NAMES[1]), "gallery/", "evaluation/", "readme/"]
)
def test_a_page_fits_its_window(page, width, visit):
    tab = visit(page, width)
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    if page == page_of(NAMES[1]):
        sampler_of(tab, NAMES[1])
        assert tab.evaluate("document.documentElement.scrollWidth") == width
    sizes = "[...document.images].filter(image => image.complete).map(image => image.naturalWidth)"
    assert 0 not in tab.evaluate(sizes)
