"""StackGAN: its losses, wrong pairs, frozen parts, texts that are typed, and stage II from stage I."""

import logging

import pytest
import torch
from captioned import captioned, first_stage, second_stage
from equality import alike
from moves import in_move
from PIL import Image
from tiny import fit, trainer
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits as bce

from ganzoo.checkpoints.export_formats import export_generator
from ganzoo.common.errors import GanzooError
from ganzoo.networks.conditional import VectorGenerator
from ganzoo.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from ganzoo.networks.stackgan import StackGANDiscriminator, StackGANGenerator
from ganzoo.networks.text import Precomputed, WordAverage
from ganzoo.tools import sample as sampling
from ganzoo.tools.arguments import choose_conditions
from ganzoo.training.start import Start


def batch(model, n=6, size=16):
    """Images, captions of different meaning, and their groups."""
    captions = model.encode_text([f"the digit {k} is at the top left of the image" for k in range(n)])
    return 2 * torch.rand(n, 1, size, size) - 1, (captions, torch.arange(n))


@pytest.mark.parametrize("unconditional", [False, True])
def test_the_discriminator_weighs_right_pairs_as_much_as_wrong_and_generated_ones_together(unconditional):
    model = second_stage(unconditional=unconditional).eval()
    x, y = batch(model, 2, 32)  # of two, the other one is the wrong one
    drawn = 2 * torch.rand_like(x) - 1
    model.fake = lambda n, y: drawn
    embedding = model.embed(y)

    def answers(x):
        output = model.discriminator(x, embedding)
        return output if unconditional else (output,)

    one, zero = torch.ones(2), torch.zeros(2)
    wrong = bce(answers(x.flip(0))[0], zero)
    false = [bce(logits, zero) for logits in answers(drawn)] + [wrong]
    true = [bce(logits, one) for logits in answers(x)]
    terms = in_move(model.d_loss, x, y)
    wanted = sum(true) / len(true) + sum(false) / len(false)
    torch.testing.assert_close(sum(terms.values()), wanted)
    terms = in_move(model.g_loss, x, y)
    torch.testing.assert_close(terms["adv"], sum(bce(logits, one) for logits in answers(drawn)))


def test_only_what_the_generator_makes_of_a_text_pays_the_divergence():
    model = first_stage()
    x, y = batch(model)
    for parameter in model.generator.ca.parameters():
        nn.init.zeros_(parameter)
    assert in_move(model.g_loss, x, y)["kl"] == 0
    nn.init.constant_(model.generator.ca.fc.bias, 0.3)
    wanted = 2 * (-0.3 + 0.5 * (torch.tensor(0.6).exp() + 0.09 - 1))
    torch.testing.assert_close(in_move(model.g_loss, x, y)["kl"], wanted)


def test_wrong_pairs_train_down():
    model = first_stage()
    x, (captions, _) = batch(model)
    terms = in_move(model.d_loss, x, (captions, torch.zeros(6)))
    assert terms["wrong"] == 0  # all are of one group: nothing is wrong
    optimizer = torch.optim.Adam(model.discriminator.parameters(), 1e-2)
    before, y = None, (captions, torch.arange(6))
    for _ in range(40):
        optimizer.zero_grad()
        torch.manual_seed(0)
        terms = in_move(model.d_loss, x, y)
        before = before or terms["wrong"].item()
        sum(terms.values()).backward()
        optimizer.step()
    assert terms["wrong"] < before / 2


def test_a_text_changes_the_image_of_the_same_latent_vector():
    model = first_stage().eval()
    z = model.space.draw(1, 0)
    a, b = (model.render(z, model.encode_text([text])) for text in ("digit two top left", "digit six bottom right"))
    assert (a - b).abs().max() > 1e-5
    assert model.space.dim == 6 + 5
    assert model.space.draw(500, 0)[:, 6:].abs().max() <= 2
    assert model.space.draw(500, 0)[:, :6].abs().max() > 2


def test_typed_texts_are_words_in_any_form(caplog):
    model = first_stage().eval()
    captions = model.encode_text(["The DIGIT 3 is on the left of the digit 5.", "digit three"])
    words = ["", *model.condition.vocabulary]
    assert " ".join(words[i] for i in captions[0]) == "the digit three is on the left of the digit five"
    with caplog.at_level(logging.WARNING):
        assert torch.equal(model.encode_text(["a blue digit three"]), captions[1:])
    assert "left out of 'a blue digit three', for the model has not learnt it: a, blue" in caplog.text
    with pytest.raises(GanzooError, match=r"has not learnt any word of 'a tpo'. Did you mean"):
        model.encode_text(["a tpo"])
    values, turns = choose_conditions(model, 3, text=["digit two", "digit six"])  # as `ganzoo sample --text` does
    assert turns == 2
    assert torch.equal(values, model.encode_text(["digit two", "digit six", "digit two"]))
    images = model.sample(text=["digit two", "digit six"], seed=0)
    assert images.shape == (2, 1, 16, 16)
    four = model.sample(4, text=["digit two", "digit six"], seed=0)
    torch.testing.assert_close(four[:2], images)
    for call in ({}, {"n": 1, "y": captions[:1], "text": "digit two"}):
        with pytest.raises(GanzooError, match="text"):
            model.sample(**call)


def test_the_encoder_learns_once_and_is_frozen(tmp_path):
    model = first_stage()
    before = {name: tensor.clone() for name, tensor in model.encoder.state_dict().items()}
    fit(tmp_path, model, captioned(tmp_path), 2)
    learnt = {name: tensor.clone() for name, tensor in model.encoder.state_dict().items()}
    assert not torch.equal(learnt["table.weight"], before["table.weight"])
    assert model.encoder.filled == 1
    assert not model.encoder.training
    assert not any(p.requires_grad and p.grad is not None for p in model.encoder.parameters())
    assert len(model.conditions(3)) == 3  # captions of the data, for models that are asked for none
    fit(tmp_path / "again", model, captioned(tmp_path), 2)
    assert alike(model.encoder.state_dict(), learnt)


def test_a_run_goes_on_exactly_as_if_it_had_not_stopped(tmp_path):
    data = lambda: captioned(tmp_path)  # noqa: E731
    whole, first, second = (first_stage(ema=0.9) for _ in range(3))
    fit(tmp_path / "whole", whole, data(), 6)
    fit(tmp_path / "half", first, data(), 3).save_checkpoint(tmp_path / "half.ckpt")
    rest = trainer(tmp_path / "rest", max_steps=6)
    rest.fit(second, data(), ckpt_path=tmp_path / "half.ckpt")
    assert alike(second.state_dict(), whole.state_dict())


def test_stage_two_starts_from_stage_one_which_stays_as_it_is(tmp_path, monkeypatch):
    one, data = first_stage(ema=0.5), captioned(tmp_path)
    fit(tmp_path / "one", one, data, 3)
    one.origin = type("Origin", (), {"name": "one", "sha256": "0" * 64})()
    monkeypatch.setattr("ganzoo.training.start.load", lambda name: one)
    two = second_stage(init="one")
    fit(tmp_path / "two", two, captioned(tmp_path, 32), 3, Start())
    assert alike(two.stage1.state_dict(), one.averaged("generator").state_dict())
    assert alike(two.encoder.state_dict(), one.encoder.state_dict())
    assert not two.stage1.training
    assert two.generator.training
    assert "Stage I and text encoder: those of `one`, frozen" in two.remarks
    two.eval()
    z, y = two.space.draw(3, 0), two.conditions(3)
    low = one.averaged("generator").eval()(z[:, :11], two.embed(y))
    with torch.no_grad():
        wanted = two.generator.eval()(low, z[:, 11:], two.embed(y))
    torch.testing.assert_close(two.render(z, y), wanted)
    other = second_stage(init="one")
    one.encoder.checksum.add_(1)
    with pytest.raises(GanzooError, match="another vocabulary"):
        fit(tmp_path / "three", other, captioned(tmp_path, 32), 1, Start())


def test_pictures_show_the_texts_that_were_typed(tmp_path, monkeypatch):
    monkeypatch.setattr(sampling, "load_sampler", lambda *arguments: first_stage().eval())
    texts = ["the digit two is at the top left of the image", "the digit six is on the left of the digit one"]
    sizes = {}
    for name, options in {"typed": {}, "plain": {"plain": True}, "more": {"n": 4}}.items():
        (path,) = sampling.sample("x", text=texts, out=tmp_path / f"{name}.png", **options)
        sizes[name] = Image.open(path).size
    assert sizes["plain"] == (2 * 64 + 2, 64)  # one of each
    assert sizes["typed"][1] > 112 + 2 * 15  # two lines of words at least
    assert sizes["more"] == (sizes["typed"][0], 2 * sizes["typed"][1] - 20)


def test_the_images_of_stage_one_are_those_that_stage_two_refines():
    model = second_stage().eval()
    _, (y, _) = batch(model, 3)
    points = model.space.draw(3, 5)
    small = model.stage1_images(points, y)
    assert small.shape == (3, 1, 16, 16)
    with torch.no_grad():
        refined = model.generator(small, points[:, -4:], model.embed(y))
    torch.testing.assert_close(model.render(points, y), refined)
    with pytest.raises(GanzooError, match="first stage itself"):
        first_stage().stage1_images(points, y)


@pytest.mark.parametrize("stage", [first_stage, second_stage])
@pytest.mark.parametrize("kind", ["onnx", "torch_export"])
def test_exported_files_hold_the_encoder_and_both_stages(tmp_path, stage, kind):
    if kind == "onnx":
        pytest.importorskip("onnxruntime")
        pytest.importorskip("onnxscript")
    model = stage().eval()
    suffix = {"onnx": ".onnx", "torch_export": ".pt2"}[kind]
    about, _ = export_generator(model, tmp_path / f"x{suffix}", kind)
    assert about["inputs"]["condition"]["shape"] == ["N", 11]
    assert "within [-2, 2]" in about["inputs"]["z"]["values"]


def test_networks_that_do_not_fit_together_are_refused(tmp_path):
    narrow = StackGANDiscriminator(16, 1, 9, 4, 4)
    low = StackGANGenerator(16, 1, 12, 5, 6, 4)
    with pytest.raises(GanzooError, match=r"^model\.discriminator\.condition_dim: it must be 12"):
        type(first_stage())(low, narrow, first_stage().encoder)
    with pytest.raises(GanzooError, match=r"^model\.stage1: the generator refines none"):
        first_stage(stage1=low)
    precomputed = first_stage(Precomputed(12))
    with pytest.raises(GanzooError, match=r"^model\.encoder: it takes vectors of 12 floats"):
        fit(tmp_path, precomputed, captioned(tmp_path), 1)
    with pytest.raises(GanzooError, match="not under words"):
        precomputed.encode_text(["digit two"])
    with pytest.raises(GanzooError, match=r"^model\.encoder: it takes sequences of 3"):
        fit(tmp_path, first_stage(WordAverage(3, "digit", 1, 12)), captioned(tmp_path), 1)
    plain, vectors = DCGANGenerator(16, 1, 4, 20), DCGANGenerator(16, 1, 4, 20)
    for generator in (plain, VectorGenerator(vectors, 12, 4)):
        with pytest.raises(GanzooError, match=r"^model\.generator: it augments no condition"):
            type(first_stage())(generator, first_stage().discriminator, first_stage().encoder)
    with pytest.raises(GanzooError, match=r"^model\.discriminator\.condition_dim: it must be 12"):
        type(first_stage())(first_stage().generator, DCGANDiscriminator(16, 1, 4), first_stage().encoder)
