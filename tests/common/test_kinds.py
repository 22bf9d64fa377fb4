"""Kinds of sample: what data and models say of theirs, and that every room has a row for each."""

import published
import pytest
import tiny
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from ganzoo import load
from ganzoo.checkpoints import build, card
from ganzoo.common.data_spec import DataSpec
from ganzoo.common.errors import GanzooError
from ganzoo.common.kinds import IMAGES, KINDS, MUSIC, POINTS, VIDEO, VOXELS, default_kind, kind_named, kind_of
from ganzoo.data import DataModule
from ganzoo.data.loader import BatchLoader
from ganzoo.drawing import looks, save
from ganzoo.games.game import Game
from ganzoo.metrics import selection


class Clips(DataModule):
    """Four clips of two frames of 1 x 3 pixels, numbered."""

    title = "clips"
    shape = (1, 2, 1, 3)
    kind = VIDEO

    def load(self, split):
        return torch.arange(24, dtype=torch.uint8).reshape(4, *self.shape), None


class Unsaid(Clips):
    kind = DataModule.kind


class Bars(Clips):
    kind = MUSIC
    shape = (1, 2, 3)


def test_data_says_its_kind_or_its_shape_does():
    assert tiny.points().kind is POINTS
    assert tiny.digits().kind is IMAGES
    assert Clips().kind is VIDEO
    with pytest.raises(GanzooError, match="must say their `kind`: one of images, points, video, voxels, music"):
        _ = Unsaid().kind
    assert kind_of(object()) is None
    assert default_kind((3, 8, 8)) is IMAGES


def test_mirrors_turn_all_frames_of_a_clip_alike_and_leave_music_alone():
    clips = torch.arange(24, dtype=torch.float32).reshape(4, 1, 2, 1, 3)
    (served, _), *_ = BatchLoader(clips, batch_size=4, flip=True)
    turned = [bool(clip.equal(whole.flip(-1))) for clip, whole in zip(served, clips, strict=True)]
    assert {True, False} == {*turned}
    assert all(clip.equal(whole.flip(-1) if t else whole) for clip, whole, t in zip(served, clips, turned, strict=True))
    Clips(flip=True).split("train")
    with pytest.raises(GanzooError, match=r"^data\.flip: music are not mirrored"):
        Bars(flip=True).split("train")


def test_whole_numbers_are_served_in_minus_one_to_one_whatever_their_axes():
    x, _ = next(iter(Clips(batch_size=4).val_dataloader()))
    assert x.shape == (4, 1, 2, 1, 3)
    assert (float(x.min()), float(x[-1].max())) == (-1, pytest.approx(23 / 127.5 - 1))


def test_a_model_has_the_kind_of_its_data_or_that_of_its_networks():
    assert tiny.mlp().kind is POINTS
    assert tiny.conv().kind is IMAGES
    by_hand = tiny.conv()
    by_hand.generator.kind = MUSIC
    assert by_hand.kind is MUSIC
    with pytest.raises(GanzooError, match=r"^model\.generator: it is made for music, but the data are images"):
        by_hand.fits(tiny.digits())
    by_hand.data_kind = IMAGES
    assert by_hand.kind is IMAGES


def test_checkpoints_keep_the_kind(tmp_path):
    model = tiny.conv()
    trainer = tiny.fit(tmp_path, model, tiny.digits(), 1)
    assert model.data_kind is IMAGES
    trainer.save_checkpoint(tmp_path / "one.ckpt")
    state = torch.load(tmp_path / "one.ckpt", weights_only=True)
    assert state["game"]["kind"] == "images"
    state["game"]["kind"] = "music"
    model.on_load_checkpoint(state)
    assert model.kind is MUSIC
    del state["game"]["kind"]  # as an older ganzoo wrote it
    fresh = tiny.conv()
    fresh.on_load_checkpoint(state)
    assert fresh.kind is IMAGES


def test_models_that_were_published_before_have_the_kind_of_their_shape():
    assert {load(name).kind for name in ("dcgan-mnist", "acgan-mnist", "srgan-faces")} == {IMAGES}


@pytest.mark.parametrize("name", ["smells", 3, ["images"]])
def test_unknown_kinds_of_a_checkpoint_are_refused(name):
    with pytest.raises(GanzooError, match="knows images, points, video, voxels, music"):
        kind_named(name)


@pytest.mark.parametrize(
    ("kind", "shape", "arguments"),
    [
        (VIDEO, (3, 8, 16, 16), {"channels": 3, "out_channels": 3, "size": 16}),
        (VOXELS, (1, 16, 16, 16), {"channels": 1, "out_channels": 1, "size": 16}),
        (VOXELS, (1, 16, 16, 8), {"channels": 1, "out_channels": 1}),
        (MUSIC, (2, 16, 16), {"channels": 2, "out_channels": 2}),
        (POINTS, (2,), {}),
        (None, (3, 8, 8), {"channels": 3, "out_channels": 3, "size": 8}),
        (None, (3, 4, 8, 8), {}),
    ],
)
def test_networks_take_their_arguments_by_the_letters_of_the_axes(kind, shape, arguments):
    spec = DataSpec(shape, kind=kind)
    assert spec.arguments() == {"shape": [*shape]} | arguments
    wider = (shape[0] + 2, *shape[1:]) if "channels" in arguments else shape
    assert spec.extended(2).shape == wider


def test_published_weights_keep_the_kind_and_strangers_kinds_are_refused(tmp_path):
    model = build.build_model(published.RECIPE, tmp_path / "recipe.yaml")
    model.data_kind = MUSIC  # of whose rolls it may just as well be
    published.publish(model, tmp_path)
    assert load(tmp_path).kind is MUSIC
    file = tmp_path / "model.safetensors"
    with safe_open(file, "pt") as handle:
        weights, header = {name: handle.get_tensor(name) for name in handle.keys()}, handle.metadata()  # noqa: SIM118
    (tmp_path / "README.md").unlink()  # which has the hash of the weights
    save_file(weights, file, header | {"kind": "smells"})
    with pytest.raises(GanzooError, match="the checkpoint makes 'smells'"):
        load(tmp_path)
    save_file(weights, file, {name: value for name, value in header.items() if name != "kind"})
    assert load(tmp_path).kind is IMAGES


def test_a_network_without_a_shape_has_no_kind():
    class Plain(tiny.VanillaGAN):
        pass

    model: Game = Plain(nn.Linear(4, 2), nn.Linear(2, 1))
    assert model.kind is None
    assert KINDS["voxels"] is VOXELS


@pytest.mark.parametrize(
    "table",
    [looks.PICTURES, save.SAVERS, card.WORDS, selection.DEFAULTS],
    ids=["drawing.looks", "drawing.save", "checkpoints.card", "metrics.selection"],
)
def test_every_room_has_a_row_for_each_kind(table):
    assert {*table} == {*KINDS}


def test_a_kind_that_is_drawn_alone_is_saved_alone():
    for name in KINDS:
        assert (looks.PICTURES[name].each is None) == (save.SAVERS[name].alone is None)
