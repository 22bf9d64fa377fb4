"""Every test starts alike: one thread, the same random state, an empty cache, and no run or seed inherited."""

import os

import pytest
import torch

os.environ["OMP_NUM_THREADS"] = "1"  # for the processes that tests start
torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _alike(monkeypatch, tmp_path_factory):
    for name in ("GANZOO_RUN", "PL_GLOBAL_SEED", "PL_SEED_WORKERS"):
        monkeypatch.setenv(name, "")  # so that what a test leaves there is taken back
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    torch.manual_seed(0)
