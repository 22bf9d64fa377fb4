"""Piano rolls as pictures, MIDI files and sound."""

import wave

import numpy as np
import pytest
import torch
from readers import read_midi

from ganzoo.common.pitches import lowest_note
from ganzoo.drawing import music


def roll(*notes, tracks=1, steps=16, pitches=24):
    """A silent roll with notes (track, pitch, start, end)."""
    x = -torch.ones(tracks, steps, pitches)
    for track, pitch, start, end in notes:
        x[track, start:end, pitch] = 1
    return x


TUNE = [(0, 0, 0, 4), (0, 4, 4, 8), (0, 4, 9, 16), (0, 23, 0, 16)]


def test_a_midi_file_holds_the_notes_one_roll_after_another(tmp_path):
    rolls = torch.stack([roll(*TUNE, (1, 7, 2, 3), tracks=2), roll((0, 12, 0, 1), tracks=2)])
    music.save_midi(rolls, tmp_path / "two.mid")
    quarter, notes, length = read_midi(tmp_path / "two.mid")
    step = quarter // 4
    second = 16 + music.REST
    expected = {(track, 48 + pitch, start * step, end * step) for track, pitch, start, end in [*TUNE, (1, 7, 2, 3)]}
    expected |= {(0, 60, second * step, (second + 1) * step)}
    assert {*notes} == expected
    assert length == (2 * 16 + music.REST) * step


def test_random_rolls_come_back_from_midi(tmp_path):
    x = torch.randn(1, 3, 32, 128)
    music.save_midi(x, tmp_path / "noise.mid")
    quarter, notes, _ = read_midi(tmp_path / "noise.mid")
    back = -torch.ones_like(x)
    for channel, number, start, end in notes:
        back[0, channel, start * 4 // quarter : end * 4 // quarter, number] = 1
    assert torch.equal(back > 0, x > 0)


@pytest.mark.parametrize(
    ("number", "written"), [(0, "00"), (127, "7f"), (128, "8100"), (16383, "ff7f"), (1 << 21, "81808000")]
)
def test_lengths_are_written_as_the_standard_says(number, written):
    assert music.variable_length(number).hex() == written


def test_a_wav_file_is_as_long_as_the_music_and_sounds_at_its_pitch(tmp_path):
    music.save_sound(roll((0, 21, 0, 16))[None], tmp_path / "a.wav")  # A4
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, music.RATE)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    assert len(samples) == round((16 * 0.125 + music.RING) * music.RATE)
    spectrum = np.abs(np.fft.rfft(samples[: music.RATE]))  # of a second, so that bins are hertz
    assert spectrum.argmax() == 440
    assert np.abs(samples).max() == round(0.9 * 32767)
    assert np.abs(samples[-int(0.4 * music.RATE) :]).max() == 0


def test_silence_is_a_file_of_silence(tmp_path):
    music.save_sound(roll()[None], tmp_path / "none.wav")
    music.save_midi(roll()[None], tmp_path / "none.mid")
    assert read_midi(tmp_path / "none.mid")[1] == []
    assert not music.sound(roll()[None]).any()


@pytest.mark.parametrize(("pitches", "lowest"), [(128, 0), (88, 21), (24, 48), (48, 36), (12, 48), (84, 24)])
def test_rolls_hold_middle_c(pitches, lowest):
    assert lowest_note(pitches) == lowest
    assert lowest <= 60 <= lowest + pitches


def test_a_picture_has_pitch_up_and_time_to_the_right():
    low, high, late = music.roll_pictures(torch.stack([roll((0, 0, 0, 8)), roll((0, 23, 0, 8)), roll((0, 0, 8, 16))]))
    places = [(image[2] - image[0] > 0.5).nonzero().float().mean(0) for image in (low, high, late)]
    assert places[1][0] < places[0][0]
    assert places[0][1] < places[2][1]
    assert places[0][0] == places[2][0]
    quiet, loud = (music.roll_pictures(level * roll(*TUNE).clamp_min(0)[None]).mean() for level in (0.3, 1.0))
    assert loud < quiet


def test_of_all_pitches_the_octaves_that_sound_are_drawn():
    x = -torch.ones(2, 1, 16, 128)
    x[0, 0, 3, 60] = x[1, 0, 5, 83] = 1
    drawn = music.octaves_in_use(x)
    assert torch.equal(drawn, music.roll_pictures(x[..., 60:84], 60))
    assert drawn.shape[2] < music.roll_pictures(x).shape[2]
    for whole in (-torch.ones(1, 1, 16, 128), x[..., :88]):
        assert torch.equal(music.octaves_in_use(whole), music.roll_pictures(whole))


def test_tracks_have_colours_of_their_own():
    one, other = music.roll_pictures(torch.stack([roll((i, 4, 4, 12), tracks=2) for i in (0, 1)]))
    assert (one[2] - one[0]).max() > 1
    assert (other[0] - other[2]).max() > 1
