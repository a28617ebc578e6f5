"""How many groups do the criteria find where the number of expressions is known?

    python benchmarks/n_groups.py [--persons 20 --frames 80 --seeds 2]

Draws faces that show 3, 4, 6 and all 8 expressions in equal shares (rest is one of them), frees them of
identity, and asks `choose_n_groups` on a map of the movements. A column for each criterion: what it would
choose, seed by seed. Prints Markdown.
"""

import argparse
import time
import warnings

import numpy as np

import facesom
from facesom.drawn.facemodel import EXPRESSIONS
from facesom.groups.how_many import choose_n_groups

SHOWN = {3: (0, 1, 5), 4: (0, 1, 4, 5), 6: (0, 1, 2, 3, 4, 5), 8: range(8)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--persons", type=int, default=20)
    parser.add_argument("--frames", type=int, default=80)
    parser.add_argument("--seeds", type=int, default=2)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    names = ("Davies-Bouldin", "silhouette", "gap", "stability")
    print("| expressions | " + " | ".join(names) + " | seconds |\n|" + "---|" * 6)
    for k, shown in SHOWN.items():
        picks, seconds = [], []
        for seed in range(arguments.seeds):
            mix = np.zeros((arguments.persons, len(EXPRESSIONS)))
            mix[:, list(shown)] = 1
            faces = facesom.make_faces(arguments.persons, arguments.frames, seed, mix=mix)
            movements = facesom.group_across_persons(faces.dataset.X1, seed=seed).movements
            som = facesom.FaceSOM(10, 10, seed=seed).fit(np.concatenate(list(movements)))
            start = time.perf_counter()
            picks.append(choose_n_groups(som, seed=seed).picks)
            seconds.append(time.perf_counter() - start)
        columns = [", ".join(str(pick[name]) for pick in picks) for name in names]
        print(f"| {k} | " + " | ".join(columns) + f" | {np.mean(seconds):.1f} |", flush=True)


if __name__ == "__main__":
    main()
