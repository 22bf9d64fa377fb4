"""The two-sample test on codes: its statistic, its null distribution, and the command that prints them."""

import huggingface_hub
import pytest
import torch
import yaml
from coders import DIGIT, DIM, aae
from PIL import Image
from tiny import digits, fit, mlp

from ganzoo.checkpoints import folder_format
from ganzoo.losses.kernels import mmd2, squared_distances
from ganzoo.tools.evaluate import codes
from ganzoo.tools.evaluate.codes import MEDIAN_SHARES, two_sample
from ganzoo.training.callbacks.keep import Last


def test_the_statistic_is_the_biased_discrepancy_at_the_median_distance():
    x, y = torch.randn(30, 3), torch.randn(50, 3) + 0.5
    points = torch.cat([x, y])
    squares = squared_distances(points, points)
    median = squares[squares > 0].median().sqrt().item()
    expected = mmd2(x, y, [median * scale for scale in MEDIAN_SHARES])
    assert two_sample(x, y).mmd2 == pytest.approx(expected.item(), rel=1e-4)
    assert two_sample(10 * x, 10 * y).mmd2 == pytest.approx(expected.item(), rel=1e-3)  # whatever the scale


def test_one_distribution_is_rejected_as_often_as_it_should_be_and_two_always():
    source = torch.Generator().manual_seed(0)
    rejected = []
    for _ in range(100):
        x, y = (torch.randn(60, 2, generator=source) for _ in range(2))
        test = two_sample(x, y, permutations=60)
        assert (test.mmd2 > test.null) == (test.p <= 0.05) or abs(test.p - 0.05) < 0.02
        rejected.append(test.p <= 0.05)
    assert sum(rejected) <= 12  # 5 are expected
    test = two_sample(x, y + 0.8, permutations=200)
    assert test.p == pytest.approx(1 / 201)
    assert test.mmd2 > 2 * test.null


def test_it_is_the_same_each_time_and_takes_equal_points():
    x = torch.randn(20, 2)
    assert two_sample(x, x + 1, seed=1) == two_sample(x, x + 1, seed=1)
    same = two_sample(torch.zeros(5, 2), torch.zeros(4, 2))
    assert (same.mmd2, same.p) == (pytest.approx(0, abs=1e-9), 1)


def network(path, **arguments):
    return {"class_path": f"ganzoo.networks.{path}", "init_args": arguments}


def described_aae(data="ganzoo.data.Digits"):
    model = aae()
    networks = {
        "encoder": network("autoencoder.MLPEncoder", shape=DIGIT, code_dim=DIM, hidden=[64]),
        "decoder": network("mlp.MLPGenerator", shape=DIGIT, latent_dim=DIM, hidden=[64]),
        "discriminator": network("mlp.MLPDiscriminator", shape=[DIM], hidden=[32], dropout=0.0),
    }
    described = {"class_path": "ganzoo.models.aae.AAE", "init_args": networks}
    model.recipe = yaml.safe_dump({"model": described, "data": {"class_path": data, "init_args": {}}})
    return model


def test_the_command_sets_codes_beside_the_prior(tmp_path, capsys):
    model = described_aae()
    fit(tmp_path, model, digits(), 2, Last())
    codes.main([str(tmp_path / "last.ckpt"), "-n", "200"])
    head, columns, *rows = capsys.readouterr().out.splitlines()
    assert head.startswith("200 codes of scikit-learn digits, test")
    assert "95%" in columns
    (of_codes, *_), (of_prior, _, p) = ([float(cell) for cell in row.split()[-3:]] for row in rows)
    assert of_codes > of_prior
    assert p > 0.01


def test_it_refuses_what_has_no_codes_in_one_line(monkeypatch):
    monkeypatch.setattr(codes, "find_subject", lambda name, *options: mlp())
    with pytest.raises(SystemExit, match="codes: error: VanillaGAN has no encoder and decoder"):
        codes.main(["gan-toy"])
    with pytest.raises(SystemExit, match="-n: the number of codes"):
        codes.main(["gan-toy", "-n", "1"])
    with pytest.raises(SystemExit, match="at most 5,000, not 5,001"):
        codes.main(["gan-toy", "-n", "5001"])


def test_it_says_that_pictures_are_no_model(tmp_path):
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    with pytest.raises(SystemExit, match=r"codes: error: .* holds no model, but pictures"):
        codes.main([str(tmp_path)])


def test_data_that_a_strangers_recipe_names_is_not_imported(tmp_path, monkeypatch):
    model = described_aae("evil_data.Data")
    folder_format.save_folder(model, tmp_path / "aae", model.recipe, "# AAE\n", None)
    (tmp_path / "evil_data.py").write_text(f"import os\nos.mkdir({str(tmp_path / 'ran')!r})\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda repo, **options: str(tmp_path / "aae"))
    with pytest.raises(SystemExit, match="the recipe of 'someone/aae' names data that is not ganzoo's"):
        codes.main(["someone/aae"])
    assert not (tmp_path / "ran").exists()
