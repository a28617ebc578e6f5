"""Maps of one person's 500 drawn faces, 10 x 10 nodes: facesom, the plain MiniSom script and other packages.

    python benchmarks/som.py                          # one person: time, memory, quality
    python benchmarks/som.py --persons                # 43 persons with fit_soms
    python benchmarks/som.py --grow                   # 500 to 100,000 faces, 10 x 10 to 50 x 50 nodes
    python benchmarks/som.py --peers venv/bin/python  # another Python that holds the other packages

Each package runs in a process of its own, at 20 epochs or 1000 steps where it has such a setting. Time: the
first map in a fresh process, and the fastest of the next ones in the same process. Memory: the peak of the
first map over what the process held before (Linux). Errors: by `facesom.som.quality`. Prints Markdown.
"""

from __future__ import annotations

import argparse
import importlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np

SIDE, EPOCHS, STEPS, SEED = 10, 20, 1000, 42
WIDE, NARROW = SIDE / 2, 0.5  # neighbourhood at the start and at the end, where it can be set
AGAIN = 20.0  # seconds for repeats


def facesom_batch(images):
    from facesom import FaceSOM

    return FaceSOM(SIDE, SIDE, seed=SEED).fit(images).weights_


def facesom_online(images):
    from facesom import FaceSOM

    return FaceSOM(SIDE, SIDE, "online", seed=SEED).fit(images).weights_


def minisom_script(images):
    from minisom import MiniSom

    flat = images.reshape(len(images), -1)
    som = MiniSom(SIDE, SIDE, input_len=flat.shape[1], sigma=1.0, learning_rate=0.5, random_seed=SEED)
    som.random_weights_init(flat)
    som.train_random(flat, num_iteration=STEPS)
    np.array([som.winner(x) for x in flat])
    return som.get_weights()


def minisom_warm(images):
    """Run the script where a large array was freed before: the C library then keeps the memory of its own."""
    np.ones(2**22 - 2**10)  # just under the 32 MB up to which glibc learns to keep
    return minisom_script(images)


def xpysom(images):
    from xpysom import XPySom

    flat = images.reshape(len(images), -1)
    som = XPySom(SIDE, SIDE, flat.shape[1], sigma=WIDE, sigmaN=NARROW, random_seed=SEED)
    som.random_weights_init(flat)
    som.train(flat, EPOCHS)
    return som.get_weights()


def fastersom(images):
    from fastersom import SOM

    som = SOM(SIDE, SIDE, EPOCHS, WIDE, NARROW, init="sample", random_state=SEED, device="cpu")
    return som.fit(images.reshape(len(images), -1)).weights_


def intrasom(images):
    from intrasom import SOMFactory

    som = SOMFactory.build(
        images.reshape(len(images), -1).astype(float),
        mapsize=(SIDE, SIDE),
        mapshape="planar",
        lattice="rect",
        normalization=None,
        initialization="random",
    )
    som.train(
        save=False,
        summary=False,
        n_job=1,
        train_rough_len=EPOCHS // 2,
        train_rough_radiusin=WIDE,
        train_rough_radiusfin=2,
        train_finetune_len=EPOCHS // 2,
        train_finetune_radiusin=2,
        train_finetune_radiusfin=1,
    )
    return som.codebook.matrix


def somoclu(images):
    from somoclu import Somoclu

    som = Somoclu(SIDE, SIDE, verbose=0)
    flat = np.ascontiguousarray(images.reshape(len(images), -1), dtype=np.float32)
    som.train(flat, epochs=EPOCHS, radius0=WIDE, radiusN=1, scaleN=0.01)
    return som.codebook


def susi(images):
    from susi import SOMClustering

    som = SOMClustering(SIDE, SIDE, n_iter_unsupervised=STEPS, random_state=SEED)
    som.fit(images.reshape(len(images), -1))
    return som.unsuper_som_


def torchsom(images):
    import torch
    from torchsom import SOM

    flat = torch.from_numpy(images.reshape(len(images), -1))
    som = SOM(SIDE, SIDE, flat.shape[1], epochs=EPOCHS, batch_size=32, sigma=WIDE, random_seed=SEED)
    som.initialize_weights(flat)
    som.fit(flat, verbose=False)
    return som.weights.numpy()


def sklearn_som(images):
    from sklearn_som.som import SOM

    flat = images.reshape(len(images), -1)
    som = SOM(SIDE, SIDE, flat.shape[1], lr=0.5, max_iter=STEPS, random_state=SEED)
    som.fit(flat, epochs=STEPS // len(flat))
    return som.weights


PACKAGES = {  # name: function, distribution, rule
    "facesom batch": (facesom_batch, "facesom.som", "batch"),
    "facesom online": (facesom_online, "facesom.som", "online"),
    "plain MiniSom script": (minisom_script, "minisom", "online"),
    "MiniSom script, warm allocator": (minisom_warm, "minisom", "online"),
    "fastersom": (fastersom, "fastersom", "batch"),
    "XPySom": (xpysom, "xpysom", "batch"),
    "IntraSOM": (intrasom, "intrasom", "batch"),
    "somoclu": (somoclu, "somoclu", "batch"),
    "torchsom": (torchsom, "torchsom", "mini-batch"),
    "sklearn-som": (sklearn_som, "sklearn_som", "online"),
    "susi": (susi, "susi", "online"),
}


def one_person():
    """Return 500 gray drawn faces of one person."""
    import facesom

    return facesom.to_grayscale(facesom.make_faces(n_persons=1, n_frames=500, seed=0).dataset).X1[0]


def memory(field):
    """Return ``"VmRSS"``, what this process holds, or ``"VmHWM"``, the most since `forget_peak`, in MB."""
    status = Path("/proc/self/status").read_text()
    return int(status.split(f"{field}:")[1].split()[0]) / 1024


def forget_peak():
    """Let the kernel count the peak anew and return what this process holds now, in MB."""
    Path("/proc/self/clear_refs").write_text("5")
    return memory("VmRSS")


def work(name, source, target):
    """In a process of its own: train, and write weights, times and memory."""
    train, module, _ = PACKAGES[name]
    importlib.import_module(module)
    images = np.load(source)
    before = forget_peak()
    times, added = [], 0.0
    while len(times) < 2 or (len(times) < 8 and sum(times) < AGAIN):
        began = perf_counter()
        weights = train(images)
        times.append(perf_counter() - began)
        added = added or memory("VmHWM") - before
    np.savez(target, weights=np.asarray(weights, float).reshape(SIDE * SIDE, -1), times=times, added=added)


def run(name, source, folder, pythons):
    """Run one package in the first Python that has it; return its results, or what went wrong."""
    target = folder / "out.npz"
    target.unlink(missing_ok=True)
    said = ""
    for python in pythons:
        done = subprocess.run(
            [python, __file__, "--work", name, str(source), str(target)],
            capture_output=True,
            text=True,
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1]), "PYTHONWARNINGS": "ignore"},
        )
        if target.exists():
            with np.load(target) as file:
                return dict(file)
        said = (done.stderr.strip().splitlines() or ["ended without a word"])[-1]
    return said


def compare(pythons):
    """Print the table of one person."""
    from facesom.som.grid import node_steps
    from facesom.som.quality import quantization_error, topographic_error

    images = one_person()
    flat = images.reshape(len(images), -1)
    steps = np.hypot(*node_steps(SIDE, SIDE))
    print("| package | rule | first map, s | next, s | added MB | quantization error | topographic error |")
    print("|---|---|--:|--:|--:|--:|--:|")
    missing = []
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "images.npy"
        np.save(source, images)
        found = {}
        for name, (_, _, rule) in PACKAGES.items():
            result = run(name, source, Path(folder), pythons)
            if isinstance(result, str):
                missing.append(f"{name}: {result}")
                continue
            found[name] = result["times"][0], result["times"][1:].min()
            first, again = found[name]
            print(
                f"| {name} | {rule} | {first:.3f} | {again:.3f} | {result['added']:.0f} "
                f"| {quantization_error(flat, result['weights']):.3f} "
                f"| {topographic_error(flat, result['weights'], steps):.3f} |",
                flush=True,
            )
    script, warm = found.get("plain MiniSom script"), found.get("MiniSom script, warm allocator")
    for name in ("facesom batch", "facesom online"):
        if script and name in found:
            first, again = found[name]
            print(
                f"\n{name}: {script[0] / first:.0f} x faster than the script as people run it, in a fresh "
                f"process ({script[0] / again:.0f} x once warm); {script[1] / again:.0f} x where both are; "
                f"{warm[1] / again:.0f} x with a warm allocator."
            )
    for line in missing:
        print(f"\nnot measured: {line}")


def persons():
    """Print the time of 43 maps."""
    import facesom

    X1 = facesom.to_grayscale(facesom.make_faces(n_persons=43, n_frames=500, seed=0).dataset).X1
    print(
        "| 43 persons x 500 faces | s | s a person | median quantization error | median topographic error |"
    )
    print("|---|--:|--:|--:|--:|")
    times = {}
    for method in ("batch", "online"):
        began = perf_counter()
        soms = facesom.fit_soms(X1, method, n_jobs=2, progress=False)
        times[method] = took = perf_counter() - began
        qe, te = np.median([(s.quantization_error_, s.topographic_error_) for s in soms], axis=0)
        print(f"| fit_soms {method} | {took:.2f} | {took / len(X1):.3f} | {qe:.3f} | {te:.3f} |", flush=True)
    began = perf_counter()
    for images in X1[:3]:
        minisom_script(images)
    script = (perf_counter() - began) / 3
    ratios = " and ".join(
        f"{script * len(X1) / took:.0f} times that of {name}" for name, took in times.items()
    )
    print(f"\nthe plain MiniSom script, warm, one person after the other: {script:.2f} s a person, {ratios}")


def grow():
    """Print how time and memory grow with faces and with nodes."""
    print("| faces | nodes | s | added MB | quantization error | topographic error |")
    print("|--:|--:|--:|--:|--:|--:|")
    settings = [(n, 10) for n in (500, 2000, 10_000, 30_000, 100_000)] + [
        (500, side) for side in (20, 30, 50)
    ]
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "images.npy"
        large = np.lib.format.open_memmap(source, "w+", np.uint8, (100_000, 64, 64))
        import facesom

        for start in range(0, 100_000, 5000):
            faces = facesom.make_faces(n_persons=10, n_frames=500, seed=start).dataset
            large[start : start + 5000] = facesom.to_grayscale(faces).X1.reshape(-1, 64, 64) * 255
        large.flush()
        for n, side in settings:
            done = subprocess.run(
                [sys.executable, __file__, "--size", str(source), str(n), str(side)],
                capture_output=True,
                text=True,
                check=True,
                env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1]), "PYTHONWARNINGS": "ignore"},
            )
            print(done.stdout.strip(), flush=True)


def size(source, n, side):
    """In a process of its own: one row of `grow`."""
    from facesom import FaceSOM

    images = np.array(np.load(source, mmap_mode="r")[:n])
    FaceSOM(2, 2).fit(images[:100])
    before, began = forget_peak(), perf_counter()
    som = FaceSOM(side, side).fit(images)
    took = perf_counter() - began
    print(
        f"| {n:,} | {side} x {side} | {took:.2f} | {memory('VmHWM') - before:.0f} "
        f"| {som.quantization_error_ / 255:.3f} | {som.topographic_error_:.3f} |"
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--persons", action="store_true", help="43 persons instead of one")
    parser.add_argument("--grow", action="store_true", help="growing faces and grids instead")
    parser.add_argument("--peers", metavar="PYTHON", help="a Python with the other packages")
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--size", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(*options.work)
    elif options.size:
        size(options.size[0], int(options.size[1]), int(options.size[2]))
    elif options.persons:
        persons()
    elif options.grow:
        grow()
    else:
        compare([sys.executable, *([options.peers] if options.peers else [])])


if __name__ == "__main__":
    main()
