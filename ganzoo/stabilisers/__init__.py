"""Stabilisers: additions that a recipe switches on by its `stabilisers` list, one file each."""

from ganzoo.games.stabiliser import Stabiliser
from ganzoo.stabilisers.ada import ADA
from ganzoo.stabilisers.augmentation import Augmentation
from ganzoo.stabilisers.consistency import Consistency
from ganzoo.stabilisers.diffusion import Diffusion
from ganzoo.stabilisers.feature_matching import FeatureMatching
from ganzoo.stabilisers.instance_noise import InstanceNoise
from ganzoo.stabilisers.mode_seeking import ModeSeeking
from ganzoo.stabilisers.orthogonal import OrthogonalRegularisation
from ganzoo.stabilisers.path_length import PathLength
from ganzoo.stabilisers.r1 import R1
from ganzoo.stabilisers.san import SAN
from ganzoo.stabilisers.soft_labels import SoftLabels
from ganzoo.stabilisers.unrolled import Unrolled

__all__ = [
    "ADA",
    "R1",
    "SAN",
    "Augmentation",
    "Consistency",
    "Diffusion",
    "FeatureMatching",
    "InstanceNoise",
    "ModeSeeking",
    "OrthogonalRegularisation",
    "PathLength",
    "SoftLabels",
    "Stabiliser",
    "Unrolled",
]
