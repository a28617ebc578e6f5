"""Execute notebooks, each in a fresh kernel, and keep what they make.

    python notebooks/run.py                        all notebooks on drawn faces, into outputs/
    python notebooks/run.py "03*" --data my.pickle --set person_id=4

Executed notebooks (.ipynb and, with nbconvert, .html) and figures (.png) stand in the output folder beside
the files that the notebooks write.
"""

import argparse
import ast
import base64
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

HERE = Path(__file__).resolve().parent


def find_notebooks(patterns=("*",)):
    """Return the paths of the numbered notebooks whose name fits one of the patterns, in order."""
    return sorted(
        {path for pattern in patterns for path in HERE.glob(f"{pattern}.ipynb") if path.stem[:2].isdigit()}
    )


def set_parameters(notebook, values):
    """Insert a cell with assignments behind the one tagged "parameters".

    Raises
    ------
    ValueError
        If there is no such cell.
    """
    tagged = [k for k, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", ())]
    if len(tagged) != 1:
        raise ValueError(f'expected one cell tagged "parameters", found {len(tagged)}.')
    source = "\n".join(f"{name} = {value!r}" for name, value in values.items())
    notebook.cells.insert(tagged[0] + 1, nbformat.v4.new_code_cell(source, id="given-parameters"))


def execute(path, folder, values=None, report=lambda cell, n_cells: None):
    """Run a notebook in `folder` and return it with its outputs, complete or up to the cell that failed.

    Parameters
    ----------
    path : Path
        The notebook; it is not changed.
    folder : Path
        Where its kernel runs and its files go.
    values : dict, optional
        Parameters that replace the notebook's own.
    report : callable
        Told the number of the cell that starts, from 1, and how many there are.

    Returns
    -------
    notebook, error
        `error` is None, or a `CellExecutionError`.
    """
    notebook = nbformat.read(path, as_version=4)
    set_parameters(notebook, {"output_folder": ".", **(values or {})})

    def started(cell, cell_index):
        report(cell_index + 1, len(notebook.cells))

    client = NotebookClient(
        notebook,
        timeout=None,
        kernel_name="python3",
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(folder)}},
        on_cell_start=started,
    )
    try:
        client.execute()
    except CellExecutionError as error:
        return notebook, error
    return notebook, None


def write_results(notebook, name, folder):
    """Write an executed notebook as .ipynb and .html, and its figures as figures/NAME_k.png."""
    nbformat.write(notebook, folder / f"{name}.ipynb")
    try:
        from nbconvert import HTMLExporter
    except ModuleNotFoundError:
        print("(no HTML: install nbconvert)")
    else:
        html, _ = HTMLExporter().from_notebook_node(notebook)
        (folder / f"{name}.html").write_text(html, encoding="utf-8")
    figures = folder / "figures"
    figures.mkdir(exist_ok=True)
    for old in figures.glob(f"{name}_*.png"):
        old.unlink()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    pictures = [output.data["image/png"] for output in outputs if "image/png" in output.get("data", {})]
    for k, picture in enumerate(pictures, start=1):
        (figures / f"{name}_{k:02d}.png").write_bytes(base64.b64decode(picture))


def _value(text):
    name, _, value = text.partition("=")
    try:
        return name, ast.literal_eval(value)
    except (SyntaxError, ValueError):
        return name, value


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=["*"], help='which notebooks, e.g. "03*"; default: all')
    parser.add_argument("--data", help="a pickle of faces; default: drawn faces, 43 persons of 500 frames")
    parser.add_argument("--out", type=Path, default=HERE.parent / "outputs", help="output folder")
    parser.add_argument("--set", metavar="NAME=VALUE", action="append", default=[], help="a parameter")
    arguments = parser.parse_args()

    values = dict(map(_value, arguments.set))
    if arguments.data:
        data = Path(arguments.data).expanduser().resolve()
        if not data.is_file():
            parser.error(f"there is no file {data}")
        values["data_path"] = str(data)
    paths = find_notebooks(arguments.names)
    if not paths:
        parser.error(f"no notebook fits {arguments.names}")
    folder = arguments.out.resolve()
    folder.mkdir(parents=True, exist_ok=True)

    took = {}
    for path in paths:
        start = time.perf_counter()

        def report(cell, n_cells, name=path.stem):
            if sys.stdout.isatty():
                print(f"\r{name}: cell {cell} of {n_cells} ", end="", flush=True)
            elif cell == 1:
                print(f"{name}: {n_cells} cells", end="", flush=True)

        notebook, error = execute(path, folder, values, report)
        took[path.stem] = time.perf_counter() - start
        print(f" {took[path.stem]:.1f} s")
        write_results(notebook, path.stem, folder)
        if error is not None:
            print(
                f"{error}\n{path.name} stopped there; what it did is in {folder / path.name}", file=sys.stderr
            )
            return 1

    print(f"\nAll in {sum(took.values()):.0f} s. In {folder}:")
    for path in sorted(folder.iterdir()):
        what = (
            f"{len(list(path.iterdir()))} files" if path.is_dir() else f"{path.stat().st_size / 1e6:.1f} MB"
        )
        print(f"  {path.name}{'/' * path.is_dir()}  {what}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
