"""Data sets as LightningDataModules: images in [-1, 1], NCHW, points in the plane, video, solids, bars of music."""

from ganzoo.data.base import DataModule, ImageDataModule
from ganzoo.data.caption_folder import CaptionFolder
from ganzoo.data.captioned_mnist import CaptionedMNIST
from ganzoo.data.celeba import CelebA
from ganzoo.data.chorales import Chorales
from ganzoo.data.cifar10 import CIFAR10
from ganzoo.data.clip_folder import ClipFolder
from ganzoo.data.colours import CIFAR10Colours
from ganzoo.data.digits import Digits
from ganzoo.data.edges import Edges
from ganzoo.data.emoji import Emoji
from ganzoo.data.image_folder import ImageFolder
from ganzoo.data.loader import BatchLoader
from ganzoo.data.low_resolution import LowResolution
from ganzoo.data.midi import MidiFolder
from ganzoo.data.mnist import MNIST, FashionMNIST
from ganzoo.data.moving_digits import MovingDigits
from ganzoo.data.next_frame import NextDigits, NextFrame, NextFrames
from ganzoo.data.nottingham import Nottingham
from ganzoo.data.pairs import PairedFolder
from ganzoo.data.recoloured_mnist import RecolouredMNIST
from ganzoo.data.shapes import Shapes
from ganzoo.data.shifted_mnist import ShiftedMNIST
from ganzoo.data.solids import Solids
from ganzoo.data.toy2d import Toy2D
from ganzoo.data.tunes import Tunes
from ganzoo.data.unpaired import UnpairedFolder
from ganzoo.data.voxel_folder import VoxelFolder

__all__ = [
    "CIFAR10",
    "MNIST",
    "BatchLoader",
    "CIFAR10Colours",
    "CaptionFolder",
    "CaptionedMNIST",
    "CelebA",
    "Chorales",
    "ClipFolder",
    "DataModule",
    "Digits",
    "Edges",
    "Emoji",
    "FashionMNIST",
    "ImageDataModule",
    "ImageFolder",
    "LowResolution",
    "MidiFolder",
    "MovingDigits",
    "NextDigits",
    "NextFrame",
    "NextFrames",
    "Nottingham",
    "PairedFolder",
    "RecolouredMNIST",
    "Shapes",
    "ShiftedMNIST",
    "Solids",
    "Toy2D",
    "Tunes",
    "UnpairedFolder",
    "VoxelFolder",
]
