"""The pool of old images: what it keeps, how often it gives it back, and that a checkpoint holds it."""

import pytest
import torch
from torch import Tensor

from ganzoo.common.errors import GanzooError
from ganzoo.networks.pool import ImagePool


def numbered(first: int, count: int) -> Tensor:
    """Images that show their own number, which no other has."""
    return torch.arange(first, first + count).float().view(-1, 1, 1, 1).expand(-1, 3, 2, 2)


def numbers(images: Tensor) -> list[int]:
    assert (images == images[:, :1, :1, :1]).all()
    return images[:, 0, 0, 0].int().tolist()


@pytest.mark.parametrize("batch", [1, 3, 7])
def test_it_fills_first_and_returns_what_it_is_shown_until_it_is_full(batch):
    pool = ImagePool(10)
    for first in range(0, 10, batch):
        assert int(pool.filled) == first
        assert numbers(pool(numbered(first, batch))) == list(range(first, first + batch))
    assert int(pool.filled) == 10
    assert numbers(pool.images) == list(range(10))


@pytest.mark.parametrize("batch", [1, 8, 20, 33])
def test_half_of_what_it_returns_is_old_and_each_image_is_returned_once(batch):
    torch.manual_seed(0)
    pool = ImagePool(20)
    rounds = 4000 // batch
    returned = [numbers(pool(numbered(i * batch, batch))) for i in range(rounds)]
    old = [number < i * batch for i, part in enumerate(returned) for number in part if (i + 1) * batch > 60]
    if batch <= 20:  # a larger batch is exchanged in parts, of which a later one may get an earlier one's
        assert 0.47 < sum(old) / len(old) < 0.53
    given = [number for part in returned for number in part]
    assert len(pool.images) == 20
    kept = numbers(pool.images)
    # what it returned while it was filling it keeps as well, so only those may be seen again: once
    assert len(given) - len(set(given)) <= 20
    assert len(set(kept)) == 20
    assert set(given) | set(kept) == set(range(rounds * batch))


def test_old_images_are_drawn_from_all_of_the_pool():
    torch.manual_seed(0)
    pool = ImagePool(5)
    pool(numbered(0, 5))
    firsts = []
    for _ in range(400):
        fresh = ImagePool(5)
        fresh.load_state_dict(pool.state_dict())
        firsts += [number for number in numbers(fresh(numbered(5, 1))) if number < 5]
    assert all(0.1 < firsts.count(number) / len(firsts) < 0.3 for number in range(5))


def test_its_buffers_stay_where_they_are_and_are_saved():
    torch.manual_seed(0)
    pool = ImagePool(4)
    pool(numbered(0, 3))
    places = pool.images.data_ptr(), pool.filled.data_ptr()
    for first in range(3, 30, 3):
        pool(numbered(first, 3))
    assert (pool.images.data_ptr(), pool.filled.data_ptr()) == places
    assert pool.state_dict().keys() == {"images", "filled"}
    other = ImagePool(4)
    other.load_state_dict(pool.state_dict())
    torch.manual_seed(1)
    expected = pool(numbered(40, 3))
    torch.manual_seed(1)
    assert torch.equal(other(numbered(40, 3)), expected)
    assert torch.equal(other.images, pool.images)


def test_what_it_returns_is_detached_and_its_own():
    pool = ImagePool(2)
    x = torch.ones(2, 1, 2, 2, requires_grad=True)
    returned = pool(2 * x)
    assert not returned.requires_grad
    returned.zero_()
    assert (pool.images == 2).all()


def test_half_precision_comes_back_as_it_came():
    torch.manual_seed(0)
    pool = ImagePool(2)
    pool(numbered(0, 2).bfloat16())
    assert pool.images.dtype == torch.float32
    assert all(pool(numbered(i, 1).bfloat16()).dtype == torch.bfloat16 for i in range(2, 6))


def test_no_pool_returns_the_new_ones_alone():
    pool = ImagePool(0)
    assert [numbers(pool(numbered(i, 2))) for i in range(0, 6, 2)] == [[0, 1], [2, 3], [4, 5]]
    with pytest.raises(GanzooError, match=r"model\.pool.*-1"):
        ImagePool(-1)


@pytest.mark.gpu
def test_a_captured_pool_exchanges_as_an_eager_one():
    pools = [ImagePool(8).cuda() for _ in range(2)]
    static = numbered(0, 4).contiguous().cuda()
    for pool in pools:
        pool(static)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        out = pools[1](static)
    seen = []
    for i in range(1, 40):
        static.copy_(numbered(4 * i, 4))
        graph.replay()
        seen += numbers(out.cpu())
    torch.cuda.synchronize()
    assert int(pools[1].filled) == 8
    old = sum(number < 4 * (1 + i // 4) for i, number in enumerate(seen))
    assert 40 < old < 110  # of 152 after the first, which fill it
