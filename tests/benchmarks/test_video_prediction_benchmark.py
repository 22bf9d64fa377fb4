"""The benchmark of video prediction: frames that are rolled on, and the tables and the figure that it writes."""

import json
from types import SimpleNamespace

import pytest
import torch
import yaml
from benchmark import load_benchmark
from cells import table as cells
from clips import Squares, video_prediction
from PIL import Image

benchmark = load_benchmark("video_prediction")
DATA = {"class_path": "ganzoo.data.NextFrame", "init_args": {"clips": {"class_path": "clips.Squares"}, "frames": 4}}


def loaded(name):
    model = video_prediction(gdl_weight=0.0, adv_weight=0).eval()
    model.recipe = yaml.safe_dump({"data": DATA})
    model.origin = SimpleNamespace(own=True, name=name, sha256=name * 3)
    return model


class Shifter:
    """Knows how squares move."""

    frames = 4

    def predict_frames(self, clips, count=1):
        return torch.stack([clips[:, :, -1].roll(2 * (k + 1), -1) for k in range(count)], 2)


def test_frames_are_scored_one_by_one_where_something_moves():
    clips = Squares().load("test")[0].float() / 127.5 - 1
    earlier, later = clips[:, :, :4], clips[:, :, 4:]
    made, exact = benchmark.rolled_on(Shifter(), earlier, later)
    assert made.equal(later)
    assert exact["moving_psnr"] == [100, 100]
    _, copied = benchmark.rolled_on(benchmark.Copy(4), earlier, later)
    # eight columns change in two steps: of these the copy has four wrong, and a step later all
    wrong = torch.tensor([0.5, 1]) * (128 / 255) ** 2
    assert copied["moving_psnr"] == pytest.approx((-10 * wrong.log10()).tolist(), abs=1e-3)


def test_longer_clips_go_on_from_the_frames_that_a_model_is_shown():
    earlier, later = benchmark.longer_clips(loaded("x"), 2, 10)
    clips = Squares().load("test")[0][:10].float() / 127.5 - 1
    torch.testing.assert_close(torch.cat([earlier, later], 2), clips)
    assert (earlier.shape[2], later.shape[2]) == (4, 2)


def test_tables_and_figure_show_every_model_below_the_copied_frame(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(benchmark.ganzoo, "load", loaded)
    out = tmp_path / "prediction.json"
    benchmark.main(["L2=a", "L2+GDL=b", "--frames", "2", "--clips", "1", "--samples", "24", "--out", str(out)])
    next_frame, rolled = capsys.readouterr().out.split("\n\n")[:2]
    report = json.loads(out.read_text())
    assert [*report["scores"]] == [*report["rolled_on"]] == [benchmark.COPY, "L2", "L2+GDL"]
    assert report["models"] == {"L2": "aaa", "L2+GDL": "bbb"}
    shown = cells(next_frame)
    assert [*shown] == [benchmark.COPY, "L2", "L2+GDL"]
    assert float(shown[benchmark.COPY]["`moving_gain[test]`"]) == 0
    first = report["rolled_on"]["L2"]
    assert cells(rolled)["L2"]["frame 2"] == f"{first['moving_psnr'][1]:.2f} / {first['sharpness'][1]:.2f}"
    assert Image.open(out.with_suffix(".png")).height > 4 * 64
    with pytest.raises(SystemExit, match="LABEL=MODEL is wanted"):
        benchmark.main(["runs/mine"])
    monkeypatch.setattr(benchmark.ganzoo, "load", lambda name: object())
    with pytest.raises(SystemExit, match="predicts no frames"):
        benchmark.main(["x=y"])
