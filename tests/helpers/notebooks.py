"""Notebooks of `examples/`, executed; `python tests/helpers/notebooks.py` writes them with what came out.

They run in an empty folder, with the kernel of this interpreter, on one thread. Pictures are kept in few colours.
"""

import base64
import io
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "examples"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
SECONDS = 1800  # for a cell


def executed(file: Path, folder: Path) -> Any:
    """Executes a notebook in a folder, and returns it with its outputs.

    Raises:
        nbclient.exceptions.CellExecutionError: if a cell fails.
    """
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(file, as_version=4)
    client = NotebookClient(notebook, timeout=SECONDS, resources={"metadata": {"path": str(folder)}})
    client.execute(env=dict(os.environ) | {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"})
    return notebook


def slim(notebook: Any) -> None:
    """Leaves out of an executed notebook what differs from run to run, and reduces its pictures to 128 colours."""
    from PIL import Image

    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # times
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/png" in data:
                picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).convert("RGB")
                file = io.BytesIO()
                picture.quantize(128).save(file, "PNG", optimize=True)
                data["image/png"] = base64.b64encode(file.getvalue()).decode()
            for kind in [kind for kind in data if kind.startswith("image/") and kind != "image/png"]:
                del data[kind]
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }


def write(file: Path) -> None:
    """Executes a notebook and writes it anew."""
    with tempfile.TemporaryDirectory() as folder:
        notebook = executed(file, Path(folder))
    slim(notebook)
    file.write_text(json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]) if sys.argv[1:] else NOTEBOOKS:
        write(path)
        print(path, f"{path.stat().st_size / 1000:.0f} kB")
