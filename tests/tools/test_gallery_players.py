"""Players on the page of checkpoints: clips, turning solids and music."""

import base64
import re
import shutil
import wave
from io import BytesIO

import pytest
import torch
from clips import video_prediction
from PIL import Image
from streams import vgan
from tunes import midinet
from voxels import three_d_gan

from ganzoo.common import registry
from ganzoo.common.kinds import MUSIC
from ganzoo.models.gan import VanillaGAN
from ganzoo.networks.mlp import MLPDiscriminator, MLPGenerator
from ganzoo.tools.gallery import page, players
from ganzoo.tools.gallery.players import BARS, CLIPS, player_of


def frames(content):
    with Image.open(BytesIO(content)) as movie:
        shown = []
        for number in range(movie.n_frames):
            movie.seek(number)
            shown.append(movie.convert("RGB").copy())
    return shown


def seconds(content):
    with wave.open(BytesIO(content)) as sound:
        return sound.getnframes() / sound.getframerate()


def test_clips_play_with_their_masks_below_them():
    model = vgan().eval()
    player = player_of(model)
    clip = model.sample(1, seed=0)
    shown = frames(player.content)
    assert 1 < len(shown) <= clip.shape[2]  # equal frames are one in a GIF
    tall, wide = 2, 1  # a clip and its mask
    ratio = clip.shape[3] * tall / (clip.shape[4] * wide)
    columns = next(n for n in range(1, CLIPS + 1) if n >= (CLIPS * ratio) ** 0.5)
    rows = -(-CLIPS // columns)
    assert shown[0].height / shown[0].width == pytest.approx(rows * ratio / columns, rel=0.1)
    assert (player.kind, player.sounds, "mask" in player.caption) == ("image/gif", False, True)


def test_solids_turn():
    player = player_of(three_d_gan().eval())
    assert (player.kind, player.caption) == ("image/gif", "6 solids")
    assert len({picture.tobytes() for picture in frames(player.content)}) > 12


def test_music_is_heard_bar_after_bar():
    player = player_of(midinet().eval())
    assert player.sounds
    assert seconds(player.content) == pytest.approx(BARS * 2 + 0.5, abs=0.01)  # 120 beats a minute, and a fading note
    torch.manual_seed(0)
    shape = [1, 16, 24]
    plain = VanillaGAN(MLPGenerator(shape, 4, [8]), MLPDiscriminator(shape, [8]))
    assert player_of(plain.eval()) is None  # by its shape an image
    plain.data_kind = MUSIC
    assert player_of(plain).caption == "8 samples, one after another"
    assert seconds(player_of(plain).content) > seconds(player.content)


def test_every_kind_has_a_command_of_its_own():
    uses = {"video": vgan(), "voxels": three_d_gan(), "pieces": midinet(), "frames": video_prediction()}
    for use, model in uses.items():
        assert page.use_of(model) == use
    assert player_of(video_prediction()) is None  # which would need clips to go on from
    commands = page.commands_for("", registry.CHECKPOINTS / "vae-mnist", "pieces")
    assert commands == ["ganzoo sample vae-mnist --bars 8 -o pieces.wav"]


@pytest.mark.parametrize("content", ["sound", "movie"])
def test_a_player_is_in_the_page(content, tmp_path, monkeypatch):
    own = shutil.copytree(registry.CHECKPOINTS / "vae-mnist", tmp_path / "mine")
    with BytesIO() as file:
        Image.new("L", (8, 6)).save(file, "GIF")
        movie = file.getvalue()
    made = {
        "sound": players.Player(b"RIFF, or not", "audio/wav", "a piece"),
        "movie": players.Player(movie, "image/gif", "6 clips"),
    }[content]
    monkeypatch.setattr(page, "player_of", lambda model: made)
    text = page.write_gallery(tmp_path / "page.html", [str(own)]).read_text()
    address = f"data:{made.kind};base64,{base64.b64encode(made.content).decode()}"
    element = re.search(rf'<(\w+)[^>]* src="{re.escape(address)}"[^>]*>', text)
    assert element[1] == {"sound": "audio", "movie": "img"}[content]
    assert ("controls" in element[0]) == made.sounds
    assert f"mine: {made.caption}" in element[0]
    assert f"<figcaption>{made.caption}</figcaption>" in text
    assert "media-src data:" in re.search(r"Content-Security-Policy[^>]*", text)[0]
