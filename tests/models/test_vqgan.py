"""VQGAN: its terms and their weights, the discriminator's start, codes counted and revived, scores, exact runs, export.

Lightning runs this very file as a script for the two processes, in which a latent GAN trains as well.
"""

import json
import sys
from inspect import signature
from itertools import pairwise
from pathlib import Path

import pytest
import torch
import two_processes
import yaml
from coded import CODED, autoencoder, latent_gan, vqgan
from commands import ganzoo
from equality import alike
from moves import in_move
from official import FOLDER
from projecting import needs_extra
from short_recipes import ON_DIGITS
from tape import taped
from tiny import Each, Negatives, digits, fit
from torch import nn

from ganzoo import load
from ganzoo.common import registry
from ganzoo.common.curves import read_metrics
from ganzoo.common.errors import GanzooError
from ganzoo.games.capabilities import output_of
from ganzoo.games.capture import WARM_UP
from ganzoo.games.schedules import Schedule
from ganzoo.metrics.scoring import score
from ganzoo.models.vqgan import VQGAN
from ganzoo.networks.patch import PatchGAN

SAID = json.loads((FOLDER / "vqgan_quantiser.json").read_text())["discriminator_losses"]


def main(folder: Path) -> None:
    """Trains both in two processes and writes what they end with."""
    torch.set_num_threads(1)
    both = {"devices": 2, "strategy": "ddp_find_unused_parameters_true"}
    models = {"vqgan": vqgan(window=2, revive=True, g_lr=0.01), "latent_gan": latent_gan()}
    for model in models.values():
        run = fit(folder, model, digits(batch_size=50), 6, **both)
    revived = models["vqgan"].notes.means()["g/codes_revived"]
    ending = {"revived": revived, **{name: model.state_dict() for name, model in models.items()}}
    torch.save(ending, folder / f"{run.global_rank}.pt")


@pytest.fixture(scope="module")
def endings(tmp_path_factory):
    """What either process ends with."""
    return two_processes.endings(__file__, tmp_path_factory.mktemp("ddp"))


def images(n=6):
    return torch.rand(n, 1, 8, 8, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_the_discriminator_descends_half_the_hinge():
    loss = VQGAN.objective.d(torch.tensor(SAID["real"]), torch.tensor(SAID["fake"]))
    assert loss.item() == SAID["hinge (0.5 * (mean relu(1 - real) + mean relu(1 + fake)))"]


def test_the_adversarial_gradient_is_eight_tenths_of_the_reconstructions_in_the_last_layer():
    model = vqgan(content_weight=0.5)
    terms, last = in_move(model.g_loss, images()), model.generator.last_weight
    assert terms.keys() == {"l1", "content", "codebook", "adv"}

    def size(*names):
        (gradient,) = torch.autograd.grad(sum(terms[name] for name in names), last, retain_graph=True)
        return gradient.norm()

    assert (size("adv") / size("l1", "content")).item() == pytest.approx(0.8, rel=0.05)
    with torch.no_grad():
        x = images()
        assert terms["l1"].item() == pytest.approx((model.generator(x) - x).abs().mean().item())
        assert terms["content"].item() == pytest.approx(0.5 * (model.generator(x) - x).square().mean().item())


def test_gradients_reach_the_encoder_through_the_codebook_and_the_codes_by_their_loss_alone():
    model = vqgan()
    terms = in_move(model.g_loss, images())
    first, codes = model.generator.encoder.conv_in.weight, model.generator.codebook.codes
    by_pictures = torch.autograd.grad(terms["l1"], [first, codes], retain_graph=True, allow_unused=True)
    assert by_pictures[0].norm() > 0
    assert by_pictures[1] is None
    assert torch.autograd.grad(terms["codebook"], codes)[0].norm() > 0


def test_neither_player_sees_the_other_before_the_start(tmp_path):
    model = vqgan(adversarial=Schedule([0, 1], at=[0, 0.5]))
    states, terms = [[p.clone() for p in model.discriminator.parameters()]], []

    def look(trainer, game):
        states.append([p.clone() for p in game.discriminator.parameters()])
        terms.append({name: total[0].item() for name, total in game.notes.totals.items()})
        game.notes.clear()

    fit(tmp_path, model, digits(batch_size=20), 6, Each(look))
    moved = [not alike(a, b) for a, b in pairwise(states)]
    assert moved == [False, False, False, True, True, True]
    assert [each["g/adv"] != 0 for each in terms] == moved
    assert [each["d/adv"] != 0 for each in terms] == moved
    assert all(0 < each["g/codes_used"] <= 1 for each in terms)
    assert all(1 <= each["g/codes_perplexity"] <= 16 for each in terms)
    assert "g/codes_revived" not in terms[0]  # reported alone


def test_dead_codes_are_revived_and_no_codes_of_use_are_lost(tmp_path):
    still, lively = vqgan(window=2), vqgan(window=2, revive=True)
    used = {}
    for name, model in {"still": still, "lively": lively}.items():
        model.generator.codebook.codes.data[8:] += 100  # nothing is ever near these
        fit(tmp_path, model, digits(batch_size=20), 6)
        used[name] = model.codes(images(40)).unique().numel()
    assert still.generator.codebook.codes[8:].min() > 50
    assert lively.generator.codebook.codes.max() < 50
    assert used["lively"] > used["still"]


def test_images_are_reconstructed_in_parts_from_codes_that_can_be_decoded():
    model = vqgan()
    x = images(70)
    again = model.reconstruct(x)
    assert output_of(model) == "reconstructions"
    assert again.abs().max() <= 1
    torch.testing.assert_close(model.reconstruct(x[:3]), again[:3])
    codes = model.codes(x)
    assert codes.shape == (70, 4, 4)
    torch.testing.assert_close(model.decode(codes), again)


def test_scores_compare_with_the_images_themselves_and_count_codes():
    model, data = vqgan(), digits()
    scores = score(model, data, samples=None)
    names = {name.partition("[")[0] for name in scores}
    assert names == {"psnr", "l1", "codes_used", "codes_perplexity"}  # 8 pixels are too few for ssim
    data.setup("validate")
    x = torch.cat([batch for batch, _ in data.val_dataloader()])
    counts = model.codes(x).flatten().bincount(minlength=16)
    assert scores["l1[test]"] == pytest.approx((model.reconstruct(x) - x).abs().mean().item(), rel=1e-5)
    (used,) = (value for name, value in scores.items() if name.startswith("codes_used"))
    assert used == pytest.approx((counts > 0).float().mean().item())
    model.generator.codebook.codes.data.zero_()[0] = 1e-3
    (spread,) = (v for k, v in score(model, data, metrics=["codes_perplexity"], samples=20).items())
    assert 1 <= spread <= 2


def test_codes_are_scores_of_a_model_with_a_codebook_alone():
    class Blur(nn.Module):
        device = torch.device("cpu")

        def reconstruct(self, x):
            return x / 2

    with pytest.raises(GanzooError, match="Blur has no codebook"):
        score(Blur(), digits(), metrics=["codes"])
    assert {name.partition("[")[0] for name in score(Blur(), digits(), samples=20)} == {"psnr", "l1"}


def test_what_does_not_fit_is_one_line():
    with pytest.raises(GanzooError, match=r"model\.generator: it has no codebook"):
        VQGAN(nn.Conv2d(1, 1, 1), PatchGAN(1, 4, 16))
    with pytest.raises(GanzooError, match="Negatives has pairs of images"):
        vqgan().fits(Negatives())
    with pytest.raises(GanzooError, match=r"shape \(1, 8, 8\), but the data gives \(1, 16, 16\)"):
        vqgan().fits(digits(size=16))
    with pytest.raises(GanzooError, match="at least 1 update"):
        vqgan(window=0)


@pytest.mark.parametrize("name", ["vqgan_folder", "vqgan_cifar10"])
def test_rates_of_recipes_follow_the_batch_and_the_discriminator_starts_where_the_code_says(name):
    recipe = yaml.safe_load((registry.RECIPES / f"{name}.yaml").read_text())
    model, steps = recipe["model"]["init_args"], recipe["trainer"]["max_steps"]
    defaults = signature(VQGAN).parameters
    for rate in ("g_lr", "d_lr"):
        wanted = 4.5e-6 * recipe["data"]["init_args"]["batch_size"]
        assert model.get(rate, defaults[rate].default) == pytest.approx(wanted)
    adversarial = Schedule(**model["adversarial"])
    assert [adversarial(step / steps) for step in (0, 9_999, 10_000, steps)] == [0, 0, 1, 1]


@needs_extra
def test_the_perceptual_loss_of_imagenet_trains_the_autoencoder_and_stays_out_of_checkpoints(tmp_path):
    model = vqgan(content="imagenet")
    before = set(model.state_dict())
    frozen = {name: tensor.clone() for name, tensor in model.features.network.state_dict().items()}
    terms = in_move(model.g_loss, images())
    (gradient,) = torch.autograd.grad(terms["content"], model.generator.encoder.conv_in.weight, retain_graph=True)
    assert gradient.norm() > 0
    fit(tmp_path, model, digits(batch_size=4), 1)
    assert set(model.state_dict()) == before
    assert alike(dict(model.features.network.state_dict()), frozen)
    assert "EfficientNet-Lite0" in model.remarks[0]


def test_recorded_moves_are_those_of_the_loop(tmp_path, monkeypatch):
    plain = vqgan(window=2, revive=True, adversarial=Schedule([0, 1], at=[0, 0.5]))
    fit(tmp_path, plain, digits(batch_size=20), WARM_UP + 3)
    tape = taped(monkeypatch)
    recorded = vqgan(window=2, revive=True, adversarial=Schedule([0, 1], at=[0, 0.5]), capture=True)
    fit(tmp_path, recorded, digits(batch_size=20), WARM_UP + 3)
    assert tape.replayed
    assert alike(dict(plain.state_dict()), dict(recorded.state_dict()))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A function that trains the recipe by the real command line, and the folder of a whole run."""
    home = tmp_path_factory.mktemp("vqgan")
    (home / "coded.yaml").write_text(CODED + ON_DIGITS)

    def train(runs, *more):
        answer = ganzoo("fit", "--recipe", home / "coded.yaml", "--runs", home / runs, *more)
        assert answer.status == 0, answer.err
        return home / runs / "coded" / "version_0"

    return train, train("whole", "--trainer.max_steps=6")


def test_a_resumed_run_ends_with_the_same_codes_and_counts(trained):
    train, whole = trained
    train("part", "--trainer.max_steps=3")
    rest = train("part", "--ckpt_path=last", "--trainer.max_steps=6")
    ends = [torch.load(run / "last.ckpt", weights_only=True) for run in (whole, rest)]
    for key in ("state_dict", "optimizer_states", "global_step"):
        assert alike(ends[0][key], ends[1][key]), key
    revived = read_metrics(whole / "metrics.csv")["g/codes_revived"]
    assert [step for step, count in zip(revived.steps, revived.values, strict=True) if count][-1] > 3
    fresh = autoencoder().codebook.codes
    assert not ends[0]["state_dict"]["generator.codebook.codes"].equal(fresh)


def test_a_checkpoint_is_scored_and_written_for_another_runtime(trained, tmp_path):
    _, whole = trained
    out = whole / "export"
    model = load(out)
    x = images()
    assert model.reconstruct(x).shape == x.shape
    assert "usage.idle" not in {f"{part}.{name}" for part, m in model.exported().items() for name in m.state_dict()}
    assert "reconstructions" in model.card
    answer = ganzoo("evaluate", out, "--samples", 40, "--bootstrap", 5, "-o", tmp_path / "scores.json")
    assert answer.status == 0, answer.err
    report = json.loads((tmp_path / "scores.json").read_text())
    assert {"psnr[40/test]", "codes_used[40/test]"} <= set(report["scores"])
    assert report["conditions"]["subject"]["makes"] == "40 reconstructions"
    answer = ganzoo("export", out, "--format", "onnx", "-o", tmp_path / "g.onnx")
    assert answer.status == 0, answer.err  # it compares what the file makes with what the model does
    assert ganzoo("sample", out, "-o", tmp_path / "x.png").error.startswith(f"'{out}' draws no samples")


def test_processes_end_with_the_same_weights_codes_and_counts(endings):
    one, other = endings
    assert one["revived"] > 0
    assert alike(dict(one["vqgan"]), dict(other["vqgan"]))
    assert not one["vqgan"]["generator.codebook.codes"].equal(autoencoder().codebook.codes)


def test_processes_end_with_the_same_latent_gan_whose_scale_is_that_of_all_images(endings):
    one, other = (dict(end["latent_gan"]) for end in endings)
    assert alike(one, other)
    assert one["scale.filled"] == 1
    model, data = latent_gan(), digits()
    data.setup("fit")
    with torch.no_grad():
        latents = torch.cat([model.encode(x) for x, _ in data.loader("train")])
    torch.testing.assert_close(one["scale.mean"].flatten(), latents.mean((0, 2, 3)), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(one["scale.std"].flatten(), latents.std((0, 2, 3), correction=0), rtol=1e-4, atol=1e-5)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
