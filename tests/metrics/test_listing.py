"""Scores by their files: found by name, listed without PyTorch, complete for every kind of sample."""

import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
import toys
from conditioned import Directed, Drawer, Judge
from scored import Data, Model, Told

from ganzoo.common.conditions import Vectors
from ganzoo.common.errors import GanzooError
from ganzoo.common.kinds import KINDS
from ganzoo.metrics import listing, scores, selection
from ganzoo.metrics.bootstrap import Scored
from ganzoo.metrics.listing import load_score, score_files, score_names
from ganzoo.metrics.sampling import draw
from ganzoo.metrics.score import Score, ScoreContext
from ganzoo.metrics.scoring import score
from ganzoo.metrics.selection import DEFAULTS, FILES, SCORES, choose_scores
from ganzoo.models.gan import VanillaGAN

CONTRAST = '''"""Difference of the mean contrast of samples and real images."""

from ganzoo.metrics.bootstrap import Scored
from ganzoo.metrics.score import Score


class Contrast(Score):
    higher = False

    def keep(self, x, first, datamodule):
        return x.flatten(1).std(1)

    def measure(self, samples, reference, setting):
        return Scored((samples.kept.mean() - reference.kept.mean()).abs())
'''


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(listing, "FOLDER", tmp_path)
    monkeypatch.setattr(scores, "__path__", [str(tmp_path)])
    score_files.cache_clear()
    yield tmp_path
    score_files.cache_clear()
    sys.modules.pop("ganzoo.metrics.scores.contrast", None)


def test_a_file_is_all_that_a_score_takes(folder, monkeypatch):
    (folder / "contrast.py").write_text(CONTRAST)
    assert score_names() == ["contrast"]
    assert score_files()["contrast"].summary == "Difference of the mean contrast of samples and real images."
    monkeypatch.setitem(SCORES, "contrast", load_score("contrast"))
    data, model = Data(), Model()
    found = score(model, data, metrics=["contrast"], samples=40, batch_size=16)
    drawn = torch.cat([Model().sample(n, seed) for n, seed in model.asked])
    real = data.dataset.tensors[0]
    expected = (drawn.flatten(1).std(1).mean() - real.flatten(1).std(1).mean()).abs()
    assert found == {"contrast[40/test]": pytest.approx(expected.item())}
    with pytest.raises(GanzooError, match=r"be one of .*, contrast, captions, codes, prdc\. Did you mean 'contrast'"):
        choose_scores(["contrasts"], None, data)


def test_a_file_without_a_score_is_named(folder):
    (folder / "contrast.py").write_text('"""Nothing."""\n')
    with pytest.raises(TypeError, match=r"contrast\.py must define one class that derives from Score, not 0"):
        load_score("contrast")


def test_what_is_read_of_a_file_is_what_its_class_says():
    assert {name: file.gives for name, file in score_files().items()} == {n: s.names for n, s in FILES.items()}
    assert all(file.summary.endswith(".") for file in score_files().values())
    assert all(name in SCORES for one in FILES.values() for name in one.after)


def test_names_are_listed_without_pytorch():
    code = "import sys; from ganzoo.tools import evaluate, list; print(list.list(scores=True)); "
    code += "print(evaluate.evaluate.__doc__); sys.exit('torch' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for name in score_names():
        assert answer.stdout.count(name) >= 2


class Reference:
    """Data of a kind with all that a default score may ask for."""

    reference, paired, n_classes = "test", False, 0

    def __init__(self, kind):
        self.kind, self.shape = kind, tuple(4 for _ in kind.axes)


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_sample_has_default_scores_that_suit_it(name):
    context = ScoreContext(Reference(KINDS[name]))
    for choice in (DEFAULTS[name].usual, DEFAULTS[name].thorough):
        names = choice(context) if choice else []
        assert [one for one in names if selection.refuses(one, context)] == []
    assert DEFAULTS[name].usual(context)
    assert set(DEFAULTS) == set(KINDS)


@pytest.mark.parametrize("name", toys.TOYS)
def test_other_kinds_are_scored_by_default_and_real_samples_score_best(name):
    data = toys.TOYS[name](batch_size=32)

    x = data.split("train")[0][:64]
    x = x.float().div(127.5).sub(1) if x.dtype == torch.uint8 else x

    def model(x):
        return SimpleNamespace(sample=lambda n, seed=None: x, device=torch.device("cpu"))

    good = score(model(x), data, samples=64)
    noise = score(model(torch.randn(x.shape, generator=torch.Generator().manual_seed(0))), data, samples=64)
    assert [key.partition("[")[0] for key in good] == DEFAULTS[name].usual(ScoreContext(data))
    signs = {key: 1 if SCORES[key.partition("[")[0]].higher else -1 for key in good}
    gains = {key: sign * (good[key] - noise[key]) for key, sign in signs.items()}
    empty = gains.pop("empty_bars[64/test]", 0)  # neither tunes nor noise rest for a bar
    assert empty == 0
    assert min(gains.values()) > 0


@pytest.mark.parametrize(
    ("metrics", "features", "kind", "message"),
    [
        (["fid"], None, "voxels", "fid needs an extractor"),
        (["ms_ssim"], None, "voxels", "the data are voxels; choose among cov_iou, jsd, mmd_iou, one_piece, volume"),
        (["memorisation"], None, "music", "among bar_pitches, chord_notes, copied_bars, empty_bars"),
        (["jsd"], None, "images", "the data are images"),
        (None, "mnist", "music", "the data are music, which need no extractor"),
    ],
)
def test_scores_of_other_kinds_are_refused_in_one_line(metrics, features, kind, message):
    with pytest.raises(GanzooError, match=message) as error:
        choose_scores(metrics, features, Reference(KINDS[kind]))
    assert "\n" not in str(error.value)


class Asked(Score):
    """The share of samples whose condition is what `right` says of them."""

    higher = True
    reference = False
    kinds = None
    conditions = True

    def __init__(self, right):
        super().__init__("asked")
        self.right = right

    def keep(self, x, first, datamodule):
        return x

    def measure(self, samples, reference, setting):
        return Scored(self.right(samples.kept, samples.conditions).double().mean())


def test_scores_get_the_conditions_that_samples_were_drawn_with(monkeypatch):
    monkeypatch.setitem(SCORES, "asked", Asked(lambda x, y: x[:, 0, 0, 0] == y))
    found = score(Told(), Data(), metrics=["asked"], samples=40, batch_size=15)
    assert found == {"asked[40]": 35 / 40}  # but for the 4s of batches of 15, 15 and 10
    monkeypatch.setitem(SCORES, "asked", Asked(lambda x, y: torch.tensor([float(y is None)])))
    assert score(Model(), Data(), metrics=["asked"], samples=40) == {"asked[40]": 1}


def test_conditions_that_take_no_turns_come_from_the_reference(monkeypatch):
    game, data = VanillaGAN(Drawer(Vectors(2)), Judge(Vectors(2))).eval(), Directed(batch_size=64)
    tips = torch.cat([y for _, y in data.loader("test")])
    monkeypatch.setitem(SCORES, "asked", Asked(lambda x, y: (y == tips[torch.arange(300) % 256]).all(1)))
    assert score(game, data, metrics=["asked"], samples=300, batch_size=90) == {"asked[300]": 1}
    drawn = [*draw(game, 70, 30, seed=3, conditions=tips)]
    assert torch.cat([batch.conditions for batch in drawn]).equal(tips[:70])
    others = [*draw(game, 70, 30, seed=3, conditions=tips.flip(0))]
    assert not drawn[0].x.equal(others[0].x)
