"""Hostile checkpoints, recipes, names and hubs, each with the line that refuses it.

`python tests/helpers/hostile.py` tries them all, and writes the lines into docs/trust.md.
"""

import os
import pickle
import re
import struct
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import huggingface_hub
import numpy as np
import nvidia_pickles
import pytest
import torch
from hubserver import Hub, serve
from PIL import Image, PngImagePlugin
from promising import promising_png
from published import CARD, RECIPE, changed, publish, tiny_model
from safetensors.torch import load_file, save_file

from ganzoo.checkpoints import hashes, hub, loading, publishing
from ganzoo.cli import main
from ganzoo.common.errors import GanzooError
from ganzoo.data import ImageFolder
from ganzoo.tools.convert import convert
from ganzoo.tools.demo.uploads import read_picture, read_upload_clip
from ganzoo.tools.evaluate import evaluate

PAGE = Path(__file__).parents[2] / "docs" / "trust.md"
TOKEN = "hf_theTokenThatNobodyMayEverSee01"


@dataclass(frozen=True)
class Case:
    """Something hostile.

    Args:
        section: of the page.
        name: what is tried.
        attempt: tries it with a checkpoint folder of its own, `gan`, whose parent is the present folder.
    """

    section: str
    name: str
    attempt: Callable[[Path], Any]


CASES: list[Case] = []


def case(section: str, name: str, attempt: Callable[[Path], Any]) -> None:
    CASES.append(Case(section, name, attempt))


def load(folder: Path) -> None:
    """Loads a folder as if it came from the Hub, its hashes those of a forger who knows about them."""
    hashes.write_hashes(folder)
    loading.load(folder, trust_remote_code=False)


# Weights


def weights(name: str, change: Callable[[dict[str, torch.Tensor]], Any], header: str = "1") -> None:
    def attempt(folder: Path) -> None:
        tensors = load_file(folder / "model.safetensors")
        change(tensors)
        save_file(tensors, folder / "model.safetensors", {"ganzoo_format": header})
        load(folder)

    case("Weights", name, attempt)


def content(name: str, change: Callable[[bytes], bytes], file: str = "model.safetensors", stamped: bool = True) -> None:
    def attempt(folder: Path) -> None:
        (folder / file).write_bytes(change((folder / file).read_bytes()))
        if stamped:
            load(folder)
        loading.load(folder)

    case("Weights", name, attempt)


class Evil:
    """Unpickling this makes a folder."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("planted",)


BIAS, KERNEL = "generator.net.0.bias", "generator.project.weight"
content("a bit of a number flipped", lambda old: old[:-1] + bytes([old[-1] ^ 1]), stamped=False)
content("cut off in the middle", lambda old: old[: len(old) // 2])
content("a pickle that runs code, named `model.safetensors`", lambda old: pickle.dumps(Evil()))
content("a header that claims 2⁶² bytes", lambda old: struct.pack("<Q", 2**62) + old[8:])
content("a tensor that lies outside the file", lambda old: old.replace(b'"data_offsets":[', b'"data_offsets":[9', 1))
weights("a tensor of another shape", lambda w: w.update({KERNEL: torch.zeros(6, 8, 2, 2)}))
weights("whole numbers in place of fractions", lambda w: w.update({BIAS: torch.zeros(8, dtype=torch.int64)}))
weights("fractions in 8 bits", lambda w: w.update({BIAS: torch.zeros(8, dtype=torch.float8_e4m3fn)}))
weights("a tensor too few", lambda w: w.pop(BIAS))
weights("a tensor too many", lambda w: w.update({"generator.extra": torch.zeros(2)}))
weights("a part that the model does not have", lambda w: w.update({"encoder.weight": torch.zeros(2)}))
weights("another version of the format", lambda w: None, header="2")


# Recipes: what they name


def recipe(name: str, text: str | bytes) -> None:
    def attempt(folder: Path) -> None:
        data = text if isinstance(text, bytes) else text.encode()
        (folder / "recipe.yaml").write_bytes(data)
        load(folder)

    case("Recipes", name, attempt)


GENERATOR = ("init_args", "generator", "class_path")
for spelt, what in {
    "os.system": "a function of the system",
    "builtins.eval": "a function that runs text",
    "subprocess.Popen": "a class that starts programs",
    "evil_module.Net": "a network in a module that does harm when it is imported",
    "torch.hub.load": "a function of PyTorch that fetches code",
    "torch.nn.init.os.system": "a function of the system, through PyTorch",
    "torch.nn.modules.module.torch": "a module that a module of PyTorch imports",
    "torch.nn.modules.module.OrderedDict": "a class that a module of PyTorch imports",
    "torch.nn.modules.module.Module.register_module": "a method of `torch.nn.Module`",
    "torch.nn.functional.relu": "a function of `torch.nn`",
    "ganzoo.metrics.distances.InceptionScore": "a network of others that ganzoo imports, which would fetch weights",
    "ganzoo.__main__.Net": "ganzoo's own command",
    "Net": "a short name",
}.items():
    recipe(f"`class_path: {spelt}`, {what}", changed(*GENERATOR, to=spelt))
recipe("the same in place of the optimizer", changed("init_args", "optimizer", to="os.system"))
recipe("a network where a game belongs", changed("class_path", to="torch.nn.Linear"))
recipe("YAML in a string", changed("init_args", "generator", to="{class_path: evil_module.Net}"))
recipe("a path that climbs to another file", changed("init_args", "generator", to="../net.yaml"))
recipe("a path into the home folder", changed("init_args", "generator", to="~/net.yaml"))
recipe(
    "an argument's name that quotes a class, for whoever reads complaints",
    changed("init_args", "Option 'a' is not accepted class_path 'evil_module.Net'", to=1),
)
recipe("a date where a word belongs", RECIPE.replace("g_lr: 0.01", "g_lr: 2001-02-03"))
recipe("bytes where a word belongs", RECIPE.replace("g_lr: 0.01", "g_lr: !!binary aGk="))
recipe("commands to the terminal in a name", changed(*GENERATOR, to="os.\x1b[31m\x07\nsystem"))


# Recipes: how much they ask for


recipe("a width of 10⁹", changed("init_args", "generator", "init_args", "width", to=10**9))
recipe("a width of 10³⁰", changed("init_args", "generator", "init_args", "width", to=10**30))
recipe("a width of -4", changed("init_args", "generator", "init_args", "width", to=-4))
recipe(
    "100 hidden layers of 10⁵ units",
    changed(
        "init_args",
        "generator",
        to={
            "class_path": "ganzoo.networks.mlp.MLPGenerator",
            "init_args": {"shape": [1, 8, 8], "latent_dim": 6, "hidden": [10**5] * 100},
        },
    ),
)
recipe(
    "10⁹ blocks",
    changed(
        "init_args",
        "generator",
        to={"class_path": "ganzoo.networks.srresnet.SRResNetGenerator", "init_args": {"width": 1, "blocks": 10**9}},
    ),
)
recipe(
    "40 copies of a layer of 8 million numbers",
    changed(
        "init_args",
        "generator",
        to={
            "class_path": "torch.nn.TransformerEncoder",
            "init_args": {
                "encoder_layer": {
                    "class_path": "torch.nn.TransformerEncoderLayer",
                    "init_args": {"d_model": 1024, "nhead": 8, "activation": "relu"},
                },
                "num_layers": 40,
            },
        },
    ),
)
LAUGHS = "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 10))
MERGES = "".join(f"m{i}: &m{i}\n  <<: [*m{i - 1}, *m{i - 1}]\n  k{i}: 1\n" for i in range(1, 30))
recipe("aliases of aliases that expand to 10⁹ values", f"a0: &a0 [ha]\n{LAUGHS}{RECIPE}")
recipe("merged mappings that double 29 times", f"m0: &m0 {{k: 1}}\n{MERGES}{RECIPE}")
recipe("a list that holds itself", f"a: &a [*a]\n{RECIPE}")
recipe("10,000 brackets inside one another", f"a: {'[' * 10_000}{']' * 10_000}\n{RECIPE}")
recipe("a number of 5,000 digits", RECIPE.replace("g_lr: 0.01", f"g_lr: {'9' * 5000}"))
recipe("100 kB of comments", f"{RECIPE}#{'x' * 100_000}")
recipe("2 MB of comments", f"{RECIPE}#{'x' * 2_000_000}")
recipe("an object of Python's, `!!python/object/apply:os.mkdir`", "model: !!python/object/apply:os.mkdir [planted]\n")
recipe("bytes that are no UTF-8", RECIPE.encode() + b"# \xff\xfe\n")
recipe("a zero byte", RECIPE.encode() + b"\0")


# Cards


def card(name: str, text: str | bytes) -> None:
    def attempt(folder: Path) -> None:
        (folder / "README.md").write_bytes(text if isinstance(text, bytes) else text.encode())
        loading.load(folder, trust_remote_code=False)

    case("Cards", name, attempt)


def forged(name: str, file: str, change: Callable[[bytes], bytes]) -> None:
    def attempt(folder: Path) -> None:
        (folder / file).write_bytes(change((folder / file).read_bytes()))
        loading.load(folder, trust_remote_code=False)

    case("Cards", name, attempt)


forged("a recipe that is not the one it was written for", "recipe.yaml", lambda old: old.replace(b"0.01", b"0.02"))
card("a hash of something else", CARD.replace("  steps: 4\n", f"  sha256: {{model.safetensors: {'0' * 64}}}\n"))
card("a hash that is no text", CARD.replace("  steps: 4\n", "  sha256: {recipe.yaml: 0}\n"))
card("hashes that are no mapping", CARD.replace("  steps: 4\n", "  sha256: [1]\n"))
card("aliases of aliases in its metadata", f"---\na0: &a0 [ha]\n{LAUGHS}---\n# Ha\n")
card("an object of Python's in its metadata", "---\na: !!python/object/apply:os.mkdir [planted]\n---\n# Ha\n")
card("bytes that are no UTF-8", b"# \xff\xfe\n")


# Training checkpoints


def ckpt(name: str, change: Callable[[dict[str, Any]], Any], go_on: bool = False) -> None:
    def attempt(folder: Path) -> None:
        model = tiny_model()
        checkpoint: dict[str, Any] = {"game": {"recipe": RECIPE}, "state_dict": model.state_dict()}
        change(checkpoint)
        torch.save(checkpoint, folder / "last.ckpt")
        if go_on:
            main(["fit", "--recipe", "gan_toy", "--ckpt_path", str(folder / "last.ckpt"), "--debug"])
        loading.load(folder / "last.ckpt", trust_remote_code=False)

    case("Training checkpoints", name, attempt)


ckpt("a pickle that runs code", lambda c: c.update(evil=Evil()))
ckpt("the same, given to `ganzoo fit --ckpt_path`", lambda c: c.update(evil=Evil()), go_on=True)
ckpt("no recipe", lambda c: c.update(game={}))
ckpt(
    "a recipe that names `evil_module.Net`",
    lambda c: c["game"].update(recipe=changed(*GENERATOR, to="evil_module.Net")),
)
ckpt("weights of another model", lambda c: c["state_dict"].pop(BIAS))
ckpt(
    "a width of 10⁹",
    lambda c: c["game"].update(recipe=changed("init_args", "generator", "init_args", "width", to=10**9)),
)


# Names, paths and links


def path(name: str, attempt: Callable[[Path], Any]) -> None:
    case("Names and paths", name, attempt)


def linked(folder: Path) -> None:
    (folder.parent / "secret").write_text("secret")
    (folder / "samples.png").unlink()
    (folder / "samples.png").symlink_to(folder.parent / "secret")
    publishing.push(folder, "someone/gan")


def linked_in_the_cache(folder: Path) -> None:
    with loopback() as server:
        publishing.push(folder, "someone/gan")
        snapshot = hub.download("someone/gan")
        (snapshot / "model.safetensors").unlink()
        (snapshot / "model.safetensors").symlink_to(folder / "model.safetensors")
        assert server.asked
        loading.load("someone/gan")


def climbing_zip(name: str) -> Callable[[Path], None]:
    def attempt(folder: Path) -> None:
        picture = BytesIO()
        Image.new("L", (8, 8)).save(picture, "PNG")
        with zipfile.ZipFile("pictures.zip", "w") as archive:
            archive.writestr("good.png", picture.getvalue())
            archive.writestr(name, picture.getvalue())
        ImageFolder("pictures.zip", size=8).setup()

    return attempt


path("`ganzoo push gan --repo ../x`", lambda folder: publishing.push(folder, "../x"))
path("`ganzoo pull ../x`", lambda folder: publishing.pull("../x"))
path("`ganzoo pull someone/gan --revision ../../x`", lambda folder: publishing.pull("someone/gan", revision="../../x"))
path("`ganzoo pull someone/gan` where there is a folder `gan`", lambda folder: publishing.pull("someone/gan"))
path("pushing a picture that is a link to a secret", linked)
path("a link in the Hub's cache that leads out of it", linked_in_the_cache)
path("a picture `../../planted.png` in a zip of pictures", climbing_zip("../../planted.png"))
path("a picture `/planted.png` in a zip of pictures", climbing_zip("/planted.png"))


# Hubs


@contextmanager
def loopback(silence: float = 30.0) -> Iterator[Hub]:
    """A hub of ours that the real client talks to, with an empty cache and a token."""
    constants = huggingface_hub.constants
    with serve() as server, pytest.MonkeyPatch.context() as patch:
        address = constants.HUGGINGFACE_CO_URL_TEMPLATE.partition("{")[2]
        patch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", f"{server.url}/{{{address}")
        patch.setattr(constants, "ENDPOINT", server.url)
        patch.setattr(constants, "HF_HUB_CACHE", str(Path("cache").resolve()))
        patch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        patch.setattr(constants, "HF_HUB_OFFLINE", False)
        patch.setattr(hub, "SILENCE", silence)
        patch.setenv("HF_TOKEN", TOKEN)
        huggingface_hub.close_session()
        huggingface_hub.utils.disable_progress_bars()
        yield server
        huggingface_hub.utils.enable_progress_bars()
        huggingface_hub.close_session()


def failing(name: str, how: int | str) -> None:
    def attempt(push: bool) -> Callable[[Path], None]:
        def act(folder: Path) -> None:
            with loopback(0.3 if how == "hang" else 30.0) as server:
                server.failures = {"/": how}
                server.message = f"Bearer {TOKEN} is not welcome"
                publishing.push(folder, "someone/gan") if push else loading.load("someone/gan")

        return act

    case("Hubs", f"pushing to one that {name}", attempt(True))
    case("Hubs", f"loading from one that {name}", attempt(False))


def tampering(folder: Path) -> None:
    with loopback() as server:
        publishing.push(folder, "someone/gan")
        server.repositories["someone/gan"].files["model.safetensors"] += b"\0"
        loading.load("someone/gan")


def climbing(folder: Path) -> None:
    with loopback() as server:
        publishing.push(folder, "someone/gan")
        server.etag = "../../../climbed-"
        loading.load("someone/gan")


for status in (401, 403, 404, 500):
    failing(f"answers {status} and quotes the token", status)
failing("says nothing", "hang")
failing("hangs up", "drop")
failing("answers with a web page", "garbage")
case("Hubs", "one that changes the weights", tampering)
case("Hubs", "one whose ETags are paths that climb out of the cache", climbing)


# Files of samples


def samples(name: str, file: str, write: Callable[[Path], Any]) -> None:
    def attempt(folder: Path) -> None:
        evil = folder.parent / "evil"
        evil.mkdir()
        write(evil / file)
        evaluate("evil", data="evil", bootstrap=0)

    case("Files of samples", name, attempt)


def track(events: bytes, division: int = 480) -> bytes:
    """Returns a MIDI file of one track."""
    return b"MThd" + struct.pack(">IHHH", 6, 0, 1, division) + b"MTrk" + struct.pack(">I", len(events)) + events


def bomb(path: Path) -> None:
    """Writes an archive of a few bytes whose array's header promises a terabyte."""
    with zipfile.ZipFile(path, "w") as archive, archive.open("x.npy", "w") as member:
        header = {"descr": "|u1", "fortran_order": False, "shape": (10**6, 100, 100, 100)}
        np.lib.format.write_array_header_1_0(member, header)


NOTE, END = b"\x00\x90\x3c\x40", b"\x00\xff\x2f\x00"
TRIANGLE = "OFF\n3 1 0\n0 0 0\n1 0 {}\n0 1 0\n3 0 1 {}\n"

samples("an empty mesh", "x.off", lambda file: file.write_bytes(b""))
samples("a mesh with a corner at infinity", "x.off", lambda file: file.write_text(TRIANGLE.format("inf", 2)))
samples("a mesh of corners that it does not have", "x.off", lambda file: file.write_text(TRIANGLE.format(0, 7)))
samples("a mesh that is text", "x.obj", lambda file: file.write_text("hello"))
samples("voxels that promise a terabyte", "x.npz", bomb)
samples("voxels that are pickled objects", "x.npy", lambda file: np.save(file, np.array([Evil()], dtype=object)))
samples("a tune that is text", "x.mid", lambda file: file.write_text("hello"))
samples("a tune that is cut off", "x.mid", lambda file: file.write_bytes(track(NOTE + END)[:-6]))
YEARS = NOTE + b"\xff\xff\xff\x7f\x80\x3c\x00" + END
samples("a tune of years", "x.mid", lambda file: file.write_bytes(track(YEARS)))
samples("a tune without notes", "x.mid", lambda file: file.write_bytes(track(END)))
samples("a movie that is text", "x.mp4", lambda file: file.write_text("hello"))
samples("a playlist that is called a movie", "x.mp4", lambda file: file.write_text("#EXTM3U\nfile:///etc/passwd\n"))


# Uploads


def uploaded(name: str, file: str, content: Callable[[], bytes], read: Callable[[Path, int], Any]) -> None:
    def attempt(folder: Path) -> None:
        Path(file).write_bytes(content())
        read(Path(file), 3)

    case("Uploads", name, attempt)


def padded_text(size: int) -> bytes:
    """Returns a small PNG with a text of so many bytes in it, compressed."""
    about = PngImagePlugin.PngInfo()
    about.add_text("x", "x" * size, zip=True)
    with BytesIO() as file:
        Image.new("L", (8, 8)).save(file, "PNG", pnginfo=about)
        return file.getvalue()


SCRIPT = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
PLAYLIST = b"#EXTM3U\nfile:///etc/passwd\n"
uploaded("a file of no bytes", "x.png", bytes, read_picture)
uploaded("text that is called a picture", "x.png", lambda: b"hello", read_picture)
uploaded("a drawing with a script in it", "x.svg", lambda: SCRIPT, read_picture)
uploaded("a pickle that is called a picture", "x.png", lambda: pickle.dumps(Evil()), read_picture)
uploaded("a header of 20,000 x 20,000 pixels", "x.png", lambda: promising_png(20_000, 20_000), read_picture)
uploaded("a header of 5,000 x 5,000 pixels", "x.png", lambda: promising_png(5000, 5000), read_picture)
uploaded("a picture that is cut off", "x.png", lambda: promising_png(64, 64, rows=64)[:-30], read_picture)
uploaded("a picture with 10 MB of text in it", "x.png", lambda: padded_text(10**7), read_picture)
uploaded("a file of 11 MB", "x.png", lambda: bytes(11 * 2**20), read_picture)
uploaded("an archive in place of a clip", "x.zip", lambda: b"PK\x03\x04", read_upload_clip)
uploaded("arrays in place of a clip", "x.npz", lambda: b"PK\x03\x04", read_upload_clip)
uploaded("a film that is text", "x.mp4", lambda: b"hello", read_upload_clip)
uploaded("a playlist that is called a film", "x.mp4", lambda: PLAYLIST, read_upload_clip)


# Published weights


def published_weights(name: str, content: Callable[[], bytes]) -> None:
    def attempt(folder: Path) -> None:
        Path("weights").write_bytes(content())
        convert([Path("weights")], out=Path("out"))

    case("Published weights", name, attempt)


class Call:
    """Unpickling this calls a function."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.reduced = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.reduced


def snapshot(**entries: Any) -> Callable[[], bytes]:
    """Returns what writes a snapshot of NVIDIA's with these entries beside the usual ones."""
    return lambda: nvidia_pickles.pickled({"G": None, "augment_pipe": None, **entries})


def network(**tensors: Any) -> Callable[[], bytes]:
    """Returns what writes a snapshot whose averaged generator has these tensors."""
    return snapshot(G_ema=nvidia_pickles.module(tensors))


def holding(*modules: Any) -> nvidia_pickles.Persistent:
    """Returns a network of these modules."""
    inner = dict(zip("abcdefgh", modules, strict=False))
    return nvidia_pickles.Persistent("Layer", {"_parameters": {}, "_buffers": {}, "_modules": inner})


def doubling(levels: int) -> nvidia_pickles.Persistent:
    """Returns a network of two to the power of `levels` modules, all the same one."""
    one = holding()
    for _ in range(levels):
        one = holding(one, one)
    return one


def endless() -> bytes:
    """Returns a snapshot of a plain module that holds itself."""
    one = torch.nn.Sequential()
    one._modules["a"] = one
    return nvidia_pickles.pickled({"G_ema": one})


def saved(value: Any) -> bytes:
    """Returns what torch.save writes."""
    file = BytesIO()
    torch.save(value, file)
    return file.getvalue()


def ones(count: int) -> torch.storage.TypedStorage:
    """Returns a storage as tensors pickle it."""
    numbers = torch.ones(count).untyped_storage()
    return torch.storage.TypedStorage(wrap_storage=numbers, dtype=torch.float32, _internal=True)


PLANT = "import os\nos.mkdir('planted')\nclass Generator: pass\n"
REBUILD, FROM_BYTES = torch._utils._rebuild_tensor_v2, torch.storage._load_from_bytes
# a dictionary whose key is a tuple of a tuple twice, of a tuple twice ...: Python takes 2^40 steps for its hash
LAUGHING_KEY = b"\x80\x04})q\x00" + b"".join(b"h%c\x86q%c" % (i, i + 1) for i in range(40))
published_weights("a network that calls a function of the system", snapshot(G_ema=Evil()))
published_weights("the same in a file of `torch.save`", lambda: saved({"weight": torch.ones(2), "evil": Evil()}))
HIDDEN = "__import__('os').mkdir('planted')"
published_weights("`builtins.eval` in place of a network", snapshot(G_ema=Call(eval, HIDDEN)))
published_weights(
    "a network whose source makes a folder, which is not run, of tensors that nobody knows",
    snapshot(G_ema=nvidia_pickles.module({"odd": torch.ones(2)}, source=PLANT)),
)
published_weights(
    "a function of NVIDIA's in place of a class",
    snapshot(G_ema=Call(nvidia_pickles._reconstruct_persistent_obj, {"type": "function", "module_src": PLANT})),
)
published_weights("a pickle that runs code, nested as a storage", network(odd=Call(FROM_BYTES, pickle.dumps(Evil()))))
published_weights(
    "a tensor of a terabyte, all of it the same number",
    network(odd=Call(REBUILD, ones(1), 0, (2**38,), (0,), False, {})),
)
published_weights(
    "a tensor that begins before its storage",
    network(odd=Call(REBUILD, ones(4), -8, (2,), (1,), False, {})),
)
published_weights("2³⁰ modules, by references to 31", lambda: nvidia_pickles.pickled({"G_ema": doubling(30)}))
published_weights("a module that holds itself", endless)
published_weights("a key that takes 2⁴⁰ steps to look up", lambda: LAUGHING_KEY + b"Ns.")
published_weights("an object of a class that nobody knows", snapshot(G_ema=nvidia_pickles.Plain()))
published_weights("an object that lies elsewhere, by its persistent id", lambda: b"\x80\x02Pplanted\n.")
published_weights("a number of 5,000 digits", lambda: b"\x80\x02I" + b"9" * 5000 + b"\n.")
published_weights("a length of 2⁶² bytes", lambda: b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b".")
published_weights("a pickle that is cut off", lambda: nvidia_pickles.pickled({"G": None})[:-4])
published_weights("text", lambda: b"import os; os.mkdir('planted')")


def answer(one: Case, home: Path) -> str:
    """Tries a case in a folder of its own, and returns the message that it got, without what differs by machine.

    Raises:
        AssertionError: if it was not refused in one line, or did what it wanted.
    """
    planted = home / "planted"
    (home / "evil_module.py").write_text(
        f"import os\nos.mkdir({str(planted)!r})\nimport torch\nclass Net(torch.nn.Module):\n    latent_dim = 6\n"
    )
    for name in ("net.yaml", "net"):
        (home / name).write_text("class_path: evil_module.Net\n")
    before = Path.cwd()
    publish(tiny_model(), home / "gan")
    sys.path.insert(0, str(home))
    os.chdir(home)
    try:
        one.attempt(Path("gan") if one.section != "Names and paths" else home / "gan")
    except GanzooError as error:
        message = str(error)
    else:
        raise AssertionError(f"{one.name}: it was not refused")
    finally:
        os.chdir(before)
        sys.path.remove(str(home))
    assert not planted.exists(), message
    assert "evil_module" not in sys.modules
    assert message.isprintable(), message
    assert TOKEN not in message
    message = re.sub(r"(is damaged|an impossible model): .*", r"\1: …", message)  # in the words of other libraries
    message = re.sub(
        r"snapshots/\w+", "snapshots/…", message.replace(f"{home.resolve()}/", "").replace(str(home.resolve()), ".")
    )
    message = message if len(message) < 400 else f"{message[:300]}…"
    return message.replace("|", "\\|")


def rows(section: str, home: Path) -> Iterator[str]:
    """Tries the cases of a section, and yields the page's rows for them."""
    for number, one in enumerate(CASES):
        if one.section == section:
            own = home / str(number)
            own.mkdir()
            yield row(one, answer(one, own))


def row(one: Case, message: str) -> str:
    """Writes a row of the page."""
    return f"| {one.name} | {message} |"


def write(home: Path) -> None:
    """Writes every section's table between its markers in the page."""
    text = PAGE.read_text(encoding="utf-8")
    for section in dict.fromkeys(one.section for one in CASES):
        start, end = (f"<!-- {section}:{edge} -->" for edge in ("start", "end"))
        before, _, rest = text.partition(start)
        _, _, after = rest.partition(end)
        table = "\n".join(("| tried | told |", "| --- | --- |", *rows(section, home)))
        text = f"{before}{start}\n{table}\n{end}{after}"
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder))
