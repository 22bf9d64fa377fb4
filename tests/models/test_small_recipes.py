"""Recipes for two CPU cores: the variant and data of the published ones, with networks whose checkpoint stays small."""

import pydoc
from functools import cache
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
import yaml
from torch import nn

from ganzoo.checkpoints.build import build_model
from ganzoo.common import registry
from ganzoo.common.data_spec import DataSpec

SMALL = {
    "conv_gan_faces_small": "conv_gan_faces",
    "projected_gan_faces_small": "projected_gan_faces",
    "sngan_cifar10_small": "sngan_cifar10",
    "projection_gan_cifar10_small": "projection_gan_cifar10",
    "progan_cifar10_small": "progan_cifar10",
    "progan_faces_small": "progan_faces",
    "sagan_cifar10_small": "sagan_cifar10",
    "biggan_cifar10_small": "biggan_cifar10",
    "r3gan_cifar10_small": "r3gan_cifar10",
    "diffusion_gan_cifar10_small": "diffusion_gan_cifar10",
    "ddgan_cifar10_small": "ddgan_cifar10",
    "stylegan2_cifar10_small": "stylegan2_cifar10",
    "stylegan2_faces_small": "stylegan2_faces",
    "stylegan_faces_small": "stylegan_faces",
    "vqgan_cifar10_small": "vqgan_cifar10",
    "latent_gan_cifar10_small": "latent_gan_cifar10",
    "transgan_cifar10_small": "transgan_cifar10",
    "vitgan_cifar10_small": "vitgan_cifar10",
    "gansformer_cifar10_small": "gansformer_folder",
    "three_d_gan_shapes_small": "three_d_gan_shapes",
    "video_prediction_digits_small": "video_prediction_digits",
    "vgan_moving_digits_small": "vgan_moving_digits",
    "stackgan_mnist_stage1_small": "stackgan_folder",
    "stackgan_mnist_small": "stackgan_folder_256",
}


def recipe(name: str) -> dict:
    return yaml.safe_load((registry.RECIPES / f"{name}.yaml").read_text())


@cache
def build(name: str) -> Any:
    """Builds a recipe's model, whose sides, frames and classes follow the data."""
    described = recipe(name)
    model, size = described["model"], described["data"]["init_args"]["size"]
    follow = getattr(pydoc.locate(model["class_path"]), "follow", lambda spec, stated: {})  # of labelled variants
    followed = follow(DataSpec((3, size, size), n_classes=10), {})
    for network in ("generator", "discriminator", "autoencoder", "encoder", "stage1"):
        if network not in model["init_args"]:
            continue
        part = model["init_args"][network]
        of_data = {"size": size}
        if "frames" in described["data"]["init_args"]:
            of_data["shape"] = [3, described["data"]["init_args"]["frames"], size, size]
        if getattr(followed.get(network), "conditional", False):
            of_data["n_classes"] = 10
        arguments = signature(pydoc.locate(part["class_path"])).parameters
        named = {argument: value for argument, value in of_data.items() if argument in arguments}
        part["init_args"] = {**named, **part.get("init_args", {})}
    return build_model(yaml.safe_dump(described), Path(name))


def megabytes(name: str) -> float:
    """Size of a recipe's published checkpoint, whose numbers take two bytes each."""
    parts = build(name).exported().values()
    return 2e-6 * sum(tensor.numel() for part in parts for tensor in part.state_dict().values())


@pytest.mark.parametrize(("name", "published"), SMALL.items())
def test_a_small_recipe_is_the_published_one_at_another_size(name, published):
    small, whole = recipe(name), recipe(published)
    assert small["model"]["class_path"] == whole["model"]["class_path"]
    for network in ("generator", "discriminator"):
        kinds = [each["model"]["init_args"][network]["class_path"] for each in (small, whole)]
        assert kinds[0] == kinds[1]
    assert small["trainer"]["max_steps"] < whole["trainer"]["max_steps"]
    assert megabytes(name) < megabytes(published) / 4
    assert megabytes(name) < 3  # what a new checkpoint may take in the repository


@pytest.mark.parametrize("name", SMALL)
def test_no_norm_takes_the_mean_of_a_channel_out_of_each_image(name):
    # a narrow network in as many groups as a wide one: autoencoders lost images' colours to it
    norms = [module for module in build(name).modules() if isinstance(module, nn.GroupNorm)]
    assert all(norm.num_channels >= 2 * norm.num_groups for norm in norms)


def test_a_fast_recipe_is_its_variant_on_fewer_images_by_narrower_networks():
    fast, usual = recipe("cgan_mnist_fast"), recipe("cgan_mnist")
    assert fast["model"]["class_path"] == usual["model"]["class_path"]
    images = [each["trainer"]["max_steps"] * each["data"]["init_args"].get("batch_size", 64) for each in (fast, usual)]
    assert images[0] <= images[1] / 2
    for network in ("generator", "discriminator"):
        widths = [
            each["model"]["init_args"][network]["init_args"]["network"]["init_args"]["width"] for each in (fast, usual)
        ]
        assert widths[0] < widths[1]
