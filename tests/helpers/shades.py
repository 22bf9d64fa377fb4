"""Light and dark pictures of 32 pixels, labelled."""

import torch

from ganzoo.data import DataModule


class Shades(DataModule):
    """Light and dark pictures, labelled."""

    shape, n_classes = (3, 32, 32), 2

    def load(self, split):
        y = torch.arange(40) % 2
        noise = torch.randint(0, 56, (40, 3, 32, 32), generator=torch.Generator().manual_seed(0))
        return (noise + 200 * y[:, None, None, None]).byte(), y
