"""`python -m ganzoo.tools.evaluate.volumes`: volumes of solids beside the data's, and how many are in one piece."""

import pytest
import torch
from PIL import Image
from voxels import shapes, three_d_gan

from ganzoo.tools.evaluate import volumes


def boxes(*sides):
    x = -torch.ones(len(sides), 1, 8, 8, 8)
    for solid, side in zip(x, sides, strict=True):
        solid[:, :side, :side, :side] = 1
    return x


def test_volumes_are_counted_and_pieces_too():
    apart = boxes(2)
    apart[0, 0, 7, 7, 7] = 1
    seen = volumes.solidity([boxes(1, 2), apart])
    assert seen.volumes.tolist() == [1, 8, 9]
    assert seen.whole.tolist() == [1, 1, 0]
    assert seen.voxels == 512


def test_the_figure_shows_shares_of_either_side():
    few, many = volumes.solidity([boxes(2, 2)]), volumes.solidity([boxes(*[8] * 30)])
    axes = volumes.volume_figure({"real": few, "drawn": many}, "Volumes").axes[0]
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["real: 100.0% in one piece", "drawn: 100.0% in one piece"]
    assert axes.get_xlim()[1] >= 1
    assert [patch.get_xy()[:, 1].max() for patch in axes.patches] == pytest.approx([1] * 4)  # of two solids or thirty


def test_the_command_draws_and_prints(tmp_path, capsys, monkeypatch):
    model = three_d_gan().eval()
    model.origin = None
    monkeypatch.setattr(volumes, "load", lambda name: model)
    monkeypatch.setattr(volumes, "recipe_of", lambda model: {})
    monkeypatch.setattr(volumes, "recipe_data", lambda origin, recipe, root: shapes())
    out = tmp_path / "volumes.png"
    volumes.main(["mine", "-n", "20", "-o", str(out)])
    printed = capsys.readouterr().out.splitlines()
    assert "of 20 in one piece: mine" in printed[1]
    assert "volume: distance" in printed[2]
    assert Image.open(out).width > 500
    with pytest.raises(SystemExit, match=r"must end in \.png"):
        volumes.main(["mine", "-o", "x.pdf"])
    model.data_kind = None
    monkeypatch.setattr(volumes, "VOXELS", None)
    with pytest.raises(SystemExit, match="draws no solids"):
        volumes.main(["mine"])
