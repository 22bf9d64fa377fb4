"""The adversarial autoencoder: who moves what in its two phases, and that codes come to be like the prior."""

from pathlib import Path

import pytest
import torch
from coders import DIGIT, DIM, aae, networks
from moves import in_move
from tiny import digits, fit

from ganzoo.checkpoints import build
from ganzoo.common.errors import GanzooError
from ganzoo.games.priors import Flower, Gaussian, SwissRoll
from ganzoo.losses import objectives
from ganzoo.losses.kernels import mmd2
from ganzoo.models.aae import AAE
from ganzoo.networks.mlp import MLPDiscriminator


class Watched(AAE):
    """Notes which networks each player's move changes."""

    def move(self, player, x, y):
        before = {name: p.clone() for name, p in self.named_parameters()}
        super().move(player, x, y)
        changed = {name.partition(".")[0] for name, p in self.named_parameters() if not torch.equal(p, before[name])}
        self.moved = [*getattr(self, "moved", []), (player.name, changed)]


def test_both_phases_are_played_on_every_batch(tmp_path):
    model = Watched(*networks(DIGIT), MLPDiscriminator([DIM], (8,)))
    run = fit(tmp_path, model, digits(), 2)
    phases = [("ae", {"encoder", "decoder"}), ("d", {"discriminator"}), ("g", {"encoder"})]
    assert model.moved == 2 * phases
    assert (run.global_step, model.batches) == (2, 2)
    assert [player.counted for player in model.line_up] == [False, False, True]
    assert len(set(map(id, run.optimizers))) == 3


def test_each_player_descends_the_papers_objective():
    model, x = aae(prior=Gaussian(2.0)), torch.rand(6, *DIGIT) * 2 - 1
    codes = model.encoder(x)
    error = (model.decoder(codes) - x).square().view(6, -1).sum(1).mean()
    torch.testing.assert_close(in_move(model.loss, x, None), {"rec": error})
    torch.manual_seed(1)
    real = model.discriminator(2 * torch.randn(6, DIM))
    fake = model.discriminator(codes)
    torch.manual_seed(1)
    torch.testing.assert_close(in_move(model.d_loss, x, None), {"adv": objectives.logistic_d(real, fake)})
    torch.testing.assert_close(in_move(model.g_loss, x, None), {"adv": objectives.nonsaturating_g(fake)})
    shares = (real > 0).float().mean().item(), (fake < 0).float().mean().item()
    assert (model.notes.means()["d/acc_real"], model.notes.means()["d/acc_fake"]) == pytest.approx(shares)


def test_learning_rates_go_to_their_players():
    model = aae(lr=0.1, d_lr=0.2, g_lr=0.3)
    rates = [player.optim(player.modules[0].parameters()).param_groups[0] for player in model.players()]
    assert [group["lr"] for group in rates] == [0.1, 0.2, 0.3]
    assert [group["betas"] for group in rates] == [(0.9, 0.999), (0.5, 0.999), (0.5, 0.999)]


@pytest.mark.parametrize("prior", [None, Gaussian(3.0), Flower(DIM, radius=2.0)])
def test_codes_come_to_be_like_the_prior(prior, tmp_path):
    model, data = aae(prior=prior, lr=3e-3, g_lr=3e-3, d_lr=3e-3), digits(batch_size=100)
    data.setup()
    x, wanted = data.split("test")[0].float() / 127.5 - 1, model.latent(500, seed=0)

    def discrepancy():
        return mmd2(model.encode(x), wanted, biased=False).item()

    before, same = discrepancy(), mmd2(model.latent(297, seed=1), wanted, biased=False).item()
    fit(tmp_path, model, data, 150)
    assert abs(same) < 0.02 * before
    assert discrepancy() < 0.25 * before


def test_networks_and_priors_for_codes_of_another_length_are_refused():
    with pytest.raises(GanzooError, match=r"model\.prior: it is made for codes of shape \(2,\), not \(4,\)"):
        aae(prior=SwissRoll())
    with pytest.raises(GanzooError, match=r"model\.discriminator: it is made for codes of shape \(3,\)"):
        AAE(*networks(DIGIT), MLPDiscriminator([3], (8,)))


@pytest.mark.parametrize(
    ("name", "arguments", "dim"), [("SwissRoll", "turns: 1.5", 2), ("Flower", "dim: 5, petals: 4", 5)]
)
def test_a_recipe_names_the_prior(name, arguments, dim):
    recipe = f"""
model:
  class_path: ganzoo.models.aae.AAE
  init_args:
    encoder: {{class_path: ganzoo.networks.autoencoder.MLPEncoder, init_args: {{shape: [1, 8, 8], code_dim: {dim}}}}}
    decoder: {{class_path: ganzoo.networks.mlp.MLPGenerator, init_args: {{shape: [1, 8, 8], latent_dim: {dim}}}}}
    discriminator: {{class_path: ganzoo.networks.mlp.MLPDiscriminator, init_args: {{shape: [{dim}]}}}}
    prior: {{class_path: ganzoo.priors.{name}, init_args: {{{arguments}}}}}
"""
    model = build.build_model(recipe, Path("recipe.yaml"), trusted=False)
    assert type(model.code_prior).__name__ == name
    assert model.latent(3, seed=0).shape == (3, dim)
    assert not any(name.startswith("code_prior") for name in model.state_dict())
