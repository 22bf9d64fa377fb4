"""Whatever is hostile is refused in one line, does nothing, and is on the page of what was tried."""

import pytest
import torch
from hostile import CASES, PAGE, Case, answer, row

from ganzoo import hub, registry, stamp

SECTIONS = list(dict.fromkeys(one.section for one in CASES))


def listed(section: str) -> list[str]:
    """The page's rows of a section."""
    text = PAGE.read_text(encoding="utf-8")
    table = text.partition(f"<!-- {section}:start -->\n")[2].partition(f"\n<!-- {section}:end -->")[0]
    return table.splitlines()[2:]


@pytest.mark.parametrize("one", CASES, ids=lambda one: f"{one.section}: {one.name}")
def test_it_is_refused_as_the_page_says(one: Case, tmp_path):
    assert row(one, answer(one, tmp_path)) in listed(one.section)  # `python tests/hostile.py` writes the page anew
    assert torch.is_grad_enabled()  # whatever it interrupted


@pytest.mark.parametrize("section", SECTIONS)
def test_the_page_lists_what_was_tried_and_no_more(section):
    tried = [row(one, "").removesuffix(" |") for one in CASES if one.section == section]
    said = listed(section)
    assert len(said) == len(tried)
    assert all(line.startswith(name) for line, name in zip(said, tried, strict=True))


@pytest.mark.parametrize("name", registry.list_checkpoints())
def test_no_checkpoint_of_ours_is_too_strange_for_the_hub(name):
    model = hub.load(registry.CHECKPOINTS / name, trust_remote_code=False)
    assert set(stamp.metadata(model.card)["ganzoo"]["sha256"]) == set(stamp.HASHED)
    for ours, theirs in zip(model.parameters(), hub.load(name).parameters(), strict=True):
        assert ours.equal(theirs)
