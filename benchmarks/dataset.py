"""Time and peak memory of `facesom.load`, and of the way from file to gray file, against plain Python.

python benchmarks/dataset.py [--persons 43] [--frames 500] [--runs 5]

Every measurement is a process of its own; its peak memory counts from after the imports. Each way reads a
file once before it is timed, then the ways take turns, and the median time is printed. Plain Python is
`pickle.loads(zlib.decompress(...))`, NumPy's luminance on white, `zlib.compress(pickle.dumps(...))`.
"""

import argparse
import json
import pickle
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
import zlib
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np

import facesom
from facesom.drawn import synthetic
from facesom.io.dataset import KEYS


def peak_bytes():
    """Peak resident memory of this process so far; Linux counts in KiB, macOS in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def read_plain(path):
    with open(path, "rb") as file:
        return SimpleNamespace(**pickle.loads(zlib.decompress(file.read())))


def convert_plain(data):
    """Luminance on white in NumPy, person by person; the parts' grays are not told apart."""
    gray = np.empty(data.X1.shape[:-1], np.float32)
    for person, images in zip(gray, data.X1, strict=True):
        person[:] = np.where(images.any(axis=-1), images @ np.float32([0.299, 0.587, 0.114]) / 255, 1)
    return SimpleNamespace(X1=gray, X2=data.X2, y=data.y)


def save_plain(data, path):
    path.write_bytes(zlib.compress(pickle.dumps(vars(data), 4)))


WAYS = {
    "plain": (read_plain, convert_plain, save_plain),
    "load": (facesom.load, facesom.to_grayscale, facesom.save),
}


def measure(way, path):
    """Print seconds, peak memory and size of the arrays for one way of reading `path`, as JSON."""
    warnings.simplefilter("ignore")
    facesom.to_grayscale(np.eye(8))  # imports all that will be needed
    read, convert, write = WAYS[way]
    before, worked, laps = peak_bytes(), time.process_time(), [time.perf_counter()]
    data = read(path)
    laps.append(time.perf_counter())
    size, memory = sum(getattr(data, key).nbytes for key in KEYS), peak_bytes() - before
    result = {"memory": memory / size, "size": size}
    if path.endswith("RGB_save.pickle"):
        gray = convert(data)
        laps.append(time.perf_counter())
        result["both"] = (peak_bytes() - before) / (size + gray.X1.nbytes)
        write(gray, Path(path).with_name("written.pickle"))
        laps.append(time.perf_counter())
        result["worked"] = time.process_time() - worked
    print(json.dumps({**result, "seconds": [b - a for a, b in pairwise(laps)]}))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--persons", type=int, default=43)
    parser.add_argument("--frames", type=int, default=500)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--write", metavar="FOLDER", help=argparse.SUPPRESS)
    parser.add_argument("--measure", nargs=2, metavar=("WAY", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        return measure(*options.measure)

    if options.write:
        return write_files(Path(options.write), options)

    with tempfile.TemporaryDirectory() as folder:
        # A process inherits the peak of the one that starts it: this one stays small.
        size = ["--persons", str(options.persons), "--frames", str(options.frames)]
        subprocess.run([sys.executable, __file__, "--write", folder, *size], check=True)
        files = {
            path.stem.replace("_", ", ", 1).replace("_", " "): path for path in sorted(Path(folder).iterdir())
        }
        print("\nfile                  MB  plain s  load s  ratio  plain mem  load mem")
        for name, path in files.items():
            found = {way: [] for way in WAYS}
            for run in range(options.runs + 1):
                for way in WAYS:
                    command = [sys.executable, __file__, "--measure", way, str(path)]
                    result = json.loads(
                        subprocess.run(command, check=True, capture_output=True, text=True).stdout
                    )
                    if run:
                        found[way].append(result)
            plain, ours = (statistics.median(result["seconds"][0] for result in found[way]) for way in WAYS)
            memory, ours_memory = (max(result["memory"] for result in found[way]) for way in WAYS)
            megabytes = found["load"][0]["size"] / 1e6
            print(
                f"{name:18} {megabytes:5.0f} {plain:8.3f} {ours:7.3f} {ours / plain:6.2f}"
                f" {memory:9.2f}× {ours_memory:8.2f}×"
            )
            if name == "RGB, save":
                whole = found
        print("mem: peak memory in multiples of the arrays\n")
        print(
            "the way        load s convert s  export s     all s  CPU s   memory, in multiples of both arrays"
        )
        for way, name in (("plain", "plain Python"), ("load", "facesom")):
            steps = np.median([result["seconds"] for result in whole[way]], axis=0)
            memory = max(result["both"] for result in whole[way])
            shown = (f"{seconds:9.2f}" for seconds in (*steps, steps.sum()))
            worked = np.median([result["worked"] for result in whole[way]])
            print(f"{name:12}", *shown, f"{worked:6.2f}   {memory:.2f}×")


def write_files(folder, options):
    """Write the files to read; say how long each took and how large it is."""
    warnings.simplefilter("ignore")
    data = synthetic.make_faces(options.persons, options.frames, seed=0).dataset
    for colour, content in (("RGB", data), ("gray", facesom.to_grayscale(data))):
        arrays = {key: getattr(content, key) for key in KEYS}
        for writer in ("protocol_4", "protocol_5", "save"):
            path = folder / f"{colour}_{writer}.pickle"
            start = time.perf_counter()
            if writer == "save":
                facesom.save(content, path)
            else:
                path.write_bytes(zlib.compress(pickle.dumps(arrays, int(writer[-1]))))
            seconds = time.perf_counter() - start
            print(
                f"wrote {path.stem:16} {seconds:.2f} s, {path.stat().st_size / 1e6:.1f} MB",
                flush=True,
            )


if __name__ == "__main__":
    main()
