"""DANN: the reversal, its schedules, the baseline without it, and that it adapts where it can."""

import math
from pathlib import Path

import pytest
import torch
from commands import ganzoo
from domains import Bars, dann
from idx import write_mnist
from lightning.pytorch import Callback
from moves import in_move
from tiny import Each, fit, trainer
from torch import Tensor
from torch.nn.functional import cross_entropy

from ganzoo.common.errors import GanzooError
from ganzoo.data import ShiftedMNIST
from ganzoo.models.dann import ANNEALED, DANN, RAMP, Reversal
from ganzoo.networks.lenet import Head, LeNetFeatures
from ganzoo.training.callbacks.keep import Last
from ganzoo.training.notebook import from_recipe


def batch(n: int = 8) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(1)
    source, target = torch.randn(2, n, 1, 16, 16, generator=generator)
    return source, (target, torch.arange(n) % 2)


def gradients(model: DANN, network: torch.nn.Module, loss: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad(loss, list(network.parameters()), retain_graph=True, allow_unused=True))


# The reversal and its schedules


@pytest.mark.parametrize("strength", [0.0, 0.3, 2.0, torch.tensor(0.7)])
def test_the_reversal_passes_on_what_it_gets_and_turns_the_gradient_round(strength):
    x = torch.randn(5, 3, requires_grad=True)
    weights = torch.randn(5, 3)
    passed = Reversal.apply(x, strength)
    assert torch.equal(passed, x)
    (gradient,) = torch.autograd.grad((passed * weights).sum(), x)
    assert torch.equal(gradient, -strength * weights)


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_the_schedules_are_the_papers(p):
    assert RAMP(p) == pytest.approx(2 / (1 + math.exp(-10 * p)) - 1, abs=1e-4)
    assert 0.01 * ANNEALED(p) == pytest.approx(0.01 / (1 + 10 * p) ** 0.75)


def test_every_move_reads_both_schedules(tmp_path):
    read = []
    model = dann()
    watch = Each(lambda run, game: read.append((game.levels[RAMP].item(), run.optimizers[0].param_groups[0]["lr"])))
    fit(tmp_path, model, Bars(batch_size=32), 4, watch)
    strengths, rates = zip(*read, strict=True)
    assert strengths == pytest.approx([2 / (1 + math.exp(-10 * p)) - 1 for p in (0, 0.25, 0.5, 0.75)])
    assert rates == pytest.approx([0.01 / (1 + 10 * p) ** 0.75 for p in (0.25, 0.5, 0.75, 1)])  # after the step


# The game


def test_the_features_move_against_the_domain_classifier_and_the_classifiers_alike():
    model, (x, y) = dann(reversal=0.5), batch()
    plain = dann(reversal=-1.0)  # a reversal turned round twice: ordinary learning of the domain
    domain, taught = in_move(model.loss, x, y)["domain"], in_move(plain.loss, x, y)["domain"]
    for mine, theirs in zip(
        gradients(model, model.features, domain), gradients(plain, plain.features, taught), strict=True
    ):
        torch.testing.assert_close(mine, -0.5 * theirs)
        assert mine.abs().max() > 0
    # not weighed by the strength: section 5.2
    pairs = zip(
        gradients(model, model.discriminator, domain), gradients(plain, plain.discriminator, taught), strict=True
    )
    for mine, theirs in pairs:
        torch.testing.assert_close(mine, theirs)


def test_at_strength_0_the_features_learn_as_without_a_domain_classifier():
    model, (x, (target, labels)) = dann(reversal=0.0), batch()
    terms = in_move(model.loss, x, (target, labels))
    total = gradients(model, model.features, terms["label"] + terms["domain"])
    alone = gradients(model, model.features, cross_entropy(model.classifier(model.features(x)), labels))
    for mine, theirs in zip(total, alone, strict=True):
        torch.testing.assert_close(mine, theirs)
    assert all(part.abs().max() > 0 for part in gradients(model, model.discriminator, terms["domain"]))


def test_labels_of_the_target_play_no_part_and_its_images_do():
    model, (x, (target, labels)) = dann(reversal=1.0), batch()
    terms = in_move(model.loss, x, (target, labels))
    other = in_move(model.loss, x, (target + 1, labels))
    assert torch.equal(terms["label"], other["label"])
    assert not torch.equal(terms["domain"], other["domain"])


def test_the_domain_loss_is_the_sum_of_both_means_and_zero_weights_give_2_log_2():
    model, (x, y) = dann(), batch()
    for parameter in model.discriminator.parameters():
        torch.nn.init.zeros_(parameter)
    assert in_move(model.loss, x, y)["domain"].item() == pytest.approx(2 * math.log(2))


def test_a_batch_in_chunks_is_the_whole_batch(tmp_path):
    whole, parts = dann(), dann(accumulate=4)
    for model in (whole, parts):
        fit(tmp_path, model, Bars(batch_size=32), 3)
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(parts.state_dict()[name], value, msg=name)


def test_a_tiny_run_learns_and_its_reversal_hides_the_domain(tmp_path):
    told = {}
    for strength in (0.0, 0.1):
        model, data = dann(reversal=strength, lr=0.1), Bars(batch_size=32)
        fit(tmp_path, model, data, 80, Each(lambda run, game: game.notes.clear() if run.global_step == 70 else None))
        told[strength] = model.notes.means()
        images, labels = data.split("train")
        assert (model.classify(images.float() / 127.5 - 1).argmax(1) == labels).float().mean() > 0.95
    assert told[0.0]["c/acc_domain"] > 0.9
    assert told[0.1]["c/acc_domain"] < 0.75
    assert told[0.1]["c/domain"] > 2 * told[0.0]["c/domain"]


def test_a_run_on_shifted_digits_that_was_interrupted_ends_in_the_very_same_weights(tmp_path):
    root = str(write_mnist(tmp_path, 64, 48))

    def run(folder: str, *callbacks: Callback, ckpt_path: Path | None = None) -> dict[str, Tensor]:
        torch.manual_seed(0)
        model = DANN(LeNetFeatures(), Head(), Head(768, (100,), 1))
        training = trainer(tmp_path / folder, *callbacks, Last(), max_steps=6)
        training.fit(model, ShiftedMNIST(root, batch_size=16), ckpt_path=ckpt_path)
        return model.state_dict()

    whole = run("whole")
    part = run("part", Each(lambda trainer, game: setattr(trainer, "should_stop", trainer.global_step == 3)))
    rest = run("part", ckpt_path=tmp_path / "part" / "last.ckpt")
    for name, value in whole.items():
        assert torch.equal(rest[name], value), name
        assert not torch.equal(part[name], value), name


# Classifying


def test_classify_is_without_gradient_in_evaluation_mode_and_leaves_the_mode():
    model = dann().train()
    model.classifier = torch.nn.Sequential(torch.nn.Dropout(0.9), model.classifier)
    x = torch.randn(1203, 1, 16, 16)
    logits = model.classify(x)
    assert logits.shape == (1203, 2)
    assert not logits.requires_grad
    assert torch.equal(logits, model.classify(x))
    torch.testing.assert_close(model.classify(x[:7]), logits[:7])
    assert model.features.training
    assert model.classifier.training
    assert model.classify(x[:0]).shape == (0, 2)


def test_grey_images_have_as_many_channels_as_asked_for_and_others_are_refused():
    model = DANN(LeNetFeatures(), Head(), Head(768, (100,), 1))
    x = torch.randn(4, 1, 28, 28)
    torch.testing.assert_close(model.classify(x), model.classify(x.expand(-1, 3, -1, -1)))
    for shape in ((4, 1, 32, 32), (4, 2, 28, 28), (4, 28, 28)):
        with pytest.raises(GanzooError, match=r"^x: images \(N, 3, 28, 28\) are wanted, not \(4, "):
            model.classify(torch.randn(shape))


def test_the_default_network_is_the_papers():
    model = DANN(LeNetFeatures(), Head(), Head(768, (100,), 1))
    count = {name: sum(p.numel() for p in module.parameters()) for name, module in model.exported().items()}
    assert count == {
        "features": 32 * (3 * 25 + 1) + 48 * (32 * 25 + 1),
        "classifier": 769 * 100 + 101 * 100 + 101 * 10,
        "discriminator": 769 * 100 + 101,
    }


def test_what_does_not_fit_is_refused_in_one_line():
    with pytest.raises(GanzooError, match=r"model\.features: .*\(1, 16, 16\).*\(3, 28, 28\)"):
        dann().check((3, 28, 28))
    with pytest.raises(GanzooError, match="data: it has one domain"):
        in_move(dann().loss, torch.randn(2, 1, 16, 16), torch.tensor([0, 1]))  # type: ignore[arg-type]
    with pytest.raises(GanzooError, match="size: 12 pixels"):
        LeNetFeatures(12)


def test_a_recipe_that_names_no_schedules_gets_the_papers(tmp_path):
    model, *_ = from_recipe("dann_mnist", runs=str(tmp_path))
    assert model.lr_factor == ANNEALED
    assert model.reversal == RAMP


def test_what_draws_nothing_predicts_nothing_and_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    head = f"class_path: ganzoo.networks.lenet.Head, init_args: {{n_features: {dann().features.n_features}, hidden: [8]"
    Path("bars.yaml").write_text(f"""
model:
  class_path: ganzoo.models.dann.DANN
  init_args:
    features: {{class_path: ganzoo.networks.lenet.LeNetFeatures, init_args: {{size: 16, channels: 1, maps: [4, 6]}}}}
    classifier: {{{head}, n_logits: 2}}}}
    discriminator: {{{head}, n_logits: 1}}}}
data: {{class_path: domains.Bars, init_args: {{batch_size: 32}}}}
trainer: {{max_steps: 1, accelerator: cpu}}
""")
    said = ganzoo("fit", "--config", "bars.yaml")
    assert said.status == 0, said.err
    assert ganzoo("predict", "--config", "bars.yaml").error.startswith("ganzoo predict: DANN makes classes")
