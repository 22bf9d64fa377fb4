"""Games under vectors, words and several conditions at once: trained, sampled, scored and resumed."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from commands import ganzoo
from conditioned import Directed, Drawer, Judge, Mixed, Worded
from tiny import fit
from torch.utils._pytree import tree_map

from ganzoo.checkpoints import loading
from ganzoo.common.conditions import Vectors, count_values, join_values, take_values
from ganzoo.common.errors import GanzooError
from ganzoo.games.examples import reference_conditions
from ganzoo.metrics.scoring import score
from ganzoo.models.gan import VanillaGAN

EVERY = pytest.mark.parametrize("data", [Directed, Worded, Mixed])


def game(condition, **options) -> VanillaGAN:
    torch.manual_seed(0)
    return VanillaGAN(Drawer(condition), Judge(condition), **options)


@EVERY
def test_batches_carry_conditions_as_they_are(data):
    module = data(batch_size=32)
    module.setup("fit")
    for loader in (module.train_dataloader(), module.val_dataloader()):
        x, y = next(iter(loader))
        assert module.condition.admits(y)
        assert len(x) == 32


def test_a_vector_of_floats_arrives_whole():
    module = Directed(batch_size=32)
    points, tips = module.split("test")
    x, y = next(iter(module.val_dataloader()))
    assert torch.equal(y, tips[:32])
    assert torch.equal(x, points[:32])
    assert module.fingerprint("test") != Mixed().fingerprint("test")


@EVERY
def test_it_trains_and_is_sampled_under_conditions_of_the_data(tmp_path, data):
    model, module = game(data.condition), data(batch_size=32)
    fit(tmp_path, model, module, 3)
    first = next(iter(module.val_dataloader()))[1]
    samples = model.sample(70, seed=0)
    assert samples.shape == (70, 2)
    if isinstance(first, torch.Tensor):
        assert torch.equal(model.conditions(3), first[:3])
        torch.testing.assert_close(model.sample(3, first[:3], seed=0), samples[:3])
    torch.testing.assert_close(model.sample(4, seed=0), samples[:4])
    other = model.sample(4, data.condition.example(4), seed=0)
    assert not torch.equal(other, samples[:4])


@EVERY
def test_all_processes_draw_under_the_same_conditions(data):
    """Else those of the second one would be others than a single process draws the same samples under."""
    alone, second = data(batch_size=8), data(batch_size=8)
    second.trainer = SimpleNamespace(
        global_rank=1, world_size=2, limit_train_batches=1.0, strategy=SimpleNamespace(root_device=torch.device("cpu"))
    )
    theirs = [count_values(y) for _, y in second.loader(second.reference)]
    assert sum(theirs) == len(second.split(second.reference)[0]) // 2
    wanted, there = (reference_conditions(module, 30, skip=5) for module in (alone, second))
    tree_map(lambda a, b: torch.testing.assert_close(a, b, rtol=0, atol=0), wanted, there)


def test_what_is_drawn_follows_its_vector(tmp_path):
    model = game(Vectors(2), g_lr=0.01, d_lr=0.01, ema=0.9)
    fit(tmp_path, model, Directed(batch_size=64), 300)
    angle = torch.linspace(0, 5, 12)
    tips = torch.stack([angle.cos(), angle.sin()], 1)
    drawn = torch.stack([model.sample(12, tips, seed=seed) for seed in range(8)]).mean(0)
    assert (drawn - tips).norm(dim=1).mean() < 0.35
    assert torch.nn.functional.cosine_similarity(drawn, tips).mean() > 0.9


def test_a_resumed_run_keeps_its_examples(tmp_path):
    model = game(Vectors(2))
    fit(tmp_path, model, Directed(batch_size=32), 2)
    kept = model.conditions(5)
    again = game(Vectors(2))
    again.load_state_dict(model.state_dict())
    assert torch.equal(again.conditions(5), kept)
    assert "examples" in model.exported()


def test_data_of_another_condition_is_refused_before_training(tmp_path):
    with pytest.raises(GanzooError, match=r"model\.generator: it takes vectors of 3 floats as a condition, but"):
        fit(tmp_path, game(Vectors(3)), Directed(batch_size=32), 1)
    with pytest.raises(GanzooError, match="condition: 2 vectors of 2 floats are wanted"):
        game(Vectors(2)).sample(2, torch.zeros(2, 5))


VECTORS = """
model:
  class_path: ganzoo.models.gan.VanillaGAN
  init_args:
    generator:
      class_path: ganzoo.networks.conditional.VectorGenerator
      init_args:
        network: {class_path: ganzoo.networks.mlp.MLPGenerator,
          init_args: {latent_dim: 10, hidden: [16], squash: false}}
        embed_dim: 8
    discriminator:
      class_path: ganzoo.networks.conditional.VectorProjection
      init_args:
        network: {class_path: ganzoo.networks.mlp.MLPDiscriminator, init_args: {hidden: [16], dropout: 0.0}}
data: {class_path: conditioned.Directed, init_args: {batch_size: 32}}
quality: {samples: 50}
grid: {samples: 50}
trainer: {max_steps: 4, val_check_interval: 4, log_every_n_steps: 1, accelerator: cpu}
"""
WORDS = """
model:
  class_path: ganzoo.models.gan.VanillaGAN
  init_args:
    generator: {class_path: conditioned.WordDrawer}
    discriminator: {class_path: conditioned.WordJudge}
data: {class_path: conditioned.Worded, init_args: {batch_size: 32}}
quality: {samples: 50}
grid: {samples: 50}
trainer: {max_steps: 4, val_check_interval: 4, log_every_n_steps: 1, accelerator: cpu}
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vectors")
    (folder / "vectors.yaml").write_text(VECTORS)
    said = ganzoo("fit", "--recipe", folder / "vectors.yaml", "--runs", folder)
    assert said.status == 0, said.err
    return folder / "vectors" / "version_0"


def test_a_recipe_under_vectors_trains_and_its_checkpoint_is_drawn_from(run, tmp_path):
    assert "condition_dim: 2" in (run / "recipe.yaml").read_text()
    model = loading.load(run / "export")
    assert model.condition == Vectors(2)
    np.save(tmp_path / "tips.npy", np.array([[1, 0], [0, 1]], dtype=np.float64))
    said = ganzoo("sample", run / "export", "-n", "4", "--conditions", tmp_path / "tips.npy", "-o", tmp_path / "a.npz")
    assert said.status == 0, said.err
    drawn = np.load(tmp_path / "a.npz")["samples"]
    tips = torch.tensor([[1.0, 0], [0, 1]]).repeat(2, 1)
    np.testing.assert_allclose(drawn, model.sample(4, tips, seed=0).numpy(), atol=1e-5)


def test_an_exported_file_takes_vectors(run, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    said = ganzoo("export", run / "export", "--format", "onnx", "-o", tmp_path / "vectors.onnx")
    assert said.status == 0, said.err
    session = onnxruntime.InferenceSession(tmp_path / "vectors.onnx")
    assert [each.name for each in session.get_inputs()] == ["z", "condition"]
    model, tips = loading.load(run / "export"), torch.tensor([[1.0, 0], [0, 1]])
    (drawn,) = session.run(None, {"z": model.latent(2, 0).numpy(), "condition": tips.numpy()})
    np.testing.assert_allclose(drawn, model.sample(2, tips, seed=0).numpy(), atol=1e-4)


def test_it_is_scored_under_conditions_of_the_reference(run, tmp_path):
    said = ganzoo("evaluate", run / "export", "--samples", "40", "-o", tmp_path / "scores.json")
    assert said.status == 0, said.err


def test_words_are_taken_from_the_command_line(tmp_path):
    (tmp_path / "words.yaml").write_text(WORDS)
    said = ganzoo("fit", "--recipe", tmp_path / "words.yaml", "--runs", tmp_path)
    assert said.status == 0, said.err
    export, out = tmp_path / "words" / "version_0" / "export", tmp_path / "far.npz"
    said = ganzoo("sample", export, "-n", "4", "--text", "far left", "right", "-o", out)
    assert said.status == 0, said.err
    model = loading.load(export)
    y = torch.tensor([[3, 1], [2, 0]]).repeat(2, 1)
    np.testing.assert_allclose(np.load(out)["samples"], model.sample(4, y, seed=0).numpy(), atol=1e-5)
    said = ganzoo("sample", export, "--text", "fare left", "-o", out)
    assert (said.status, "has not learnt the word 'fare'" in said.err) == (2, True), said.err
    said = ganzoo("sample", export, "--labels", "1", "-o", out)
    assert said.status == 2, said.err
    said = ganzoo("sample", export, "--text", "left", "--conditions", out, "-o", out)
    assert "give one of them" in said.err


@EVERY
def test_samples_are_scored_under_the_conditions_of_the_reference_split(data):
    module, asked = data(batch_size=32), []

    class Recorded(VanillaGAN):
        def sample(self, n, y=None, seed=None, **options):
            asked.append(y)
            return super().sample(n, y, seed, **options)

    model = Recorded(Drawer(data.condition), Judge(data.condition))
    module.setup("validate")
    score(model, module, metrics=["good"] if hasattr(module, "centres") else ["wasserstein"], samples=100)
    served = join_values([y for _, y in module.val_dataloader()])
    drawn, wanted = join_values(asked), take_values(served, slice(0, 100))
    pairs = zip(drawn, wanted, strict=True) if isinstance(drawn, tuple) else [(drawn, wanted)]
    assert all(torch.equal(ours, theirs) for ours, theirs in pairs)
