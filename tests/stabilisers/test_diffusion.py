"""Diffusion: the authors' chain and its control, noise alike on both sides, and where it comes in."""

import json

import pytest
import torch
from chains import GROWING, diffusion_gan, noisy, noisy_maps
from moves import in_move
from official import FOLDER, wave
from tiny import conv, mlp

from ganzoo.common.errors import GanzooError
from ganzoo.models.dcgan import DCGAN
from ganzoo.models.wgan_gp import WGANGP
from ganzoo.stabilisers import ADA, Diffusion

SAID = json.loads((FOLDER / "diffusion_gan.json").read_text())
KEPT = "alphas_bar_sqrt at 0, 1, T // 2, T"
LOST = "one_minus_alphas_bar_sqrt at the same"


def at(p: float, **options) -> Diffusion:
    """A chain at a fixed place."""
    diffusion = Diffusion(**options)
    diffusion.p.fill_(p)
    return diffusion


# The chain


@pytest.mark.parametrize("said", SAID["T for p"], ids=lambda said: str(said["p"]))
def test_t_and_what_a_step_keeps_are_the_authors(said):
    diffusion = at(said["p"])
    last = int(diffusion.last)
    assert last == said["T"]
    kept = diffusion.kept()[[0, 1, last // 2, last]]
    torch.testing.assert_close(kept.sqrt(), torch.tensor(said[KEPT]), rtol=1e-5, atol=0)
    torch.testing.assert_close((1 - kept).sqrt(), torch.tensor(said[LOST]), rtol=1e-5, atol=1e-7)


def test_t_at_both_ends():
    assert (at(0).last, at(1).last) == (10, 1000)
    assert at(1).kept()[1000].item() == pytest.approx(4.0e-5, rel=0.02)
    assert (at(0, t_min=5, t_max=500).last, at(1, t_min=5, t_max=500).last) == (5, 500)


@pytest.mark.parametrize(
    ("p", "r", "batch", "then"), SAID["p_update examples [p, r, batch, new p] (target 0.6, ada_kimg 100)"]
)
def test_p_moves_as_in_the_authors_code(p, r, batch, then):
    diffusion = at(p)
    diffusion.heard.copy_(torch.tensor([r * 4 * batch, 4.0 * batch, 4.0 * batch], dtype=torch.float64))
    diffusion.steps.fill_(3)
    diffusion.after_d(conv(), conv().open_move())
    assert diffusion.p.item() == pytest.approx(then, abs=1e-7)
    assert (diffusion.steps, diffusion.heard.abs().sum()) == (0, 0)


def shares(diffusion: Diffusion) -> torch.Tensor:
    """How often each step is drawn, from 0 on, by numbers that lie evenly in [0, 1)."""
    n = 100_000
    return torch.bincount(diffusion.steps_of((torch.arange(n) + 0.5) / n), minlength=int(diffusion.last) + 1) / n


def test_steps_are_drawn_in_proportion_or_alike():
    said = torch.tensor(SAID["priority probabilities for T = 10, of t = 1..10"])
    torch.testing.assert_close(shares(at(0, share=1.0))[1:], said, rtol=0, atol=2e-5)
    torch.testing.assert_close(shares(at(0, share=1.0, draw="uniform"))[1:], torch.full((10,), 0.1), rtol=0, atol=2e-5)
    long = shares(at(1, share=1.0))
    assert (long[:2].sum(), len(long)) == (0, 1001)
    torch.testing.assert_close(long[1000].item(), 2 / 1000, rtol=0.05, atol=0)


def test_half_of_the_pool_has_no_noise_or_a_share_that_grows_with_p():
    for p in (0, 0.3, 1):
        assert (at(p).steps_of(torch.rand(64)) > 0).sum() == 32
    growing = {"share": 0.75, "growing": True}
    counts = [(at(p, **growing).steps_of(torch.rand(64)) > 0).sum().item() for p in (0, 0.25, 0.5, 0.9, 1)]
    assert counts == [0, 16, 32, 48, 48]
    assert (Diffusion().pool > 0).sum() == 32
    assert Diffusion().pool.max() == 10


# The noise


def test_the_authors_example(monkeypatch):
    x = wave((4, 1, 2, 2))
    monkeypatch.setattr(torch, "randn_like", lambda of: of.flip(0))
    seen = Diffusion().diffused(x, torch.tensor(SAID["q_sample example"]["t"]))
    torch.testing.assert_close(seen.flatten(), torch.tensor(SAID["q_sample example"]["x_t"]), rtol=1e-5, atol=1e-6)


def test_at_step_0_nothing_changes_and_elsewhere_the_noise_is_as_large_as_it_says():
    diffusion, x = at(1), torch.randn(2, 3, 64, 64)
    assert torch.equal(diffusion.diffused(x, torch.zeros(2, dtype=torch.long)), x)
    seen = diffusion.diffused(x, torch.tensor([0, 1000]))
    assert torch.equal(seen[0], x[0])
    assert seen[1].std().item() == pytest.approx(0.05, rel=0.05)  # all that is left, at sigma


def test_gradients_reach_the_images_through_the_noise():
    x = torch.randn(4, 1, 8, 8, requires_grad=True)
    t = torch.tensor([0, 1, 500, 1000])
    diffusion = at(1)
    diffusion.diffused(x, t).sum().backward()
    torch.testing.assert_close(x.grad[:, 0, 0, 0], diffusion.kept()[t].sqrt())


# Where it comes in


def test_real_and_generated_images_have_noise_of_the_same_steps_in_both_moves():
    game, seen = noisy(), []
    game.discriminator.register_forward_pre_hook(lambda module, inputs: seen.append(inputs))
    diffusion = game.stabilisers[0]
    diffusion.p.fill_(1)
    diffusion.pool.copy_(diffusion.steps_of(torch.rand(64, generator=torch.Generator().manual_seed(0))))
    game.fake = lambda n, y=None: x
    x = torch.zeros(4000, 1, 8, 8)
    in_move(game.d_terms, x)
    in_move(game.g_terms, x)
    assert [len(inputs) for inputs in seen] == [1, 1, 1]  # not told the steps
    for (images,) in seen:
        clean = (images == 0).flatten(1).all(1)
        assert clean.float().mean().item() == pytest.approx(0.5, abs=0.03)
        expected = (1 - diffusion.kept()[diffusion.pool]).mean().item() * 0.05**2
        assert images.square().mean().item() == pytest.approx(expected, rel=0.03)
    assert not torch.equal(seen[0][0], seen[1][0])


def test_a_timed_discriminator_is_told_the_steps_of_the_noise():
    game, seen = diffusion_gan(), []
    game.discriminator.register_forward_pre_hook(lambda module, inputs: seen.append(inputs))
    game.fake = lambda n, y=None: torch.zeros(n, 3, 32, 32)
    in_move(game.d_terms, torch.zeros(64, 3, 32, 32))
    in_move(game.g_terms, torch.zeros(64, 3, 32, 32))
    diffusion = game.stabilisers[0]
    assert len(seen) == 3
    for images, labels, t in seen:
        assert labels is None
        assert set(t.tolist()) <= set(diffusion.pool.tolist())
        assert torch.equal((images != 0).flatten(1).any(1), t > 0)
    assert not torch.equal(seen[0][2], seen[1][2])


def test_noise_comes_after_augmentation_wherever_it_stands_in_the_list():
    game, seen = conv(stabilisers=[Diffusion(sigma=0.0), ADA()]), []
    game.stabilisers[0].diffused = lambda x, t: seen.append(x) or x
    game.stabilisers[1].see = lambda game, x: x + 7
    move = game.open_move()
    move.judge(torch.zeros(4, 1, 8, 8))
    assert seen[0].unique().item() == 7


def test_maps_of_a_frozen_network_have_noise_of_a_step_of_their_own_before_they_are_mixed():
    game, images, maps = noisy_maps(augment=""), [], []
    diffusion, network = game.stabilisers[0], game.discriminator.eval()
    network.register_forward_pre_hook(lambda module, inputs: images.append(inputs[0]))
    network.mixing.register_forward_pre_hook(lambda module, inputs: maps.append(inputs[0]))
    x = torch.rand(4, 3, 32, 32) * 2 - 1
    clean = game.open_move().judge(x)
    torch.testing.assert_close(clean, network(x))  # at p = 0 none of the pool is noisy
    diffusion.p.fill_(1)
    diffusion.pool.copy_(diffusion.steps_of(torch.rand(64)))
    game.open_move().judge(x)
    assert torch.equal(images[2], x)
    plain, noised = maps[0], maps[2]
    assert [h.shape for h in plain] == [h.shape for h in noised]
    for before, after in zip(plain, noised, strict=True):
        same = (before == after).flatten(2).all(2)  # by image and channel
        assert same.float().mean().item() == pytest.approx(0.25, abs=0.15)
        assert len(same.unique(dim=0)) == 4  # each image's maps are drawn for themselves
    assert game.open_move().judge(x.requires_grad_()).sum().backward() is None
    assert x.grad.abs().sum() > 0


def test_the_control_hears_real_images_in_the_discriminators_move_alone():
    game = conv(DCGAN, stabilisers=[Diffusion(interval=1, images=100)])
    diffusion = game.stabilisers[0]
    game.logits = lambda output, view: torch.cat([torch.ones(8), -torch.ones(2)])  # r = 0.6: at the target
    in_move(game.g_terms, torch.zeros(10, 1, 8, 8))
    assert diffusion.heard.abs().sum() == 0
    for right, then in ((9, 0.1), (10, 0.2), (3, 0.1), (8, 0.1)):
        signs = torch.ones(10)
        signs[right:] = -1
        game.logits = lambda output, view, signs=signs: signs
        in_move(game.d_terms, torch.zeros(10, 1, 8, 8))
        before = diffusion.pool.clone()
        game.after_d(game.open_move())
        assert diffusion.p.item() == pytest.approx(then)
        assert not torch.equal(before, diffusion.pool)  # drawn anew
        assert diffusion.pool.max() <= diffusion.last
    assert game.notes.means()["d/diffusion_r"] == pytest.approx((0.8 + 1 - 0.4 + 0.6) / 4)


def test_several_logits_of_an_image_count_as_one_image():
    diffusion = Diffusion(interval=1, images=100)
    game = conv(DCGAN, stabilisers=[diffusion])
    game.logits = lambda output, view: torch.ones(len(view), 5)
    in_move(game.d_terms, torch.zeros(10, 1, 8, 8))
    game.after_d(game.open_move())
    assert diffusion.p.item() == pytest.approx(0.1)


def test_where_it_does_not_fit_it_says_so():
    with pytest.raises(
        GanzooError, match="signs of logits, which mean nothing in WGANGP; T stays where t_min is t_max"
    ):
        conv(WGANGP, stabilisers=[Diffusion()]).check((1, 8, 8))
    conv(WGANGP, stabilisers=[Diffusion(t_min=100, t_max=100)]).check((1, 8, 8))
    with pytest.raises(GanzooError, match=r"features: only discriminators on a frozen network's maps have some"):
        conv(DCGAN, stabilisers=[Diffusion(features=True)]).check((1, 8, 8))
    mlp(stabilisers=[Diffusion(**GROWING)]).check((2,))  # points may be noisy, too
    for options in ({"t_min": 1}, {"t_max": 9}, {"images": 0}, {"interval": 0}, {"share": 1.1}, {"beta_max": 2}):
        with pytest.raises(GanzooError, match=rf"model\.stabilisers\.{next(iter(options))}: must be "):
            Diffusion(**options)
