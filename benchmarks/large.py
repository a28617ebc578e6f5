"""How long and how much memory do groups across very many persons take?

    python benchmarks/large.py                                 # 1,000 persons x 500 frames, 6 GB of pictures
    python benchmarks/large.py --persons 100 --backend loky    # features in processes of joblib

Draws a few persons and repeats them, each with its video begun elsewhere, then calls `group_across_persons`.
`--backend` is any that joblib knows, also "dask" or "ray" where their plugins are registered. Memory is the
largest that the process ever held (Linux and macOS), less what it held after the imports, over the size of
the pictures, which are in it. Prints Markdown.
"""

import argparse
import time

import joblib
import numpy as np
from dataset import peak_bytes

import facesom

DRAWN = 40  # persons; the others repeat them


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--persons", type=int, default=1000)
    parser.add_argument("--frames", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--backend", help="of joblib; default: threads")
    arguments = parser.parse_args()
    before = peak_bytes()
    few = facesom.make_faces(min(DRAWN, arguments.persons), arguments.frames, arguments.seed)
    pictures, rng = few.dataset.X1, np.random.default_rng(arguments.seed)
    X1 = np.empty((arguments.persons, *pictures.shape[1:]), np.uint8)
    shifts = rng.integers(arguments.frames, size=arguments.persons)
    for p, shift in enumerate(shifts):
        X1[p] = np.roll(pictures[p % len(pictures)], shift, axis=0)
    truth = np.array([np.roll(few.expressions[p % len(pictures)], s) for p, s in enumerate(shifts)])
    del few, pictures

    start = time.perf_counter()
    with joblib.parallel_config(arguments.backend or "threading", n_jobs=-1):
        result = facesom.group_across_persons(X1, seed=arguments.seed)
    seconds = time.perf_counter() - start
    peak = peak_bytes() - before
    groups = [np.bincount(truth[result.groups == g], minlength=8).max() for g in range(len(result.order))]
    print("| persons x frames | backend | seconds | memory / X1 | frames in a group of their expression |")
    print("|---|---|--:|--:|--:|")
    print(
        f"| {arguments.persons} x {arguments.frames} | {arguments.backend or 'threads'} | {seconds:.0f} "
        f"| {peak / X1.nbytes:.2f} | {np.sum(groups) / truth.size:.2f} |"
    )


if __name__ == "__main__":
    main()
