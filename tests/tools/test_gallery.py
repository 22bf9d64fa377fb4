"""The gallery: one page that holds everything that it shows, read as a parser does and as a browser does."""

import base64
import re
import shutil
from html.parser import HTMLParser
from importlib import import_module
from io import BytesIO
from xml.etree import ElementTree

import numpy as np
import pytest
from commands import ganzoo
from PIL import Image
from safetensors import safe_open

from ganzoo.checkpoints.hashes import card_metadata
from ganzoo.common import registry
from ganzoo.common.curves import Curve, read_metrics, thinned_csv
from ganzoo.drawing.plot import concise
from ganzoo.games.sampler import Sampler
from ganzoo.tools.gallery.svg import draw_svg, panels


def kind(name):
    with safe_open(registry.CHECKPOINTS / name / "model.safetensors", "pt") as file:
        return file.metadata().get("kind", "images")


def draws(name):
    module, _, variant = registry.model_class_path(registry.CHECKPOINTS / name / "recipe.yaml").rpartition(".")
    return issubclass(getattr(import_module(module), variant), Sampler)


def count_pictures():
    """The number of pictures in the page: one of each, ways between samples, and movies of what moves."""
    names = registry.list_checkpoints()
    drawn = [kind(name) for name in names if draws(name)]
    return len(names) + sum(each != "points" for each in drawn) + sum(each in ("video", "voxels") for each in drawn)


class Page(HTMLParser):
    """A page's elements with their attributes, and its text by article."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts, self.article = [], {}, ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag == "article":
            self.article = dict(attributes)["id"]

    def handle_data(self, data):
        self.texts[self.article] = self.texts.get(self.article, "") + data

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The page of every bundled checkpoint."""
    out = tmp_path_factory.mktemp("gallery") / "gallery.html"
    said = ganzoo("gallery", "-o", out)
    assert (said.status, said.out.strip()) == (0, str(out)), said.err
    return out


@pytest.fixture(scope="module")
def page(written):
    return Page(written.read_text())


def test_every_checkpoint_has_a_section_that_says_what_its_card_says(page):
    assert sorted(article["id"] for article in page.all("article")) == registry.list_checkpoints()
    for name in registry.list_checkpoints():
        text = " ".join(page.texts[name].split())
        folder = registry.CHECKPOINTS / name
        about, variant = (
            card_metadata((folder / "README.md").read_text()),
            registry.variant(registry.model_class_path(folder / "recipe.yaml")),
        )
        assert variant.title in text
        assert variant.paper in text
        assert f"ganzoo fit --recipe {about['ganzoo']['recipe']}" in text
        assert re.search(rf"ganzoo (sample|translate|evaluate) {name}\b", text)  # evaluate: it only redraws
        assert f"{about['ganzoo']['steps']:,} generator steps" in text
        assert "licence" in text
        for metric in about["model-index"][0]["results"][0]["metrics"]:
            assert metric["name"].startswith("is_std") or f"{metric['name']}{concise(metric['value'])}" in text


def test_every_picture_is_in_the_page_and_told_in_words(page):
    pictures = page.all("img")
    assert len(pictures) == count_pictures()
    assert len({picture["alt"] for picture in pictures}) == len(pictures)
    for picture in pictures:
        kind, content = re.fullmatch(r"data:(image/\w+);base64,(.*)", picture["src"]).groups()
        decoded = Image.open(BytesIO(base64.b64decode(content, validate=True)))
        decoded.load()
        assert Image.MIME[decoded.format] == kind
        assert decoded.size == (int(picture["width"]), int(picture["height"]))
        assert picture["alt"].split(":")[0] in registry.list_checkpoints()


def test_the_page_asks_for_nothing(page, written):
    playing = sum(draws(name) and kind(name) in ("video", "voxels", "music") for name in registry.list_checkpoints())
    assert written.stat().st_size < 3e5 * len(registry.list_checkpoints()) + 1e6 * playing
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "iframe", "object", "embed", "video", "source", "base"}
    for tag, attributes in page.elements:
        for key in ("src", "href", "srcset", "action", "background"):
            value = attributes.get(key)
            assert value is None or value.startswith(("data:", "#") if tag != "a" else ("#", "https://")), (tag, value)
    (style,) = re.findall(r"<style>(.*?)</style>", written.read_text(), re.DOTALL)
    assert "url(" not in style
    assert "@import" not in style


def test_links_within_the_page_lead_somewhere(page):
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {link["href"][1:] for link in page.all("a") if link["href"].startswith("#")} <= set(ids)


def test_every_bundled_checkpoint_shows_its_curves(page, written):
    for name in registry.list_checkpoints():
        assert (registry.CHECKPOINTS / name / "curves.csv").stat().st_size < 12_000, name
    drawings = re.findall(r"<svg.*?</svg>", written.read_text())
    assert len(drawings) >= len(registry.list_checkpoints())
    for drawing in drawings:
        tree = ElementTree.fromstring(drawing)
        assert tree.get("aria-label").endswith("generator steps")
        width, height = map(float, tree.get("viewBox").split()[2:])
        for line in tree.iter("path"):
            if line.get("class").startswith("line"):
                points = np.array([[float(x) for x in point.split()] for point in line.get("d")[1:].split("L")])
                assert (points >= 0).all()
                assert (points <= (width, height)).all()
                assert (np.diff(points[:, 0]) >= 0).all()


def test_curves_are_kept_in_small_up_to_the_checkpoints_step(tmp_path):
    steps = np.arange(1, 1001)
    curves = {
        "d/adv": Curve(steps, steps.astype(float)),
        "fid[mnist,2k/test]": Curve(np.array([0, 400, 1000]), np.array([9.0, 3.0, 2.0])),
        "lr/d": Curve(steps, np.ones(1000)),
        "time": Curve(steps, np.ones(1000)),
    }
    (tmp_path / "curves.csv").write_text(thinned_csv(curves, 500))
    kept = read_metrics(tmp_path / "curves.csv")
    assert set(kept) == {"d/adv", "fid[mnist,2k/test]"}
    np.testing.assert_array_equal(kept["fid[mnist,2k/test]"].steps, [0, 400])
    np.testing.assert_array_equal(kept["d/adv"].steps, np.arange(5, 501, 5))
    np.testing.assert_array_equal(kept["d/adv"].values, np.arange(3, 499, 5))


def test_a_drawing_is_to_scale():
    tree = ElementTree.fromstring(
        draw_svg("a < b", {"fid": Curve(np.array([0, 50, 100]), np.array([100.0, 10.0, 1.0]))}, dots=True)
    )
    dots = [(float(dot.get("cx")), float(dot.get("cy"))) for dot in tree.iter("circle")]
    assert np.ptp(np.diff(dots, axis=0), axis=0) == pytest.approx(
        0, abs=0.11
    )  # a straight line: the scale is logarithmic
    assert "a < b" in tree.get("aria-label")
    assert panels({}) == []


@pytest.fixture
def own(tmp_path):
    """A copy of a checkpoint, to be changed."""
    return shutil.copytree(registry.CHECKPOINTS / "vae-mnist", tmp_path / "mine")


def test_a_page_of_some_checkpoints_holds_those_alone(own, tmp_path):
    (own / "curves.csv").unlink()
    said = ganzoo("gallery", "acgan_mnist", own, "-o", tmp_path / "two.html")
    assert said.status == 0, said.err
    two = Page((tmp_path / "two.html").read_text())
    assert [article["id"] for article in two.all("article")] == ["mine", "acgan-mnist"]
    assert re.search(r"ganzoo sample \S+/mine -n 64", " ".join(two.texts["mine"].split()))  # not by its name


def test_each_checkpoint_has_one_section_and_only_bundled_ones_are_called_so(own, page, written, tmp_path):
    assert f"its {len(registry.list_checkpoints())} bundled checkpoints make" in page.texts[""]
    said = ganzoo("gallery", own, "wgan-gp-mnist", "wgan_gp_mnist", f"{own}/", "-o", tmp_path / "page.html")
    assert said.status == 0, said.err
    some = Page((tmp_path / "page.html").read_text())
    assert [article["id"] for article in some.all("article")] == ["mine", "wgan-gp-mnist"]
    assert "What 2 checkpoints make" in some.texts[""]
    other = shutil.copytree(own, tmp_path / "elsewhere" / "mine")
    assert "named 'mine'" in ganzoo("gallery", own, other, "-o", tmp_path / "page.html").error


@pytest.mark.parametrize(
    ("about", "kept"),
    [
        ("ganzoo: {steps: many, images: 3, seconds: .inf, hardware: mine}", "Scores"),
        ("ganzoo: {steps: 1234, seconds: 5}", "Scores"),
        (
            "ganzoo: {images: 3, recipe: [1], seconds: 600, hardware: mine}\nmodel-index: [{results: [{}]}]",
            "10 min on mine",
        ),
        ("ganzoo: {}\nmodel-index: many", "Scores"),
        ("ganzoo: {}\nmodel-index: [{results: [{metrics: [{name: fid, value: low}]}]}]", "Scores"),
        ("ganzoo: {}\nmodel-index: [{results: [{metrics: [{name: fid, value: 7}]}]}]", "fid"),
    ],
)
def test_a_card_that_somebody_wrote_by_hand_is_no_mishap(own, tmp_path, about, kept):
    (own / "README.md").write_text(f"---\n{about}\n---\n# Mine\n")
    said = ganzoo("gallery", own, "-o", tmp_path / "page.html")
    assert said.status == 0, said.err
    text = Page((tmp_path / "page.html").read_text()).texts["mine"]
    assert "generator steps," not in text
    assert "many" not in text
    assert (kept in text) != (kept == "Scores")


def test_what_a_card_says_is_text_not_markup(own, tmp_path):
    card = own / "README.md"
    hostile = "<img src=https://evil.example/x onerror=alert(1)>"
    card.write_text(
        card.read_text()
        .replace("name: is[mnist,10k]", f"name: '{hostile}'")
        .replace("Data: MNIST,", f"Data: {hostile},")
    )
    assert ganzoo("gallery", own, "-o", tmp_path / "page.html").status == 0
    text = (tmp_path / "page.html").read_text()
    assert text.count("evil.example") == 2
    assert all(picture["src"].startswith("data:") for picture in Page(text).all("img"))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["vae-mnst"], ["vae-mnst", "Did you mean 'vae-mnist'?"]),
        (["vae-mnist", "-o", "gallery.png"], ["-o: ", ".html", "gallery.png"]),
    ],
)
def test_what_does_not_fit_is_told(words, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    error = ganzoo("gallery", *words).error
    assert all(part in error for part in told), error
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_without_a_picture_is_told(own, tmp_path):
    (own / "samples.png").unlink()
    assert "samples.png" in ganzoo("gallery", own, "-o", tmp_path / "page.html").error


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_a_browser_shows_the_page(width, scheme, written):
    from playwright.sync_api import sync_playwright

    browsers = ("chromium", "google-chrome", "chromium-browser")
    found = next(filter(None, map(shutil.which, browsers)), None)  # else the one that playwright has installed
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=found)
        tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        asked, said = [], []
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("console", lambda message: said.append(message.text))
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.goto(written.as_uri())
        assert [url for url in asked if not url.startswith("data:")] == [written.as_uri()]
        assert said == []
        assert tab.evaluate("document.documentElement.scrollWidth") == width
        inside = "[...document.querySelectorAll('article *')].every(e => e.getBoundingClientRect().right <= innerWidth)"
        assert tab.evaluate(inside)
        sizes = tab.evaluate("[...document.images].map(image => image.naturalWidth)")
        assert len(sizes) == count_pictures()
        assert min(sizes) > 0
        for name in registry.list_checkpoints():
            assert tab.locator(f"article#{name} h2").inner_text() == name
        lightness = "getComputedStyle(document.body).backgroundColor.match(/[0-9]+/)[0] > 128"
        assert tab.evaluate(lightness) == (scheme == "light")
        tab.keyboard.press("Tab")  # the first stop leads past the list of names
        tab.keyboard.press("Enter")
        assert tab.evaluate("document.activeElement.id") == "checkpoints"
        browser.close()
