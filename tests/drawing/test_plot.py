import csv
import os
from pathlib import Path

import numpy as np
import pytest

from ganzoo.common.curves import read_metrics
from ganzoo.common.errors import GanzooError
from ganzoo.drawing.plot import plot_curves
from ganzoo.tools.plot import find_metrics, plot

COLUMNS = ["step", "d/adv", "d/gp", "g/adv", "d/acc_real", "d/acc_fake", "d/wasserstein", "time", "images", "lr/g"]
SCORES = ["fid[mnist,10k/test]", "swd[813/train]"]


def write_metrics(path: Path, rows: list[dict[str, object]], header: list[str] | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, header or list(dict.fromkeys(key for row in rows for key in row)))
        writer.writeheader()
        writer.writerows(rows)
    return path


def wgan_rows(steps: int = 300) -> list[dict[str, object]]:
    """Sparse rows as a training writes them: terms every ten steps, scores every hundred in rows of their own."""
    rng = np.random.default_rng(0)
    rows: list[dict[str, object]] = []
    for step in range(10, steps + 1, 10):
        noise = rng.normal(scale=0.1, size=4)
        terms = [-3 + noise[0], 0.3 + noise[1] ** 2, 5 + noise[2], 0.7, 0.8, 3 - noise[0], step * 0.1, step * 320, 2e-4]
        rows.append(dict(zip(COLUMNS, [step, *terms], strict=True)))
        if step % 100 == 0:
            rows.append({"step": step, SCORES[0]: 300 * 0.1 ** (step / 100), SCORES[1]: 40 - step / 10})
    return rows


def titles(figure) -> list[str]:
    return [ax.get_title(loc="left") for ax in figure.axes]


def test_writes_a_png_into_the_run_folder(tmp_path):
    metrics = write_metrics(tmp_path / "wgan" / "version_0" / "metrics.csv", wgan_rows())
    picture = plot(metrics.parent)
    assert picture == metrics.parent / "plot.png"
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert {path.name for path in metrics.parent.iterdir()} == {"metrics.csv", "plot.png"}


@pytest.mark.parametrize(("out", "start"), [("new/curves.svg", b"<?xml"), ("curves.PDF", b"%PDF")])
def test_out_chooses_place_and_kind(tmp_path, out, start):
    metrics = write_metrics(tmp_path / "metrics.csv", wgan_rows(50))
    assert plot(metrics, out=tmp_path / out).read_bytes().startswith(start)


def test_every_column_has_its_panel(tmp_path):
    figure = plot_curves(read_metrics(write_metrics(tmp_path / "metrics.csv", wgan_rows())), title="wgan · version_0")
    assert titles(figure) == [
        "adversarial losses",
        "share judged rightly by D",
        "Wasserstein estimate (d/wasserstein)",
        "d/gp",
        *SCORES,
    ]
    labels = [{text.get_text() for text in ax.texts} for ax in figure.axes]
    assert labels[0] == {"d/adv", "g/adv"}
    assert labels[1] == {"real", "fake"}
    assert labels[4:] == [{"0.3"}, {"10"}]
    assert [text.get_text() for text in figure.texts] == [
        "wgan · version_0",
        "300 generator steps  ·  96,000 real images seen  ·  30 s",
    ]
    assert figure.axes[4].get_yscale() == "log"
    assert figure.axes[5].get_yscale() == "linear"


def test_panels_are_only_for_what_was_logged(tmp_path):
    rows = [{"step": step, "d/adv": 0.7, "g/adv": 0.7, "lr/g": 1e-4, "d/wasserstein": ""} for step in (1, 2)]
    assert titles(plot_curves(read_metrics(write_metrics(tmp_path / "metrics.csv", rows)))) == ["adversarial losses"]


def test_two_pairs_of_players_keep_their_names(tmp_path):
    players = ["d_a", "d_b", "g_ab", "g_ba"]
    rows = [{"step": 1} | {f"{player}/adv": 0.5 for player in players} | {"g_ab/cycle": 1.0, "d_a/acc_real": 0.5}]
    figure = plot_curves(read_metrics(write_metrics(tmp_path / "metrics.csv", rows)))
    assert titles(figure) == ["adversarial losses", "share judged rightly by D", "g_ab/cycle"]
    texts = figure.axes[0].texts
    assert {text.get_text() for text in texts} == {f"{player}/adv" for player in players}
    heights = sorted(text.get_position()[1] for text in texts)
    assert min(np.diff(heights)) > 0.1, "labels of equal curves overlap"
    assert 0 <= heights[0] < heights[-1] <= 1


def test_a_resumed_run_keeps_the_last_value_of_a_step(tmp_path):
    rows = [
        {"step": 10, "d/adv": 1.0, "fid[mnist,10k/test]": 50.0},
        {"step": 20, "d/adv": 2.0},
        {"step": 30, "d/adv": 3.0},
        {"step": 20, "d/adv": 2.5},
        {"step": 10, "g/adv": 7.0},
    ]
    curves = read_metrics(write_metrics(tmp_path / "metrics.csv", rows))
    assert curves["d/adv"].steps.tolist() == [10, 20, 30]
    assert curves["d/adv"].values.tolist() == [1.0, 2.5, 3.0]
    assert curves["g/adv"].values.tolist() == [7.0]
    assert curves["fid[mnist,10k/test]"].values.tolist() == [50.0]


def test_what_is_not_a_number_is_left_out(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text("step,d/adv,g/adv\n1,0.5,nan\n2,inf,0.25\n,9,9\nstep,d/adv,g/adv\n3,0.75\n4")
    curves = read_metrics(path)
    assert curves["d/adv"].steps.tolist() == [1, 3]
    assert curves["g/adv"].steps.tolist() == [2]


def test_a_spike_neither_bends_the_mean_nor_flattens_the_panel(tmp_path):
    rows = [{"step": step, "d/adv": 1e6 if step == 150 else 1 + step % 2} for step in range(300)]
    ax = plot_curves(read_metrics(write_metrics(tmp_path / "metrics.csv", rows))).axes[0]
    raw, mean = (np.asarray(line.get_ydata()) for line in ax.lines[:2])
    assert raw.max() == 1e6
    assert 1 <= mean.min() <= mean.max() <= 2
    assert ax.get_ylim()[1] < 3


def test_a_recipe_name_finds_the_run_written_last(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for version, age in (("version_0", 0), ("version_1", 100)):
        path = write_metrics(Path("runs/wgan_gp_digits", version, "metrics.csv"), wgan_rows(20))
        os.utime(path, (1e9 - age, 1e9 - age))
    newest = Path("runs/wgan_gp_digits/version_0/metrics.csv")
    for name in ("wgan_gp_digits", "wgan-gp-digits", "runs/wgan_gp_digits"):
        assert find_metrics(name) == newest


def test_a_run_that_is_not_there_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(GanzooError, match=r"'wgan_gp_digit'.*holds none yet"):
        plot("wgan_gp_digit")
    write_metrics(Path("runs/wgan_gp_digits/version_0/metrics.csv"), wgan_rows(20))
    with pytest.raises(GanzooError, match=r"runs/ has wgan_gp_digits.*Did you mean 'wgan_gp_digits'"):
        plot("wgan_gp_digit")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no 'step' column"),
        (b"a,b\n1,2\n", "no 'step' column"),
        (b"\x89PNG\r\n\x00\xff", "no 'step' column"),
        (b"step,d/adv\n", "no values yet"),
        (b"step,time,lr/g\n1,0.5,2e-4\n", "no values yet"),
    ],
)
def test_a_file_without_metrics_is_refused(tmp_path, content, reason):
    path = tmp_path / "metrics.csv"
    path.write_bytes(content)
    with pytest.raises(GanzooError, match=reason) as caught:
        plot(path)
    assert "\n" not in str(caught.value)


def test_a_picture_that_cannot_be_written_is_refused(tmp_path):
    metrics = write_metrics(tmp_path / "metrics.csv", wgan_rows(20))
    with pytest.raises(GanzooError, match=r"end its name in \.png"):
        plot(metrics, out=tmp_path / "curves.docx")
    with pytest.raises(GanzooError, match="out: cannot write"):
        plot(metrics, out=metrics / "curves.png")
