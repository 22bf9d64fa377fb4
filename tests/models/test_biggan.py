"""BigGAN and SAGAN: what their papers settle beside the networks."""

import pytest
import torch
from shades import Shades
from tiny import fit
from torch.optim import Adam

from ganzoo.games.ema import Averaging
from ganzoo.models.biggan import BigGAN, truncated_normal
from ganzoo.models.sagan import SAGAN
from ganzoo.networks.biggan import BigGANDiscriminator, BigGANGenerator
from ganzoo.networks.sagan import SAGANDiscriminator, SAGANGenerator


def biggan(**options) -> BigGAN:
    torch.manual_seed(0)
    generator = BigGANGenerator(32, 3, 2, 8, 2, shared_dim=4, hierarchical=True, attention=[16])
    return BigGAN(generator, BigGANDiscriminator(32, 3, 2, 2, attention=[0]), **options)


def test_truncated_numbers_lie_inside_without_piling_up_at_the_ends():
    z = torch.randn(200_000, generator=torch.Generator().manual_seed(0))
    for threshold in (0.2, 0.5, 0.9):
        inside = truncated_normal(z, threshold)
        assert inside.abs().max() <= threshold
        assert (inside.abs() > 0.999 * threshold).float().mean() < 3e-3  # clipping would leave most of them there
        kept = z[z.abs() <= threshold]  # drawing again leaves this distribution
        grid = torch.linspace(-threshold, threshold, 9)[1:-1]
        shares = [(inside < at).float().mean() - (kept < at).float().mean() for at in grid]
        assert max(abs(share) for share in shares) < 0.01
        assert (inside[z.argsort()].diff() >= 0).all()
    assert truncated_normal(z, 0.0).abs().max() == 0


def test_samples_are_truncated_by_a_threshold():
    model = biggan()
    assert torch.equal(model.space.draw(4, 0, 1.0), model.latent(4, 0))
    assert model.space.draw(64, 0, 0.3).abs().max() <= 0.3
    assert model.space.mode == "spherical"
    torch.testing.assert_close(model.sample(3, seed=1, truncation=0.4), model.sample(5, seed=1, truncation=0.4)[:3])
    uniform = biggan(prior="uniform")  # whose numbers are scaled, as ranks among normal ones say nothing of them
    torch.testing.assert_close(uniform.space.draw(4, 0, 0.3), 0.3 * uniform.latent(4, 0))


def test_the_average_equals_the_live_network_before_its_start_and_averages_statistics_after(tmp_path):
    early = biggan(ema=Averaging(0.9, start=100, buffers=True), n_critic=1)
    fit(tmp_path / "early", early, Shades(batch_size=10), 2)
    for ours, live in zip(early.averaged("generator").parameters(), early.generator.parameters(), strict=True):
        assert torch.equal(ours, live)
    late = biggan(ema=Averaging(0.9, start=1, buffers=True), n_critic=1)
    fit(tmp_path / "late", late, Shades(batch_size=10), 3)
    average, live = late.averaged("generator"), late.generator
    assert not torch.equal(average.norm.running_var, live.norm.running_var)


@pytest.mark.parametrize("kind", ["biggan", "sagan"])
def test_it_trains_with_the_papers_settings(tmp_path, kind):
    torch.manual_seed(0)
    if kind == "biggan":
        model, rates, betas, ratio = biggan(), (2e-4, 2e-4), (0.0, 0.999), 4
    else:
        model = SAGAN(SAGANGenerator(3, 8, 8, 2), SAGANDiscriminator(3, 8, 2))
        rates, betas, ratio = (1e-4, 4e-4), (0.0, 0.9), 1
    run = fit(tmp_path, model, Shades(batch_size=10), 1)
    d, g = run.optimizers
    assert isinstance(d, Adam)
    assert (g.param_groups[0]["lr"], d.param_groups[0]["lr"]) == rates
    assert g.param_groups[0]["betas"] == d.param_groups[0]["betas"] == betas
    steps = [{int(state["step"]) for state in optimizer.state.values()} for optimizer in (d, g)]
    assert steps == [{ratio}, {1}]
    assert model.sample(4, seed=0).shape == (4, 3, 32, 32)
