"""Two domains without pairs: their orders, their epochs, folders of any number, and digits whose truth is known."""

import zipfile

import numpy as np
import pytest
import torch
from idx import write_mnist
from PIL import Image

from ganzoo.common.errors import GanzooError
from ganzoo.data import RecolouredMNIST, UnpairedFolder
from ganzoo.data.loader import BatchLoader
from ganzoo.data.recoloured_mnist import recolour
from ganzoo.data.unpaired import Domains, UnpairedLoader
from ganzoo.metrics.extractors import get_extractor


def side(n: int, first: int = 0, **options) -> BatchLoader:
    """A loader of numbers, from `first` on, that stand for images."""
    numbers = torch.arange(first, first + n).float().view(-1, 1)
    return BatchLoader(numbers, **{"batch_size": 2, "shuffle": True, "seed": first} | options)


def unpaired(a: int = 6, b: int = 10, **options) -> UnpairedLoader:
    return UnpairedLoader(side(a, **options), side(b, 100, **options))


def drawn(loader) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    return [tuple(tuple(part.int().flatten().tolist()) for part in batch) for batch in loader]


def column(epochs, which: int) -> list[int]:
    return [number for batches in epochs for batch in batches for number in batch[which]]


def test_an_epoch_is_the_larger_domains_and_the_smaller_one_starts_anew():
    loader = unpaired()
    assert len(loader) == 5
    epochs = [drawn(loader) for _ in range(3)]
    assert [len(batches) for batches in epochs] == [5, 5, 5]
    b = column(epochs, 1)
    assert all(sorted(b[i : i + 10]) == list(range(100, 110)) for i in range(0, 30, 10))
    a = column(epochs, 0)
    assert all(sorted(a[i : i + 6]) == list(range(6)) for i in range(0, 30, 6))  # whole rounds, across epochs
    assert len({tuple(a[i : i + 6]) for i in range(0, 30, 6)}) > 1
    assert len({tuple(b[i : i + 10]) for i in range(0, 30, 10)}) == 3


def test_either_order_is_what_it_would_be_without_the_other_domain():
    epochs = [drawn(unpaired())]
    alone = side(10, 100)
    assert column(epochs, 1) == [int(number) for x, _ in alone for number in x.flatten()]
    other = UnpairedLoader(side(6, seed=5), side(10, 100))
    assert column([drawn(other)], 1) == column(epochs, 1)
    assert column([drawn(other)], 0) != column(epochs, 0)


def test_domains_of_one_size_are_not_shuffled_alike():
    data = recoloured_data(batch_size=2)
    domains, labels = data.split("train")
    data._splits["train"] = Domains(domains.a, domains.a), labels
    for x, y in data.train_dataloader():
        if not torch.allclose(x[:, :1], data.readable(y), atol=1e-3):
            return
    raise AssertionError("both domains came in the same order")


@pytest.mark.parametrize("stop", [1, 3, 5, 8])
def test_it_resumes_with_the_very_next_pair(stop):
    whole = unpaired()
    expected = [batch for _ in range(4) for batch in drawn(whole)]
    interrupted = unpaired()
    seen = []
    while len(seen) < stop:
        for batch in interrupted:
            seen.append(batch)
            if len(seen) == stop:
                state = interrupted.state_dict()
                break
    resumed = unpaired()
    resumed.load_state_dict(state)
    rest = [batch for _ in range(4) for batch in drawn(resumed)]
    assert rest[: len(expected) - stop] == expected[stop:]


@pytest.mark.parametrize(("a", "b", "told"), [(8, 10, "with 6 items .* are 8"), (6, 11, "with 10 items .* are 11")])
def test_a_run_does_not_go_on_with_another_number_of_pictures(a, b, told):
    state = unpaired().state_dict()
    with pytest.raises(GanzooError, match=f"the run began {told}"):
        unpaired(a, b).load_state_dict(state)
    unpaired(a, b).load_state_dict({"epoch": 1, "position": 2})  # as it was kept before the sizes were


def test_processes_share_the_joint_batch():
    together = drawn(unpaired(batch_size=4))
    ranks = [drawn(unpaired(rank=rank, world_size=2)) for rank in (0, 1)]
    assert [(x + u, y + v) for (x, y), (u, v) in zip(*ranks, strict=True)] == together


def recoloured_data(tmp_path=None, **options):
    """A tiny MNIST of bars; made without any file where no folder is given."""
    data = RecolouredMNIST(
        str(tmp_path) if tmp_path else None, **{"size": 28, "num_workers": 0, "download": False} | options
    )
    if tmp_path is None:
        generator = torch.Generator().manual_seed(0)
        digits = torch.randint(256, (40, 1, 28, 28), generator=generator, dtype=torch.uint8)
        data._splits = {"train": (Domains(digits[:20], digits[20:]), None), "test": (digits, torch.arange(40) % 10)}
    return data


def test_the_truth_can_be_read_back_exactly_and_nothing_else_reads_so():
    x = torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    data = recoloured_data()
    truth = recolour(x)
    assert truth.shape == (4, 3, 8, 8)
    assert truth.abs().max() <= 1
    torch.testing.assert_close(data.readable(truth), x, rtol=0, atol=1e-5)
    torch.testing.assert_close(recolour(x.expand(-1, 3, -1, -1)), truth)
    for wrong in (x, -x):
        assert ((truth - wrong).abs().mean((1, 2, 3)) > 0.25).all()
    torch.testing.assert_close(data.readable(x.expand(-1, 3, -1, -1)), -x, rtol=0, atol=0.25)  # what is ink is paper
    assert data.readable(torch.full((1, 3, 2, 2), 5.0)).abs().max() <= 1


def test_the_halves_are_disjoint_and_only_b_is_coloured(tmp_path):
    data = recoloured_data(write_mnist(tmp_path, 64, 30), batch_size=8)
    data.setup("fit")
    assert (data.shape, data.source_shape, data.paired, data.n_classes) == ((3, 28, 28), (3, 28, 28), True, 10)
    stored, _ = data.split("train")
    loader = data.train_dataloader()
    assert len(loader) == 4
    shown = [torch.cat(part) for part in zip(*loader, strict=True)]
    as_stored = [torch.cat([stored.a, stored.b])[half].float() / 127.5 - 1 for half in (slice(32), slice(32, 64))]
    for pictures, digits in ((shown[0][:, :1], as_stored[0]), (data.readable(shown[1]), as_stored[1])):
        assert pictures.shape == digits.shape
        distance = torch.cdist(pictures.flatten(1), digits.flatten(1), compute_mode="donot_use_mm_for_euclid_dist")
        assert sorted(distance.argmin(1).tolist()) == list(range(32))  # each once
        assert distance.min(1).values.max() < 1e-3
    assert (shown[0][:, :1] == shown[0]).all()


def test_the_reference_is_the_test_digits_with_truth_and_labels(tmp_path):
    data = recoloured_data(write_mnist(tmp_path, 64, 30), batch_size=16)
    data.setup("validate")
    batches = list(data.val_dataloader())
    x, truth = (torch.cat([b[0] for b in batches]), torch.cat([b[1][0] for b in batches]))
    assert x.shape == truth.shape == (30, 3, 28, 28)
    torch.testing.assert_close(recolour(x), truth)
    assert torch.cat([b[1][1] for b in batches]).tolist() == [i % 10 for i in range(30)]
    x, y = next(iter(data.loader("train")))  # side by side, in the stored order
    assert x.shape == y.shape == (16, 3, 28, 28)
    plain = RecolouredMNIST(str(tmp_path), 28)
    assert plain.fingerprint("test") == data.fingerprint("test")


def test_the_classifier_reads_the_truth_and_not_the_source():
    """On bars, which are no digits: what it says of a truth is what it says of the bar itself."""
    extractor = get_extractor("mnist")
    data = recoloured_data()
    x = -torch.ones(10, 1, 28, 28)
    for i in range(10):
        x[i, :, 4:24, 4 + 2 * i : 6 + 2 * i] = 1
    torch.testing.assert_close(extractor(data.readable(recolour(x)))[1], extractor(x)[1], rtol=1e-3, atol=1e-3)


COUNTS = {"trainA": 7, "trainB": 5, "testA": 3, "testB": 4}


def write_domains(root, counts=COUNTS, wrap=""):
    """Pictures of one colour each: A red, B blue, the brighter the later; a little wider than high."""
    for folder, count in counts.items():
        (root / wrap / folder).mkdir(parents=True)
        for i in range(count):
            pixels = np.zeros((20, 24, 3), dtype=np.uint8)
            pixels[:, :, 0 if folder.endswith("A") else 2] = 60 + 20 * i
            pixels[:, :12, 1] = 100  # so that flips show
            Image.fromarray(pixels).save(root / wrap / folder / f"{i}.png")
    return root


def test_folders_with_different_counts(tmp_path):
    data = UnpairedFolder(str(write_domains(tmp_path / "hues")), 16, jitter=2, batch_size=2, num_workers=0)
    data.setup("fit")
    assert (data.title, data.shape, data.source_shape, data.paired, data.reference) == (
        "hues", (3, 16, 16), (3, 16, 16), False, "test",
    )  # fmt: skip
    loader = data.train_dataloader()
    assert len(loader) == 3  # 7 // 2 of A
    for x, y in loader:
        assert x.shape == y.shape == (2, 3, 16, 16)
        assert (x[:, 2] == -1).all()  # no blue in A
        assert (y[:, 0] == -1).all()  # no red in B
    ((x, y), (last, other)) = data.val_dataloader()
    assert torch.cat([x, last]).shape == torch.cat([y, other]).shape == (3, 3, 16, 16)
    torch.testing.assert_close(x[:, 0].mean((1, 2)) * 127.5 + 127.5, torch.tensor([60.0, 80.0]))


def test_training_pictures_are_cropped_anew_and_resume_exactly(tmp_path):
    root = str(write_domains(tmp_path))
    data = [UnpairedFolder(root, 16, jitter=6, batch_size=1, num_workers=0, flip=True) for _ in range(2)]
    loaders = [one.train_dataloader() for one in data]
    epochs = [list(loaders[0]) for _ in range(2)]
    widths = {int((x[0, 1, 0] > -0.5).sum()) for epoch in epochs for x, _ in epoch}
    assert len(widths) > 1  # the green half is cut differently
    loaders[1].load_state_dict({"epoch": 1, "position": 2})
    for (x, y), (u, v) in zip(loaders[1], epochs[1][2:], strict=True):
        assert torch.equal(x, u)
        assert torch.equal(y, v)


def test_a_zip_that_wraps_the_folders_and_no_test_pictures(tmp_path):
    write_domains(tmp_path / "in", {"trainA": 4, "trainB": 2}, "horse2zebra")
    with zipfile.ZipFile(tmp_path / "some.zip", "w") as archive:
        for file in (tmp_path / "in").rglob("*.png"):
            archive.write(file, file.relative_to(tmp_path / "in"))
    data = UnpairedFolder(str(tmp_path / "some.zip"), 16, jitter=4, batch_size=2, num_workers=0)
    assert data.reference == "train"
    data.setup("fit")
    assert len(data.train_dataloader()) == 2
    ((x, y),) = data.val_dataloader()
    assert x.shape == y.shape == (2, 3, 16, 16)
    assert data.fingerprint("train") != UnpairedFolder(str(tmp_path / "in"), 16, jitter=2).fingerprint("train")


@pytest.mark.parametrize("missing", ["trainA", "trainB", "testB"])
def test_a_missing_folder_is_one_clear_line(tmp_path, missing):
    write_domains(tmp_path, {name: count for name, count in COUNTS.items() if name != missing})
    with pytest.raises(GanzooError, match=rf"data\.root.*{missing}") as error:
        UnpairedFolder(str(tmp_path), 16).setup("fit")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("options", "complaint"), [
    ({"root": "nowhere"}, r"data\.root: .*nowhere does not exist"),
    ({}, r"data\.root: not given"),
    ({"jitter": -1}, r"data\.jitter"),
    ({"channels": 2}, r"data\.channels"),
])  # fmt: skip
def test_what_cannot_be_is_refused(options, complaint):
    with pytest.raises(GanzooError, match=complaint):
        UnpairedFolder(**options).setup("fit")


@pytest.mark.parametrize("layout", [
    "{split}/{side}", "{side}/{split}", "{split}_{side}", "in/{side}/{split}", "{split}{side}",
])  # fmt: skip
def test_other_folders_that_say_the_same(tmp_path, layout):
    usual = UnpairedFolder(str(write_domains(tmp_path / "usual")), 16, jitter=0)
    renamed = {layout.format(split=name[:-1], side=name[-1]): count for name, count in COUNTS.items()}
    root = tmp_path / "other"
    for (folder, count), name in zip(renamed.items(), COUNTS, strict=True):
        write_domains(root / "plain", {name: count})
        (root / "named" / folder).parent.mkdir(parents=True, exist_ok=True)
        (root / "plain" / name).rename(root / "named" / folder)
    other = UnpairedFolder(str(root / "named"), 16, jitter=0)
    assert other.reference == "test"
    for split in ("train", "test"):
        assert other.fingerprint(split) == usual.fingerprint(split)


def test_a_and_b_alone_are_all_to_train_on_and_val_may_stand_for_test(tmp_path):
    data = UnpairedFolder(str(write_domains(tmp_path / "plain", {"a": 5, "b": 3})), 16, jitter=0)
    assert (data.reference, len(data.split("train")[0].a), len(data.split("train")[0].b)) == ("train", 5, 3)
    held = UnpairedFolder(str(write_domains(tmp_path / "held", {"trainA": 5, "trainB": 3, "valA": 2, "valB": 1})), 16)
    assert (held.reference, len(held.split("test")[0])) == ("test", 1)


def test_pictures_of_neither_domain_are_named(tmp_path, caplog):
    root = write_domains(tmp_path, {"trainA": 2, "trainB": 2, "extra": 2})
    UnpairedFolder(str(root), 16).inspect()
    assert caplog.messages == [
        f"{tmp_path.name}: left out 2 picture(s) that are in neither domain: extra/0.png, extra/1.png"
    ]


def test_channels_may_be_those_of_the_headers(tmp_path):
    root = write_domains(tmp_path)
    assert UnpairedFolder(str(root), 16, channels=None).shape == (3, 16, 16)
    for file in root.rglob("*.png"):
        Image.open(file).convert("L").save(file)
    data = UnpairedFolder(str(root), 16, channels=None, jitter=0)
    assert (data.shape, data.source_shape) == ((1, 16, 16), (1, 16, 16))
    x, y = next(iter(data.val_dataloader()))
    assert x.shape[1] == y.shape[1] == 1
    assert UnpairedFolder(str(root), 16).shape == (3, 16, 16)
    assert UnpairedFolder("nowhere", channels=None).shape == (3, 256, 256)
