import pytest
import torch
import torch.multiprocessing as mp
from scored import FID, Data, Model, Reader, Tiny, Told
from torch.utils.data import TensorDataset

from ganzoo.metrics import evaluation
from ganzoo.metrics.evaluation import Evaluation, class_shares
from ganzoo.metrics.extractors import Extractor
from ganzoo.metrics.sampling import draw
from ganzoo.metrics.scoring import score


def cached(tmp_path):
    return list((tmp_path / "cache" / "ganzoo" / "features").glob("*"))


def test_cache_is_filed_by_content_and_weights(tiny, tmp_path):
    score(Model(), Data(), "tiny", samples=40)
    score(Model(), Data(mark="b"), "tiny", samples=40)
    tiny.scale.data.fill_(2.0)
    score(Model(), Data(), "tiny", samples=40)
    assert len(cached(tmp_path)) == 3


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
    alone = [drawn.x for drawn in draw(Model(), 50, 16, seed=0)]
    shared = [[drawn.x for drawn in draw(Model(), 50, 16, seed=0, rank=rank, world_size=2)] for rank in range(2)]
    assert torch.cat(alone).equal(torch.cat([shared[0][0], shared[1][0], shared[0][1], shared[1][1]]))
    assert len({x.sum().item() for x in alone}) == 4
    # With few samples nobody goes without.
    assert [sum(len(drawn.x) for drawn in draw(Model(), 5, 16, 0, rank, 3)) for rank in range(3)] == [2, 2, 1]


def test_points_and_pictures_are_scored_without_an_extractor():
    model = Model(shape=(2,))
    scores = score(model, Data(points=True), samples=40)
    assert set(scores) == {"modes[40]", "good[40]", "wasserstein[40/test]"}
    assert scores["modes[40]"] == 2
    assert score(model, Data(points=True), metrics=["modes"], samples=40) == {"modes[40]": 2}
    scores = score(Model(), Data(), samples=40)
    assert set(scores) == {"swd[40/test]"}
    assert scores["swd[40/test]"] > 0


def test_families_are_scored_by_their_members_and_pixels_against_the_training_images(tiny):
    data = Data()
    data.flip, images = False, ((data.dataset.tensors[0] + 1) * 127.5).round().byte()
    data.split = lambda name: (images if name == "test" else images.flip(0)[:30], None)
    scores = score(Model(), data, "tiny", ["prdc", "fid", "ms_ssim", "memorisation"], samples=40, cache=False)
    assert {key for key in scores if "tiny" in key} == {
        f"{name}[tiny,40/48 test]" for name in ("fid", "precision", "recall", "density", "coverage")
    }
    assert set(scores).issuperset({"ms_ssim[40]", "memorisation[40/48 test]", "memorisation_z[40/48 test]"})
    assert set(score(Model(), data, "tiny", ["recall"], samples=40, cache=False)) == {"recall[tiny,40/48 test]"}


def test_real_images_have_an_inception_score_and_samples_have_classes(tiny):
    for metrics in (["fid", "is"], ["is"]):
        alone = Evaluation(Data(), "tiny", metrics, samples=40)
        (bound,) = alone.bounds(alone.collect()).items()
        assert bound[0] == "is[tiny,40]"
        assert 1 < bound[1] <= 3
    shares = class_shares(Model(), Extractor(tiny, "tiny", 4, channels=1), samples=90)
    assert len(shares) == 3
    assert sum(shares) == pytest.approx(1)


def test_accuracy_is_the_share_of_samples_of_the_class_asked_for(monkeypatch):
    monkeypatch.setattr(evaluation, "get_extractor", lambda name: Extractor(Reader(), name, 4, channels=1))
    data = Data()
    scores = score(Told(), data, "mnist", samples=40, batch_size=20, cache=False)
    assert list(scores)[-1] == "accuracy[mnist,40]"
    assert scores["accuracy[mnist,40]"] == pytest.approx(0.9)
    assert "accuracy[mnist,40]" not in score(Model((1, 28, 28)), data, "mnist", samples=40, cache=False)

    labels = torch.arange(48) % 10
    data.dataset = TensorDataset((labels * (labels < 5)).view(-1, 1, 1, 1).expand(-1, 1, 28, 28).float(), labels)
    data.split = lambda name: data.dataset.tensors
    accuracy = Evaluation(data, "mnist", ["accuracy"], samples=40, cache=False, classes=10)
    assert accuracy.bounds(accuracy.collect()) == {"accuracy[mnist,40]": pytest.approx(25 / 48)}


def _rank(rank, folder):
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    evaluation.get_extractor = lambda name: Extractor(Tiny(), name, 4, channels=1)
    scores = {}
    for data, features in ((Data(), "tiny"), (Data(points=True), None)):
        part = Evaluation(data, features, None, 40, 10, cache=False, rank=rank, world_size=2)
        collector = part.collector()
        # Parts of unequal size.
        collector.add((data.dataset.tensors[0][:30] if rank == 0 else data.dataset.tensors[0][30:], None))
        scores |= part.scores(Model(data.shape), collector.finish(whole=True))
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
