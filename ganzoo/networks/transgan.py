"""Networks of TransGAN: Jiang et al. 2021, arXiv 2102.07074, transformers alone.

They compute what the authors' code for CIFAR-10 does (https://github.com/VITA-Group/TransGAN): `ViT_custom_rp` and
`ViT_custom_scale2_rp_noise`. A place attends to all others with a bias by where these lie from it; the generator's side
is doubled by PixelShuffle, which moves numbers from channels to places; the discriminator sees patches of two sizes.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, pixel_shuffle

from ganzoo.common.errors import GanzooError
from ganzoo.networks.tokens import as_map, as_tokens, joined_windows, windows

INIT = 0.02  # standard deviation of positions, and of the discriminator's weights


def relative_index(side: int) -> Tensor:
    """Returns a number for where each place of a square lies from each other: (side^2, side^2), of (2 side - 1)^2."""
    rows, columns = torch.arange(side).repeat_interleave(side), torch.arange(side).repeat(side)
    dy, dx = (line[:, None] - line[None] + side - 1 for line in (rows, columns))
    return dy * (2 * side - 1) + dx


class RelativeAttention(nn.Module):
    """Attention of several heads between the places of a square, with a learnt bias by their relative positions.

    Args:
        dim: length of a token.
        heads: number of heads.
        side: side of the square in places; 0 for tokens that lie in none, which have no bias.
        window: side of the smaller squares within which places see each other; 0 for the whole one.
        noisy: whether noise of a learnt strength, at first 0, is added to tokens, in evaluation, too.

    Raises:
        GanzooError: if the heads do not divide the length, or the windows the square.
    """

    index: Tensor

    def __init__(self, dim: int, heads: int = 4, side: int = 0, window: int = 0, noisy: bool = False) -> None:
        super().__init__()
        if dim % heads:
            raise GanzooError(f"heads: {heads} given, which do not divide a width of {dim}.")
        self.heads, self.side, self.window = heads, side, min(window, side) or side
        if side and side % self.window:
            raise GanzooError(f"window: {window} given, which does not divide a side of {side}.")
        self.noise_strength = nn.Parameter(torch.zeros(())) if noisy else None
        self.bias = nn.Parameter(torch.zeros((2 * self.window - 1) ** 2, heads)) if side else None
        if self.bias is not None:
            nn.init.trunc_normal_(self.bias, std=INIT)
            self.register_buffer("index", relative_index(self.window), persistent=False)
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.out = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Maps tokens (N, T, dim) to the same shape."""
        if self.noise_strength is not None:
            noise = torch.randn(x.shape[0], x.shape[1], 1, device=x.device)
            x = x + noise.to(x.dtype) * self.noise_strength
        parted = self.window < self.side
        if parted:
            x = windows(x, self.side, self.window)
        query, key, value = self.qkv(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        # not PyTorch's fused attention, whose second derivative penalties on gradients would need
        weights = query @ key.transpose(2, 3) * query.shape[3] ** -0.5
        if self.bias is not None:
            weights = weights + self.bias[self.index].permute(2, 0, 1)
        x = self.out((weights.softmax(3) @ value).transpose(1, 2).flatten(2))
        return joined_windows(x, self.side, self.window) if parted else x


class Block(nn.Module):
    """Block of a transformer: attention and two linear layers, LayerNorm before each, and a shortcut around each.

    Args:
        dim: length of a token.
        heads: see `RelativeAttention`.
        side: likewise.
        window: likewise.
        noisy: likewise.
        ratio: how many times as long tokens are between the linear layers.
    """

    def __init__(
        self, dim: int, heads: int = 4, side: int = 0, window: int = 0, noisy: bool = False, ratio: int = 4
    ) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attention = RelativeAttention(dim, heads, side, window, noisy)
        self.mlp = nn.Sequential(nn.Linear(dim, ratio * dim), nn.GELU(), nn.Linear(ratio * dim, dim))

    def forward(self, x: Tensor) -> Tensor:
        """Maps tokens (N, T, dim) to the same shape."""
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class TransGANGenerator(nn.Module):
    """Generator of images: stages of blocks, the side doubled between them and the width quartered, a 1x1 convolution.

    Args:
        size: side of the images in pixels, 2^(number of stages - 1) times that of the first stage.
        channels: channels of the images.
        latent_dim: length of the latent vector.
        width: length of the tokens of the first stage.
        depths: blocks of each stage.
        heads: heads of the attention.
        ratio: see `Block`.
        window: largest side of the squares within which places see each other; the authors' is 16 where images are
            larger than 32 pixels.

    Attributes:
        unbounded: that images may leave [-1, 1]: there is no tanh.

    Raises:
        GanzooError: if the stages do not lead to the side, or there are not enough channels for them.
    """

    unbounded = True

    def __init__(
        self,
        size: int = 32,
        channels: int = 3,
        latent_dim: int = 256,
        width: int = 1024,
        depths: Sequence[int] = (5, 4, 2),
        heads: int = 4,
        ratio: int = 4,
        window: int = 32,
    ) -> None:
        super().__init__()
        doublings = len(depths) - 1
        if doublings < 0 or size % 2**doublings or width % 4**doublings:
            raise GanzooError(
                f"depths: {len(depths)} stages halve a side of {size} and quarter a width of {width} "
                f"{doublings} times, which leaves a remainder."
            )
        self.shape, self.latent_dim, self.side = (channels, size, size), latent_dim, size // 2**doublings
        sides = [self.side * 2**i for i in range(len(depths))]
        dims = [width // 4**i for i in range(len(depths))]
        self.linear = nn.Linear(latent_dim, self.side**2 * width)
        self.positions = nn.ParameterList(torch.zeros(side**2, dim) for side, dim in zip(sides, dims, strict=True))
        self.stages = nn.ModuleList(
            nn.Sequential(*(Block(dim, heads, side, window, ratio=ratio) for _ in range(depth)))
            for depth, side, dim in zip(depths, sides, dims, strict=True)
        )
        self.to_image = nn.Conv2d(dims[-1], channels, 1)
        for positions in self.positions:
            nn.init.trunc_normal_(positions, std=INIT)

    def forward(self, z: Tensor) -> Tensor:
        """Maps (N, latent_dim) to images (N, channels, size, size)."""
        x = self.linear(z).unflatten(1, (self.side**2, -1))
        for i, stage in enumerate(self.stages):
            if i:
                x = as_tokens(pixel_shuffle(as_map(x, self.side * 2 ** (i - 1)), 2))
            x = stage(x + self.positions[i])
        return self.to_image(as_map(x, self.shape[1]))


class TransGANDiscriminator(nn.Module):
    """Discriminator of images on two scales: patches, blocks, pooled and joined with larger patches, blocks, a token.

    Three quarters of the width see the smaller patches. The last block adds a class token, of which the logit is made.

    Args:
        size: side of the images in pixels, a multiple of twice the patches' side.
        channels: channels of the images.
        width: length of the tokens of the second scale.
        depth: blocks of each scale.
        patch: side of the smaller patches in pixels.
        heads: heads of the attention.
        ratio: see `Block`.

    Raises:
        GanzooError: if the patches do not divide the side.
    """

    def __init__(
        self,
        size: int = 32,
        channels: int = 3,
        width: int = 384,
        depth: int = 3,
        patch: int = 2,
        heads: int = 4,
        ratio: int = 4,
    ) -> None:
        super().__init__()
        if size % (2 * patch):
            raise GanzooError(f"patch: patches of {patch} and {2 * patch} pixels do not divide a side of {size}.")
        self.shape, self.n_features, self.side = (channels, size, size), width, size // patch
        fine = 3 * width // 4
        self.fine_patches = nn.Conv2d(channels, fine, patch, patch)
        self.coarse_patches = nn.Conv2d(channels, width - fine, 2 * patch, 2 * patch)
        self.fine_positions = nn.Parameter(torch.zeros(self.side**2, fine))
        self.coarse_positions = nn.Parameter(torch.zeros(self.side**2 // 4, width))
        self.class_token = nn.Parameter(torch.zeros(1, width))
        self.fine_blocks = nn.Sequential(
            *(Block(fine, heads, self.side, noisy=True, ratio=ratio) for _ in range(depth))
        )
        self.coarse_blocks = nn.Sequential(
            *(Block(width, heads, self.side // 2, noisy=True, ratio=ratio) for _ in range(depth))
        )
        self.last_block = Block(width, heads, noisy=True, ratio=ratio)
        self.norm = nn.LayerNorm(width)
        self.linear = nn.Linear(width, 1)
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.trunc_normal_(layer.weight, std=INIT)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
        for tokens in (self.fine_positions, self.coarse_positions, self.class_token):
            nn.init.trunc_normal_(tokens, std=INIT)

    def features(self, x: Tensor) -> Tensor:
        """Maps images (N, channels, size, size) to features (N, n_features): the class token's."""
        fine = self.fine_blocks(as_tokens(self.fine_patches(x)) + self.fine_positions)
        fine = avg_pool2d(as_map(fine, self.side), 2)
        coarse = as_tokens(torch.cat([fine, self.coarse_patches(x)], 1)) + self.coarse_positions
        coarse = self.coarse_blocks(coarse)
        token = self.class_token.expand(coarse.shape[0], -1, -1)
        return self.norm(self.last_block(torch.cat([token, coarse], 1)))[:, 0]

    def forward(self, x: Tensor) -> Tensor:
        """Maps images (N, channels, size, size) to scores (N,)."""
        return self.linear(self.features(x)).squeeze(1)
