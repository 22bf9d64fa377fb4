"""Loggers beside the CSV file: numbers at generator updates, pictures, and the recipe, read back from their files."""

import json
import struct
import sys
from io import BytesIO

import numpy as np
import pytest
import wandb
import yaml
from commands import DIGITS, ganzoo
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from wandb.proto.wandb_internal_pb2 import Record

from ganzoo.common.curves import read_metrics

BLOCK = 2**15
PICTURES = ("samples", "walks")


def records(file):
    """Reads a run of wandb: a header of 7 bytes, then protobufs in LevelDB's log format, cut at blocks' ends."""
    content, place, parts = file.read_bytes(), 7, b""
    while place + 7 <= len(content):
        length, kind = struct.unpack_from("<HB", content, place + 4)
        parts += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # whole, or the last part
            yield Record.FromString(parts)
            parts = b""
        if BLOCK - place % BLOCK < 7:  # too little for a header
            place += BLOCK - place % BLOCK


def said(items):
    """Reads wandb's keys and values."""
    return {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of 6 generator updates with both loggers, and of 4 more after a resume."""
    home = tmp_path_factory.mktemp("logged")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"MODE": "offline", "SILENT": "true", "CONSOLE": "off", "CONFIG_DIR": home / "c"}.items():
            patch.setenv(f"WANDB_{name}", str(value))
        both = [*DIGITS, "--runs", home, "--logger", "wandb", "tensorboard", "--grid.every", 3, "--grid.walks", 2]
        for words in (["--trainer.max_steps", 6], ["--trainer.max_steps", 10, "--ckpt_path", "last"]):
            done = ganzoo("fit", *both, *words)
            assert done.status == 0, done.err
    return home / "wgan_gp_digits" / "version_0"


@pytest.fixture(scope="module")
def parts(run):
    """What wandb kept of either part of the run: its id, its configuration, and the rows that it logged."""
    found = []
    for file in sorted(run.glob("wandb/offline-run-*/*.wandb")):
        kept = list(records(file))
        config = {}
        for record in kept:
            config |= said(record.run.config.update) | said(record.config.update)
        (run_id,) = {record.run.run_id for record in kept if record.HasField("run")}
        rows = [said(record.history.item) for record in kept if record.HasField("history")]
        found.append((file.parent, run_id, config, rows))
    return found


def test_numbers_are_in_every_logger_at_generator_updates(run, parts):
    of_file = {name: dict(zip(*curve, strict=True)) for name, curve in read_metrics(run / "metrics.csv").items()}
    assert list(of_file["d/adv"]) == [2, 4, 6, 8, 10]
    events = EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    rows = [row for *_, part in parts for row in part]
    for name in ("d/adv", "d/gp", "g/adv", "images", "swd[60/test]"):
        board = {event.step: event.value for event in events.Scalars(name)}
        wandb = {row["trainer/global_step"]: row[name] for row in rows if name in row}
        assert board == pytest.approx(of_file[name], rel=1e-5)
        assert wandb == pytest.approx(of_file[name], rel=1e-5)


def test_pictures_are_in_the_run_folder_and_in_every_logger_that_takes_some(run, parts):
    events = EventAccumulator(str(run / "tensorboard"), size_guidance={"images": 0})
    events.Reload()
    for name in PICTURES:
        drawn = {int(path.stem[5:]): np.asarray(Image.open(path)) for path in (run / name).glob("step_*.png")}
        assert sorted(drawn) == [0, 3, 6, 9, 10]
        board = {event.step: decoded(event.encoded_image_string) for event in events.Images(name)}
        wandb = {}
        for folder, *_, rows in parts:
            for row in rows:
                if f"{name}/filenames" in row:
                    (file,) = row[f"{name}/filenames"]
                    wandb[row["trainer/global_step"]] = decoded((folder / "files" / file).read_bytes())
        for others in (board, wandb):
            assert sorted(others) == sorted(drawn)
            for step, pixels in drawn.items():
                np.testing.assert_array_equal(others[step], pixels)
        first, last = drawn[0], drawn[10]
        assert (first != last).any()


def decoded(content):
    """Reads a grey PNG, which TensorBoard's writer gives three equal channels."""
    return np.asarray(Image.open(BytesIO(content)).convert("L"))


def test_a_walk_leads_from_sample_to_sample(run):
    grid, walks = (np.asarray(Image.open(run / name / "step_0000010.png")) for name in PICTURES)
    tile = 66  # 8 pixels, 8 times as large, and a gap
    assert walks.shape == (2 * tile - 2, 12 * tile - 2)
    samples = [grid[:64, i * tile :][:, :64] for i in range(3)]
    for i in range(2):
        row = walks[i * tile :][:64]
        for place, sample in ((0, samples[i]), (11, samples[i + 1])):
            assert np.abs(row[:, place * tile :][:, :64].astype(int) - sample).max() <= 1


def test_the_configuration_is_the_resolved_recipe(run, parts):
    recipe = yaml.safe_load((run / "recipe.yaml").read_text())
    for *_, config, _ in parts:
        assert {name: config[name] for name in recipe} == recipe | {"trainer": config["trainer"]}
        assert config["trainer"] | {"max_steps": 10} == recipe["trainer"]
    assert (parts[0][2]["model"]["init_args"]["n_critic"], parts[0][2]["trainer"]["max_steps"]) == (2, 6)
    assert yaml.safe_load((run / "tensorboard" / "hparams.yaml").read_text())["model"] == recipe["model"]


def test_a_resumed_run_is_the_same_run(parts):
    assert len(parts) == 2
    assert len({run_id for _, run_id, *_ in parts}) == 1


def test_nothing_but_the_csv_file_is_written_unasked(digits_run):
    assert (digits_run.folder / "metrics.csv").is_file()
    assert not (digits_run.folder / "tensorboard").exists()
    assert not (digits_run.folder / "wandb").exists()


@pytest.mark.parametrize("name", ["wandb", "tensorboard"])
def test_a_missing_package_is_told(name, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, name, None)
    error = ganzoo("fit", *DIGITS, "--runs", tmp_path, "--logger", name).error
    assert error == f"logger: {name} is not installed: pip install {name}."


def test_what_wandb_refuses_is_told_in_a_line(monkeypatch, tmp_path):
    for name, value in {"WANDB_CONFIG_DIR": tmp_path / "c", "HOME": tmp_path, "WANDB_MODE": "online"}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    wandb.teardown()  # it keeps its settings for a process's life
    said = ganzoo("fit", *DIGITS, "--runs", tmp_path / "runs", "--logger", "wandb", "--trainer.max_steps", 2)
    assert said.status == 2
    assert "logger: wandb says: " in said.err.splitlines()[-1]
    assert "WANDB_MODE=offline" in said.err.splitlines()[-1]


def test_a_logger_of_ones_own_stands_beside_the_csv_file(tmp_path):
    own = ["--trainer.logger", "TensorBoardLogger", "--trainer.logger.save_dir", tmp_path / "own"]
    done = ganzoo("fit", *DIGITS, "--runs", tmp_path / "runs", *own, "--trainer.max_steps", 2)
    assert done.status == 0, done.err
    assert (tmp_path / "runs" / "wgan_gp_digits" / "version_0" / "metrics.csv").is_file()
    events = EventAccumulator(str(next((tmp_path / "own").rglob("events.*")).parent))
    events.Reload()
    assert events.Tags()["images"] == [*PICTURES]


@pytest.mark.parametrize(
    ("words", "told"),
    [(["--logger", "wand"], ["logger", "wandb"]), (["--grid.walks", "-1"], ["grid.walks", "at least 0", "-1"])],
)
def test_what_does_not_fit_is_told(words, told, tmp_path):
    error = ganzoo("fit", *DIGITS, "--runs", tmp_path, *words).error
    assert all(part in error for part in told), error
