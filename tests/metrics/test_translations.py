import math

import pytest
import tiny
import torch
import torch.multiprocessing as mp
from scored import Data, Tiny
from torch import nn
from torch.nn import functional as F

from ganzoo.common.errors import GanzooError
from ganzoo.games.capabilities import output_of
from ganzoo.games.game import Game
from ganzoo.metrics import evaluation
from ganzoo.metrics.collection import Collected
from ganzoo.metrics.extractors import Extractor
from ganzoo.metrics.pairs import l1, psnr, ssim
from ganzoo.metrics.scoring import evaluation_of, score
from ganzoo.metrics.selection import choose_scores
from ganzoo.metrics.translations import Baseline
from ganzoo.training.callbacks.quality import Quality

PAIRS = {"psnr[test]", "ssim[test]", "l1[test]"}
KEPT = "kept[reader,test]"


class Reader(nn.Module):
    """Features are 4 pixels; the class is the label that the data wrote into a pixel."""

    num_classes = 10

    def forward(self, x):
        return x.flatten(1)[:, 1:5], F.one_hot((x[:, 0, 0, 0].abs() * 10).round().clamp(max=9).long(), 10).float()


class Written(tiny.Negatives):
    """The label, as a tenth of it, is the first pixel of the source; and of the target its negative."""

    def make(self, x, y, generator, train):
        x, (_, y) = super().make(x, y, generator, train)
        x = x.clone()
        x[:, 0, 0, 0] = y / 10
        return x, (-x, y)


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).tanh()


def negative(x):
    return -x


@pytest.fixture
def reader(monkeypatch):
    monkeypatch.setattr(evaluation, "get_extractor", lambda name: Extractor(Reader(), name, 4, channels=1))
    monkeypatch.setattr("ganzoo.metrics.selection.count_classes", lambda name: 10)


def test_scores_of_single_images_are_their_closed_forms():
    truth = randn(3, 2, 16, 16)
    made = (truth + torch.tensor([0.0, 0.2, 1.0]).view(3, 1, 1, 1)).double()
    assert l1(made, truth.double()).tolist() == pytest.approx([0, 0.2, 1])
    # a constant error of e on the scale of [-1, 1] is one of e / 2 on that of [0, 1]
    assert psnr(made, truth.double()).tolist() == pytest.approx(
        [100, 20 * math.log10(2 / 0.2), 20 * math.log10(2)], abs=1e-4
    )
    alike, less, least = ssim(made, truth.double()).tolist()
    assert alike == pytest.approx(1)
    assert alike > less > least
    white, black = torch.ones(1, 1, 16, 16), -torch.ones(1, 1, 16, 16)
    # two flat images: the contrast term is 1, the luminance term C1 / (1 + C1) with C1 = 0.01^2
    assert ssim(white, black).item() == pytest.approx(1e-4 / (1 + 1e-4), rel=1e-3)
    assert psnr(white, black).item() == pytest.approx(0)


def test_a_perfect_translation_scores_perfectly_and_the_identity_does_not():
    data = tiny.Negatives()
    perfect = score(Baseline(negative), data)
    assert set(perfect) == PAIRS
    assert (perfect["psnr[test]"], perfect["l1[test]"]) == (100, 0)
    assert perfect["ssim[test]"] == pytest.approx(1)
    same = score(Baseline(lambda x: x), data)
    assert same["psnr[test]"] < 10
    assert same["ssim[test]"] < 0.5
    x = data.split("test")[0].float() / 127.5 - 1
    assert same["l1[test]"] == pytest.approx((2 * x).abs().mean().item(), rel=1e-5)


def test_distances_of_features_compare_translations_with_the_truth(reader, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    found = score(Baseline(negative), Written(), "reader", ["fid", "kid", "kept", "swd"])
    assert set(found) == {"fid[reader,297/test]", "kid[reader,297/test]", KEPT, "swd[297/test]"}
    assert found["fid[reader,297/test]"] == pytest.approx(0, abs=1e-6)
    assert found["swd[297/test]"] == 0
    assert found[KEPT] == 1
    other = score(Baseline(lambda x: 0.5 * x), Written(), "reader", ["fid", "kid", "kept", "swd"])
    assert other["fid[reader,297/test]"] > 0.1
    assert other["kid[reader,297/test]"] > found["kid[reader,297/test]"]
    assert other["swd[297/test]"] > 0
    assert other[KEPT] < 0.4
    assert not list(tmp_path.rglob("*.safetensors"))  # the truth is made anew each time


def test_kept_is_the_share_of_labels_that_survive(reader):
    def forget_fours(x):
        four = (x[:, 0, 0, 0] * 10).round() == 4
        return torch.where(four.view(-1, 1, 1, 1), torch.zeros_like(x), -x)

    found = score(Baseline(forget_fours), Written(), "reader", ["kept"])
    labels = Written().split("test")[1]
    assert found == {KEPT: pytest.approx((labels != 4).double().mean().item())}


def test_an_extractor_is_shown_what_the_data_makes_readable(reader):
    class Coloured(Written):
        def make(self, x, y, generator, train):
            x, (target, y) = super().make(x, y, generator, train)
            return x, (target.expand(-1, 3, -1, -1), y)

        def readable(self, images):
            return images[:, :1]

    data = Coloured()
    data.shape = (3, 16, 16)
    found = score(Baseline(lambda x: -x.expand(-1, 3, -1, -1)), data, "reader", ["kept"])
    assert found == {KEPT: 1}


def test_fewer_images_are_said_in_the_key(reader):
    found = score(Baseline(negative), Written(), "reader", ["psnr", "kept", "kid"], samples=60)
    assert set(found) == {"psnr[60/test]", "kept[reader,60/test]", "kid[reader,60/test]"}
    whole = score(Baseline(negative), Written(), "reader", ["psnr", "kid"], samples=100_000)
    assert set(whole) == {"psnr[test]", "kid[reader,297/test]"}


def test_many_models_are_scored_one_after_the_other(reader):
    data = Written()
    scorer = evaluation_of(Baseline(negative), data, features="reader")
    assert scorer.names == ["kid", "fid", "kept", "psnr", "ssim", "l1"]
    collected = scorer.collect(Baseline(negative))
    first = scorer.scores(Baseline(negative), collected)
    second = scorer.scores(Baseline(lambda x: x))
    assert scorer.scores(Baseline(negative), scorer.collect(Baseline(negative), collected)) == first
    assert second["psnr[test]"] < first["psnr[test]"]
    assert scorer.bounds(Collected()) == {}


def test_scores_are_the_same_each_time_and_leave_the_random_state_alone(reader):
    class Careless(Baseline):
        def translate(self, x, seed=None):
            torch.rand(3)
            noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(seed))
            return (noise - x).clamp(-1, 1)

    state = torch.get_rng_state()
    one = score(Careless(negative), Written(), "reader")
    assert torch.get_rng_state().equal(state)
    torch.manual_seed(5)
    assert score(Careless(negative), Written(), "reader") == one
    assert score(Careless(negative), Written(), "reader", seed=1) != one


@pytest.mark.parametrize("features", ["reader", None])
def test_without_a_truth_distributions_are_compared(reader, features):
    class Apart(Written):
        paired = False

    found = score(Baseline(negative), Apart(), features)
    assert set(found) == ({"kid[reader,297/test]", "fid[reader,297/test]", KEPT} if features else {"swd[297/test]"})
    with pytest.raises(GanzooError, match="psnr given, but the truth"):
        score(Baseline(negative), Apart(), features, ["psnr"])


def test_default_scores_of_translations_suit_data_and_extractor():
    data = tiny.Negatives()
    assert choose_scores(None, "mnist", data, output="translations") == ["kid", "fid", "kept", "psnr", "ssim", "l1"]
    assert choose_scores(None, "inception", data, output="translations") == ["kid", "fid", "psnr", "ssim", "l1"]
    data.shape = (1, 10, 16)
    assert choose_scores(None, None, data, output="translations") == ["psnr", "l1"]
    for metrics, features, message in (
        (["ssim"], None, "at least 11x11"),
        (
            ["is"],
            "mnist",
            "the model makes translations; choose among fid, kept, kid, l1, moving_gain, moving_psnr",
        ),
        (["kept"], None, "needs an extractor"),
        (["pnsr"], None, "Did you mean 'psnr'"),
    ):
        with pytest.raises(GanzooError, match=message):
            choose_scores(metrics, features, data, output="translations")
    with pytest.raises(GanzooError, match="psnr given, but the model makes samples"):
        choose_scores(["psnr"], None, data)


def test_what_does_not_fit_is_one_clear_line(reader):
    class Unlabelled(Written):
        def make(self, x, y, generator, train):
            x, (target, _) = super().make(x, y, generator, train)
            return x, target

    with pytest.raises(GanzooError, match="the data has no labels"):
        score(Baseline(negative), Unlabelled(), "reader", ["kept"])
    with pytest.raises(GanzooError, match=r"have the shape \(50, 1, 8, 8\), not \(50, 1, 16, 16\)"):
        score(Baseline(lambda x: x[..., :8, :8]), Written())
    with pytest.raises(GanzooError, match="Linear has no translate, sample, classify"):
        output_of(nn.Linear(1, 1))


def _rank(rank, folder):
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    evaluation.get_extractor = lambda name: Extractor(Tiny(), name, 4, channels=1)
    data, model = tiny.Negatives(), Baseline(torch.tanh)
    items, labels = data.split("test")
    mine = slice(0, 170) if rank == 0 else slice(170, None)  # parts of unequal size
    data._splits["test"] = items[mine], labels[mine]
    part = evaluation_of(model, tiny.Negatives(), features="tiny", metrics=METRICS, rank=rank, world_size=2)
    part.own = 297  # so that each scores all that it has
    collector = part.collector()
    for batch in data.val_dataloader():
        collector.add(batch, model)
    torch.save(part.scores(model, collector.finish(whole=True)), f"{folder}/{rank}.pt")
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


METRICS = ["fid", "psnr", "ssim", "l1"]


def test_two_processes_get_the_scores_of_all_data(tiny_extractor, tmp_path):
    mp.start_processes(_rank, args=(str(tmp_path),), nprocs=2, start_method="fork")
    one, other = torch.load(tmp_path / "0.pt"), torch.load(tmp_path / "1.pt")
    assert one == other
    assert one == pytest.approx(score(Baseline(torch.tanh), tiny.Negatives(), "tiny", METRICS))


@pytest.fixture
def tiny_extractor(monkeypatch):
    monkeypatch.setattr(evaluation, "get_extractor", lambda name: Extractor(Tiny(), name, 4, channels=1))


def test_processes_share_the_images_among_them():
    parts = [
        evaluation_of(Baseline(negative), tiny.Negatives(), samples=101, rank=rank, world_size=4) for rank in range(4)
    ]
    assert [part.own for part in parts] == [26, 25, 25, 25]


def test_a_validation_logs_the_scores(tmp_path):
    model = tiny.recolour()
    quality = Quality(samples=1000)
    assert quality.monitored(tiny.Negatives(), model) == "psnr"
    run = tiny.trainer(tmp_path, quality, limit_val_batches=1.0)
    for _ in range(2):
        (logged,) = run.validate(model, tiny.Negatives(), verbose=False)
        assert logged.pop("step") == 0
        assert logged == pytest.approx(score(model, tiny.Negatives()))
    assert run.test(model, tiny.Negatives(), verbose=False) == [{**logged, "step": 0}]


class Parity(Game):
    """Says of points whether their number is even, and is wrong about the first eight."""

    def players(self):
        return ()

    def classify(self, x):
        order = torch.arange(len(x))
        return F.one_hot((order % 2) ^ (order < 8), 2).float()


def test_a_classifier_is_scored_by_the_reference_labels(tmp_path):
    class Even(tiny.Labelled):
        def make(self, x, y, generator, train):
            return x, y % 2

    data = Even()
    assert score(Parity(), data, samples=10) == {"accuracy[test]": 56 / 64}
    run = tiny.trainer(tmp_path, Quality(features="mnist"), limit_val_batches=1.0)
    (logged,) = run.validate(Parity(), data, verbose=False)
    assert logged["accuracy[test]"] == 56 / 64
    with pytest.raises(GanzooError, match="no labels"):
        score(Parity(), tiny.points())
    with pytest.raises(GanzooError, match="fid given, but the model makes classes; choose among accuracy"):
        score(Parity(), Data(), "mnist", ["fid"])
