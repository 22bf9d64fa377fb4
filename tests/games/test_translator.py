import pytest
import tiny
import torch
from lightning.pytorch.loggers import CSVLogger
from moves import in_move
from torch import nn

from ganzoo.common.errors import GanzooError
from ganzoo.games.translator import Translator, agree, shape_text


def randn(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(3)).tanh()


class Noisy(tiny.Recolour):
    """Keeps its dropout on, as pix2pix does."""

    def render(self, x):
        self.generator[3].train()
        return super().render(x)


def test_both_players_learn_and_the_generator_counts(tmp_path):
    model = tiny.recolour(g_lr=0.02, d_lr=0.02)
    before = model.translate(randn(4, 1, 16, 16))
    state = {name: p.clone() for name, p in model.named_parameters()}
    run = tiny.fit(tmp_path, model, tiny.Negatives(), 10)
    assert run.global_step == 10
    assert model.images == 10 * 50
    assert not [name for name, p in model.named_parameters() if p.equal(state[name])]
    assert set(model.notes.means()) == {"d/adv", "d/acc_real", "d/acc_fake", "g/adv", "g/l1"}
    x = tiny.Negatives().val_dataloader()
    batch, (truth, _) = next(iter(x))
    assert (model.translate(batch) - truth).abs().mean() < 0.8 * (batch - truth).abs().mean()
    assert not model.translate(randn(4, 1, 16, 16)).equal(before)


def test_without_a_discriminator_there_is_one_player(tmp_path):
    model = tiny.recolour(discriminator=None)
    run = tiny.fit(tmp_path, model, tiny.Negatives(), 3)
    assert run.global_step == 3
    assert set(model.notes.means()) == {"g/l1"}
    assert set(model.exported()) == {"generator"}


def test_batches_are_split_with_their_targets_and_labels(tmp_path):
    plain, parts = tiny.recolour(), tiny.recolour(accumulate=2)
    for module in (*plain.modules(), *parts.modules()):
        if isinstance(module, nn.BatchNorm2d):
            module.eval()  # whose statistics are those of a chunk
            module.train = lambda mode=True, module=module: module
    tiny.fit(tmp_path, plain, tiny.Negatives(), 2)
    tiny.fit(tmp_path, parts, tiny.Negatives(), 2)
    for one, other in zip(plain.parameters(), parts.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


def test_translation_is_the_averaged_generator_in_evaluation_mode():
    model = tiny.recolour(ema=0.9).train()
    nn.init.zeros_(model.generator[4].weight)  # the live one
    x = randn(70, 1, 16, 16)  # more than go through at once
    made = model.translate(x)
    assert made.shape == x.shape
    assert made.is_contiguous()
    assert not made.requires_grad
    assert made.std() > 0.01
    torch.testing.assert_close(made[:3], model.translate(x[:3]))
    assert model.training
    assert model.generator.training
    assert not model.averages["generator"].module.training
    assert len(model.translate(x[:0])) == 0
    batch = (x, (x, torch.zeros(70)))
    assert model.predict_step(batch, 0).equal(made)


def test_noise_is_fixed_by_a_seed_which_leaves_the_random_state_alone():
    model, x = tiny.recolour(Noisy, dropout=0.5).eval(), randn(3, 1, 16, 16)
    state = torch.get_rng_state()
    one = model.translate(x, seed=1)
    assert torch.get_rng_state().equal(state)
    assert model.translate(x, seed=1).equal(one)
    assert not model.translate(x, seed=2).equal(one)
    assert not model.translate(x).equal(model.translate(x))
    assert not any(module.training for module in model.modules())


def test_what_is_published_has_no_auxiliary_parts():
    class WithFeatures(tiny.Recolour):
        auxiliary = ("features",)

        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.features = nn.Linear(1, 1)

    assert set(tiny.recolour(WithFeatures).exported()) == {"generator", "discriminator"}


def test_images_that_do_not_fit_are_one_clear_line():
    model = tiny.recolour()
    for x, message in (
        (randn(1, 3, 16, 16), "1xHxW are taken, but it has 3x16x16"),
        (randn(1, 1, 15, 16), "divisible by 2 are taken, but it has 1x15x16"),
        (randn(1, 16, 16), r"\(N, C, H, W\)"),
    ):
        with pytest.raises(GanzooError, match=message) as error:
            model.translate(x)
        assert "\n" not in str(error.value)


def test_data_that_do_not_fit_show_before_the_training(tmp_path):
    model = tiny.recolour()
    with pytest.raises(GanzooError, match="Recolour translates images, but Digits has no source images"):
        tiny.fit(tmp_path, model, tiny.digits(), 1)
    data = tiny.Negatives()
    data.source_shape = (3, 16, 16)
    with pytest.raises(GanzooError, match=r"model\.generator: sources of shape 1xHxW are taken, the data gives"):
        tiny.fit(tmp_path, model, data, 1)
    model.discriminator.shape = (1, 32, 32)
    with pytest.raises(GanzooError, match=r"model\.discriminator: it is made for images of shape 1x32x32"):
        model.check((1, 16, 16))
    model.fits(type("Data", (), {"shape": (1, 32, 32), "source_shape": (1, None, None)}))


def test_pairs_are_not_for_games_that_draw_samples():
    with pytest.raises(GanzooError, match="Negatives has pairs of images, to be translated, and VanillaGAN draws"):
        tiny.conv().fits(tiny.Negatives())
    tiny.conv().fits(tiny.digits())


def test_shapes_agree_where_either_leaves_a_side_open():
    assert agree((3, None, None), (3, 8, 9))
    assert agree((3, 8, 9), (3, None, 9))
    assert not agree((3, None, None), (1, 8, 9))
    assert not agree((3, 8, 8), (3, 8, 9))
    assert not agree((3, 8, 8), (3, 8))
    assert shape_text((3, None, 8)) == "3xHx8"


def test_a_run_resumes_exactly(tmp_path):
    whole = tiny.recolour(ema=0.9)
    tiny.fit(tmp_path, whole, tiny.Negatives(flip=True), 5)
    first, second = tiny.recolour(ema=0.9), tiny.recolour(ema=0.9)
    run = tiny.fit(tmp_path, first, tiny.Negatives(flip=True), 3)
    run.save_checkpoint(tmp_path / "three.ckpt")
    run = tiny.trainer(tmp_path, max_steps=5)
    run.fit(second, tiny.Negatives(flip=True), ckpt_path=tmp_path / "three.ckpt")
    for (name, one), other in zip(whole.state_dict().items(), second.state_dict().values(), strict=True):
        assert one.equal(other), name


def test_learning_rates_follow_their_schedule(tmp_path):
    from ganzoo.games.schedules import Schedule
    from ganzoo.training.callbacks.progress import TermLogger

    model = tiny.recolour(lr_factor=Schedule([1, 0], [0, 1], "linear"))
    logger = CSVLogger(tmp_path, name="", version="")
    tiny.fit(tmp_path, model, tiny.Negatives(), 4, TermLogger(), logger=logger, log_every_n_steps=1)
    rates = [group["lr"] for optimizer in model.trainer.optimizers for group in optimizer.param_groups]
    assert rates == pytest.approx([0, 0])


def test_a_translator_needs_losses():
    with pytest.raises(AttributeError, match="objective"):
        in_move(Translator(tiny.Tint()).g_loss, randn(1, 1, 2, 2), randn(1, 1, 2, 2))
