"""A generator that paints every pixel by itself, from where it is and what is to be painted.

Stanley, Compositional pattern producing networks, 2007: coordinates in, intensity out.
"""

import torch
from torch import Tensor, nn


class CoordinateGenerator(nn.Module):
    """Latent vectors to grey images, pixel by pixel.

    Args:
        size: height and width of the images.
        latent_dim: length of the latent vector.
        width: units of each hidden layer.
    """

    grid: Tensor

    def __init__(self, size: int = 16, latent_dim: int = 16, width: int = 64) -> None:
        super().__init__()
        self.shape = (1, size, size)  # with latent_dim, what a generator has to say of itself
        self.latent_dim = latent_dim
        self.place = nn.Linear(2, width)
        self.what = nn.Linear(latent_dim, width)
        self.paint = nn.Sequential(nn.Linear(width, width), nn.LeakyReLU(0.2), nn.Linear(width, 1), nn.Tanh())
        axis = torch.linspace(-3, 3, size)
        self.register_buffer("grid", torch.cartesian_prod(axis, axis), persistent=False)

    def forward(self, z: Tensor) -> Tensor:
        """Maps (N, latent_dim) to (N, 1, size, size) in [-1, 1]."""
        hidden = torch.sin(self.place(self.grid) + self.what(z)[:, None])  # (N, size * size, width)
        return self.paint(hidden).transpose(1, 2).unflatten(2, self.shape[1:])
