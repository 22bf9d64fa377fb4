"""MidiNet: its losses and turns, bars of one note at a time, and pieces drawn bar by bar."""

import pytest
import torch
from equality import alike
from moves import in_move
from tiny import Each, fit, trainer
from torch.nn.functional import binary_cross_entropy_with_logits as bce
from tunes import bars_under, midinet, write_chorales

from ganzoo.common.chords import chord_vectors
from ganzoo.common.errors import GanzooError
from ganzoo.data import Chorales
from ganzoo.models.midinet import MidiNet, smoothed_d
from ganzoo.networks.midinet import MidiNetDiscriminator, MidiNetGenerator
from ganzoo.networks.mlp import MLPDiscriminator


def test_the_discriminator_aims_at_nine_tenths_on_real_bars_and_at_zero_on_generated_ones():
    real, fake = 3 * torch.randn(2, 50)
    wanted = bce(real, torch.full_like(real, 0.9)) + bce(fake, torch.zeros_like(fake))
    torch.testing.assert_close(smoothed_d(real, fake, 0.9), wanted)


def test_the_generator_matches_means_by_half_the_squared_distance_in_units_of_notes():
    model, (x, y) = midinet(), bars_under(6)
    drawn = bars_under(12)[0][6:]
    model.fake_pair = lambda x, y: (drawn, y)
    terms = in_move(model.g_loss, x, y)
    notes = ((drawn > 0).float().mean(0) - (x > 0).float().mean(0)).square().sum()
    assert terms["mean"].item() == pytest.approx(0.01 / 2 * notes.item(), rel=1e-5)
    maps = model.discriminator.maps(drawn, y).mean(0) - model.discriminator.maps(x, y).mean(0)
    assert terms["fm"].item() == pytest.approx(0.1 / 2 * maps.square().sum().item(), rel=1e-5)
    torch.testing.assert_close(terms["adv"], bce(model.discriminator(drawn, y), torch.ones(6)))
    model.fake_pair = lambda x, y: (x, y)
    assert in_move(model.g_loss, x, y)["mean"] == 0


def chorales(tmp_path):
    write_chorales(tmp_path)
    return Chorales(str(tmp_path), batch_size=36)


def small(**options):
    torch.manual_seed(0)
    return MidiNet(MidiNetGenerator(hidden=16, width=8), MidiNetDiscriminator(width=6, hidden=16), **options)


def test_a_batch_is_a_step_of_the_discriminator_and_two_of_the_generator(tmp_path):
    model, steps = small(), []
    look = Each(
        lambda run, _: steps.append([{int(s["step"]) for s in o.state.values()} for o in run.optimizers]),
    )
    fit(tmp_path, model, chorales(tmp_path), 3, look)
    assert steps[-1] == [{3}, {6}]
    assert model.trainer.global_step == 3
    assert [player.name for player in model.players()] == ["d", "g2", "g"]
    assert [player.name for player in small(g_steps=1).players()] == ["d", "g"]
    with pytest.raises(GanzooError, match=r"^model\.g_steps: must be at least 1"):
        small(g_steps=0)
    with pytest.raises(GanzooError, match=r"^model\.discriminator: it has no maps to match"):
        MidiNet(small().generator, MLPDiscriminator([1, 16, 128], (4,)))


def test_batches_of_one_bar_are_refused_where_batchnorm_has_vectors(tmp_path):
    write_chorales(tmp_path)
    for size, parts, message in ((1, 1, "1 given"), (3, 2, "3 in 2 parts given")):
        with pytest.raises(GanzooError, match=rf"^data\.batch_size: {message}, but model\.generator has BatchNorm"):
            small(accumulate=parts).fits(Chorales(str(tmp_path), batch_size=size))
    small(accumulate=2).fits(Chorales(str(tmp_path), batch_size=4))


def test_samples_are_bars_of_one_note_at_a_time_and_training_is_not(tmp_path):
    model, data = small(), chorales(tmp_path)
    fit(tmp_path, model, data, 2)
    bars = model.eval().sample(70, seed=0)
    assert bars.shape == (70, 1, 16, 128)
    assert set(bars.unique().tolist()) == {-1, 1}
    assert (bars > 0).sum(-1).eq(1).all()
    assert model.train().fake(4, model.conditions(4)).unique().numel() > 1000
    # without conditions, they are the reference's first
    chords, before = model.conditions(24)
    torch.testing.assert_close(chords, data.split("test")[1][0][:24])
    assert (before[0] == -1).all()


def test_pieces_go_on_from_their_own_last_bar_under_their_chords():
    model = midinet().eval()
    with torch.no_grad():
        for parameter in model.generator.parameters():
            parameter.mul_(4)  # so that small networks decide
    chords = chord_vectors(torch.arange(24)).unflatten(0, (3, 8))
    pieces = model.compose(chords, seed=1)
    assert pieces.shape == (3, 1, 128, 24)
    assert (pieces > 0).sum(-1).eq(1).all()
    torch.testing.assert_close(model.compose(chords[:2], seed=1), pieces[:2])
    # each bar is what `sample` draws under its chord and the bar before
    points = model.space.draw(24, 1).unflatten(0, (3, 8))
    for bar in (0, 1, 5):
        before = pieces[:, :, 16 * (bar - 1) : 16 * bar] if bar else -torch.ones(3, 1, 16, 24)
        drawn = model.render(points[:, bar], (chords[:, bar], before))
        torch.testing.assert_close(drawn, pieces[:, :, 16 * bar : 16 * (bar + 1)])


def test_a_primer_and_the_chords_change_what_follows():
    model, primer = midinet().eval(), bars_under(1)[0]
    with torch.no_grad():
        for parameter in model.generator.parameters():
            parameter.mul_(4)
    chords = chord_vectors(torch.zeros(8, 2, dtype=torch.long))
    silent, primed = model.compose(chords, seed=0), model.compose(chords, primer, seed=0)
    assert not torch.equal(silent[:, :, :16], primed[:, :, :16])
    other = chord_vectors(torch.full((8, 2), 19))
    assert not torch.equal(silent, model.compose(other, seed=0))


def test_a_run_goes_on_exactly_as_if_it_had_not_stopped(tmp_path):
    whole, first, second = small(), small(), small()
    fit(tmp_path / "whole", whole, chorales(tmp_path), 6)
    fit(tmp_path / "half", first, chorales(tmp_path), 3).save_checkpoint(tmp_path / "half.ckpt")
    rest = trainer(tmp_path / "rest", max_steps=6)
    rest.fit(second, chorales(tmp_path), ckpt_path=tmp_path / "half.ckpt")
    assert rest.global_step == 6
    assert alike(second.state_dict(), whole.state_dict())
