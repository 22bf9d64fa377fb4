import lightning.pytorch as pl
import pytest
import torch
import torch.multiprocessing as mp
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from ganzoo.callbacks.quality import Quality
from ganzoo.errors import GanzooError
from ganzoo.metrics import evaluation
from ganzoo.metrics.evaluation import Evaluation, class_shares, draw, real_inception_score, score
from ganzoo.metrics.extractors import Extractor

FID = "fid[tiny,40/test]"


class Data(pl.LightningDataModule):
    """48 noise images, or points around two centres, as batches (x, y)."""

    reference = "test"
    std = 0.1

    def __init__(self, points=False, mark="a"):
        super().__init__()
        self.shape = (2,) if points else (1, 16, 16)
        self.centres = torch.tensor([[0.0, 0], [1, 1]]) if points else None
        self.mark = mark
        noise = torch.randn(48, *self.shape, generator=torch.Generator().manual_seed(7))
        x = self.centres.repeat(24, 1) + self.std * noise if points else noise.tanh()
        self.dataset = TensorDataset(x, torch.arange(48))

    def fingerprint(self, split):
        return self.mark + split

    def train_dataloader(self):
        return DataLoader(self.dataset, batch_size=16)

    def val_dataloader(self):
        return DataLoader(self.dataset, batch_size=16)

    test_dataloader = val_dataloader


class Model(pl.LightningModule):
    """Draws noise of the wrong size; remembers what it was asked for."""

    def __init__(self, shape=(1, 16, 16)):
        super().__init__()
        self.shape = shape
        self.weight = nn.Parameter(torch.zeros(()))
        self.asked = []

    def sample(self, n, seed=None):
        self.asked.append((n, seed))
        torch.rand(3)  # a careless model, that draws from the global state, too
        return 0.8 * torch.randn(n, *self.shape, generator=torch.Generator().manual_seed(seed)).to(self.device)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)

    def training_step(self, batch, batch_idx):
        return self.weight.square()

    def validation_step(self, batch, batch_idx):
        pass

    test_step = validation_step


class Tiny(nn.Module):
    """Features are 4 pixels, logits 3 others; counts the images it was shown."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.seen = 0

    def forward(self, x):
        self.seen += len(x)
        flat = self.scale * x.flatten(1)
        return flat[:, :4], 9 * flat[:, 4:7]


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """Makes every extractor the tiny one, and the cache an empty folder."""
    network = Tiny()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(evaluation, "get_extractor", lambda name: Extractor(network, name, 4, channels=1))
    return network


def cached(tmp_path):
    return list((tmp_path / "cache" / "ganzoo" / "features").glob("*"))


def trainer(tmp_path, quality, **options):
    return pl.Trainer(
        accelerator="cpu",
        devices=1,
        default_root_dir=tmp_path,
        callbacks=[quality],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **options,
    )


def quality(**options):
    return Quality(**{"samples": 40, "batch_size": 16, **options})


def test_callback_and_function_give_the_same_scores(tiny, tmp_path):
    data, model = Data(), Model()
    (logged,) = trainer(tmp_path, quality(features="tiny")).validate(model, data, verbose=False)
    alone = score(model, data, "tiny", samples=40, batch_size=16, cache=False)
    assert logged.pop("step") == 0
    assert set(logged) == {FID, "is[tiny,40]", "is_std[tiny,40]", "kid[tiny,40/test]"}
    assert logged == pytest.approx(alone)
    assert alone[FID] > 0
    assert trainer(tmp_path, quality(features="tiny")).test(model, data, verbose=False) == [{**logged, "step": 0}]


def test_cache_hit_extracts_no_real_image_and_changes_no_bit(tiny, tmp_path):
    data, model = Data(), Model()
    first = score(model, data, "tiny", samples=40)
    assert tiny.seen == 48 + 40
    assert len(cached(tmp_path)) == 1
    assert score(model, data, "tiny", samples=40) == first
    assert tiny.seen == 48 + 40 + 40
    trainer(tmp_path, quality(features="tiny")).validate(model, data, verbose=False)
    assert tiny.seen == 48 + 3 * 40


def test_cache_is_filed_by_content_and_weights(tiny, tmp_path):
    score(Model(), Data(), "tiny", samples=40)
    score(Model(), Data(mark="b"), "tiny", samples=40)
    tiny.scale.data.fill_(2.0)
    score(Model(), Data(), "tiny", samples=40)
    assert len(cached(tmp_path)) == 3


def test_part_of_a_split_is_not_cached_and_a_broken_file_is_replaced(tiny, tmp_path):
    trainer(tmp_path, quality(features="tiny"), limit_val_batches=1).validate(Model(), Data(), verbose=False)
    assert cached(tmp_path) == []
    first = score(Model(), Data(), "tiny", samples=40)
    (file,) = cached(tmp_path)
    file.write_bytes(b"half a file")
    assert score(Model(), Data(), "tiny", samples=40) == first
    assert file.stat().st_size > 100


def test_training_collects_once_skips_the_sanity_check_and_logs_the_step(tiny, tmp_path):
    data, model, steps = Data(), Model(), []

    class Watch(pl.Callback):
        def on_validation_end(self, trainer, pl_module):
            if not trainer.sanity_checking:
                steps.append((trainer.callback_metrics["step"].item(), trainer.callback_metrics[FID].item()))
                assert trainer.callback_metrics["swd[40/test]"] > 0

    run = trainer(
        tmp_path, quality(features="tiny", metrics=["fid", "swd"], cache=False), max_epochs=2, num_sanity_val_steps=2
    )
    run.callbacks.append(Watch())
    run.fit(model, data)
    assert [step for step, _ in steps] == [3, 6]
    assert steps[0][1] == steps[1][1]
    assert tiny.seen == 48 + 2 * 40
    assert cached(tmp_path) == []
    assert [n for n, _ in model.asked] == [16, 16, 8] * 2


def test_evaluation_leaves_the_random_state_alone(tiny):
    state = torch.get_rng_state()
    score(Model(), Data(), "tiny", metrics=["fid", "is", "kid", "swd"], samples=40)
    class_shares(Model(), Extractor(tiny, "tiny", 4, channels=1), samples=40)
    assert torch.get_rng_state().equal(state)


def test_scores_do_not_depend_on_the_random_state(tiny):
    torch.manual_seed(1)
    one = score(Model(), Data(), "tiny", samples=40)
    torch.manual_seed(2)
    assert score(Model(), Data(), "tiny", samples=40) == one
    assert score(Model(), Data(), "tiny", samples=40, seed=1) != one


def test_processes_together_draw_what_one_draws():
    alone = list(draw(Model(), 50, 16, seed=0))
    shared = [list(draw(Model(), 50, 16, seed=0, rank=rank, world_size=2)) for rank in range(2)]
    assert torch.cat(alone).equal(torch.cat([shared[0][0], shared[1][0], shared[0][1], shared[1][1]]))
    assert len({x.sum().item() for x in alone}) == 4
    # With few samples nobody goes without.
    assert [sum(map(len, draw(Model(), 5, 16, 0, rank, 3))) for rank in range(3)] == [2, 2, 1]


def test_points_and_pictures_are_scored_without_an_extractor():
    model = Model(shape=(2,))
    scores = score(model, Data(points=True), samples=40)
    assert set(scores) == {"modes[40]", "good[40]", "wasserstein[40/test]"}
    assert scores["modes[40]"] == 2
    assert score(model, Data(points=True), metrics=["modes"], samples=40) == {"modes[40]": 2}
    scores = score(Model(), Data(), samples=40)
    assert set(scores) == {"swd[40/test]"}
    assert scores["swd[40/test]"] > 0


def test_real_images_have_an_inception_score_and_samples_have_classes(tiny):
    mean, std = real_inception_score(Data(), "tiny")
    assert 1 < mean <= 3
    assert std > 0
    shares = class_shares(Model(), Extractor(tiny, "tiny", 4, channels=1), samples=90)
    assert len(shares) == 3
    assert sum(shares) == pytest.approx(1)


def test_monitor_names_direction_and_key():
    digits, points = Data(), Data(points=True)
    assert quality(features="tiny").monitored(digits) == "fid"
    assert quality().monitored(digits) == "swd"
    assert quality(monitor="wasserstein").monitored(points) == "wasserstein"
    assert quality().key("modes", points) == "modes[40]"
    assert [quality().higher_is_better(name) for name in ("fid", "is", "kid", "swd", "modes", "good")] == [
        False,
        True,
        False,
        False,
        True,
        True,
    ]


def test_mistakes_show_before_the_training(tiny, tmp_path):
    with pytest.raises(GanzooError, match="Did you mean 'kid'"):
        quality(features="tiny", metrics=["kdi"])
    with pytest.raises(GanzooError, match="monitor: fid given"):
        quality(features="tiny", metrics=["kid"], monitor="fid")
    with pytest.raises(GanzooError, match="monitor: swd given"):
        quality(features="tiny", monitor="swd").monitored(Data())
    with pytest.raises(GanzooError, match="samples: 1 given"):
        trainer(tmp_path, quality(samples=1)).fit(Model(), Data())
    with pytest.raises(GanzooError, match="data: none given"):
        trainer(tmp_path, quality()).validate(Model(), Data().val_dataloader(), verbose=False)


def _rank(rank, folder):
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    evaluation.get_extractor = lambda name: Extractor(Tiny(), name, 4, channels=1)
    scores = {}
    for data, features in ((Data(), "tiny"), (Data(points=True), None)):
        part = Evaluation(data, features, None, 40, 10, cache=False, rank=rank, world_size=2)
        part.begin()
        # Parts of unequal size.
        part.add(data.dataset.tensors[0][:30] if rank == 0 else data.dataset.tensors[0][30:])
        part.finish(whole=True)
        scores |= part.scores(Model(data.shape))
    torch.save(scores, f"{folder}/{rank}.pt")
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()  # gloo's threads abort a process that ends while they wait


def test_two_processes_get_the_scores_of_all_data(tiny, tmp_path):
    mp.spawn(_rank, args=(str(tmp_path),), nprocs=2)
    one, other = torch.load(tmp_path / "0.pt"), torch.load(tmp_path / "1.pt")
    assert one == other
    alone = score(Model(), Data(), "tiny", samples=40, batch_size=10)
    alone |= score(Model((2,)), Data(points=True), samples=40, batch_size=10)
    assert set(one) == set(alone)
    for name in (FID, "modes[40]", "good[40]", "wasserstein[40/test]"):
        assert one[name] == pytest.approx(alone[name])
