"""PatchGAN, a discriminator that judges every patch of an image: Isola et al. 2017, arXiv 1611.07004.

Section 3.2.2 and appendix 6.1.2; the layers of every field are those of the authors' code
(https://github.com/phillipi/pix2pix). `n_layers` there is the number of halvings here. That code normalises by the
batch, with a scale and a shift; for one image in a batch this is instance normalisation, whose scale and shift we keep.
The later PyTorch code (https://github.com/junyanz/pytorch-CycleGAN-and-pix2pix) has neither there: `affine: false`.
"""

from typing import Literal

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from ganzoo.common.errors import GanzooError
from ganzoo.networks.dcgan import init_dcgan

Norm = Literal["batch", "instance", "none"]
# side of the patches in pixels: halvings of the image; 1 is the PixelGAN, which has none and looks at no neighbour
FIELDS = {1: 0, 16: 1, 34: 2, 70: 3, 142: 4, 286: 5}


class PatchGAN(nn.Module):
    """Discriminator of images that returns a map of logits, one for each patch of `field` x `field` pixels.

    Convolutions of stride 2 with LeakyReLU, then one of stride 1 and one to the logits. Images may have any size that
    leaves a logit. A conditional one is given source and target, concatenated along the channels.

    Args:
        channels: channels of what it judges: of the source and the target together where it is conditional.
        width: channels of the first hidden layer; each one after it has twice as many, up to eight times.
        field: side of a patch, the receptive field of a logit: 1, 16, 34, 70, 142 or 286. The paper's are 1, 16, 70
            (its choice) and 286.
        norm: normalisation of the hidden layers after the first.
        affine: whether instance normalisation has a scale and a shift; BatchNorm always has.
        spectral: divide every weight by its largest singular value (Miyato et al. 2018).

    Attributes:
        smallest: least side of an image in pixels.

    Raises:
        GanzooError: for any other field.
    """

    def __init__(
        self,
        channels: int = 6,
        width: int = 64,
        field: int = 70,
        norm: Norm = "batch",
        affine: bool = True,
        spectral: bool = False,
    ) -> None:
        super().__init__()
        if field not in FIELDS:
            raise GanzooError(f"field: a patch has a side of {', '.join(map(str, FIELDS))} pixels, not {field}.")
        self.channels, halvings = channels, FIELDS[field]
        kernel, padding = (4, 1) if halvings else (1, 0)
        # every layer of stride 1 takes a pixel off the map: two of them must leave one
        self.smallest = 3 * 2**halvings if halvings else 1
        layers: list[nn.Module] = []
        before = channels
        for i in range(max(halvings, 1) + 1):
            after, stride = width * min(2**i, 8), 2 if i < halvings else 1
            layers.append(nn.Conv2d(before, after, kernel, stride, padding, bias=i == 0 or norm == "none"))
            layers += [*(norm_layers(norm, after, affine) if i else []), nn.LeakyReLU(0.2, inplace=True)]
            before = after
        self.net = nn.Sequential(*layers, nn.Conv2d(before, 1, kernel, 1, padding))
        self.apply(init_dcgan)
        if spectral:  # after the initialisation: a parametrised weight ignores writes to its data
            for layer in self.net:
                if isinstance(layer, nn.Conv2d):
                    spectral_norm(layer)

    def forward(self, x: Tensor) -> Tensor:
        """Maps images (N, channels, H, W) to logits (N, 1, h, w)."""
        return self.net(x)


def receptive_field(network: nn.Module) -> int:
    """Returns the side in pixels of the receptive field of a chain of convolutions.

    Args:
        network: its convolutions follow one another in the order in which they were made; layers that are none, such
            as activations, look at no neighbours.
    """
    field = 1
    for layer in reversed([layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]):
        field = (field - 1) * layer.stride[0] + layer.dilation[0] * (layer.kernel_size[0] - 1) + 1
    return field


def norm_layers(norm: Norm, channels: int, affine: bool = True) -> list[nn.Module]:
    """Returns the normalisation layer of so many maps in a list, which is empty for none."""
    if norm == "none":
        return []
    return [nn.BatchNorm2d(channels) if norm == "batch" else nn.InstanceNorm2d(channels, affine=affine)]
