"""The documentation site: every variant, recipe, checkpoint and guide is on it, and what it links to is there."""

import json
import posixpath
import re
import shutil
import subprocess

import pytest
import torch
import yaml
from coders import autoencoder, vae
from tiny import conditional, conv, recolour
from website_pages import TREE, links, live, navigation, pages, reference, settings, variants

from ganzoo.checkpoints.hashes import card_metadata
from ganzoo.common import registry
from ganzoo.games.latent import draw_latent
from ganzoo.games.noise_inputs import draw_noise, noise_seeds
from ganzoo.models.infogan import InfoGAN
from ganzoo.networks.mlp import MLPDiscriminator, MLPGenerator

DOCS = TREE / "docs"
GUIDES = {path.name: path for path in DOCS.glob("*.md")}


@pytest.fixture(scope="module")
def made():
    return pages.made_pages()


def test_every_variant_has_a_page_with_its_paper_and_its_file(made):
    files = {path.stem for path in (TREE / "ganzoo" / "models").glob("*.py")} - {"__init__"}
    assert {place for place in made if place.startswith("models/")} == {
        f"models/{name}.md" for name in files | {"index"}
    }
    for name in files:
        page, about = made[f"models/{name}.md"], registry.variant(f"ganzoo.models.{name}.")
        source = (TREE / "ganzoo" / "models" / f"{name}.py").read_text()
        assert about.paper in page
        assert f"<{about.url}>" in page
        assert source.strip() in page
        assert f"\n::: ganzoo.models.{name}." in page
        assert f"]({name}.md)" in made["models/index.md"]


def test_every_variant_stands_once_in_the_navigation():
    shown = [one.name for group in variants.grouped().values() for one in group]
    assert sorted(shown) == variants.list_variants()
    assert {*variants.grouped()} <= {*variants.GROUPS.values()}


def test_every_recipe_stands_on_the_page_of_its_variant_with_all_that_its_file_says(made):
    for name in registry.list_recipes():
        file = TREE / "recipes" / f"{name}.yaml"
        recipe = variants.read_recipe(name)
        page = made[f"models/{registry.model_class_path(file).split('.')[-2]}.md"]
        assert f"\n### {name}\n" in page
        assert f"```console\n{recipe.command}\n```" in page
        assert recipe.command.startswith(f"ganzoo fit --recipe {name}")
        assert {*recipe.facts} == {"Hardware", "Time", "Score"}
        words = f"{recipe.text} {' '.join(f'{key}: {value}' for key, value in recipe.facts.items())} {recipe.settings}"
        whole = re.sub(r"^# ?", "", file.read_text(), flags=re.M).partition("\n")[2]
        assert words.split() == whole.split()


def test_every_checkpoint_stands_on_the_page_of_its_variant_with_its_scores_and_card(made):
    for name in registry.list_checkpoints():
        folder = registry.CHECKPOINTS / name
        page = made[pages.variants.page_of(folder)]
        card = (folder / "README.md").read_text()
        assert f"{{ #{name} }}" in page
        assert f'src="../../files/checkpoints/{name}/samples.png"' in page
        for metric in card_metadata(card)["model-index"][0]["results"][0]["metrics"]:
            assert metric["name"].startswith("is_std") or f"| `{metric['name']}` |" in page
        limits = card.partition("## Intended use and limits\n\n")[2].strip()
        assert limits
        assert limits in page
        assert f"/#{name}" in made["gallery.md"]


def test_every_guide_stands_once_in_the_navigation(made):
    shown = navigation(settings()["nav"])
    assert len(shown) == len({*shown})
    assert {*GUIDES} <= {*shown}
    assert {*shown} <= {*GUIDES} | {*made}


def test_every_room_that_is_used_from_python_has_a_page_of_its_modules(made):
    for room in reference.ROOMS:
        modules = re.findall(r"^::: (\S+)$", made[f"reference/{room}.md"], re.M)
        assert modules
        assert all(module.startswith(f"ganzoo.{room}.") for module in modules)
    assert "::: ganzoo.games.sampler\n" in made["reference/games.md"]
    assert "::: ganzoo.metrics.scores.fid\n" in made["reference/metrics.md"]
    assert "::: ganzoo.load\n" in made["reference/index.md"]


def test_links_of_pages_that_are_made_lead_somewhere(made):
    copied = {links.place_of(path) for path in pages.linked_files(GUIDES)}
    there = {*made, *GUIDES, *copied} | {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*")}
    missing = []
    for place, text in made.items():
        text = links.CODE.sub("", text)
        targets = [(link, posixpath.dirname(place)) for link in links.MARKDOWN_LINK.findall(text)]
        addresses = [(link, links.url_of(place)) for _, link in links.HTML_LINK.findall(text)]
        for link, start in targets + addresses:
            path = posixpath.normpath(posixpath.join(start, link.partition("#")[0])) if link[0] != "#" else place
            page = f"{path}.md" if (link, start) in addresses and f"{path}.md" in there else path
            if not re.match(r"https?:", link) and page not in there:
                missing.append((place, link))
    assert missing == []


def test_a_guides_links_hold_on_the_site():
    text = (
        "See [it](../ganzoo/models/dcgan.py), [us](../README.md#install), [them](scaling.md), `[code](nowhere.md)`,\n"
        '[there](https://example.org), [here](#below) <img src="../checkpoints/dcgan-faces/samples.png">\n'
        "[the card](../checkpoints/dcgan-faces/README.md) and [sources](../ganzoo/games/players.py).\n"
        "```\n[also code](nowhere.md)\n```\n"
    )
    rewritten, linked = links.rewrite_links(text, "docs/training.md", "training.md")
    assert rewritten == (
        "See [it](models/dcgan.md), [us](readme.md#install), [them](scaling.md), `[code](nowhere.md)`,\n"
        '[there](https://example.org), [here](#below) <img src="../files/checkpoints/dcgan-faces/samples.png">\n'
        "[the card](models/dcgan.md#dcgan-faces) and [sources](files/ganzoo/games/players.py.md).\n"
        "```\n[also code](nowhere.md)\n```\n"
    )
    assert "checkpoints/dcgan-faces/samples.png" in linked
    with pytest.raises(FileNotFoundError, match=r"docs/nowhere\.md"):
        links.rewrite_links("[x](nowhere.md)", "docs/training.md", "training.md")


def test_text_of_a_header_is_no_markup():
    assert links.prose("<b> 2*3*4, see docs/kinds.md and https://a.org/b_c, `x*y<z`.") == (
        r"\<b> 2\*3\*4, see [docs/kinds.md](../kinds.md) and <https://a.org/b_c>, `x*y<z`."
    )


def test_pages_ask_nobody_else_for_anything(made):
    assert settings()["theme"]["font"] is False
    files = [*(TREE / "docs" / "website" / "assets").iterdir(), *(TREE / "docs" / "website" / "templates").iterdir()]
    for file in files:
        assert not re.search(r"https?://(?!www\.w3\.org)", file.read_text()), file
    for text in made.values():
        assert not re.search(r'\bsrc="(https?:)?//|!\[[^]]*\]\(https?:', text)


def test_the_site_is_published_from_main_by_a_job_that_builds_nothing():
    text = (TREE / ".github" / "workflows" / "docs.yml").read_text()
    workflow = yaml.safe_load(text)
    assert workflow[True]["push"] == {"branches": ["main"]}  # YAML reads `on` so
    assert workflow["permissions"] == {"contents": "read"}
    build, publish = (workflow["jobs"][name] for name in ("build", "publish"))
    assert "make docs" in [step.get("run") for step in build["steps"]]
    assert (publish["needs"], publish["permissions"]) == ("build", {"pages": "write", "id-token": "write"})
    assert [step["uses"].partition("@")[0] for step in publish["steps"]] == ["actions/deploy-pages"]
    assert "secrets." not in text


def infogan():
    generator = MLPGenerator([1, 8, 8], latent_dim=9, hidden=(16,))
    return InfoGAN(generator, MLPDiscriminator([1, 8, 8], hidden=(16,)), categories=4, codes=2)


def test_a_page_knows_what_a_model_draws_from():
    about = live.describe_model(conv().eval(), "mine")
    assert (about.shape, about.streams, about.classes) == ((1, 8, 8), ((6, "normal"),), ())
    assert (about.noise, about.mixed, about.truncates) == (0, False, True)
    about = live.describe_model(infogan().eval(), "mine")
    assert (about.streams, about.classes) == (((3, "uniform"), (2, "uniform")), ("0", "1", "2", "3"))
    assert live.describe_model(conditional().eval(), "mine").classes == ("0", "1", "2")
    assert not live.describe_model(vae().eval(), "mine").mixed
    assert live.describe_model(autoencoder(components=3).eval(), "mine").mixed


def test_no_page_draws_what_is_no_picture_or_takes_no_latent_vector(tmp_path, monkeypatch):
    monkeypatch.setattr("ganzoo.checkpoints.loading.load", lambda name: recolour())
    assert live.export_model("mine", tmp_path) is None
    model = conv()
    model.generator.shape, model.sample = [5, 8, 8], lambda n, seed: torch.zeros(n, 5, 8, 8)
    assert live.describe_model(model, "mine") is None


@pytest.mark.parametrize("excess", [0, 1])
def test_a_file_that_is_too_large_for_a_page_is_not_left(excess, tmp_path, monkeypatch):
    monkeypatch.setattr("ganzoo.checkpoints.loading.load", lambda name: conv().eval())
    export = "ganzoo.checkpoints.export_formats.export_generator"
    monkeypatch.setattr(export, lambda model, file, *_: file.write_bytes(bytes(live.LARGEST + excess)))
    about = live.export_model("mine", tmp_path)
    assert about is None if excess else about.bytes == live.LARGEST
    assert [file.name for file in sorted(tmp_path.iterdir())] == ([] if excess else ["mine.json", "mine.onnx"])


SCRIPT = """
import {{ between, drawLatent, drawNoise, mix }} from "{random}";
const lists = {{
  mixes: [mix(0, 0), mix(7, 3, 0), mix(2 ** 31)].map(String),
  normal: [...drawLatent(70, 7, "normal", 5)],
  uniform: [...drawLatent(3, 9, "uniform", 5)],
  noise: [...drawNoise(3, 85, 11)],
  way: [...between(drawLatent(2, 8, "normal", 1), drawLatent(2, 8, "normal", 2), 0.3, 2, true)],
}};
console.log(JSON.stringify(lists));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_a_seed_draws_the_same_numbers_in_the_browser(tmp_path):
    from ganzoo.common.seeding import mix
    from ganzoo.games.interpolation import slerp

    file, cpu = tmp_path / "numbers.mjs", torch.device("cpu")
    file.write_text(SCRIPT.format(random=(TREE / "docs" / "website" / "assets" / "random.mjs").as_uri()))
    done = subprocess.run(["node", file], capture_output=True, text=True, timeout=60, check=True)
    lists = json.loads(done.stdout)
    assert lists.pop("mixes") == [str(mix(0, 0)), str(mix(7, 3, 0)), str(mix(2**31))]
    ends = (draw_latent(2, 8, "normal", cpu, seed) for seed in (1, 2))
    expected = {
        "normal": draw_latent(70, 7, "normal", cpu, 5),
        "uniform": draw_latent(3, 9, "uniform", cpu, 5),
        "noise": draw_noise(noise_seeds(3, 11), [(1, 5, 17)]),
        "way": slerp(*ends, torch.tensor([0.3])),
    }
    for name, numbers in expected.items():
        torch.testing.assert_close(torch.tensor(lists[name]), numbers.flatten(), atol=2e-6, rtol=0, msg=name)
    assert {*lists} == {*expected}
