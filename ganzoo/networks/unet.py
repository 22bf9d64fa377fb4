"""The U-Net generator of pix2pix: Isola et al. 2017, arXiv 1611.07004, section 3.2.1 and appendix 6.1.1."""

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, relu

from ganzoo.networks.dcgan import init_dcgan
from ganzoo.networks.patch import Norm, norm_layers
from ganzoo.networks.sides import require_side

DROPPED = 3  # decoder blocks, counted from the innermost, that drop


class UNet(nn.Module):
    """Generator of images from images: an encoder down to one pixel, and a decoder that sees the encoder's maps.

    Sides are rounded down as they are halved, and doubled back to what they were, so that any square fits. The paper's
    256 pixels go through 128, 64 ... to 1, and 100 through 50, 25, 12, 6, 3 to 1.

    The bottleneck is not normalised: on one pixel the statistics of a single image would leave nothing of it. The
    paper's appendix says so in its second version, after an error in the first.

    Args:
        size: side of the images in pixels, at least 16.
        source_channels: channels of the images that it takes.
        channels: channels of the images that it makes.
        width: channels of the first hidden layer; each one after it has twice as many, up to eight times.
        dropout: share of the values dropped in the first three decoder blocks: the paper's only noise.
        norm: normalisation of the hidden layers but the first and the bottleneck.

    Attributes:
        noise_dim: how many values can be dropped.

    Raises:
        GanzooError: for smaller images.
    """

    def __init__(
        self,
        size: int = 256,
        source_channels: int = 3,
        channels: int = 3,
        width: int = 64,
        dropout: float = 0.5,
        norm: Norm = "batch",
    ) -> None:
        super().__init__()
        require_side(size, 16, "a U-Net")
        self.source_shape, self.shape = (source_channels, size, size), (channels, size, size)
        self.dropout = dropout
        depth = size.bit_length() - 1
        widths = [width * min(2**i, 8) for i in range(depth)]
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for i, (before, after) in enumerate(zip([source_channels, *widths], widths, strict=False)):
            norms = norm_layers(norm, after) if 0 < i < depth - 1 else []
            conv = nn.Conv2d(before, after, 4, 2, 1, bias=not norms)
            # in place: the decoder's ReLU gives the same after a LeakyReLU as before it
            self.down.append(nn.Sequential(conv, *norms, nn.LeakyReLU(0.2, inplace=True)))
        for i in range(depth - 1, 0, -1):
            before = widths[i] * (1 if i == depth - 1 else 2)
            odd = (size >> i) % 2
            deconv = nn.ConvTranspose2d(before, widths[i - 1], 4, 2, 1, output_padding=odd, bias=norm == "none")
            self.up.append(nn.Sequential(deconv, *norm_layers(norm, widths[i - 1])))
        last = nn.ConvTranspose2d(2 * width, channels, 4, 2, 1, output_padding=size % 2)
        self.up.append(nn.Sequential(last, nn.Tanh()))
        self.noises = [widths[depth - 2 - i] * (size >> (depth - 1 - i)) ** 2 for i in range(DROPPED)]
        self.noise_dim = sum(self.noises)
        self.apply(init_dcgan)

    def forward(self, x: Tensor, noise: Tensor | None = None) -> Tensor:
        """Maps images (N, source_channels, size, size) to images (N, channels, size, size) in [-1, 1].

        Args:
            x: the images.
            noise: uniform on [-1, 1], shape (N, noise_dim): what drops, in training and in evaluation alike. Without,
                values are dropped at random in training, and none are in evaluation.
        """
        skips = []
        for down in self.down:
            x = down(x)
            skips.append(x)
        chosen = [None] * DROPPED if noise is None else noise.split(self.noises, 1)
        x = skips.pop()
        for i, up in enumerate(self.up):
            x = up(relu(x if i == 0 else torch.cat([x, skips.pop()], 1)))
            if i < DROPPED:
                x = self.drop(x, chosen[i])
        return x

    def drop(self, x: Tensor, noise: Tensor | None) -> Tensor:
        """Drops values of maps (N, C, H, W): where the noise (N, C * H * W) is low, or at random."""
        if noise is None:
            return dropout(x, self.dropout, self.training)
        return x * ((noise.view(x.shape) + 1) / 2 >= self.dropout) / (1 - self.dropout)
