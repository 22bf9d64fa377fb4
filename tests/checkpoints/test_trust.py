"""Whatever is hostile is refused in one line, does nothing, and is on the page of what was tried."""

from copy import deepcopy
from pathlib import Path

import pytest
import torch
from hostile import CASES, PAGE, Case, answer, row
from torch import nn

from ganzoo.checkpoints import hashes, loading, trust
from ganzoo.common import registry
from ganzoo.common.errors import GanzooError

SECTIONS = list(dict.fromkeys(one.section for one in CASES))


def listed(section: str) -> list[str]:
    """The page's rows of a section."""
    text = PAGE.read_text(encoding="utf-8")
    table = text.partition(f"<!-- {section}:start -->\n")[2].partition(f"\n<!-- {section}:end -->")[0]
    return table.splitlines()[2:]


@pytest.mark.parametrize("one", CASES, ids=lambda one: f"{one.section}: {one.name}")
def test_it_is_refused_as_the_page_says(one: Case, tmp_path):
    # `python tests/helpers/hostile.py` writes the page anew
    assert row(one, answer(one, tmp_path)) in listed(one.section)
    assert torch.is_grad_enabled()  # whatever it interrupted


@pytest.mark.parametrize("section", SECTIONS)
def test_the_page_lists_what_was_tried_and_no_more(section):
    tried = [row(one, "").removesuffix(" |") for one in CASES if one.section == section]
    said = listed(section)
    assert len(said) == len(tried)
    assert all(line.startswith(name) for line, name in zip(said, tried, strict=True))


@pytest.mark.parametrize("name", registry.list_checkpoints())
def test_no_checkpoint_of_ours_is_too_strange_for_the_hub(name):
    model = loading.load(registry.CHECKPOINTS / name, trust_remote_code=False)
    assert set(hashes.card_metadata(model.card)["ganzoo"]["sha256"]) == set(hashes.HASHED)
    for ours, theirs in zip(model.parameters(), loading.load(name).parameters(), strict=True):
        assert ours.equal(theirs)


NUMBERS = torch.zeros(600)
WEIGHT, NORM = nn.Parameter(NUMBERS), nn.BatchNorm1d(300, affine=False)
COPIES = {
    "clone": NUMBERS.clone,
    "zeros_like": lambda: torch.zeros_like(NUMBERS),
    "new_zeros": lambda: NUMBERS.new_zeros(600),
    "stack": lambda: torch.stack([NUMBERS[:300]] * 2),
    "cat": lambda: torch.cat([NUMBERS[:300]] * 2),
    "repeat": lambda: NUMBERS[:6].repeat(100),
    "a sum": lambda: NUMBERS + 1,
    "a generator's": lambda: torch.randn(600, generator=torch.Generator()),
    "a parameter": lambda: deepcopy(WEIGHT),
    "buffers": lambda: deepcopy(NORM),
}


@pytest.mark.parametrize("name", COPIES)
def test_whatever_takes_memory_is_counted(name, monkeypatch):
    monkeypatch.setattr(trust, "SPARE", 1000)
    with trust.Budget({}, Path("it")) as budget:
        COPIES[name]()
        assert 600 <= budget.numbers < 605  # BatchNorm counts batches, too
        with pytest.raises(GanzooError, match=r"at least 1,20\d numbers"):
            COPIES[name]()


def test_views_and_changes_in_place_take_none_and_what_is_too_large_is_never_made():
    with trust.Budget({}, Path("it")) as budget:
        NUMBERS.view(2, 300).T[:1].detach().zero_().add_(0).expand(5, -1, -1)
        assert budget.numbers == 0
        with pytest.raises(GanzooError, match="600,000,000,000,000 numbers"):
            NUMBERS.repeat(10**12)
