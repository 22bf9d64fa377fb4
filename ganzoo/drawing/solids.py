"""Pictures, movies and meshes of voxels: a ray caster with shading, and Wavefront OBJ files.

A solid (1, D, H, W) is where its values are above 0. W runs from left to right, H from top to bottom as in images, and
D from front to back.
"""

from functools import lru_cache
from importlib.util import find_spec
from math import cos, pi, radians, sin
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import avg_pool2d, avg_pool3d, grid_sample, interpolate, normalize, pad

from ganzoo.common.files import atomic_write
from ganzoo.drawing.movies import save_movie
from ganzoo.drawing.pictures import grid, save_picture

SIDE = 128  # pixels of a picture
FINER = 2  # rays per pixel and axis
AZIMUTH, ELEVATION = radians(35), radians(28)  # of the camera, to the right of the front and above it
MARGIN = 1.06  # of the picture around the room that the solids are in
COLOUR = (0.42, 0.60, 0.90)
SUN = (0.35, -0.80, -0.50)  # direction to the light: x to the right, y down, z back, as the camera stands by itself
TOP, SIDES, RIGHTWARDS = (
    1.00,
    0.638,
    0.10,
)  # brightness of faces that look up, of others, and more to the camera's right
TURNS, TURNING_SIDE, FPS = 24, 96, 12.0  # pictures of a movie of one turn, their pixels, and how many a second
FLOOR, SHADOW = 0.965, 0.22  # brightness of the floor, and what the deepest shadow takes from it


class Rays(NamedTuple):
    """Rays of a camera through a grid of voxels, the same for all solids of one shape.

    Attributes:
        voxels: (P, S) indices of the voxels on each ray from front to back; D * H * W where it is outside of the grid.
        faces: (P, S) axis of the face through which the ray comes in: 0 at a side, 1 at the top, 2 in front or behind.
        enters: (P, S) how far from `starts` it does so.
        starts: (P, 3) a point on the ray, x to the right, y down and z back, in voxels.
        forward: (3,) direction of all rays.
        right: (3,) direction to the right of the picture.
        sun: (3,) direction to the light, which goes round with the camera.
        floor: (P, 2) where it meets the floor, -1 to 1 from left to right and from front to back inside of it.
    """

    voxels: Tensor
    faces: Tensor
    enters: Tensor
    starts: Tensor
    forward: Tensor
    right: Tensor
    sun: Tensor
    floor: Tensor


@lru_cache(maxsize=2)
def cast_rays(shape: tuple[int, int, int], side: int, azimuth: float = AZIMUTH) -> Rays:
    """Casts parallel rays, `side` squared, through a grid of voxels (D, H, W), from an angle that is no right one."""
    depth, height, width = shape
    size = torch.tensor([width, height, depth], dtype=torch.double)
    az, el, turn = azimuth, ELEVATION, azimuth - AZIMUTH
    forward = torch.tensor([-sin(az) * cos(el), sin(el), cos(az) * cos(el)], dtype=torch.double)
    right = torch.tensor([cos(az), 0, sin(az)], dtype=torch.double)
    down = torch.tensor([sin(az) * sin(el), cos(el), -cos(az) * sin(el)], dtype=torch.double)
    reach = MARGIN * float(max(size @ right.abs(), size @ down.abs())) / 2
    ticks = ((torch.arange(side, dtype=torch.double) + 0.5) / side * 2 - 1) * reach
    v, u = torch.meshgrid(ticks, ticks, indexing="ij")
    start = size / 2 + u.reshape(-1, 1) * right + v.reshape(-1, 1) * down
    planes = [torch.arange(n + 1, dtype=torch.double) for n in size.int().tolist()]
    met = torch.cat([(planes[axis] - start[:, axis, None]) / forward[axis] for axis in range(3)], 1)
    axes = torch.cat([torch.full((len(planes[axis]),), axis) for axis in range(3)])
    met, order = met.sort(1)
    middle = (met[:, 1:] + met[:, :-1]) / 2
    x, y, z = (start[:, axis, None] + middle * forward[axis] for axis in range(3))
    inside = (x > 0) & (x < width) & (y > 0) & (y < height) & (z > 0) & (z < depth)
    inside &= met[:, 1:] > met[:, :-1]
    index = (z.floor() * height + y.floor()) * width + x.floor()
    voxels = torch.where(inside, index, depth * height * width).int()
    floor = start + (height - start[:, 1:2]) / forward[1] * forward
    sun = torch.tensor([cos(turn) * SUN[0] - sin(turn) * SUN[2], SUN[1], sin(turn) * SUN[0] + cos(turn) * SUN[2]])
    faces, enters, floor = axes[order][:, :-1].byte(), met[:, :-1].float(), floor[:, ::2] / size[::2] * 2 - 1
    return Rays(voxels, faces, enters, start.float(), forward.float(), right.float(), sun, floor.float())


def render_solids(solids: Tensor, side: int = SIDE, azimuth: float = AZIMUTH) -> Tensor:
    """Renders solids in front of white, above a floor with their shadow, by parallel rays.

    Args:
        solids: (N, 1, D, H, W), full where above 0; of several channels the first is drawn.
        side: of a picture in pixels.
        azimuth: angle of the camera to the right of the front in radians, not a multiple of a right one.

    Returns:
        Images (N, 3, side, side) in [-1, 1] on the CPU.
    """
    full = solids[:, 0].detach().float().cpu() > 0
    rays = cast_rays(tuple(full.shape[1:]), side * FINER, azimuth)
    brightness = torch.stack([_render(solid, rays) for solid in full])  # (N, P, 3)
    images = brightness.permute(0, 2, 1).unflatten(2, (side * FINER, side * FINER))
    return interpolate(images, (side, side), mode="area") * 2 - 1


def _render(full: Tensor, rays: Rays) -> Tensor:
    """Returns the colours (P, 3) in [0, 1] of one solid (D, H, W) that is full where True."""
    hits = torch.cat([full.flatten(), torch.zeros(1, dtype=torch.bool)])[rays.voxels.long()]
    first = hits.byte().argmax(1, keepdim=True)
    hit = hits.gather(1, first)[:, 0]
    first = first[hit]
    visible = torch.diag(-rays.forward.sign())  # of the two faces across an axis, the one towards the camera
    outwards = visible[rays.faces[hit].gather(1, first)[:, 0].long()]
    point = rays.starts[hit] + rays.enters[hit].gather(1, first) * rays.forward
    blurred = avg_pool3d(pad(full.float()[None, None], [4] * 6), 5, 1)[0]  # (1, D + 4, H + 4, W + 4)
    slope = torch.cat([blurred.roll(1, axis) - blurred.roll(-1, axis) for axis in (3, 2, 1)])
    # how much is closed in around the empty voxel in front of the face: a plain has 0.4
    around = _between(blurred, point + outwards / 2)[:, 0]
    open_sky = (1 - 1.1 * (around - 0.4).clamp(0, 0.5)).clamp(0, 1)
    # the blurred solid's slope, and in thin parts, where there is none, the face's
    normal = normalize(_between(slope, point - outwards / 2) + 0.15 * outwards, dim=1)
    lit = (normal @ normalize(rays.sun, dim=0)).clamp_min(0)
    flat = torch.where(outwards[:, 1] != 0, TOP, SIDES + RIGHTWARDS * (outwards @ rays.right))
    light = (0.66 * flat + 0.45 * lit) * open_sky
    colours = _floor(full, rays.floor)[:, None].repeat(1, 3)
    colours[hit] = (torch.tensor(COLOUR) * light[:, None] + 0.10 * (lit[:, None] ** 8)).clamp(0, 1)
    return colours


def _between(values: Tensor, points: Tensor) -> Tensor:
    """Returns values (C, D + 4, H + 4, W + 4) of voxels, two of them around the grid, at points (P, 3) between them."""
    room = torch.tensor(values.shape[:0:-1]) - 1  # of x, y, z
    place = (points + 1.5) / room * 2 - 1
    return grid_sample(values[None], place[None, None, None], align_corners=True)[0, :, 0, 0].T


def _floor(full: Tensor, place: Tensor) -> Tensor:
    """Returns the brightness (P,) of the floor, darker below a solid, and white around it."""
    near = torch.linspace(0.35, 1, full.shape[1])[None, :, None]  # what floats high throws less shadow
    shadow = avg_pool2d((full * near).amax(1)[None, None], 3, 1, 1)
    dark = grid_sample(shadow, place[None, None], mode="bilinear", align_corners=False)[0, 0, 0]
    return torch.where((place.abs() < 1).all(1), FLOOR - SHADOW * dark, 1.0)


def surface(full: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns the surface of a solid as squares that share their corners.

    Args:
        full: (D, H, W), True where it is full.

    Returns:
        Corners (V, 3): x to the right, y up, z to the front; and faces (F, 4), indices of corners, counterclockwise as
        seen from outside.
    """
    depth, height, _ = full.shape
    cells = np.pad(full.transpose(2, 1, 0), 1)  # (W, H, D), as x, y, z
    squares = []
    for axis in range(3):
        b, c = np.eye(3, dtype=np.int64)[[(axis + 1) % 3, (axis + 2) % 3]]
        for step in (-1, 1):
            bare = cells & ~np.roll(cells, -step, axis)
            corner = np.argwhere(bare) - 1 + (step > 0) * np.eye(3, dtype=np.int64)[axis]
            around = np.stack([corner, corner + b, corner + b + c, corner + c], 1)
            squares.append(around[:, ::step])
    corners, faces = np.unique(np.concatenate(squares).reshape(-1, 3), axis=0, return_inverse=True)
    # rows count down and slices back, but y goes up and z to the front: two turns, which keep the sense of rotation
    return np.array([0, height, depth]) + np.array([1, -1, -1]) * corners, faces.reshape(-1, 4)


def smooth_surface(values: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Returns the surface through 0 between voxels as triangles, by marching cubes: Lewiner et al. 2003.

    Args:
        values: (D, H, W), full where above 0.

    Returns:
        Corners (V, 3) and faces (F, 3), see `surface`.
    """
    from skimage.measure import marching_cubes

    depth, height, _ = values.shape
    room = np.pad(values.astype(np.float32), 1, constant_values=-1)  # so that it is closed
    if not (room > 0).any():
        return np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int64)
    places, faces, *_ = marching_cubes(room, 0.0, gradient_direction="descent")
    z, y, x = (places - 0.5).T  # the middle of the first voxel is 0.5 from its outer faces, and 1 in the wider room
    return np.stack([x, height - y, depth - z], 1), faces.astype(np.int64)


def save_solids(solids: Tensor, path: Path) -> None:
    """Writes solids (N, 1, D, H, W) as one Wavefront OBJ file, side by side, and their rendering beside it as PNG.

    With scikit-image, of `ganzoo-lightning[voxels]`, surfaces go between voxels as their values say; without, they are
    the faces of the full ones.
    """
    smooth = find_spec("skimage") is not None
    values = solids[:, 0].detach().float().cpu().numpy()
    how = "between voxels" if smooth else "of voxels"
    lines, before = [f"# Surface {how}: x to the right, y up, z to the front; one unit is one voxel."], 1
    for number, solid in enumerate(values):
        corners, faces = smooth_surface(solid) if smooth else surface(solid > 0)
        corners[:, 0] += number * (solid.shape[2] + 2)
        lines.append(f"o sample_{number:04d}")
        lines += [f"v {x:.6g} {y:.6g} {z:.6g}" for x, y, z in corners.tolist()]
        lines += ["f " + " ".join(map(str, face)) for face in (faces + before).tolist()]
        before += len(corners)
    with atomic_write(path) as file:
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    save_picture(grid(render_solids(solids)), path.with_suffix(".png"))


def save_turning(solids: Tensor, path: Path) -> None:
    """Writes solids (N, 1, D, H, W) as one GIF or MP4, in which all turn once about the vertical, side by side."""
    angles = [AZIMUTH + 2 * pi * step / TURNS for step in range(TURNS)]  # 35 degrees and steps of 15: no right angle
    save_movie([grid(render_solids(solids, TURNING_SIDE, angle)) for angle in angles], path, FPS)
