"""Build the site of the notebooks, ready for any static host: python notebooks/book/build.py dist/book

The pages are the executed notebooks of a folder (--executed, by default outputs), or, with --stored, the
notebooks as they are stored, without outputs.
"""

import argparse
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from sphinx.cmd.build import main as sphinx

BOOK = Path(__file__).resolve().parent
ROOT = BOOK.parents[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("site", type=Path, help="where the site goes")
    parser.add_argument(
        "--executed", type=Path, default=ROOT / "outputs", help="folder of executed notebooks"
    )
    parser.add_argument("--stored", action="store_true", help="take the notebooks without outputs")
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        source = Path(folder)
        for name in ("conf.py", "index.md"):
            shutil.copy(BOOK / name, source)
        cards = [ROOT / "data" / "README.md", *ROOT.glob("facesom/*/models/README.md")]
        for page in [*ROOT.glob("notebooks/*.ipynb"), ROOT / "notebooks" / "GLOSSARY.md", *cards]:
            target = source / page.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            stored = arguments.stored or page.suffix != ".ipynb"
            executed = page if stored else arguments.executed / page.name
            if not executed.is_file():
                parser.error(f"{executed} is missing: execute the notebooks first, python notebooks/run.py")
            shutil.copy(executed, target)
        old = arguments.site
        if old.exists() and any(old.iterdir()) and not (old / "_static").is_dir():
            parser.error(f"{old} holds something else than a site; give another folder, or remove it")
        shutil.rmtree(old, ignore_errors=True)
        failed = sphinx(["-q", "-W", "--keep-going", "-d", f"{folder}/.doctrees", folder, str(old)])
    if not failed:
        print(f"{arguments.site / 'index.html'}: open it, or put its folder on any static host")
    return failed


if __name__ == "__main__":
    sys.exit(main())
