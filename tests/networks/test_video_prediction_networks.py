"""Networks of video prediction: the paper's sizes, the sum over scales, and what the discriminators are shown."""

import pytest
import torch
from clips import predictor
from torch import nn
from torch.nn.functional import interpolate

from ganzoo.common.data_spec import DataSpec
from ganzoo.common.errors import GanzooError
from ganzoo.networks.video_prediction import MultiScaleDiscriminator, MultiScalePredictor, mean_pyramid

RELEASED = ((16, 32, 16), (16, 32, 16), (16, 32, 64, 32, 16), (16, 32, 64, 32, 16))


def size(network):
    return sum(p.numel() for p in network.parameters())


def test_published_sizes():
    with torch.device("meta"):
        network = MultiScalePredictor()
        assert [*map(size, network.nets)] == [607_619, 647_939, 3_008_003, 8_306_179]
        assert size(network) == 12_569_740
        assert size(MultiScalePredictor(widths=RELEASED)) == 223_644
        shapes = [tuple(made.shape) for made in network.predictions(torch.empty(2, 12, 32, 32))]
        assert shapes == [(2, 3, side, side) for side in (4, 8, 16, 32)]
        judge = MultiScaleDiscriminator()
        assert judge(torch.empty(2, 3, 32, 32), torch.empty(2, 12, 32, 32), *map(torch.empty, shapes[:3])).shape == (
            2,
            4,
        )
    convs = [
        [(m.in_channels, m.out_channels, m.kernel_size[0]) for m in net if isinstance(m, nn.Conv2d)]
        for net in judge.nets
    ]
    assert convs == [
        [(15, 64, 3)],
        [(15, 64, 3), (64, 128, 3), (128, 128, 3)],
        [(15, 128, 5), (128, 256, 5), (256, 256, 5)],
        [(15, 128, 7), (128, 256, 7), (256, 512, 5), (512, 128, 5)],
    ]
    linear = [[(m.in_features, m.out_features) for m in net if isinstance(m, nn.Linear)] for net in judge.nets]
    assert linear == [
        [(64 * 2**2, 512), (512, 256), (256, 1)],
        [(128 * 2**2, 1024), (1024, 512), (512, 1)],
        [(256 * 4**2, 1024), (1024, 512), (512, 1)],
        [(128 * 6**2, 1024), (1024, 512), (512, 1)],
    ]


def test_no_layer_but_the_last_is_without_relu_and_nothing_is_normalised():
    for network in (predictor(), MultiScaleDiscriminator(1, 4, 16, ((4,), (4,)), ((3,), (3,)), ((8,), (8,)))):
        for net in network.nets:
            parts = [type(layer) for layer in net if isinstance(layer, nn.Conv2d | nn.Linear | nn.ReLU)]
            assert parts[1::2] == [nn.ReLU] * (len(parts) // 2)
            assert parts[-1] is not nn.ReLU
        assert not [layer for layer in network.modules() if "Norm" in type(layer).__name__]


def test_a_scale_corrects_the_enlarged_prediction_of_the_one_below_before_tanh():
    network, x = predictor(), torch.randn(2, 4, 8, 8)
    coarse, fine = network.predictions(x)
    pooled = x.unflatten(2, (4, 2)).unflatten(4, (4, 2)).mean((3, 5))
    torch.testing.assert_close(coarse, network.nets[0](pooled).tanh())
    up = interpolate(coarse, scale_factor=2, mode="nearest")
    torch.testing.assert_close(fine, (up + network.nets[1](torch.cat([x, up], 1))).tanh())
    assert network(x).equal(fine)
    for parameter in network.nets[1].parameters():
        parameter.data.zero_()
    torch.testing.assert_close(network(x), up.tanh())


def test_frames_of_any_sides_that_the_pyramid_divides_are_predicted():
    network = MultiScalePredictor(1, 4, ((4,),) * 4, ((3, 3),) * 4)
    assert network.multiple == 8
    assert network(torch.zeros(1, 4, 40, 24)).shape == (1, 1, 40, 24)


def test_a_pyramid_is_of_means():
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    one, two, four = mean_pyramid(x, 3)
    assert one.item() == x.mean().item()
    assert two.flatten().tolist() == [2.5, 4.5, 10.5, 12.5]
    assert four is x


def test_each_logit_sees_its_own_scale_and_the_frames_before_it():
    torch.manual_seed(0)
    network = MultiScaleDiscriminator(1, 4, 16, ((4,), (4,)), ((3,), (3,)), ((8,), (8,)))
    frame, earlier, coarser = (torch.randn(3, *shape) for shape in ((1, 16, 16), (4, 16, 16), (1, 8, 8)))
    logits = network(frame, earlier, coarser)
    assert logits.shape == (3, 2)
    changed = [(o != logits).any(0).tolist() for o in (
        network(-frame, earlier, coarser), network(frame, -earlier, coarser), network(frame, earlier, -coarser)
    )]  # fmt: skip
    assert changed == [[False, True], [True, True], [True, False]]


def test_earlier_frames_follow_the_data():
    spec = DataSpec((3, 64, 64), (15, 64, 64))
    assert MultiScalePredictor.follow(spec, {}) == MultiScaleDiscriminator.follow(spec, {}) == {"frames": 5}
    assert MultiScalePredictor.follow(DataSpec(), {}) == {}


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (MultiScalePredictor, {"widths": ((4,),), "kernels": ((3,),)}, r"kernels: \[1\] given .* need \[2\]"),
        (MultiScalePredictor, {"widths": ((4,),), "kernels": ((3, 4),)}, "kernels: they must be odd .* not 4"),
        (MultiScalePredictor, {"widths": (), "kernels": ()}, "kernels"),
        (MultiScaleDiscriminator, {"hidden": ((8,),)}, "hidden: layers of 1 scales given, but widths has 4"),
        (MultiScaleDiscriminator, {"patch": 36}, "patch: 36 given, but 4 scales need a multiple of 8"),
        (MultiScaleDiscriminator, {"patch": 16}, "patch: 16 given, which the kernels"),
    ],
)
def test_layers_that_do_not_fit_are_one_line(kind, options, message):
    with torch.device("meta"), pytest.raises(GanzooError, match=message):
        kind(**options)
