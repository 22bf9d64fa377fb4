"""The objectives' variants: f-GAN's divergences as tested pairs, and a property of its paper for every variant."""

import math

import pytest
import torch
from moves import in_move
from tiny import conv, digits, fit, mlp, points
from torch.optim import Adam, RMSprop

from ganzoo.common.errors import GanzooError
from ganzoo.losses import objectives
from ganzoo.losses.divergences import DIVERGENCES, LIMIT, fgan_g, fgan_saturating_g, tame, variational_bound
from ganzoo.models.dragan import DRAGAN
from ganzoo.models.fgan import FGAN
from ganzoo.models.lsgan import LSGAN
from ganzoo.models.r1gan import R1GAN
from ganzoo.models.ragan import RaGAN
from ganzoo.networks.dcgan import DCGANDiscriminator, DCGANGenerator

KINDS = [LSGAN, RaGAN, FGAN, R1GAN, DRAGAN]
LOGITS = torch.linspace(-30, 30, 241, dtype=torch.float64)
RATIOS = torch.logspace(-3, 3, 61, dtype=torch.float64)
P = torch.tensor([0.5, 0.3, 0.15, 0.05], dtype=torch.float64)
Q = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)
M = (P + Q) / 2
BY_HAND = {  # the divergences of P from Q, each from its own definition
    "kl": (P * (P / Q).log()).sum(),
    "reverse_kl": (Q * (Q / P).log()).sum(),
    "pearson": ((P - Q).square() / Q).sum(),
    "squared_hellinger": (P.sqrt() - Q.sqrt()).square().sum(),
    "js": (P * (P / M).log() + Q * (Q / M).log()).sum(),
    "gan": (P * (P / M).log() + Q * (Q / M).log()).sum() - math.log(4),
}
INVERSE = {  # the logit at which g_f is f'(u)
    "kl": lambda u: 1 + u.log(),
    "pearson": lambda u: 2 * (u - 1),
    "squared_hellinger": lambda u: u.log() / 2,
}
each_divergence = pytest.mark.parametrize("name", DIVERGENCES)


def slope(function, at):
    at = at.detach().clone().requires_grad_()
    return torch.autograd.grad(function(at).sum(), at)[0]


def best_logit(name, ratio):
    v = INVERSE.get(name, torch.log)(ratio)
    if name not in ("kl", "reverse_kl", "squared_hellinger"):
        return v
    return torch.where(v.abs() > LIMIT, v.sign() * (LIMIT + torch.expm1(v.abs() - LIMIT)), v)  # back through tame


def bound(name, t_real, t_fake):
    """E_P T - E_Q f*(T) of a critic known at each of the four points."""
    return (P * t_real).sum() - (Q * DIVERGENCES[name].conjugate(t_fake)).sum()


def test_every_divergence_of_the_paper_is_there():
    assert set(DIVERGENCES) == set(BY_HAND)


@each_divergence
def test_the_generator_function_gives_the_divergence(name):
    torch.testing.assert_close((Q * DIVERGENCES[name].f(P / Q)).sum(), BY_HAND[name])
    f = DIVERGENCES[name].f
    assert f(torch.tensor(1.0)).item() == pytest.approx(-math.log(4) if name == "gan" else 0)
    assert (slope(f, RATIOS).diff() > 0).all()  # convex


@each_divergence
def test_the_conjugate_is_the_conjugate(name):
    """Young: u t <= f(u) + f*(t), with equality where t = f'(u)."""
    of = DIVERGENCES[name]
    t = slope(of.f, RATIOS)
    torch.testing.assert_close(of.conjugate(t), RATIOS * t - of.f(RATIOS))
    assert (RATIOS[:, None] * t <= of.f(RATIOS)[:, None] + of.conjugate(t) + 1e-9).all()


@each_divergence
def test_the_bound_is_tight_at_the_optimal_critic_and_below_at_any_other(name):
    of, best = DIVERGENCES[name], best_logit(name, P / Q)
    torch.testing.assert_close(of.activation(best), slope(of.f, P / Q))  # equation 5
    tight = bound(name, of.activation(best), of.activation(best))
    torch.testing.assert_close(tight, BY_HAND[name])
    for size in (1e-3, 0.1, 1, 5, 20):
        for noise in torch.randn(20, 4, dtype=torch.float64):
            t = of.activation(best + size * noise)
            assert bound(name, t, t) < BY_HAND[name]


@each_divergence
def test_the_bound_of_samples_estimates_the_divergence(name):
    n = 10_000
    real, fake = (torch.arange(4).repeat_interleave((n * p).round().long()) for p in (P, Q))
    best = best_logit(name, P / Q).float()
    estimate = variational_bound(DIVERGENCES[name], best[real], best[fake])
    torch.testing.assert_close(estimate, BY_HAND[name].float(), rtol=1e-4, atol=1e-5)


@each_divergence
def test_the_bound_of_two_gaussians_is_tight_at_the_optimal_critic(name):
    """P = N(1, 1) and Q = N(0, 1): the density ratio is exp(x - 1/2), and KL(P || Q) = KL(Q || P) = 1/2."""
    x = torch.linspace(-12, 13, 20_001, dtype=torch.float64)
    p, q = ((-(x - mean).square() / 2).exp() / math.sqrt(2 * math.pi) for mean in (1, 0))
    of = DIVERGENCES[name]
    v = best_logit(name, (x - 0.5).exp())
    value = torch.trapezoid(p * of.activation(v) - q * of.composed(v), x)
    torch.testing.assert_close(value, torch.trapezoid(q * of.f(p / q), x), rtol=1e-4, atol=1e-5)
    known = {"kl": 0.5, "reverse_kl": 0.5, "pearson": math.e - 1, "squared_hellinger": 2 - 2 * math.exp(-1 / 8)}
    assert value.item() == pytest.approx(known.get(name, value.item()), rel=1e-3)


@each_divergence
def test_activation_and_conjugate_are_a_pair(name):
    of = DIVERGENCES[name]
    t = of.activation(LOGITS)
    assert (t.diff() >= 0).all()
    near = LOGITS[LOGITS.abs() <= LIMIT]
    assert (of.activation(near).diff() > 0).all()
    torch.testing.assert_close(of.composed(near), of.conjugate(of.activation(near)), rtol=1e-9, atol=1e-9)
    domain = {"reverse_kl": 0, "squared_hellinger": 1, "js": math.log(2), "gan": 0}
    assert (t <= domain.get(name, math.inf)).all()


@each_divergence
def test_the_threshold_is_where_the_densities_are_equal(name):
    one, logit = torch.ones(()), torch.tensor(DIVERGENCES[name].threshold)
    torch.testing.assert_close(DIVERGENCES[name].activation(logit), slope(DIVERGENCES[name].f, one))


@each_divergence
@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16, torch.float16])
def test_extreme_logits_have_finite_losses_and_slopes(name, kind):
    of = DIVERGENCES[name]
    for far in (1e4, -1e4):
        far = torch.full((3,), far, dtype=kind)
        for loss in (lambda v: -variational_bound(of, v, v.flip(0)), lambda v: fgan_g(of, v)):
            value = loss(far)
            assert value.dtype == torch.float32
            assert value.isfinite()
            assert slope(loss, far.float()).isfinite().all()
        assert slope(lambda v: fgan_saturating_g(of, v), far.float()).isfinite().all()


def test_tame_is_the_identity_until_its_limit_and_makes_exponentials_straight_lines_beyond():
    v = torch.tensor([-LIMIT, -1.0, 0.0, 0.5, LIMIT], dtype=torch.float64)
    assert tame(v).equal(v)
    torch.testing.assert_close(slope(tame, v[1:-1]), torch.ones(3, dtype=torch.float64))
    beyond = torch.tensor([0.0, 1.0, 5.0, 1000.0], dtype=torch.float64)
    torch.testing.assert_close(tame(LIMIT + beyond).exp(), math.exp(LIMIT) * (1 + beyond))
    torch.testing.assert_close(tame(-LIMIT - beyond), -tame(LIMIT + beyond))


def losses_of(model, x):
    """Both sides' terms on the same noise, and the logits that they came from."""
    torch.manual_seed(1)
    fake = model.discriminator(model.fake(len(x)))
    torch.manual_seed(1)
    d = in_move(model.d_loss, x, None)
    torch.manual_seed(1)
    return d, in_move(model.g_loss, x, None), model.discriminator(x), fake


@pytest.mark.parametrize(("name", "constant"), [("gan", 0), ("js", 2 * math.log(2))])
def test_fgan_on_jensen_shannon_is_the_original_game(name, constant):
    d, g, real, fake = losses_of(mlp(FGAN, divergence=name), torch.randn(16, 2) + 1)
    torch.testing.assert_close(d["adv"], objectives.logistic_d(real, fake) - constant)
    torch.testing.assert_close(g["adv"], objectives.nonsaturating_g(fake) - constant / 2)
    _, g, _, fake = losses_of(mlp(FGAN, divergence=name, saturating=True), torch.randn(16, 2) + 1)
    torch.testing.assert_close(g["adv"], objectives.minimax_g(fake) + constant / 2)


@each_divergence
def test_six_divergences_are_five_games_two_of_which_are_the_original_one(name):
    """Gradients on logits, all of which `js` and `gan` share with the non-saturating GAN, and nothing else does."""
    real, fake = torch.linspace(-2, 2, 32, requires_grad=True), torch.linspace(-1, 3, 32, requires_grad=True)
    bound, rise = variational_bound(DIVERGENCES[name], real, fake), fgan_g(DIVERGENCES[name], fake)
    found = (*torch.autograd.grad(-bound, (real, fake)), *torch.autograd.grad(rise, fake))
    wanted = (
        *torch.autograd.grad(objectives.logistic_d(real, fake), (real, fake)),
        *torch.autograd.grad(objectives.nonsaturating_g(fake), fake),
    )
    same = all(torch.equal(a, b) for a, b in zip(found, wanted, strict=True))
    assert same == (name in {"js", "gan"})
    assert mlp(FGAN).divergence not in (DIVERGENCES["js"], DIVERGENCES["gan"])


@each_divergence
def test_fgan_shows_its_estimate_of_the_divergence(name):
    model = mlp(FGAN, divergence=name)
    model.logits = lambda output, x: model.divergence.threshold + torch.tensor([2.0, 1.0, 0.1, -1.0])
    terms = in_move(model.d_loss, torch.zeros(4, 2), None)
    assert model.notes.means() == {
        "d/divergence": pytest.approx(-terms["adv"].item()),
        "d/acc_real": 0.75,
        "d/acc_fake": 0.25,
    }


@pytest.mark.parametrize("codes", [{}, {"a": -1.0, "b": 1.0, "c": 0.0}])
def test_lsgan_scores_towards_its_codes(codes):
    d, g, real, fake = losses_of(mlp(LSGAN, **codes), torch.randn(16, 2) + 1)
    a, b, c = codes.values() or (0.0, 1.0, 1.0)
    torch.testing.assert_close(d, {"adv": objectives.lsgan_d(real, fake, a, b)})
    torch.testing.assert_close(g, {"adv": objectives.lsgan_g(fake, c)})


@pytest.mark.parametrize(
    ("average", "loss"), [(True, objectives.relativistic_average_d), (False, objectives.relativistic_d)]
)
def test_ragan_plays_the_same_game_from_both_sides(average, loss):
    model, x = mlp(RaGAN, average=average), torch.randn(16, 2) + 1
    d, g, real, fake = losses_of(model, x)
    torch.testing.assert_close((d["adv"], g["adv"]), (loss(real, fake), loss(fake, real)))
    with torch.no_grad():
        model.discriminator.net[-1].bias += 7
    moved_d, moved_g, *_ = losses_of(model, x)
    torch.testing.assert_close((moved_d["adv"], moved_g["adv"]), (d["adv"], g["adv"]))


def test_r1_pays_for_the_slope_of_each_real_sample():
    model, x = mlp(R1GAN, gamma=6.0), torch.randn(8, 2) + 1
    d, g, real, fake = losses_of(model, x)
    slopes = torch.stack([slope(lambda x: model.discriminator(x), sample[None]).norm() for sample in x])
    torch.testing.assert_close(d, {"adv": objectives.logistic_d(real, fake), "r1": 3 * slopes.square().mean()})
    torch.testing.assert_close(g, {"adv": objectives.nonsaturating_g(fake)})


class Counted(R1GAN):
    """Notes who moved, and what its terms were."""

    def on_fit_start(self):
        super().on_fit_start()
        self.moves = []

    def move(self, player, x, y):
        self.notes.clear()
        before = [p.clone() for p in self.generator.parameters()]
        super().move(player, x, y)
        still = all(a.equal(b) for a, b in zip(before, self.generator.parameters(), strict=True))
        self.moves.append((player.name, [name for name in self.notes.means() if "acc" not in name], still))


def test_a_lazy_r1_moves_the_discriminator_on_every_so_many_batches(tmp_path):
    model = mlp(Counted, r1_every=3)
    run = fit(tmp_path, model, points(), 6)
    both = [("d", ["d/adv"], True), ("g", ["g/adv"], False)]
    lazy = [both[0], ("d_reg", ["d_reg/r1"], True), both[1]]
    assert model.moves == 2 * (both + both + lazy)
    assert len(run.optimizers) == 2
    x = torch.randn(8, 2)
    torch.testing.assert_close(in_move(model.r1, x, None)["r1"], 3 * in_move(mlp_like(model, R1GAN).r1, x, None)["r1"])


def mlp_like(model, kind):
    other = mlp(kind)
    other.load_state_dict(model.state_dict())
    return other


def test_an_unheard_of_laziness_is_refused():
    with pytest.raises(GanzooError, match=r"model\.r1_every: must be at least 1, not 0"):
        mlp(R1GAN, r1_every=0)


def test_dragan_holds_the_slope_around_real_data():
    model, x = mlp(DRAGAN, gp_weight=7.0, noise=0.0, target=2.0), torch.randn(8, 2) + 1
    d, g, real, fake = losses_of(model, x)
    slopes = torch.stack([slope(lambda x: model.discriminator(x), sample[None]).norm() for sample in x])
    torch.testing.assert_close(d, {"adv": objectives.logistic_d(real, fake), "gp": 7 * (slopes - 2).square().mean()})
    torch.testing.assert_close(g, {"adv": objectives.nonsaturating_g(fake)})


@pytest.mark.parametrize("kind", [R1GAN, DRAGAN])
def test_penalised_discriminators_have_no_batch_norm(kind):
    with pytest.raises(GanzooError, match=r"model\.discriminator: .*without BatchNorm"):
        kind(DCGANGenerator(16, 1, 8, 6), DCGANDiscriminator(16, 1, 8))
    kind(DCGANGenerator(16, 1, 8, 6), DCGANDiscriminator(16, 1, 8, norm="layer"))


@pytest.mark.parametrize(
    ("kind", "optimizer", "lr", "betas"),
    [
        (LSGAN, Adam, 1e-3, (0.5, 0.999)),
        (RaGAN, Adam, 2e-4, (0.5, 0.999)),
        (FGAN, Adam, 2e-4, (0.5, 0.999)),
        (R1GAN, RMSprop, 1e-4, None),
        (DRAGAN, Adam, 1e-4, (0.5, 0.9)),
    ],
)
def test_defaults_are_the_papers_constants(kind, optimizer, lr, betas):
    model = mlp(kind)
    for player in model.players():
        found = player.optim(model.parameters())
        assert type(found) is optimizer
        assert (found.param_groups[0]["lr"], found.param_groups[0].get("betas")) == (lr, betas)
        assert player.every == 1
    model = mlp(kind, d_lr=0.4, g_lr=0.1)
    assert [player.optim(model.parameters()).param_groups[0]["lr"] for player in model.players()] == [0.4, 0.1]


OPTIONS = [
    (LSGAN, {}),
    (RaGAN, {}),
    (RaGAN, {"average": False}),
    *((FGAN, {"divergence": name}) for name in DIVERGENCES if name not in ("js", "gan")),  # those are the original game
    (R1GAN, {"gamma": 1.0, "optimizer": Adam}),
    (R1GAN, {"gamma": 1.0, "optimizer": Adam, "r1_every": 4}),
    (DRAGAN, {"gp_weight": 0.1}),  # one point has no need of slopes
]


@pytest.mark.parametrize(("kind", "options"), OPTIONS)
def test_samples_move_to_the_data(tmp_path, kind, options):
    """The data is one blob around (1, 0), the generator begins around the origin."""
    model = mlp(kind, g_lr=0.01, d_lr=0.02, ema=0.9, **options)
    target = torch.tensor([1.0, 0.0])
    assert (model.sample(500, seed=0).mean(0) - target).norm() > 0.8
    fit(tmp_path, model, points(modes=1, std=0.1), 80)
    assert (model.sample(500, seed=0).mean(0) - target).norm() < 0.25


@pytest.mark.parametrize("kind", KINDS)
def test_trains_in_bfloat16(tmp_path, kind):
    model = conv(kind)
    run = fit(tmp_path, model, digits(), 3, precision="bf16-mixed")
    assert run.global_step == 3
    assert all(map(math.isfinite, model.notes.means().values()))
    assert {p.dtype for p in model.parameters()} == {torch.float32}
