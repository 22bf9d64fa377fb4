"""The benchmark of operators: groups by name, and counts that agree with a closed form."""

import pytest
import torch
from benchmark import load_benchmark
from idx import write_mnist

operators = load_benchmark("operators")


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("aten::convolution_backward", "convolutions"),
        ("aten::mkldnn_convolution", "convolutions"),
        ("aten::addmm", "matrix products"),
        ("aten::native_batch_norm_backward", "normalisation"),
        ("aten::leaky_relu_", "activations"),
        ("aten::_fused_adam_", "optimizer and averages"),
        ("aten::copy_", "copies and layouts"),
        ("aten::mul", "the rest"),
    ],
)
def test_operators_are_grouped_by_their_names(name, title):
    assert operators.group(name) == title


def test_a_recipe_is_watched_by_its_own_loop(tmp_path, monkeypatch):
    monkeypatch.setenv("GANZOO_DATA", str(write_mnist(tmp_path, 640)))
    monkeypatch.setattr(operators, "WARM_UP", 1)
    threads = torch.get_num_threads()
    found = operators.measure("gan_mnist", 2)
    torch.set_num_threads(threads)
    assert sum(found["shares"].values()) == pytest.approx(1, abs=1e-3)
    assert found["shares"]["matrix products"] > found["shares"]["convolutions"] == 0  # its networks are dense
    assert found["gflop_per_batch"] > 0
    assert found["gflop_per_second"] > 0
