"""Execute notebooks, each in a fresh kernel, and keep what they make.

    python notebooks/run.py                        all notebooks on drawn faces, into outputs/
    python notebooks/run.py 03 --data my.pickle --set person_id=4

Executed notebooks (.ipynb and, with nbconvert, .html) and figures (.png) stand in the output folder beside
the files that the notebooks write.
"""

import argparse
import ast
import base64
import os
import sys
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from tqdm import tqdm

HERE = Path(__file__).resolve().parent


def find_notebooks(patterns=("*",)):
    """Return the paths of the numbered notebooks whose name begins as one of the patterns, in order."""
    fitting = {path for pattern in patterns for path in HERE.glob(pattern.rstrip("*") + "*.ipynb")}
    return sorted(path for path in fitting if path.stem[:2].isdigit())


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
        coalesce_streams=True,  # of a bar, only its last state is kept
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
    except (SyntaxError, ValueError):  # kernels run in the output folder
        return name, str(Path(value).resolve()) if value and Path(value).exists() else value


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=["*"], help="which notebooks, e.g. 03; default: all")
    parser.add_argument("--data", help="a file or folder of your own; default: faces that are drawn")
    parser.add_argument("--out", type=Path, default=HERE.parent / "outputs", help="output folder")
    parser.add_argument("--set", metavar="NAME=VALUE", action="append", default=[], help="a parameter")
    parser.add_argument("--jobs", type=int, default=2, help="how many notebooks run at a time; default: 2")
    arguments = parser.parse_args()

    values = dict(map(_value, arguments.set))
    if arguments.data:
        data = Path(arguments.data).expanduser().resolve()
        if not data.exists():
            parser.error(f"there is no file or folder {data}")
        values["data_path"] = str(data)
    paths = find_notebooks(arguments.names)
    if not paths:
        parser.error(f"no notebook fits {arguments.names}")
    folder = arguments.out.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    start = time.time()
    failed = execute_all(paths, folder, values, arguments.jobs)
    print(f"New in {folder}:")
    for path in sorted(path for path in folder.iterdir() if path.stat().st_mtime >= start):
        inside = f"/  {len(list(path.iterdir()))} files" if path.is_dir() else ""
        print(f"  {path.name}{inside or '  ' + tqdm.format_sizeof(path.stat().st_size, 'B')}")
    return int(bool(failed))


def execute_all(paths, folder, values, jobs):
    """Execute notebooks, `jobs` at a time, behind one bar of cells; return the names of those that failed."""
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // jobs)))  # kernels inherit it
    os.environ.setdefault("PYTHONWARNINGS", "ignore:IProgress not found")  # bars are text here
    n_cells = sum(len(nbformat.read(path, as_version=4).cells) + 1 for path in paths)
    patience = 0.5 if sys.stderr.isatty() else 10  # seconds between two lines of a log
    bar = tqdm(total=n_cells, unit="cell", desc="notebooks", dynamic_ncols=True, mininterval=patience)
    at, failed = {}, []  # the cell at which each notebook is

    def one(path):
        start = time.perf_counter()

        def report(cell, n_cells):
            bar.set_postfix_str(", ".join(f"{name[:2]}: {k}" for name, k in at.items()), refresh=False)
            bar.update(cell - at.get(path.stem, 0))
            at[path.stem] = cell

        notebook, error = execute(path, folder, values, report)
        write_results(notebook, path.stem, folder)
        at.pop(path.stem, None)
        return path, error, time.perf_counter() - start

    with bar, ThreadPoolExecutor(jobs) as pool:
        try:
            # the later notebooks take longest
            running = {pool.submit(one, path) for path in reversed(paths)}
            while running:
                done, running = wait(running, timeout=patience, return_when=FIRST_COMPLETED)
                bar.refresh()  # the time goes on in a long cell, too
                for path, error, seconds in (future.result() for future in done):
                    bar.write(f"{path.stem}: {seconds:.0f} s")
                    if error is not None:
                        failed.append(path.stem)
                        where = f"{path.name} stopped there; what it did is in {folder / path.name}"
                        bar.write(f"{error.ename}: {error.evalue}\n{where}", sys.stderr)
        except KeyboardInterrupt:
            os._exit(130)  # threads cannot be stopped; the kernels end with this process
    return failed


if __name__ == "__main__":
    sys.exit(main())
