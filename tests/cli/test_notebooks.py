"""Notebooks of `examples/`: executed from top to bottom, small, free of errors and of one machine's paths."""

import ast
import json
import re

import pytest
from notebooks import NOTEBOOKS, executed

from ganzoo import list_checkpoints, list_recipes

PATHS = re.compile(r"(?<![\w.])/(?:tmp|home|root|work|Users|usr|opt|var|mnt)/|[A-Z]:\\\\")
each = pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)


def cells(file, kind="code"):
    return [cell for cell in json.loads(file.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == kind]


def source(cell):
    return "".join(cell["source"])


def test_there_are_two():
    assert [file.stem for file in NOTEBOOKS] == ["train_tonight", "use_in_your_project"]


@each
def test_it_was_executed_from_top_to_bottom_without_an_error(file):
    assert [cell["execution_count"] for cell in cells(file)] == [*range(1, len(cells(file)) + 1)]
    outputs = [output for cell in cells(file) for output in cell["outputs"]]
    assert [one for one in outputs if one["output_type"] == "error" or one.get("name") == "stderr"] == []
    assert sum("image/png" in one.get("data", {}) for one in outputs) >= 3


@each
def test_it_is_small_and_says_nothing_of_the_machine_it_ran_on(file):
    assert file.stat().st_size < 500_000
    text = file.read_text(encoding="utf-8")
    shown = re.sub(r'"image/png": "[^"]*"', "", text)
    assert PATHS.findall(shown) == []
    assert PATHS.search('"made in /tmp/x"')


@each
def test_names_and_pages_in_it_are_there(file):
    for cell in cells(file):
        for node in ast.walk(ast.parse(source(cell))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
                name = getattr(node.args[0], "value", None)
                if node.func.attr == "from_recipe":
                    assert name in list_recipes()
                elif node.func.attr == "load" and name != "my-pictures":  # which the notebook makes
                    assert name in list_checkpoints()
    text = "\n".join(source(cell) for cell in cells(file, "markdown"))
    targets = re.findall(r"\]\(([^)#:]+)\)", text)
    assert targets
    assert [target for target in targets if not (file.parent / target).is_file()] == []


@pytest.mark.slow
@each
def test_it_runs(file, tmp_path):
    pytest.importorskip("nbclient", reason="pip install 'ganzoo-lightning[notebooks]'")
    notebook = executed(file, tmp_path)
    assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")
