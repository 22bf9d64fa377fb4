"""Files that samples are saved as, by their kind and the file's suffix."""

import numpy as np
import pytest
import torch
from PIL import Image
from readers import read_midi, read_obj

from ganzoo.common.errors import GanzooError
from ganzoo.common.kinds import IMAGES, MUSIC, POINTS, VIDEO, VOXELS
from ganzoo.drawing.films import film_strips
from ganzoo.drawing.looks import images_of, picture
from ganzoo.drawing.save import is_picture, require_format, write_rows, write_samples

CLIPS = torch.rand(3, 3, 12, 16, 16) * 2 - 1
SOLIDS = torch.randn(3, 1, 4, 4, 4)
ROLLS = torch.randn(3, 1, 16, 24)
POINTS_IN_A_PLANE = torch.randn(5, 2)


def test_strips_show_first_and_last_frames():
    strip = film_strips(CLIPS)
    assert strip.shape == (3, 3, 64 + 4, 8 * (64 + 2) + 2)
    assert torch.equal(strip[:, :, 2:66:4, 2:66:4], CLIPS[:, :, 0])
    assert torch.equal(strip[:, :, 2:66:4, -66:-2:4], CLIPS[:, :, -1])


def test_clips_that_go_by_play_on():
    frames = images_of(CLIPS[:, :, :2], VIDEO, "passing")
    assert torch.equal(frames[:, :, ::4, ::4], torch.stack([CLIPS[0, :, 0], CLIPS[1, :, 1], CLIPS[2, :, 0]]))


def test_clips_play_side_by_side(tmp_path):
    write_samples(CLIPS, tmp_path / "all.gif", kind=VIDEO)
    with Image.open(tmp_path / "all.gif") as movie:
        assert (movie.n_frames, movie.size) == (12, (2 * 64 + 2, 2 * 64 + 2))
        movie.seek(11)
        frame = np.asarray(movie.convert("RGB"))
    expected = ((CLIPS[1, :, -1] + 1) * 127.5).permute(1, 2, 0).numpy()
    assert np.abs(frame[:64:4, 66::4] - expected).mean() < 12  # of 256 colours in a palette


def test_a_movie_can_be_mp4(tmp_path):
    imageio = pytest.importorskip("imageio_ffmpeg")
    write_samples(CLIPS, tmp_path / "all.mp4", kind=VIDEO)
    assert imageio.count_frames_and_secs(str(tmp_path / "all.mp4"))[0] == 12


@pytest.mark.parametrize(
    ("samples", "kind", "suffixes"),
    [
        (CLIPS, VIDEO, [".gif"]),
        (SOLIDS, VOXELS, [".obj", ".png"]),
        (ROLLS, MUSIC, [".mid"]),
        (CLIPS[:, :, 0], IMAGES, [".png"]),
    ],
)
def test_a_folder_holds_a_file_each(tmp_path, samples, kind, suffixes):
    write_samples(samples, tmp_path / "out", names=[3, 5, 12345], kind=kind)
    names = {f"{number}{suffix}" for number in ("00003", "00005", "12345") for suffix in suffixes}
    assert {path.name for path in (tmp_path / "out").iterdir()} == names


def test_each_file_of_a_folder_holds_its_own_sample(tmp_path):
    write_samples(ROLLS, tmp_path / "rolls", kind=MUSIC)
    write_samples(SOLIDS, tmp_path / "solids", kind=VOXELS)
    starts = {(note.number - 48, note.start // 120) for note in read_midi(tmp_path / "rolls" / "0001.mid")[1]}
    assert starts <= {(p, t) for t, p in (ROLLS[1, 0] > 0).nonzero().tolist()}
    assert len(starts) > 50
    assert len(read_obj(tmp_path / "solids" / "0002.obj")[1]) == 1


def test_arrays_hold_pixels_as_bytes_and_the_rest_as_it_is(tmp_path):
    for samples, kind in ((CLIPS, VIDEO), (SOLIDS, VOXELS), (ROLLS, MUSIC), (POINTS_IN_A_PLANE, POINTS)):
        write_samples(samples, tmp_path / "x.npz", kind=kind)
        array = np.load(tmp_path / "x.npz")["samples"]
        if kind is VIDEO:
            assert (array.dtype, array.shape) == (np.uint8, (3, 12, 16, 16, 3))
            assert np.abs(array / 127.5 - 1 - CLIPS.movedim(1, -1).numpy()).max() < 0.005
        else:
            assert np.array_equal(array, samples.numpy())


def test_kinds_have_a_picture_and_rows(tmp_path):
    for samples, kind in ((CLIPS, VIDEO), (SOLIDS, VOXELS), (ROLLS, MUSIC)):
        drawn = picture(samples, kind=kind)
        write_samples(samples, tmp_path / "x.png", kind=kind)
        assert np.array_equal(np.asarray(Image.open(tmp_path / "x.png")), np.asarray(drawn))
        assert images_of(samples, kind).shape[0] == 3
        write_rows([samples, samples], ["one", "two"], tmp_path / "rows.png", kind=kind)
        assert Image.open(tmp_path / "rows.png").height > 2 * images_of(samples, kind).shape[2]
    with pytest.raises(GanzooError, match="this is for images"):
        images_of(POINTS_IN_A_PLANE)


def test_formats_of_other_kinds_are_refused_before_anything_is_drawn(tmp_path):
    require_format(tmp_path / "x.MID", MUSIC)
    require_format(tmp_path, MUSIC)
    require_format(tmp_path / "x.wav", None)
    with pytest.raises(GanzooError, match=r"^-o: cannot write video to '.*x.wav'; use .* \.png, \.npz, \.gif, \.mp4"):
        require_format(tmp_path / "x.wav", VIDEO)
    assert is_picture(tmp_path / "x.gif", IMAGES)
    assert not is_picture(tmp_path / "x.gif", VIDEO)
    with pytest.raises(GanzooError, match="points are no pictures of their own"):
        write_samples(POINTS_IN_A_PLANE, tmp_path / "folder")
