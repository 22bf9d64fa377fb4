"""All stabilisers at once through the command line: trained, resumed, published, loaded."""

import pytest
import torch
import yaml
from commands import DIGITS, ganzoo
from safetensors.torch import load_file

from ganzoo.checkpoints import folder_format, loading
from ganzoo.common import registry

ALL = [
    {"class_path": "ganzoo.stabilisers.SoftLabels", "init_args": {"real": [0.9, 0.9], "fake": [0.0, 0.0]}},
    {
        "class_path": "ganzoo.stabilisers.InstanceNoise",
        "init_args": {"sigma": {"values": [0.1, 0], "at": [0, 1], "kind": "linear"}},
    },
    {"class_path": "ganzoo.stabilisers.FeatureMatching"},
    {"class_path": "ganzoo.stabilisers.Consistency", "init_args": {"pixels": 1}},
    {"class_path": "ganzoo.stabilisers.Unrolled", "init_args": {"steps": 1}},
    {"class_path": "ganzoo.stabilisers.ModeSeeking"},
    {"class_path": "ganzoo.stabilisers.OrthogonalRegularisation"},
    {
        "class_path": "ganzoo.stabilisers.ADA",
        "init_args": {"target": -2.0, "images": 4000, "interval": 3, "flips": False},  # always above target
    },
    {"class_path": "ganzoo.stabilisers.SAN"},
    {"class_path": "ganzoo.stabilisers.Diffusion", "init_args": {"images": 4000, "interval": 5}},
]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A function that trains the digits with all stabilisers at once, and what it left after 6 updates."""
    home = tmp_path_factory.mktemp("stabilised")
    recipe = yaml.safe_load((registry.RECIPES / "wgan_gp_digits.yaml").read_text())
    recipe["model"]["class_path"] = "ganzoo.models.gan.VanillaGAN"  # whose loss has labels
    recipe["model"]["init_args"].pop("gp_weight", None)
    recipe["model"]["init_args"]["n_critic"] = 5
    recipe["model"]["init_args"]["stabilisers"] = ALL
    (home / "all.yaml").write_text(yaml.safe_dump(recipe))
    words = ["--recipe", home / "all.yaml", *DIGITS[2:], "--quality.samples", 20, "--grid.samples", 4]

    def train(runs, steps, *more):
        said = ganzoo("fit", *words, "--trainer.max_steps", steps, "--runs", home / runs, *more)
        assert said.status == 0, said.err
        return home / runs / "all" / "version_0"

    return train, train("whole", 6)


def state(run):
    """What a run's last checkpoint holds of the model."""
    return torch.load(run / "last.ckpt", weights_only=True)["state_dict"]


def test_a_recipe_switches_them_on_and_a_resumed_run_ends_in_the_very_same_weights(trained):
    train, whole = trained
    names = set((whole / "metrics.csv").read_text().splitlines()[0].replace('"', "").split(","))
    assert names >= {
        "d/soft",
        "d/sigma",
        "d/cr",
        "d/ada_p",
        "d/ada_r",
        "d/san",
        "d/diffusion_t",
        "g/fm",
        "g/ms",
        "g/ortho",
    }
    end = state(whole)
    assert end["stabilisers.7.p"].item() == pytest.approx(4 * 3 * 64 / 4000)  # after 12 critic steps
    part = train("part", 6, "--trainer.limit_train_batches", 5, "--trainer.max_epochs", 1)
    half = state(part)
    assert 0 < half["stabilisers.7.p"] < end["stabilisers.7.p"]
    assert half["stabilisers.7.steps"] == 2  # in the middle of an interval
    on = ["--ckpt_path", "last", "--trainer.limit_train_batches", "1.0", "--trainer.max_epochs", -1]
    rest = state(train("part", 6, *on))
    assert rest.keys() == end.keys()
    assert all(torch.equal(rest[name], end[name]) for name in end)


def test_a_published_checkpoint_loads_without_their_state_and_is_trusted(trained):
    _, run = trained
    weights = load_file(run / "export" / "model.safetensors")
    assert {name.partition(".")[0] for name in weights} == {"generator", "discriminator"}
    for model in (folder_format.read_folder(run / "export", trusted=False), loading.load(run / "last.ckpt")):
        assert [type(one).__name__ for one in model.stabilisers] == [one["class_path"].split(".")[-1] for one in ALL]
        assert model.sample(2).shape == (2, 1, 8, 8)
    assert model.stabilisers[7].p > 0  # a training checkpoint goes on where it was


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ('[{"class_path": "ganzoo.stabilisers.InstanceNois"}]', "Did you mean 'InstanceNoise'?"),
        ('[{"class_path": "ganzoo.stabilisers.Unrolled", "init_args": {"stepps": 1}}]', "Did you mean 'steps'?"),
        ('[{"class_path": "ganzoo.stabilisers.Unrolled", "init_args": {"steps": -1}}]', "stabilisers.steps: must be"),
        ('[{"class_path": "torch.nn.Linear"}]', "model.stabilisers: "),
    ],
)
def test_a_mistake_in_the_list_is_told_in_one_line(given, told):
    assert told in ganzoo("fit", *DIGITS, "--model.stabilisers", given).error
