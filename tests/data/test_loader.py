from pathlib import Path

import lightning.pytorch as pl
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import nn

from ganzoo.common.errors import GanzooError
from ganzoo.data import BatchLoader, DataModule
from ganzoo.data.loader import PlannedLoader


def numbered(n: int, **options) -> BatchLoader:
    """A loader whose labels are the places of the images, and whose images are not symmetric."""
    images = torch.arange(n * 12).remainder(251).to(torch.uint8).view(n, 1, 3, 4)
    return BatchLoader(images, torch.arange(n), **{"batch_size": 4, "shuffle": True, "flip": True, "seed": 3} | options)


def places(loader: BatchLoader) -> list[int]:
    return [int(i) for _, y in loader for i in y]


def same(left, right) -> bool:
    """Whether two sequences of batches are equal, image by image."""
    left, right = list(left), list(right)
    return len(left) == len(right) > 0 and all(
        torch.equal(x, u) and torch.equal(y, v) for (x, y), (u, v) in zip(left, right, strict=True)
    )


def test_training_order_is_a_new_permutation_each_epoch():
    loader = numbered(19)
    first, second = places(loader), places(loader)
    assert len(loader) == 4
    assert len(first) == len(set(first)) == 16  # 19 images, the incomplete batch is dropped
    assert first != second
    assert first == places(numbered(19))
    assert first != places(numbered(19, seed=4))


def test_order_ignores_and_keeps_the_global_random_state():
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    batches = list(numbered(19))
    assert torch.equal(before, torch.random.get_rng_state())
    torch.manual_seed(1)
    assert same(batches, numbered(19))


@pytest.mark.parametrize("stop", [1, 3])
def test_resume_yields_the_rest_and_then_whole_epochs(stop):
    whole = numbered(19)
    epochs = [list(whole) for _ in range(3)]
    interrupted = numbered(19)
    list(interrupted)
    batches = iter(interrupted)
    for _ in range(stop):
        next(batches)
    state = interrupted.state_dict()
    assert state == {"epoch": 1, "position": stop, "items": 19}
    resumed = numbered(19)
    resumed.load_state_dict(state)
    assert len(resumed) == 4
    assert same(resumed, epochs[1][stop:])
    assert same(resumed, epochs[2])


def test_state_of_a_finished_epoch_resumes_at_the_next_one():
    whole = numbered(19)
    epochs = [list(whole) for _ in range(2)]
    resumed = numbered(19)
    resumed.load_state_dict({"epoch": 0, "position": 4})
    assert same(resumed, epochs[1])


def test_asking_for_an_iterator_twice_starts_no_new_epoch():
    loader = numbered(19)
    iter(loader)
    assert same(loader, numbered(19))


class Recorder(pl.LightningModule):
    """Notes which images every batch holds."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(1, 1)
        self.seen: list[list[int]] = []

    def training_step(self, batch, index):
        self.seen.append(batch[1].tolist())
        return self.layer(batch[0][:, 0, 0, :1]).sum()

    def validation_step(self, batch, index):
        pass

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)


class Numbered(DataModule):
    """Twenty images, labelled by their place."""

    title = "numbered"
    shape = (1, 2, 2)

    def load(self, split):
        return torch.zeros(20, 1, 2, 2, dtype=torch.uint8), torch.arange(20)


def fit(folder: Path, steps: int, ckpt_path: Path | None = None, limit: float = 1.0) -> list[list[int]]:
    """Trains for `steps`, writing passing_step=K.ckpt after each and end.ckpt; returns the images of every batch."""
    passing = ModelCheckpoint(folder, "passing_{step}", every_n_train_steps=1, save_top_k=-1)
    trainer = pl.Trainer(
        accelerator="cpu", max_steps=steps, logger=False, callbacks=passing, limit_train_batches=limit,
        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0,
    )  # fmt: skip
    module = Recorder()
    trainer.fit(module, datamodule=Numbered(batch_size=4), ckpt_path=ckpt_path, weights_only=False)
    trainer.save_checkpoint(folder / "end.ckpt")
    return module.seen


@pytest.mark.parametrize("limit", [1.0, 4, 0.6])
@pytest.mark.parametrize("stop", [3, 4, 5, 7, 8, 10])
def test_lightning_resumes_with_the_very_next_batch(tmp_path, stop, limit):
    whole = fit(tmp_path / "whole", 13, limit=limit)
    assert len(whole) == 13
    assert fit(tmp_path / "part", stop, limit=limit) == whole[:stop]
    for checkpoint in ("part/end.ckpt", f"whole/passing_step={stop}.ckpt"):
        assert fit(tmp_path / "rest", 13, tmp_path / checkpoint, limit) == whole[stop:], checkpoint


@pytest.mark.parametrize("shuffle", [True, False])
def test_ranks_share_the_joint_batch(shuffle):
    options = {"shuffle": shuffle, "flip": shuffle}
    joint = list(numbered(37, batch_size=8, **options))
    ranks = [list(numbered(37, batch_size=4, rank=rank, world_size=2, **options)) for rank in (0, 1)]
    assert [len(numbered(37, rank=rank, world_size=2, **options)) for rank in (0, 1)] == [len(part) for part in ranks]
    together = [(torch.cat([x, u]), torch.cat([y, v])) for (x, y), (u, v) in zip(*ranks, strict=True)]
    assert same(joint, together)


def test_evaluation_keeps_the_order_and_every_image_once():
    assert places(numbered(10, shuffle=False)) == list(range(10))
    for n in (33, 34, 37):
        parts = [numbered(n, shuffle=False, rank=rank, world_size=3) for rank in range(3)]
        assert sorted(i for part in parts for i in places(part)) == list(range(n))
        assert [len(part) for part in parts] == [len(list(part)) for part in parts]


def test_an_undivided_loader_serves_all_items_in_every_process():
    for n in (1, 8, 37):
        loader = numbered(n, shuffle=False, rank=1, world_size=3)
        shares = places(loader)
        assert same(loader.undivided(), numbered(n, shuffle=False))
        assert places(loader) == shares  # which stays as it was


def test_flips_mirror_about_half_of_the_images_and_resume_exactly():
    plain = {int(i): x for xs, y in numbered(400, flip=False) for x, i in zip(xs, y, strict=True)}
    mirrored = 0
    for xs, y in numbered(400):
        for x, i in zip(xs, y, strict=True):
            original = plain[int(i)]
            assert torch.equal(x, original) or torch.equal(x, original.flip(-1))
            mirrored += not torch.equal(x, original)
    assert 150 < mirrored < 250


def test_pixels_become_minus_one_to_one():
    images = torch.tensor([0, 51, 255], dtype=torch.uint8).view(3, 1, 1, 1)
    x, y = next(iter(BatchLoader(images)))
    assert y is None
    assert x.dtype == torch.float32
    torch.testing.assert_close(x.flatten(), torch.tensor([-1.0, -0.6, 1.0]))


def test_too_large_a_batch_is_an_error():
    with pytest.raises(GanzooError, match=r"data\.batch_size: 4 on 3 process.*at most 3"):
        numbered(10, world_size=3)


class Fewer:
    """A plan: batches of 6 until 24 items have been served, then of 3."""

    largest_batch = 6

    def batch_size(self, images: int, usual: int) -> int:
        return 6 if images < 24 else 3


def stored() -> tuple[torch.Tensor, torch.Tensor]:
    """20 images that are not symmetric, and their places."""
    return torch.arange(20 * 12).remainder(251).to(torch.uint8).view(20, 1, 3, 4), torch.arange(20)


def planned(**options) -> PlannedLoader:
    """A planned loader of 20 numbered images; an epoch is 4 batches."""
    about = {"batch_size": 5, "shuffle": True, "flip": True, "seed": 3} | options
    return PlannedLoader(Fewer(), *stored(), **about)


def test_planned_batches_change_their_size_by_what_was_served():
    loader = planned()
    assert len(loader) == 4
    epochs = [[y.tolist() for _, y in loader] for _ in range(4)]
    sizes = [len(batch) for epoch in epochs for batch in epoch]
    assert sizes == [6] * 4 + [3] * 12
    orders = [BatchLoader(loader.images, loader.labels, batch_size=20, shuffle=True, seed=3).order(n) for n in range(4)]
    cuts = [(0, 0, 6), (0, 6, 12), (0, 12, 18), (1, 0, 6), *((1, a, a + 3) for a in (6, 9, 12, 15))]
    cuts += [(2, a, a + 3) for a in range(0, 18, 3)] + [(3, 0, 3), (3, 3, 6)]
    assert [batch for epoch in epochs for batch in epoch] == [orders[n][a:b].tolist() for n, a, b in cuts]


def test_a_plan_of_one_size_serves_what_a_plain_loader_does():
    class Always:
        largest_batch = 5

        def batch_size(self, images: int, usual: int) -> int:
            return 5

    plain = numbered(19, batch_size=5)
    loader = PlannedLoader(Always(), plain.images, plain.labels, batch_size=5, shuffle=True, flip=True, seed=3)
    for _ in range(3):
        assert same(plain, loader)


@pytest.mark.parametrize("stop", range(1, 12))
def test_planned_batches_resume_anywhere(stop):
    def shift(x, y, generator, train):
        return x + torch.rand(1, generator=generator), y

    whole = planned(make=shift)
    batches = [batch for _ in range(4) for batch in whole]
    part, served = planned(make=shift), 0
    while served < stop:
        for _ in part:
            served += 1
            if served == stop:
                break
    rest = planned(make=shift)
    rest.load_state_dict(part.state_dict())
    left = [batch for _ in range(4) for batch in rest]
    assert same(batches[stop:], left[: len(batches) - stop])


@pytest.mark.parametrize("workers", [0, 1])
def test_planned_batches_of_what_is_read_by_workers_are_those_in_memory(workers):
    images, labels = stored()

    class Read:
        def __len__(self) -> int:
            return len(images)

        def __getitem__(self, index: int) -> torch.Tensor:
            return images[index]

    options = {"batch_size": 5, "shuffle": True, "seed": 3}
    memory, read = (PlannedLoader(Fewer(), x, labels, num_workers=workers, **options) for x in (images, Read()))
    for _ in range(3):
        assert same(memory, read)


def test_ranks_share_planned_batches():
    class Equal(Fewer):
        def batch_size(self, images: int, usual: int) -> int:
            return 6 if images < 24 else 4

    class Halves(Equal):
        def batch_size(self, images: int, usual: int) -> int:
            return super().batch_size(images, usual) // 2

    joint = PlannedLoader(Equal(), *stored(), batch_size=4, shuffle=True)
    ranks = [PlannedLoader(Halves(), *stored(), batch_size=2, shuffle=True, rank=r, world_size=2) for r in (0, 1)]
    for _ in range(3):
        together = [(torch.cat([x, u]), torch.cat([y, v])) for (x, y), (u, v) in zip(*ranks, strict=True)]
        assert same(joint, together)


def test_a_run_with_one_size_does_not_go_on_with_a_plan():
    with pytest.raises(GanzooError, match="began with batches of one size"):
        planned().load_state_dict({"epoch": 0, "position": 1, "items": 20})
