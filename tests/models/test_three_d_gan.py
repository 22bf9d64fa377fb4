"""3D-GAN: the gate of the discriminator by its accuracy on the last batch, its latent vectors, resuming, processes."""

import signal
import sys
from pathlib import Path

import pytest
import torch
import two_processes
from equality import alike
from moves import in_move
from tiny import Each, digits, fit, trainer
from torch.nn.functional import binary_cross_entropy
from voxels import shapes, three_d_gan

from ganzoo.common.errors import GanzooError
from ganzoo.training.callbacks.keep import Last


class Watch(Each):
    """Keeps after every batch whether the discriminator's weights are new, and how often it was right before and on it.

    The number of its steps comes last.
    """

    def __init__(self, model):
        self.rows, self.before, self.model = [], self.weights(model), model
        self.right = float(model.right)
        super().__init__(self.look)

    def weights(self, model):
        return torch.cat([p.detach().flatten().clone() for p in model.discriminator.parameters()])

    def look(self, trainer, model):
        now = self.weights(model)
        steps = [int(s["step"]) for s in trainer.optimizers[0].state.values()]
        self.rows.append((not now.equal(self.before), self.right, float(model.right), max(steps, default=0)))
        self.before, self.right = now, float(model.right)


def test_the_discriminator_sits_out_exactly_those_batches_before_which_it_was_right_too_often(tmp_path):
    model = three_d_gan(d_lr=1e-3, most_right=0.7)
    watch = Watch(model)
    fit(tmp_path, model, shapes(), 24, watch)
    moved, before, right, steps = zip(*watch.rows, strict=True)
    assert {True, False} == {*moved}  # both came about
    assert [*moved] == [share <= 0.7 for share in before]
    assert all(0 <= share <= 1 for share in right)
    assert model.moves.tolist() == [sum(moved), 24 - sum(moved)]
    assert steps[-1] == sum(moved)
    assert model.global_step == 24  # the generator moves on every batch


@pytest.mark.parametrize(("most_right", "moves"), [(1.0, [6, 0]), (0.0, [1, 5])])
def test_its_limits_always_and_never_let_it_move(tmp_path, most_right, moves):
    """Of a discriminator that is always right; before the first batch it has been right about nothing."""
    model = three_d_gan(most_right=most_right)
    # right about all: what is full somewhere is real, and generated solids are empty
    model.discriminator.forward = lambda x: x.flatten(1).amax(1) + 0 * model.discriminator.net(x).flatten()
    model.fake = lambda n, y=None: -0.5 + 0 * model.generator(torch.rand(n, 6))
    fit(tmp_path, model, shapes(), 6)
    assert float(model.right) == 1
    assert model.moves.tolist() == moves


def test_accuracy_is_that_of_the_whole_batch_whatever_its_chunks(tmp_path):
    rights = []
    for accumulate in (1, 2):
        model = three_d_gan(accumulate=accumulate, d_lr=0.0, g_lr=0.0)
        model.eval()
        for network in (model.generator, model.discriminator):  # no batch statistics, which chunks change
            network.train = lambda mode=True: None
        model.fake = lambda n, y=None, model=model: model.generator(torch.zeros(n, 6))
        fit(tmp_path, model, shapes(), 3)
        rights.append(float(model.right))
    assert rights[0] == pytest.approx(rights[1])
    assert 0 < rights[0] < 1


def test_losses_are_the_papers_on_occupancies():
    model, (x, _) = three_d_gan(), next(iter(shapes().val_dataloader()))
    fakes = model.fake(8).detach()
    model.fake = lambda n, y=None: fakes
    real, fake = (model.discriminator(solids).sigmoid() for solids in (x, fakes))
    one, zero = torch.ones(8), torch.zeros(8)
    expected = binary_cross_entropy(real, one) + binary_cross_entropy(fake, zero)
    assert in_move(model.d_loss, x)["adv"].item() == pytest.approx(expected.item(), rel=1e-4)
    assert in_move(model.g_loss, x)["adv"].item() == pytest.approx(binary_cross_entropy(fake, one).item(), rel=1e-4)


def test_networks_get_latent_vectors_between_zero_and_one_and_truncation_leads_to_the_middle():
    model, seen = three_d_gan(), []
    model.averaged("generator").register_forward_pre_hook(lambda network, inputs: seen.append(inputs[0]))
    model.sample(200, seed=0)
    model.sample(3, seed=0, truncation=0.0)
    assert 0 <= seen[0].min() < 0.05 < 0.95 < seen[0].max() <= 1
    assert seen[0].mean() == pytest.approx(0.5, abs=0.02)
    assert seen[1].eq(0.5).all()


def test_it_refuses_images_and_shares_beyond_one(tmp_path):
    with pytest.raises(GanzooError, match=r"^model\.generator: it is made for voxels, but the data are images"):
        three_d_gan().fits(digits())
    with pytest.raises(GanzooError, match=r"^model\.most_right: it is a share from 0 to 1, not 80"):
        three_d_gan(most_right=80.0)


def run(folder, *callbacks, model=None, ckpt_path=None):
    model = model or three_d_gan(d_lr=1e-3, most_right=0.7)
    trainer(folder, *callbacks, Last(), max_steps=16).fit(model, shapes(), ckpt_path=ckpt_path)
    checkpoint = torch.load(folder / "last.ckpt", weights_only=True)
    return {key: checkpoint[key] for key in ("global_step", "state_dict", "optimizer_states", "game")}


def test_an_interrupted_run_ends_in_the_very_same_weights_and_gate(tmp_path):
    def interrupt(trainer, model):
        if model.batches == 11:
            signal.raise_signal(signal.SIGINT)

    whole = run(tmp_path / "whole")
    part = run(tmp_path / "part", Each(interrupt))
    assert part["state_dict"]["moves"].sum() == 11
    rest = run(tmp_path / "rest", ckpt_path=tmp_path / "part" / "last.ckpt")
    assert alike(rest, whole)
    assert 0 not in whole["state_dict"]["moves"]


def train(folder: Path) -> None:
    """Trains on two devices, each with its own accuracy, and saves what this process ends with."""
    model = three_d_gan(d_lr=1e-3, most_right=0.7)
    run = fit(folder, model, shapes(batch_size=4), 16, devices=2, strategy="ddp_find_unused_parameters_true")
    averaged = {name: tensor for name, tensor in model.state_dict().items() if "running" not in name}
    torch.save(averaged, folder / f"{run.global_rank}.pt")


def test_two_processes_open_the_gate_alike(tmp_path):
    first, second = two_processes.endings(__file__, tmp_path)
    assert alike(first, second)
    assert 0 not in first["moves"]


if __name__ == "__main__":
    train(Path(sys.argv[1]))
