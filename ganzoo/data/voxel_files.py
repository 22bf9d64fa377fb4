"""Reading of solids from files: meshes, which trimesh voxelises, and arrays of voxels.

Meshes are in .off, .obj, .stl, .ply and .glb files. Arrays are in .npy and .npz files: voxels (X, Y, Z) of one solid or
(N, X, Y, Z) of several, full above 0; their bits packed into bytes (N, S^3 / 8), as numpy's `packbits` does; or
(N, 1, D, H, W), as `ganzoo sample -o x.npz` writes them. What is no mesh and no solid is refused.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import adaptive_max_pool3d, interpolate, pad

from ganzoo.common.errors import GanzooError, one_line
from ganzoo.data.array_files import arrays, damaged

Up = Literal["y", "z"]
UPS = get_args(Up)
MESHES = (".off", ".obj", ".stl", ".ply", ".glb")
LARGEST_FILE = 2**28  # bytes of a mesh
MOST_FACES = 2_000_000
LARGEST_SIDE = 512
MARGIN = 1  # empty voxels around a mesh


def read_solids(path: Path, size: int, up: Up) -> Iterator[tuple[str | None, Tensor]]:
    """Yields the solids of a file: the name of the array that they are in, None of meshes, and uint8 (N, S, S, S).

    Args:
        path: a file with one of the endings above.
        size: side S of the solids in voxels, to which they are brought.
        up: axis that points up in meshes and in arrays (X, Y, Z).

    Raises:
        GanzooError: the file is damaged, empty, or too large, or the package that reads it is missing.
    """
    if path.suffix.lower() in MESHES:
        yield None, mesh_solid(path, size, up)[None]
        return
    for name, array in arrays(path):
        yield name, voxels_of(array, f"{path.name}: {name}" if name else path.name, size, up)


def mesh_solid(path: Path, size: int, up: Up) -> Tensor:
    """Returns a mesh as a filled solid, uint8 (S, S, S), that stands on the floor and is as large as fits.

    Raises:
        GanzooError: see `read_solids`.
    """
    try:
        import trimesh
    except ImportError as error:
        raise GanzooError(
            f"data.root: {path.name} is a mesh, which needs trimesh: pip install 'ganzoo-lightning[voxels]'."
        ) from error
    if path.stat().st_size > LARGEST_FILE:
        raise damaged(path.name, f"is larger than {LARGEST_FILE // 2**20} MB; simplify the mesh")
    try:
        mesh: Any = trimesh.load(path, force="mesh", process=False)
        faces, corners = np.asarray(mesh.faces), np.asarray(mesh.vertices)
    except Exception as error:  # it fails in as many ways as there are damages
        raise damaged(path.name, f"is no mesh that trimesh reads ({one_line(str(error))[:80]})") from error
    if not len(faces):
        raise damaged(path.name, "has no faces")
    if len(faces) > MOST_FACES:
        raise damaged(path.name, f"has {len(faces):,} faces, more than {MOST_FACES:,}; simplify it")
    used = corners[np.unique(faces)] if faces.max() < len(corners) and faces.min() >= 0 else np.array([np.nan])
    extent = np.ptp(used, 0).max() if np.isfinite(used).all() else np.nan
    if not extent > 0 or not np.isfinite(extent):
        raise damaged(path.name, "has corners that are missing, infinite or all in one place")
    try:
        mesh.apply_scale(1 / extent)
        grid = mesh.voxelized(1 / (size - 2 * MARGIN - 1)).fill().matrix
    except Exception as error:
        raise damaged(path.name, f"cannot be voxelised ({one_line(str(error))[:80]})") from error
    return _placed(_house_axes(np.asarray(grid, bool), up), size)


def voxels_of(array: NDArray[Any], name: str, size: int, up: Up) -> Tensor:
    """Returns the solids of an array as uint8 (N, size, size, size), empty 0 and full 255.

    Raises:
        GanzooError: its shape is not one of solids.
    """
    side = round((array.shape[1] * 8) ** (1 / 3)) if array.ndim == 2 else 0
    packed = array.ndim == 2 and array.dtype == np.uint8 and side**3 == array.shape[1] * 8
    if packed and side <= LARGEST_SIDE:
        array = np.unpackbits(array, 1).reshape(-1, side, side, side)
    own = array.ndim == 5 and array.shape[1] == 1
    if array.ndim not in (3, 4) and not own:
        raise damaged(
            name, f"has shape {array.shape}; solids are (N, X, Y, Z), (X, Y, Z), packed bits or (N, 1, D, H, W)"
        )
    if 0 in array.shape or max(array.shape[-3:]) > LARGEST_SIDE:
        raise damaged(name, f"has shape {array.shape}, but sides of 1 to {LARGEST_SIDE} voxels are read")
    full = array > 0
    solids = [full[n, 0] for n in range(len(full))] if own else [_house_axes(solid, up) for solid in _each(full)]
    return torch.stack([_resized(torch.from_numpy(solid.copy()), size) for solid in solids])


def _each(full: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return full[None] if full.ndim == 3 else full


def _house_axes(full: NDArray[np.bool_], up: Up) -> NDArray[np.bool_]:
    """Turns (X, Y, Z) to (D, H, W): W to the right, H downwards, D from front to back, in a right-handed room."""
    if up == "y":  # z to the front
        return full.transpose(2, 1, 0)[::-1, ::-1]
    return full.transpose(1, 2, 0)[:, ::-1]  # y to the back


def _resized(full: Tensor, size: int) -> Tensor:
    """Brings a solid (D, H, W) to a cube: empty around its middle where it is none; a voxel stays full if any was."""
    side = max(full.shape)
    spare = [side - length for length in reversed(full.shape)]
    cube = pad(full.float(), [part for extra in spare for part in (extra // 2, extra - extra // 2)])[None, None]
    if side != size:
        cube = adaptive_max_pool3d(cube, size) if side > size else interpolate(cube, size=[size] * 3)
    return cube[0, 0].byte() * 255


def _placed(full: NDArray[np.bool_], size: int) -> Tensor:
    """Puts a solid (D, H, W) of at most `size` voxels a side into the middle of the floor of an empty room."""
    places = np.argwhere(full)
    if not len(places):
        return torch.zeros(size, size, size, dtype=torch.uint8)
    (d0, h0, w0), (d1, h1, w1) = places.min(0), places.max(0) + 1
    solid = torch.from_numpy(full[d0:d1, h0:h1, w0:w1].copy())[-size:, -size:, -size:]
    depth, height, width = solid.shape
    room = torch.zeros(size, size, size, dtype=torch.uint8)
    z, x = (size - depth) // 2, (size - width) // 2
    room[z : z + depth, size - height :, x : x + width] = solid.byte() * 255
    return room
