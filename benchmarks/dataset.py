"""Time and peak memory of `facesom.load` against `pickle.loads(zlib.decompress(...))`, and of the conversion.

python benchmarks/dataset.py [--persons 43] [--frames 500] [--runs 5]

Every measurement is a process of its own; its peak memory counts from after the imports. Each way reads a
file once before it is timed, then the ways take turns, and the median time is printed.
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
from pathlib import Path
from types import SimpleNamespace

import facesom
from facesom.drawn import synthetic
from facesom.io.dataset import KEYS


def peak_bytes():
    """Peak resident memory of this process so far; Linux counts in KiB, macOS in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def read_plain(path):
    with open(path, "rb") as file:
        return SimpleNamespace(**pickle.loads(zlib.decompress(file.read())))


WAYS = {"plain": read_plain, "load": facesom.load}


def measure(way, path):
    """Print seconds, peak memory and size of the arrays for one way of reading `path`, as JSON."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        facesom.to_grayscale([[[0.0] * 8] * 8])  # imports all that will be needed
    before = peak_bytes()
    start = time.perf_counter()
    data = WAYS[way](path)
    seconds = time.perf_counter() - start
    size = sum(getattr(data, key).nbytes for key in KEYS)
    memory = peak_bytes() - before
    if way == "plain" or not path.endswith("RGB_save.pickle"):
        return print(json.dumps([seconds, memory, size]))
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gray = facesom.to_grayscale(data)
    converted = time.perf_counter() - start
    both = size + gray.X1.nbytes
    print(json.dumps([seconds, memory, size, converted, (peak_bytes() - before) / both]))


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
            plain, ours = (statistics.median(result[0] for result in found[way]) for way in WAYS)
            memory, ours_memory = (max(result[1] / result[2] for result in found[way]) for way in WAYS)
            megabytes = found["load"][0][2] / 1e6
            print(
                f"{name:18} {megabytes:5.0f} {plain:8.3f} {ours:7.3f} {ours / plain:6.2f}"
                f" {memory:9.2f}× {ours_memory:8.2f}×"
            )
            if name == "RGB, save":
                seconds = statistics.median(result[3] for result in found["load"])
                share = max(result[4] for result in found["load"])
                summary = f"to_grayscale: {seconds:.2f} s, load and conversion: {share:.2f}× both arrays"
        print("mem: peak memory in multiples of the arrays")
        print(summary)


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
