"""The Hub: what is pushed arrives byte for byte and comes back bit for bit, and failures are told without the token."""

import hashlib
import logging
import os
import re
import socket
import subprocess
import sys
import traceback

import huggingface_hub
import pytest
import yaml
from commands import ganzoo
from hubserver import Repository, mirror, serve
from huggingface_hub import ModelCard
from published import MODEL, publish, refusal, tiny_model
from tiny import Told

import ganzoo as package
from ganzoo.checkpoints import hub, loading
from ganzoo.checkpoints.card import DATASETS, Facts, write_card
from ganzoo.checkpoints.hashes import write_hashes
from ganzoo.common import registry
from ganzoo.common.errors import GanzooError
from ganzoo.drawing.looks import picture
from ganzoo.drawing.pictures import save_picture

TOKEN = "hf_theTokenThatNobodyMayEverSee01"
FILES = ["README.md", "model.safetensors", "neighbours.png", "recipe.yaml", "samples.png"]


def card(**changes) -> str:
    facts = {
        "name": "tiny-wgan",
        "recipe": "wgan_mnist",
        "class_path": "ganzoo.models.wgan.WGAN",
        "data": "MNIST",
        "licence": "CC BY-SA 3.0",
        "source": "Someone",
        "shape": (1, 8, 8),
        "steps": 4,
        "images": 600,
        "seconds": 1.5,
        "training_seed": 0,
        "precision": "32-true",
        "weights": "last",
        "hardware": "a machine",
        "versions": {"ganzoo": "0.1.0"},
        "parameters": {"generator": 10},
        "scores": {"fid[mnist,10k/test]": 12.34567, "is[mnist,10k]": 3.0},
    }
    return write_card(Facts(**facts | changes))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A checkpoint folder with a real card and a picture more, and with things that do not belong to it."""
    home = tmp_path_factory.mktemp("tiny") / "tiny-wgan"
    model = tiny_model()
    publish(model, home, card=card())
    save_picture(picture(model.sample(2, seed=1)), home / "neighbours.png")
    (home / ".env").write_text(f"HF_TOKEN={TOKEN}")
    (home / "notes.txt").write_text("not for the Hub")
    (home / "runs").mkdir()
    return home


@pytest.fixture
def own(folder, tmp_path):
    """A copy of it to change."""
    (tmp_path / "own").mkdir()
    for name in FILES:
        (tmp_path / "own" / name).write_bytes((folder / name).read_bytes())
    return tmp_path / "own"


@pytest.fixture
def client(tmp_path, monkeypatch):
    """The constants of the Hub's client: an empty cache, a token, and a hub that nobody runs."""
    constants = huggingface_hub.constants
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{free.getsockname()[1]}")
    huggingface_hub.close_session()
    huggingface_hub.utils.disable_progress_bars()
    yield constants
    huggingface_hub.utils.enable_progress_bars()
    huggingface_hub.close_session()


@pytest.fixture
def loopback(client, monkeypatch):
    """A hub of ours that the client talks to."""
    with serve() as server:
        monkeypatch.setattr(client, "ENDPOINT", server.url)
        address = client.HUGGINGFACE_CO_URL_TEMPLATE.partition("{")[2]
        monkeypatch.setattr(client, "HUGGINGFACE_CO_URL_TEMPLATE", f"{server.url}/{{{address}")
        yield server


# What is pushed


def test_a_push_is_one_commit_of_exactly_the_checkpoint(loopback, folder):
    said = ganzoo("push", folder, "--repo", "someone/gan")
    assert said.status == 0, said.err
    assert re.fullmatch(rf"{loopback.url}/someone/gan/commit/\w+\n", said.out)
    [commit] = loopback.repositories["someone/gan"].commits
    assert (commit["summary"], commit["branch"], commit["paths"]) == ("Publish tiny-wgan", "main", FILES)
    got = loopback.repositories["someone/gan"].files
    assert sorted(got) == FILES
    for name in FILES[1:]:
        assert got[name] == (folder / name).read_bytes(), name
    ours = (folder / "README.md").read_text()
    theirs = ours.replace('ganzoo.load("tiny-wgan")', 'ganzoo.load("someone/gan")')
    assert got["README.md"].decode() == theirs.replace("ganzoo sample tiny-wgan", "ganzoo sample someone/gan") != theirs
    assert {authorization for _, _, authorization in loopback.asked if authorization} == {f"Bearer {TOKEN}"}
    assert TOKEN not in said.out + said.err + repr(got)


def test_the_card_says_to_the_hub_what_it_is(loopback, folder):
    package.push(folder, "someone/gan")
    content = loopback.repositories["someone/gan"].files["README.md"].decode()
    about = ModelCard(content).data  # the Hub's own classes, which refuse results that lack something
    assert (about.library_name, about.pipeline_tag) == ("ganzoo", "unconditional-image-generation")
    assert (about.license, about.datasets) == ("cc-by-sa-3.0", ["ylecun/mnist"])
    results = [(r.metric_type, r.metric_name, r.metric_value, r.dataset_type) for r in about.eval_results]
    assert results == [
        ("fid", "fid[mnist,10k/test]", 12.34567, "ylecun/mnist"),
        ("is", "is[mnist,10k]", 3.0, "ylecun/mnist"),
    ]
    assert about.model_name == "tiny-wgan"
    assert about["ganzoo"]["sha256"] == {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in ("recipe.yaml", "model.safetensors")
    }


@pytest.mark.parametrize("data", [*DATASETS, "CIFAR-10, grey to colour", "2-D points, swiss roll", "Büros (mine)"])
def test_data_sets_have_names_that_the_hub_takes(data):
    about = ModelCard(card(data=data)).data
    assert all(name in DATASETS.values() for name in about.datasets or [])
    assert (about.datasets is None) == ("points" in data or "mine" in data)
    for result in about.eval_results:
        assert re.fullmatch(r"[\w.-]+(/[\w.-]+)?", result.dataset_type)
        assert result.dataset_name == data


@pytest.mark.parametrize("name", registry.list_checkpoints())
def test_the_hub_can_read_the_cards_of_bundled_checkpoints(name):
    content = (registry.CHECKPOINTS / name / "README.md").read_text()
    about = ModelCard(content).data
    assert about.library_name == "ganzoo"
    assert about.eval_results
    ours, theirs = yaml.safe_load(content.split("---\n")[1]), yaml.safe_load(about.to_yaml())
    assert {name: theirs[name] for name in ours if name != "tags"} == {n: ours[n] for n in ours if n != "tags"}


def test_private_branch_and_message(loopback, folder):
    said = ganzoo("push", folder, *["--repo", "someone/gan", "--private", "--revision", "v2", "-m", "Better"])
    assert said.status == 0, said.err
    gan = loopback.repositories["someone/gan"]
    assert gan.private
    assert [(commit["summary"], commit["branch"]) for commit in gan.commits] == [("Better", "v2")]
    assert gan.files == {}
    assert sorted(gan.branches["v2"]) == FILES


def test_what_shall_be_private_does_not_go_to_a_public_repository(loopback, folder):
    loopback.repositories["someone/gan"] = Repository()
    said = ganzoo("push", folder, "--repo", "someone/gan", "--private").error
    assert said == "--private: 'someone/gan' is there already, and public."
    assert loopback.repositories["someone/gan"].commits == []


def test_what_does_not_load_is_not_pushed(loopback, own):
    (own / "recipe.yaml").write_text("model: {class_path: ganzoo.models.gan.VanillaGAN}\n")
    assert "sha256" in refusal(package.push, own, "someone/gan")
    (own / "README.md").unlink()
    assert "recipe.yaml': model: the following arguments are required" in refusal(package.push, own, "someone/gan")
    assert "no checkpoint 'tiny-wgn'" in refusal(package.push, "tiny-wgn", "someone/gan")
    assert loopback.asked == []


def test_without_a_card_nothing_is_pushed(loopback, own):
    (own / "README.md").unlink()
    assert "README.md is missing" in refusal(package.push, own, "someone/gan")
    assert loopback.asked == []


def test_what_the_hub_says_about_a_card_is_passed_on(loopback, own):
    (own / "README.md").write_text((own / "README.md").read_text().replace("ylecun/mnist", "my data"))
    message = refusal(package.push, own, "someone/gan")
    assert message.startswith("cannot push to 'someone/gan': ")
    assert "datasets: my data is no id" in message
    assert loopback.repositories["someone/gan"].commits == []


# What comes back

SAMPLE = """
import hashlib, sys, ganzoo
model = ganzoo.load("someone/gan", revision="main")
print(hashlib.sha256(model.sample(16, seed=3).numpy().tobytes()).hexdigest())
"""


def test_a_pushed_checkpoint_loads_from_a_mirror_in_a_fresh_process_and_draws_the_same(
    loopback, client, folder, tmp_path, monkeypatch
):
    package.push(folder, "someone/gan")
    git = loopback.repositories["someone/gan"].to_git(tmp_path / "mirror" / "models" / "someone" / "gan")
    assert (git / "model.safetensors").read_text().startswith("version https://git-lfs")
    with mirror(tmp_path / "mirror") as url:
        environment = {name: text for name, text in os.environ.items() if not name.startswith("HF_")}
        environment |= {"HF_ENDPOINT": url, "HF_HOME": str(tmp_path / "home"), "HF_TOKEN": TOKEN}
        said = subprocess.run(
            [sys.executable, "-c", SAMPLE], env=environment, cwd=tmp_path, capture_output=True, text=True
        )
    drawn = loading.load(folder).sample(16, seed=3)
    assert said.stdout.strip() == hashlib.sha256(drawn.numpy().tobytes()).hexdigest(), said.stderr
    assert TOKEN not in said.stderr
    # the mirror is gone, but what was fetched is in the cache
    monkeypatch.setattr(client, "HF_HUB_CACHE", str(tmp_path / "home" / "hub"))
    monkeypatch.setattr(client, "HF_HUB_OFFLINE", True)
    assert loading.load("someone/gan").sample(16, seed=3).equal(drawn)
    assert "it has no revision" not in refusal(loading.load, "someone/gan", revision="v2")
    assert "HF_HUB_OFFLINE forbids to ask it, and it is not in the cache" in refusal(loading.load, "someone/other")


def test_a_pulled_checkpoint_is_a_folder_of_its_own(loopback, folder, tmp_path, monkeypatch):
    package.push(folder, "someone/gan")
    monkeypatch.chdir(tmp_path)
    said = ganzoo("pull", "someone/gan")
    assert (said.status, said.out) == (0, "gan\n"), said.err
    assert sorted(file.name for file in (tmp_path / "gan").iterdir()) == FILES
    assert not any(file.is_symlink() for file in (tmp_path / "gan").iterdir())
    for name in FILES[1:]:
        assert (tmp_path / "gan" / name).read_bytes() == (folder / name).read_bytes()
    assert loading.load("gan").sample(4, seed=0).equal(loading.load(folder).sample(4, seed=0))
    assert ganzoo("pull", "someone/gan").error.startswith("-o: 'gan' is there already")


def test_revisions_are_told_apart(loopback, folder, own, tmp_path):
    package.push(folder, "someone/gan", revision="v1")
    (own / "neighbours.png").unlink()
    package.push(own, "someone/gan")
    assert not (package.pull("someone/gan", tmp_path / "main") / "neighbours.png").exists()
    assert (package.pull("someone/gan", tmp_path / "v1", revision="v1") / "neighbours.png").is_file()
    sha = loopback.repositories["someone/gan"].sha("v1")
    assert (package.pull("someone/gan", tmp_path / "sha", revision=sha) / "neighbours.png").is_file()
    assert "it has no revision 'v3'" in refusal(package.pull, "someone/gan", tmp_path / "v3", revision="v3")


def test_what_is_refused_is_not_pulled(loopback, folder, tmp_path):
    package.push(folder, "someone/gan")
    loopback.repositories["someone/gan"].files["model.safetensors"] += b"\0"
    assert "the sha256 differs" in refusal(package.pull, "someone/gan", tmp_path / "gan")
    assert not (tmp_path / "gan").exists()


def test_a_hub_that_falls_silent_later_leaves_the_cache(loopback, client, folder, monkeypatch):
    package.push(folder, "someone/gan")
    drawn = loading.load("someone/gan").sample(2, seed=0)
    monkeypatch.setattr(hub, "SILENCE", 0.3)
    for how in ("hang", 500):
        loopback.failures = {"/api/models/": how}
        assert loading.load("someone/gan").sample(2, seed=0).equal(drawn)


def test_a_game_of_ones_own_is_pushed_with_a_warning_and_loads_for_who_trusts_it(loopback, own, tmp_path, caplog):
    networks = {part: MODEL["init_args"][part] for part in ("generator", "discriminator")}
    recipe = {"model": {"class_path": "tiny.Told", "init_args": networks}}
    (own / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    write_hashes(own)
    package.push(own, "someone/gan")
    assert "others can load this only with trust_remote_code=True: " in caplog.text
    assert "names tiny.Told, which is no network" in refusal(loading.load, "someone/gan")
    assert "names tiny.Told, which is no network" in ganzoo("pull", "someone/gan", "-o", tmp_path / "no").error
    assert type(loading.load("someone/gan", trust_remote_code=True)) is Told
    assert ganzoo("pull", "someone/gan", "-o", tmp_path / "yes", "--trust-remote-code").status == 0
    assert type(loading.load(tmp_path / "yes")) is Told
    assert "names tiny.Told" in refusal(loading.load, tmp_path / "yes", trust_remote_code=False)


# What goes wrong

LATER = {  # the requests after the first one of a push
    "/api/models/someone/gan/preupload": 403,
    "/someone/gan.git/info/lfs": 401,
    "/lfs/": 403,
    "/someone/gan/lfs/verify": 404,
    "/api/models/someone/gan/commit": 500,
}
REASONS = {
    401: r"it asks for a token, or does not know yours; `hf auth login` sets one \(401: .*\)",
    403: r"your token does not allow that \(403: .*\)",
    404: r"it is not there, or you may not see it; `hf auth login` if it is private \(404.*\)",
    500: r"it failed \(500: .*\)",
    "refused": r"127\.0\.0\.1 cannot be reached \(ConnectError\)",
    "hang": r"127\.0\.0\.1 cannot be reached \(ReadTimeout\)",
    "drop": r"127\.0\.0\.1 cannot be reached \(RemoteProtocolError\)",
    "garbage": r"127\.0\.0\.1 gives answers that make no sense \(JSONDecodeError\)",
}


@pytest.fixture
def log():
    """Everything that anybody logs, however unimportant."""
    said: list[str] = []
    handler = logging.Handler(logging.DEBUG)
    handler.emit = lambda record: said.append(handler.format(record))
    loggers = [
        logging.getLogger(name) for name in (None, "huggingface_hub", "httpx", "httpx2", "httpcore", "httpcore2")
    ]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
    yield said
    for logger, level in zip(loggers, levels, strict=True):
        logger.removeHandler(handler)
        logger.setLevel(level)


def failure(*words) -> str:
    """The message of a command that fails, after making sure that nothing else was said."""
    with pytest.raises(GanzooError) as error:
        ganzoo(*words, "--debug")
    shown = "".join(traceback.format_exception(error.value))
    assert TOKEN not in shown
    assert TOKEN[3:] not in shown
    message = ganzoo(*words).error
    assert message == str(error.value)
    return message


@pytest.mark.parametrize("how", REASONS)
@pytest.mark.parametrize("command", ["push", "pull"])
def test_failures_are_told_in_one_line_without_the_token(loopback, client, folder, monkeypatch, log, command, how):
    if how == "hang":
        monkeypatch.setattr(hub, "SILENCE", 0.3)
    loopback.message = f"Sorry, Bearer {TOKEN} is not welcome"  # a hub may say what it was told
    loopback.failures = {"/": how}
    if how == "refused":
        loopback.shutdown()
        loopback.server_close()
    message = failure(*(("push", folder, "--repo") if command == "push" else ("pull",)), "someone/gan")
    what = "cannot push to 'someone/gan'" if command == "push" else "cannot fetch 'someone/gan' from the Hub"
    assert re.fullmatch(f"{what}: {REASONS[how]}(, and it is not in the cache)?\\.", message), message
    if isinstance(how, int) and how != 404:
        assert "Sorry, Bearer *** is not welcome" in message
    assert "authenticated: True" in " ".join(log) or how == "refused"  # the log was listened to
    assert TOKEN not in " ".join(log)


@pytest.mark.parametrize("place", LATER)
def test_a_push_that_fails_on_the_way_commits_nothing(loopback, folder, monkeypatch, log, place):
    loopback.message = f"{TOKEN}"
    loopback.failures = {place: LATER[place]}
    message = failure("push", folder, "--repo", "someone/gan")
    assert message.startswith("cannot push to 'someone/gan': ")
    assert TOKEN not in message + " ".join(log)
    assert loopback.repositories["someone/gan"].commits == []


def test_a_token_that_is_none_is_not_shown(loopback, folder, monkeypatch, log):
    monkeypatch.setenv("HF_TOKEN", f"{TOKEN}€")
    assert "UnicodeEncodeError" in failure("push", folder, "--repo", "someone/gan")
    assert TOKEN not in " ".join(log)


@pytest.mark.parametrize(
    "repo", ["../x", "x", "a/b/c", "/etc/x", "a/..", "a/.git", "a b/c", "a/b--c", "a/b\n", "~/x", ""]
)
def test_what_is_no_repository_is_not_asked_for(loopback, folder, repo):
    for action in (lambda: package.push(folder, repo), lambda: package.pull(repo)):
        assert refusal(action).startswith("repo: '")
    assert loopback.asked == []


@pytest.mark.parametrize("revision", ["../../x", "a/../b", "/x", "", "a b", "x\n", "-"])
def test_what_is_no_revision_is_not_asked_for(loopback, folder, revision):
    for action in (package.push, folder, "a/b"), (package.pull, "a/b"), (loading.load, "a/b"):
        assert refusal(*action, revision=revision).startswith("revision: '")
    assert loopback.asked == []


def test_names_that_climb_are_not_fetched(loopback, folder, tmp_path, client):
    package.push(folder, "someone/gan")
    loopback.listed = ["../../../planted.png", "/planted.png", "sub/planted.png", "..\\planted.png", ".planted.png"]
    loopback.listed += ["planted.py", "planted.pkl", "\x1b[31mplanted.png"]
    out = package.pull("someone/gan", tmp_path / "deep" / "gan")
    assert sorted(file.name for file in out.iterdir()) == FILES
    planted = [path for path in tmp_path.rglob("*planted*") if "snapshots" not in path.parts]
    assert planted == []


def test_links_are_not_followed_out_of_the_folder(loopback, own, tmp_path):
    (tmp_path / "secret").write_text("secret")
    (own / "samples.png").unlink()
    (own / "samples.png").symlink_to(tmp_path / "secret")
    assert "is a link that leads out of" in refusal(package.push, own, "someone/gan")
    assert loopback.asked == []


def test_links_are_not_followed_out_of_the_cache(loopback, folder, tmp_path):
    package.push(folder, "someone/gan")
    snapshot = hub.download("someone/gan")
    assert (snapshot / "model.safetensors").is_symlink()  # to the cache's blobs, as it should be
    (snapshot / "model.safetensors").unlink()
    (snapshot / "model.safetensors").symlink_to(folder / "model.safetensors")
    assert "is a link that leads out of" in refusal(loading.load, "someone/gan")
