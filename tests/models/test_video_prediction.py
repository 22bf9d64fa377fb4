"""Video prediction: losses by hand over all scales, who is moved, frames that are rolled on, and exact resuming."""

import copy
import signal

import pytest
import torch
from clips import WIDTHS, Squares, next_squares, predictor, video_prediction
from moves import in_move
from tape import taped
from tiny import Each, fit, trainer
from torch.nn.functional import avg_pool2d, binary_cross_entropy_with_logits, mse_loss

from ganzoo.common.errors import GanzooError
from ganzoo.games.capabilities import PredictsFrames
from ganzoo.games.schedules import Schedule
from ganzoo.losses.frames import gradient_difference
from ganzoo.models.video_prediction import VideoPrediction
from ganzoo.networks.video_prediction import MultiScaleDiscriminator
from ganzoo.stabilisers import ADA
from ganzoo.training.callbacks.keep import Last


def batch(n=3):
    torch.manual_seed(1)
    return torch.rand(n, 4, 16, 16) * 2 - 1, torch.rand(n, 1, 16, 16) * 2 - 1


def test_defaults_are_the_papers():
    model = VideoPrediction(predictor(), torch.nn.Identity())
    assert (model.p, model.lp_weight, model.gdl_weight, model.alpha, model.adv_weight) == (2, 1, 1, 1, 0.05)
    rates = {
        player.name: player.optim([torch.nn.Parameter(torch.zeros(1))]).defaults["lr"] for player in model.players()
    }
    assert rates == {"d": 0.02, "g": 0.04}
    optimizers = {type(player.optim([torch.nn.Parameter(torch.zeros(1))])) for player in model.players()}
    assert optimizers == {torch.optim.SGD}


def test_the_predictor_descends_three_terms_over_all_scales():
    model, (x, y) = video_prediction(), batch()
    terms = in_move(model.g_loss, x, y)
    coarse, fine = model.generator.predictions(x)
    pairs = [(coarse, avg_pool2d(y, 2)), (fine, y)]
    torch.testing.assert_close(terms["lp"], sum(mse_loss(*pair) for pair in pairs))
    torch.testing.assert_close(terms["gdl"], sum(gradient_difference(*pair) for pair in pairs))
    logits = model.discriminator(fine, x, coarse)
    entropies = [binary_cross_entropy_with_logits(one, torch.ones(3)) for one in logits.unbind(1)]
    torch.testing.assert_close(terms["adv"], 0.05 * sum(entropies))
    assert terms.keys() == {"lp", "gdl", "adv"}


def test_the_discriminators_descend_their_cross_entropies():
    model, (x, y) = video_prediction(), batch()
    coarse, fine = model.generator.predictions(x)
    real, fake = model.discriminator(y, x, avg_pool2d(y, 2)), model.discriminator(fine, x, coarse)
    wanted = sum(
        binary_cross_entropy_with_logits(one, torch.full((3,), float(label)))
        for logits, label in ((real, 1), (fake, 0))
        for one in logits.unbind(1)
    )
    torch.testing.assert_close(in_move(model.d_loss, x, y)["adv"], wanted)


@pytest.mark.parametrize(
    ("options", "terms", "players"),
    [
        ({"gdl_weight": 0, "adv_weight": 0}, {"lp"}, ["g"]),
        ({"adv_weight": 0, "p": 1}, {"lp", "gdl"}, ["g"]),
        ({"lp_weight": 0, "gdl_weight": 0}, {"adv"}, ["d", "g"]),
    ],
)
def test_terms_of_no_weight_are_left_out(options, terms, players):
    model = video_prediction(**options)
    assert in_move(model.g_loss, *batch()).keys() == terms
    assert [player.name for player in model.players()] == players


def test_each_player_moves_its_own_networks_at_all_scales(tmp_path):
    model = video_prediction()
    before = copy.deepcopy(model.state_dict())
    run = fit(tmp_path, model, next_squares(), 2)
    assert run.global_step == 2
    assert model.images == 16
    assert [name for name, tensor in model.state_dict().items() if tensor.equal(before[name])] == []
    assert model.notes.means().keys() >= {"d/adv", "g/lp", "g/gdl", "g/adv"}


def test_what_moves_is_soon_predicted_better_than_by_the_last_frame(tmp_path):
    model = video_prediction(adv_weight=0, optimizer=torch.optim.Adam, g_lr=1e-2)
    fit(tmp_path, model, next_squares(), 90)
    x, y = next(iter(next_squares().loader("test")))
    assert mse_loss(model.translate(x), y) < 0.5 * mse_loss(x[:, -1:], y)


def test_frames_are_rolled_on_each_from_those_before_it():
    model, clips = video_prediction(), torch.rand(2, 1, 6, 16, 16) * 2 - 1
    assert isinstance(model, PredictsFrames)
    made = model.predict_frames(clips, 6)
    assert made.shape == clips.shape
    assert made.abs().max() <= 1
    assert made[:, :, 0].equal(model.translate(clips[:, 0, 2:]))
    joined = torch.cat([clips, made], 2)
    for time in range(1, 6):
        assert made[:, :, time].equal(model.translate(joined[:, 0, 2 + time : 6 + time]))
    assert model.predict_frames(clips[:, :, 2:], 1).equal(made[:, :, :1])
    for wrong in (clips[:, :, :3], clips[0], clips[:, 0]):
        with pytest.raises(GanzooError, match=r"clips \(N, C, T, H, W\) of at least 4 frames are wanted"):
            model.predict_frames(wrong)


def test_data_that_do_not_fit_are_one_line():
    video_prediction().fits(next_squares())
    video_prediction(patch=8).fits(next_squares(patch=8))
    for data, message in (
        (next_squares(frames=3), "model.generator: sources of shape 4xHxW are taken, the data gives 3x16x16"),
        (next_squares(patch=8), "model.discriminator.patch: 16 given, but training frames have 8x8 pixels"),
        (Squares(), "translates images, but Squares has no source"),
    ):
        with pytest.raises(GanzooError, match=message) as error:
            video_prediction().fits(data)
        assert "\n" not in str(error.value)
    with pytest.raises(GanzooError, match=r"adv_weight is 0.05, which needs one"):
        VideoPrediction(predictor())


def test_what_would_change_a_frame_alone_is_refused():
    for options in ({"augment": "color"}, {"stabilisers": [ADA()]}):
        with pytest.raises(GanzooError, match="would change a frame, but not those that it is judged with"):
            video_prediction(**options).fits(next_squares())


def test_an_interrupted_run_ends_in_the_very_same_weights(tmp_path):
    def run(folder, *callbacks, ckpt_path=None):
        game = video_prediction(patch=8, ema=0.9, lr_factor=Schedule([1, 0.1], [0, 0.5]))
        data = next_squares(patch=8, flip=True)
        trainer(folder, *callbacks, Last(), max_steps=5).fit(game, data, ckpt_path=ckpt_path)
        return torch.load(folder / "last.ckpt", weights_only=True)

    def interrupt(trainer, model):
        if model.batches == 2:
            signal.raise_signal(signal.SIGINT)

    whole, part = run(tmp_path / "whole"), run(tmp_path / "part", Each(interrupt))
    assert part["global_step"] == 2
    rest = run(tmp_path / "rest", ckpt_path=tmp_path / "part" / "last.ckpt")
    assert rest["global_step"] == whole["global_step"] == 5
    for key, tensor in whole["state_dict"].items():
        assert tensor.equal(rest["state_dict"][key]), key


def test_replayed_moves_train_as_eager_ones(tmp_path, monkeypatch):
    eager = video_prediction()
    fit(tmp_path, eager, next_squares(), 8)
    tape = taped(monkeypatch)
    recorded = video_prediction(capture=True)
    fit(tmp_path, recorded, next_squares(), 8)
    assert (tape.recorded, tape.replayed > 2) == (2, True)
    for name, value in eager.state_dict().items():
        torch.testing.assert_close(recorded.state_dict()[name], value, rtol=0, atol=0, msg=name)


def test_a_discriminator_of_other_scales_is_refused():
    judge = MultiScaleDiscriminator(1, 4, 16, WIDTHS[:1], ((3,),), ((8,),))
    with pytest.raises(GanzooError, match=r"model.discriminator: it judges 1 scales, but the generator predicts 2"):
        VideoPrediction(predictor(), judge)
