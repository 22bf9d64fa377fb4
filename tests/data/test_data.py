import inspect
import pickle
import socket
from pathlib import Path

import numpy as np
import pytest
import torch
from idx import write_mnist
from PIL import Image

import ganzoo.data as data
from ganzoo.common.errors import GanzooError
from ganzoo.data import MNIST, CelebA, Digits, FashionMNIST, ImageFolder, Toy2D
from ganzoo.data.decoding import Pictures, resize_to


@pytest.fixture
def mnist(tmp_path: Path) -> str:
    return str(write_mnist(tmp_path))


# drawings


def test_mnist_is_padded_with_black_and_never_resized(mnist):
    module = MNIST(root=mnist, batch_size=16)
    assert module.shape == (1, 32, 32)
    module.setup("fit")
    x, y = next(iter(module.val_dataloader()))
    assert x.shape == (16, 1, 32, 32)
    assert y.tolist() == [i % 10 for i in range(16)]
    border = torch.ones(32, 32, dtype=torch.bool)
    border[2:30, 2:30] = False
    assert (x[:, 0, border] == -1).all()
    small = MNIST(root=mnist, size=28, batch_size=16)
    small.setup("fit")
    assert torch.equal(next(iter(small.val_dataloader()))[0], x[..., 2:30, 2:30])
    assert (len(module.train_dataloader()), len(module.val_dataloader())) == (16, 8)
    with pytest.raises(GanzooError, match=r"data\.size: 16 .* 28 or more"):
        MNIST(root=mnist, size=16).setup()


def test_fashion_mnist_has_its_own_files_and_licence(tmp_path):
    module = FashionMNIST(root=str(write_mnist(tmp_path, fashion=True)), batch_size=8)
    module.setup()
    assert next(iter(module.train_dataloader()))[0].shape == (8, 1, 32, 32)
    assert (module.title, module.licence, module.n_classes) == ("Fashion-MNIST", "MIT", 10)


def test_fingerprint_follows_content_size_and_split(mnist, tmp_path):
    first = MNIST(root=mnist)
    prints = {first.fingerprint("train"), first.fingerprint("test"), MNIST(root=mnist, size=28).fingerprint("train")}
    assert len(prints) == 3
    assert all(len(text) == 64 for text in prints)
    assert MNIST(root=mnist, flip=True, batch_size=3).fingerprint("train") == first.fingerprint("train")
    other = MNIST(root=str(write_mnist(tmp_path / "other", n_train=255)))
    assert other.fingerprint("train") not in prints


def test_root_falls_back_to_the_environment_and_then_to_data(mnist, monkeypatch):
    monkeypatch.setenv("GANZOO_DATA", mnist)
    MNIST().setup()
    assert MNIST(root="elsewhere").root == Path("elsewhere")
    monkeypatch.delenv("GANZOO_DATA")
    assert MNIST().root == Path("data")


def test_missing_data_is_one_line_that_says_what_to_do(tmp_path, monkeypatch):
    with pytest.raises(GanzooError, match=r"MNIST is not in .*download is false.*GANZOO_DATA") as caught:
        MNIST(root=str(tmp_path), download=False).setup()
    assert str(tmp_path) in str(caught.value)

    def unreachable(*args, **kwargs):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unreachable)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(GanzooError, match=r"MNIST is not in .*downloading it failed .*Name or service") as caught:
        MNIST(root=str(tmp_path)).prepare_data()
    assert "\n" not in str(caught.value)
    assert socket.getdefaulttimeout() is None


def test_damaged_files_are_not_called_missing(mnist):
    images = Path(mnist) / "MNIST/raw/t10k-images-idx3-ubyte"
    images.write_bytes(images.read_bytes()[:5000])
    with pytest.raises(GanzooError, match=r"the MNIST files in .* are damaged .*Delete them"):
        MNIST(root=mnist).setup()


def test_digits_need_nothing_and_hold_out_every_class():
    module = Digits(batch_size=297)
    module.setup()
    (train, train_labels), (test, test_labels) = module.split("train"), module.split("test")
    assert (module.shape, len(train), len(test)) == ((1, 8, 8), 1500, 297)
    assert torch.bincount(test_labels).tolist() == pytest.approx([29.7] * 10, abs=1.5)
    assert torch.bincount(train_labels, minlength=10).min() > 140
    x, _ = next(iter(module.val_dataloader()))
    assert (x.min(), x.max()) == (-1, 1)
    assert torch.equal(test, Digits().split("test")[0])


# photographs


def test_cifar10_keeps_32_and_resizes_the_rest(tmp_path, monkeypatch):
    from torchvision import datasets

    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (20, 3, 32, 32), dtype=np.uint8)
    for name in ("data_batch_1", "test_batch"):
        (folder / name).write_bytes(
            pickle.dumps({"data": pixels.reshape(20, -1), "labels": [i % 10 for i in range(20)]})
        )
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": list("abcdefghij")}))
    # the only thing that the tiny files lack is the checksum of the real ones
    monkeypatch.setattr(datasets.CIFAR10, "train_list", [["data_batch_1", None]])
    monkeypatch.setattr(datasets.CIFAR10, "test_list", [["test_batch", None]])
    monkeypatch.setattr(datasets.CIFAR10, "meta", datasets.CIFAR10.meta | {"md5": None})
    images, labels = data.CIFAR10(root=str(tmp_path)).split("train")
    assert torch.equal(images, torch.from_numpy(pixels))
    assert labels.tolist() == [i % 10 for i in range(20)]
    assert data.CIFAR10(root=str(tmp_path), size=16).split("test")[0].shape == (20, 3, 16, 16)


def test_resizing_crops_the_centre_and_does_not_alias():
    stripes = torch.zeros(1, 1, 64, 96, dtype=torch.uint8)
    stripes[..., ::2] = 255  # finer than what 16 pixels can show: grey, not stripes
    stripes[..., :16], stripes[..., 80:] = 255, 255
    small = resize_to(stripes, 16)
    assert small.shape == (1, 1, 16, 16)
    assert (small[..., 1:-1].int() - 128).abs().max() < 20


def test_celeba_is_read_lazily(tmp_path, monkeypatch):
    from torchvision import datasets

    folder = tmp_path / "celeba" / "img_align_celeba"
    folder.mkdir(parents=True)
    names = [f"{i:06d}.jpg" for i in range(6)]
    for i, name in enumerate(names):
        Image.new("RGB", (178, 218), (40 * i, 0, 0)).save(folder / name)
    tables = {
        "list_eval_partition.txt": [f"{name} {2 * (i >= 4)}" for i, name in enumerate(names)],
        "identity_CelebA.txt": [f"{name} 1" for name in names],
        "list_bbox_celeba.txt": ["6", "x y w h", *(f"{name} 0 0 1 1" for name in names)],
        "list_landmarks_align_celeba.txt": ["6", "a b", *(f"{name} 1 1" for name in names)],
        "list_attr_celeba.txt": ["6", "Smiling", *(f"{name} 1" for name in names)],
    }
    for name, lines in tables.items():
        (tmp_path / "celeba" / name).write_text("\n".join(lines))
    monkeypatch.setattr(datasets.CelebA, "file_list", [("", None, name) for name in tables])
    module = CelebA(root=str(tmp_path), batch_size=2, num_workers=0)
    module.setup()
    x, y = next(iter(module.val_dataloader()))
    assert isinstance(module.split("train")[0], Pictures)
    assert (module.shape, x.shape, y) == ((3, 64, 64), (2, 3, 64, 64), None)
    assert x[:, 0].mean((1, 2)).tolist() == pytest.approx([160 / 127.5 - 1, 200 / 127.5 - 1], abs=0.03)
    assert len(module.train_dataloader()) == 2


@pytest.mark.parametrize(
    ("field", "make"),
    [
        ("size", lambda: MNIST(size=0)),
        ("batch_size", lambda: Digits(batch_size=0)),
        ("num_workers", lambda: data.CIFAR10(num_workers=-1)),
        ("channels", lambda: ImageFolder(channels=4)),
        ("samples", lambda: Toy2D(samples=0)),
        ("std", lambda: Toy2D(std=-1.0)),
        ("modes", lambda: Toy2D("grid", modes=24)),
        ("modes", lambda: Toy2D("sine", modes=8)),
        ("kind", lambda: Toy2D("swis_roll")),  # type: ignore[arg-type]
    ],
)
def test_arguments_out_of_range_name_the_field(field, make):
    with pytest.raises(GanzooError, match=rf"data\.{field}: "):
        make()


# points


@pytest.mark.parametrize("kind", ["sine", "swiss_roll", "ring", "grid"])
def test_toys_are_seeded_points_of_unit_scale(kind):
    module = Toy2D(kind, samples=2000)
    module.setup()
    points, labels = module.split("train")
    assert (module.shape, points.shape, points.dtype, labels) == ((2,), (2000, 2), torch.float32, None)
    assert 0.6 < points.abs().max() < 1.2
    assert torch.equal(points, Toy2D(kind, samples=2000).split("train")[0])
    assert not torch.equal(points, Toy2D(kind, samples=2000, seed=1).split("train")[0])
    assert not torch.equal(points, module.split("test")[0][:2000])
    x, y = next(iter(module.val_dataloader()))
    assert y is None
    assert torch.equal(x, module.split("test")[0][:64])


def test_sine_is_a_harmonic_and_the_roll_a_spiral():
    x, y = Toy2D("sine", std=0.0).split("train")[0].T
    torch.testing.assert_close(y, torch.sin(torch.pi * x))
    x, y = Toy2D("swiss_roll", std=0.0).split("train")[0].T
    turns = torch.hypot(x, y) * 2.25  # the radius grows by 1/2.25 a turn
    phase = torch.exp(1j * (torch.atan2(y, x) - 2 * torch.pi * turns))
    assert (phase - 1).abs().max() < 1e-3


@pytest.mark.parametrize(("kind", "modes", "expected"), [("ring", None, 8), ("grid", None, 25), ("ring", 5, 5)])
def test_gaussians_sit_on_their_centres_in_equal_shares(kind, modes, expected):
    module = Toy2D(kind, modes=modes, std=0.01)
    points, _ = module.split("train")
    assert module.centres is not None
    assert module.centres.shape == (expected, 2)
    distance, nearest = torch.cdist(points, module.centres).min(1)
    assert distance.square().mean().item() == pytest.approx(2 * 0.01**2, rel=0.05)
    assert torch.bincount(nearest) / len(points) == pytest.approx([1 / expected] * expected, rel=0.1)


def test_every_data_set_says_what_it_is():
    folders = (
        data.ImageFolder | data.UnpairedFolder | data.VoxelFolder | data.MidiFolder | data.ClipFolder | data.NextFrames
    )
    for name in data.__all__:
        module = getattr(data, name)
        if inspect.isclass(module) and issubclass(module, data.DataModule):
            assert module.licence
            of_the_user = issubclass(module, folders)
            if name not in ("DataModule", "ImageDataModule", "Tunes", "NextFrame") and not of_the_user:
                assert module.source, name


LANCZOS = "the middle square, by Lanczos interpolation (Pillow), antialiased"


@pytest.mark.parametrize(
    ("kind", "options", "told"),
    [
        ("Digits", {}, None),
        ("Digits", {"size": 16}, "padded with black from 8x8"),
        ("MNIST", {"size": 28}, None),
        ("MNIST", {}, "padded with black from 28x28"),
        ("FashionMNIST", {}, "padded with black from 28x28"),
        ("ShiftedMNIST", {}, None),
        ("RecolouredMNIST", {}, "padded with black from 28x28"),
        ("CIFAR10", {}, None),
        ("CIFAR10Colours", {"size": 16}, "from 32x32 by bicubic interpolation, antialiased"),
        ("CelebA", {}, LANCZOS),
        ("CelebA", {"size": 178}, "the middle square"),
        ("ImageFolder", {}, LANCZOS),
        ("Edges", {}, LANCZOS),
        ("LowResolution", {}, LANCZOS),
        ("LowResolution", {"crop": True}, "the middle 96x96 pixels, not resized"),
        ("PairedFolder", {}, f"of each half {LANCZOS}"),
        ("Toy2D", {}, None),
    ],
)
def test_data_say_how_they_come_to_their_size(kind, options, told):
    assert getattr(data, kind)(**options).resized == told


def test_domains_without_test_pictures_say_that_they_are_cropped(tmp_path):
    def told(folder):
        (tmp_path / folder).mkdir()
        Image.new("RGB", (20, 20)).save(tmp_path / folder / "a.png")
        return data.UnpairedFolder(str(tmp_path), 16, jitter=4).resized

    assert told("trainA") == f"{LANCZOS}, to 20x20, of which the middle is cut out"
    assert told("testA") == LANCZOS
