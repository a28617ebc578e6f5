"""Write the repository's address into the notebooks: the setup cell of each, and its Colab badge.

    python notebooks/stamp.py

The address stands in pyproject.toml, [tool.facesom] repository. While it is empty the setup cell asks for the
zip that `make zip` writes, and there is no badge.
"""

from pathlib import Path

import nbformat

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

HERE = Path(__file__).resolve().parent

# %sx, as Colab's IPython 7 does not read "name = !command" with its Python 3.13; ls -t has the newest first
SETUP = """\
# @title Setup. In Colab: the folder of your Google Drive for all files, or none { display-mode: "form" }
drive_folder = "facesom"  # @param {type: "string"}
try:
    from google.colab import drive, files

    if drive_folder:
        drive.mount("/content/drive")
        %mkdir -p "/content/drive/MyDrive/{drive_folder}"
        %cd -q "/content/drive/MyDrive/{drive_folder}"
    archives = %sx ls -t facesom*.zip 2>/dev/null
INSTALL
    %pip install --quiet "{archives[0]}"
except ModuleNotFoundError:
    import facesom  # missing at home? Run `pip install .` in the project's folder\
"""

FROM_ADDRESS = """\
    archives = archives or ["git+ADDRESS"]\
"""

FROM_ZIP = """\
    assert archives or (archives := list(files.upload())), "No file was chosen: run this cell again."\
"""


def repository():
    """Return the address in pyproject.toml, "" while there is none."""
    settings = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    return settings["tool"]["facesom"]["repository"].rstrip("/")


def setup_source(address):
    """Return the setup cell for an address, "" if there is none."""
    install = FROM_ADDRESS.replace("ADDRESS", address) if address else FROM_ZIP
    return SETUP.replace("INSTALL", install)


def badge_source(address, name):
    """Return the badge that opens a notebook of a GitHub repository in Colab, "" for any other address."""
    host, _, project = address.partition("github.com/")
    if not host or not project:
        return ""
    colab = "https://colab.research.google.com"
    page = f"{colab}/github/{project}/blob/main/notebooks/{name}.ipynb"
    return f"[![Open in Colab]({colab}/assets/colab-badge.svg)]({page})"


def stamp(notebook, name, address):
    """Bring the setup cell and the badge of a notebook up to date, in place.

    Raises
    ------
    ValueError
        If the notebook has no cell with the id "setup".
    """
    setup = [cell for cell in notebook.cells if cell.id == "setup"]
    if len(setup) != 1:
        raise ValueError(f'{name}: expected one cell with the id "setup", found {len(setup)}.')
    setup[0].source = setup_source(address)
    setup[0].metadata["tags"] = ["remove-cell"]  # not shown in the book, see Makefile
    notebook.cells = [cell for cell in notebook.cells if cell.id != "badge"]
    badge = badge_source(address, name)
    if badge:
        notebook.cells.insert(0, nbformat.v4.new_markdown_cell(badge, id="badge"))


if __name__ == "__main__":
    for path in sorted(HERE.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        stamp(notebook, path.stem, repository())
        nbformat.write(notebook, path)
        print(f"{path.name}: stamped for {repository() or 'an uploaded zip'}")
