"""StyleGAN: R1 on every batch, mixing among the layers in use, truncation of the first ones, the running mean of w."""

import pytest
import torch
from progressive import stylegan
from tiny import digits, fit, mlp

from ganzoo.common.errors import GanzooError
from ganzoo.games.styles import mix_at_random
from ganzoo.losses.penalties import r1_penalty
from ganzoo.models.stylegan import StyleGAN


def test_the_discriminator_has_half_of_gamma_times_the_squared_slope_on_every_batch(tmp_path):
    model = stylegan(gamma=3.0)
    x = torch.randn(4, 1, 16, 16)
    terms = model.d_terms(x, None, model.open_move())
    torch.testing.assert_close(terms["r1"], 3 * r1_penalty(lambda x, y: model.discriminator(x), x))
    model.discriminator.forward = lambda x: 0.5 * x.flatten(1).sum(1)  # slopes of 0.5 * 16
    assert model.d_terms(x, None, model.open_move())["r1"].item() == pytest.approx(3 / 2 * 8**2)
    model = stylegan()
    run = fit(tmp_path, model, digits(size=16, batch_size=10), 3)
    assert [{int(state["step"]) for state in o.state.values()} for o in run.optimizers] == [{3}, {3}]
    assert [player.name for player in model.line_up] == ["d", "g"]  # no step of its own


def test_styles_are_mixed_once_a_batch_among_the_layers_in_use():
    model = stylegan(mixing=1.0)
    seen = []
    model.generator.synthesis.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    cuts = {}
    for level, count in enumerate((4, 6)):
        model.generator.grow(level, 1.0)
        cuts[count] = set()
        for seed in range(40):
            torch.manual_seed(seed)
            model.fake(3)
            changes = (seen[-1][:, 1:] != seen[-1][:, :-1]).any(2)
            assert torch.equal(changes, changes[:1].expand(3, -1))
            cuts[count].add(tuple(changes[0].nonzero().flatten().tolist()))
    assert cuts == {count: {(layer,) for layer in range(count - 1)} for count in (4, 6)}


def test_mixing_all_or_no_layers_draws_either_parent(monkeypatch):
    model = stylegan().eval()
    one, other = torch.randn(2, 6), torch.randn(2, 6)
    noise = [torch.randn(2, *shape) for shape in model.generator.noise_shapes]
    generator = model.generator
    styles, others = generator.styles(one), generator.mapping(other)
    kept = generator.synthesis(mix_at_random(styles, others, 0.0), noise)
    torch.testing.assert_close(kept, generator(one, noise=noise))
    monkeypatch.setattr(torch, "randint", lambda *args, **options: torch.tensor(0))
    taken = generator.synthesis(mix_at_random(styles, others, 1.0), noise)
    torch.testing.assert_close(taken, generator(other, noise=noise))


def test_the_mean_of_w_is_that_of_unmixed_styles_of_the_live_network(tmp_path):
    model = stylegan(mixing=1.0)
    generator = model.generator
    seen = []
    generator.mapping.register_forward_hook(lambda module, inputs, w: seen.append(w.detach().mean(0)))
    model.generate(generator, torch.randn(8, 6), None)
    torch.testing.assert_close(generator.w_mean, 0.005 * seen[1])  # the others' are asked for first
    fit(tmp_path, model, digits(size=16, batch_size=10), 2)
    assert torch.equal(model.averaged("generator").w_mean, generator.w_mean)


def test_samples_are_truncated_at_the_first_layers_alone():
    model = stylegan(cutoff=2)
    for network in (model.generator, model.averaged("generator")):
        network.w_mean.copy_(torch.linspace(-1, 1, 5))
    points, whole = (model.space.draw(3, 0, factor, None) for factor in (0.5, 1.0))
    mean = model.generator.w_mean
    torch.testing.assert_close(points[:, :2], mean + 0.5 * (whole[:, :2] - mean))
    torch.testing.assert_close(points[:, 2:], whole[:, 2:])
    model.averaged("generator").cutoff = None
    still = model.sample(4, seed=0, truncation=0.0)
    torch.testing.assert_close(still[1:], still[:1].expand(3, -1, -1, -1))  # noise weighs nothing yet
    assert not torch.equal(model.sample(2, seed=0)[0], model.sample(2, seed=0)[1])


def test_what_has_no_styles_cannot_mix_them():
    with pytest.raises(GanzooError, match="only a style-based generator has styles to mix"):
        mlp(StyleGAN).check((2,))
