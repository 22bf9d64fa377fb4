"""SRResNet and SRGAN: sizes, losses by hand, who is moved, where a training starts, and what it says is missing."""

import json
import signal
import socket
from urllib.error import URLError

import lightning.pytorch as pl
import pytest
import torch
from enlargers import EVERY, generator, ramps, srgan
from moves import in_move
from PIL import Image
from tiny import Each, fit, trainer
from torch import nn
from torch.nn.functional import logsigmoid, mse_loss

from ganzoo.checkpoints import folder_format, loading
from ganzoo.common.errors import GanzooError
from ganzoo.data.low_resolution import shrink
from ganzoo.games.schedules import Schedule
from ganzoo.losses import perceptual
from ganzoo.models.srgan import SRGAN
from ganzoo.models.srresnet import SRResNet
from ganzoo.networks.srresnet import ResidualBlock, SRGANDiscriminator, SRResNetGenerator
from ganzoo.training.callbacks.keep import Last
from ganzoo.training.start import Start


def batch(n=4):
    torch.manual_seed(1)
    y = torch.rand(n, 1, 32, 32) * 2 - 1
    return shrink(y, 4), y


# Networks


@pytest.mark.parametrize(("factor", "size"), [(2, (5, 9)), (4, (8, 8)), (4, (7, 12)), (8, (3, 4))])
def test_images_of_any_size_are_enlarged(factor, size):
    network = generator(3, factor=factor)
    made = network(torch.zeros(2, 3, *size))
    assert made.shape == (2, 3, factor * size[0], factor * size[1])


def test_other_factors_are_refused():
    with pytest.raises(GanzooError, match="factor: it must be one of 2, 4, 8, not 3"):
        generator(factor=3)


def test_networks_that_do_not_fit_the_data_are_refused():
    for model in (srgan(), SRResNet(generator())):
        model.check((1, 64, 64), (1, 16, 16))
        with pytest.raises(GanzooError, match=r"generator.factor: 4 makes 64x64 pixels .* whose targets have 32x32"):
            model.check((1, 32, 32), (1, 16, 16))
        with pytest.raises(GanzooError, match=r"model.generator: sources of shape 1xHxW are taken"):
            model.check((3, 64, 64), (3, 16, 16))
    model = SRGAN(generator(), SRGANDiscriminator(32, 1, 4, 8))
    with pytest.raises(GanzooError, match=r"model.discriminator: it is made for images of shape 1x32x32"):
        model.check((1, 64, 64), (1, 16, 16))


def test_the_generator_is_the_papers():
    network = SRResNetGenerator()
    assert sum(isinstance(module, ResidualBlock) for module in network.modules()) == 16
    kernels = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    assert [conv.kernel_size[0] for conv in kernels] == [9, *[3] * 33, 3, 3, 9]
    assert [conv.out_channels for conv in kernels] == [*[64] * 34, 256, 256, 3]
    # figure 4: k9n64, 16 x 2 k3n64, k3n64, 2 k3n256, k9n3; biases where no BatchNorm follows; a slope for each map
    count = (243 * 64 + 64) + 33 * (576 * 64 + 128) + 2 * (576 * 256 + 256) + (81 * 64 * 3 + 3) + 19 * 64
    assert sum(p.numel() for p in network.parameters()) == count


def test_the_skip_goes_over_all_blocks_and_over_each():
    network = generator().eval()
    for block in network.body:
        if isinstance(block, ResidualBlock):
            block.net[-1].weight.data.zero_()  # its BatchNorm
    h = torch.randn(1, 4, 6, 6)
    assert network.body[0](h).equal(h)
    network.body[-1].weight.data.zero_()
    x = torch.randn(1, 1, 6, 6)
    torch.testing.assert_close(network(x), network.last(network.enlarge(network.first(x))))


def test_the_discriminator_is_the_papers_or_takes_any_size():
    network = SRGANDiscriminator()
    convs = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    assert [(conv.out_channels, conv.stride[0]) for conv in convs] == [
        (64, 1), (64, 2), (128, 1), (128, 2), (256, 1), (256, 2), (512, 1), (512, 2)
    ]  # fmt: skip
    dense = [module for module in network.modules() if isinstance(module, nn.Linear)]
    assert [(layer.in_features, layer.out_features) for layer in dense] == [(512 * 36, 1024), (1024, 1)]
    assert sum(isinstance(module, nn.BatchNorm2d) for module in network.modules()) == 7
    small = SRGANDiscriminator(None, 1, 4, 8)
    assert [small(torch.zeros(3, 1, *size)).shape for size in [(16, 16), (40, 64)]] == [(3,), (3,)]
    assert SRGANDiscriminator(32, 1, 4, 8)(torch.zeros(3, 1, 32, 32)).shape == (3,)
    with pytest.raises(GanzooError, match="16 pixels or more"):
        SRGANDiscriminator(15)


# Losses and players


def test_defaults_are_the_papers():
    model = SRGAN(generator(), SRGANDiscriminator(None, 1, 4, 8))
    assert (model.content, model.adv_weight, model.pixel_weight, model.init) == ("vgg19", 1e-3, 0, None)
    assert not model.averages
    for player in (*model.players(), *SRResNet(generator()).players()):
        options = player.optim(player.modules[0].parameters()).defaults
        assert (options["lr"], options["betas"]) == (1e-4, (0.9, 0.999))


def test_srresnet_has_one_player_which_descends_the_squared_error(tmp_path):
    model, (x, y) = SRResNet(generator(), g_lr=3e-3), batch()
    assert [player.name for player in model.players()] == ["g"]
    assert in_move(model.g_loss, x, y)["mse"].item() == pytest.approx((model.generator(x) - y).square().mean().item())
    losses = []
    fit(tmp_path, model, ramps(), 60, Each(lambda _, game: losses.append(game.notes.means()["g/mse"])))
    assert losses[-1] < 0.3 * losses[0]
    assert model.exported().keys() == {"generator"}
    assert model.translate(x).shape == y.shape


def test_without_an_adversarial_term_there_is_one_player(tmp_path):
    model = srgan("pixels", adv_weight=0.0)
    assert [player.name for player in model.players()] == ["g"]
    x, y = batch()
    assert in_move(model.g_loss, x, y).keys() == {"content"}
    assert in_move(model.g_loss, x, y)["content"].item() == pytest.approx(
        in_move(SRResNet(model.generator).g_loss, x, y)["mse"].item()
    )
    with pytest.raises(GanzooError, match=r"model.discriminator: adv_weight is 0.001, which needs one"):
        SRGAN(generator())


def test_the_generator_descends_content_pixels_and_a_thousandth_of_the_adversarial_loss():
    model, (x, y) = srgan(pixel_weight=0.5), batch()
    terms, fake = in_move(model.g_loss, x, y), model.generator(x)
    assert terms.keys() == {"adv", "content", "pixels"}
    torch.testing.assert_close(terms["adv"], -1e-3 * logsigmoid(model.discriminator(fake)).mean())
    torch.testing.assert_close(terms["pixels"], 0.5 * mse_loss(fake, y))
    torch.testing.assert_close(terms["content"], perceptual.content_loss("cifar10")(fake, y))
    by_hand = -logsigmoid(model.discriminator(y)).mean() - logsigmoid(-model.discriminator(fake)).mean()
    torch.testing.assert_close(in_move(model.d_loss, x, y)["adv"], by_hand)


def test_each_player_moves_its_network_and_nobody_the_content_loss(tmp_path):
    model = srgan()
    frozen = {name: tensor.clone() for name, tensor in model.features.state_dict().items()}
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    assert not any(name.startswith("features") for name in before)
    run = fit(tmp_path, model, ramps(), 2)
    assert run.global_step == 2
    after = model.state_dict()
    for part in ("generator", "discriminator"):
        assert any(not after[name].equal(before[name]) for name in before if name.startswith(part))
    assert all(tensor.equal(frozen[name]) for name, tensor in model.features.state_dict().items())
    assert not any(module.training for module in model.features.modules())
    assert model.exported().keys() == {"generator", "discriminator"}


def test_missing_weights_of_vgg19_are_one_line_before_any_training_and_soon(tmp_path, monkeypatch):
    waited = []

    def offline(request, *args, **options):
        waited.append(socket.getdefaulttimeout())
        raise URLError("Name or service not known\nmore")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr("torch.hub.urlopen", offline)
    model = srgan("vgg19")
    with pytest.raises(GanzooError) as error:
        fit(tmp_path, model, ramps(), 1)
    told = str(error.value)
    assert told.startswith("model.content: the weights of vgg19 could not be fetched (")
    assert f"put vgg19-dcbb9e9d.pth into {tmp_path / 'torch' / 'hub' / 'checkpoints'}" in told
    assert "another content, such as cifar10" in told
    assert "\n" not in told
    assert waited == [10]


def test_a_model_is_loaded_without_its_content_loss():
    model = SRGAN(generator(), SRGANDiscriminator(None, 1, 4, 8), content="vgg19", init="no-such-checkpoint")
    model.load_state_dict(model.state_dict())
    assert "features" not in vars(model)
    assert model.translate(torch.zeros(1, 1, 8, 8)).shape == (1, 1, 32, 32)


@pytest.mark.parametrize(
    ("name", "words"), [("cifar10", "`cifar10`, relative"), ("vgg19", "relu5_4"), ("pixels", "pixels'")]
)
def test_the_card_names_the_content_loss(name, words):
    (remark,) = srgan(name, init="srresnet-faces").remarks
    assert remark.startswith("Content loss: ")
    assert words in remark
    assert "adversarial term 0.001" in remark
    assert "started from the generator of `srresnet-faces`" in remark


# The start


def described(model_class, **options):
    """A recipe's text for the small generator, as a checkpoint keeps it."""
    network = {"class_path": "ganzoo.networks.srresnet.SRResNetGenerator"}
    network["init_args"] = {"channels": 1, "width": 4, "blocks": 2}
    path = f"{model_class.__module__}.{model_class.__name__}"
    return json.dumps({"model": {"class_path": path, "init_args": {"generator": network, **options}}})


@pytest.fixture
def start(tmp_path):
    """A checkpoint folder of an SRResNet that has learnt a little."""
    torch.manual_seed(3)
    model = SRResNet(SRResNetGenerator(1, 4, 2), g_lr=1e-2)
    fit(tmp_path / "run", model, ramps(), 5)
    folder_format.save_folder(model, tmp_path / "srresnet", described(SRResNet), "# card\n", Image.new("L", (8, 8)))
    return tmp_path / "srresnet"


class Beginning(pl.Callback):
    """Notes the generator's weights as they are when training starts."""

    def __init__(self, seen):
        self.seen = seen

    def on_train_start(self, trainer, pl_module):
        self.seen.update({key: tensor.clone() for key, tensor in pl_module.generator.state_dict().items()})


def begun(model, folder):
    """Trains for a step; returns the weights that this started from."""
    seen: dict = {}
    fit(folder, model, ramps(), 1, Start(), Beginning(seen))
    return seen


def same(one, other):
    return all(tensor.equal(other[name]) for name, tensor in one.items())


def test_a_training_starts_from_another_checkpoints_generator(tmp_path, start):
    wanted = loading.load(start).generator.state_dict()
    assert not same(wanted, srgan().generator.state_dict())
    model = srgan(init=str(start), ema=0.5)
    seen = begun(model, tmp_path)
    assert same(wanted, seen)
    assert not same(wanted, model.generator.state_dict())
    torch.testing.assert_close(  # the average moved away from there, too
        model.averaged("generator").last.weight, wanted["last.weight"].lerp(model.generator.last.weight, 1 - 2 / 11)
    )


def test_a_loaded_model_trains_on_from_its_own_weights(tmp_path, start):
    model = srgan("pixels", adv_weight=0.0)
    recipe = described(SRGAN, content="pixels", adv_weight=0.0, init=str(start))
    folder_format.save_folder(model, tmp_path / "srgan", recipe, "# card\n", Image.new("L", (8, 8)))
    loaded = loading.load(tmp_path / "srgan")
    own = {key: tensor.clone() for key, tensor in loaded.generator.state_dict().items()}
    assert same(own, begun(loaded, tmp_path))


def test_a_resumed_training_goes_on_from_where_it_was(tmp_path, start):
    model = srgan(init=str(start))
    fit(tmp_path, model, ramps(), 2, Start(), Last())
    stopped = {key: tensor.clone() for key, tensor in model.generator.state_dict().items()}
    again = srgan(init=str(start))
    seen: dict = {}
    trainer(tmp_path, Beginning(seen), max_steps=3).fit(again, ramps(), ckpt_path=tmp_path / "last.ckpt")
    assert same(stopped, seen)
    assert not same(stopped, again.generator.state_dict())


@pytest.mark.parametrize("name", EVERY)
def test_an_interrupted_run_ends_in_the_very_same_weights(tmp_path, name):
    def run(folder, *callbacks, ckpt_path=None):
        game = EVERY[name](ema=0.9, lr_factor=Schedule([1, 0.1], [0, 0.5]))
        trainer(folder, *callbacks, Last(), max_steps=5).fit(game, ramps(), ckpt_path=ckpt_path)
        return torch.load(folder / "last.ckpt", weights_only=True)

    def interrupt(trainer, model):
        if model.batches == 2:
            signal.raise_signal(signal.SIGINT)

    whole, part = run(tmp_path / "whole"), run(tmp_path / "part", Each(interrupt))
    assert part["global_step"] == 2
    rest = run(tmp_path / "rest", ckpt_path=tmp_path / "part" / "last.ckpt")
    assert rest["global_step"] == whole["global_step"] == 5
    for key, tensor in whole["state_dict"].items():
        assert tensor.equal(rest["state_dict"][key]), key


def test_a_start_that_does_not_fit_is_one_line(tmp_path, start):
    other = SRGAN(SRResNetGenerator(1, 8, 2), SRGANDiscriminator(None, 1, 4, 8), content="pixels", init=str(start))
    with pytest.raises(GanzooError, match=r"model.init: '.*srresnet' has no generator with the layers of this one"):
        fit(tmp_path, other, ramps(), 1, Start())
    with pytest.raises(GanzooError, match=r"model.init: there is no checkpoint 'srresnet-fases'"):
        fit(tmp_path, srgan("pixels", init="srresnet-fases"), ramps(), 1, Start())
    with pytest.raises(GanzooError, match=r"is to start from 'x'; give the Trainer the callback ganzoo.training.start"):
        fit(tmp_path, srgan("pixels", init="x"), ramps(), 1)
