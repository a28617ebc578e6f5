"""How many groups are found where the number of expressions is known?

    python benchmarks/n_groups.py [--persons 12 --frames 150 --first-seed 110 --seeds 4]
    python benchmarks/n_groups.py --filmed PICKLE ...    # the number that filmed people are advised

Draws faces that show 4, 6, 8 and 12 expressions in equal shares (rest is one of them, the others are drawn
from eleven), and asks `choose_groups`, by persons left out, and the four criteria of `choose_n_groups`, on a
map of the movements. A column for each: how many groups more or fewer than expressions, seed by seed. Its
last row counts those that are right within one. Prints Markdown.
"""

import argparse
import time
import warnings

import numpy as np

import facesom
from facesom.drawn.facemodel import EXPRESSIONS
from facesom.groups import choose_n_groups
from facesom.identity import choose_groups

#: Beside the expressions of `make_faces`, strengths of action units.
MORE = {
    "blink": {"AU43": 1.0},
    "kiss": {"AU18": 1.0},
    "gape": {"AU26": 1.0, "AU25": 0.9},
    "brows": {"AU1": 1.0, "AU2": 1.0},
}
CRITERIA = ("Davies-Bouldin", "silhouette", "gap", "stability")


def draw(n_expressions, n_persons, n_frames, seed):
    """Images (P, N, H, W, 3) of persons who show so many expressions, all of them equally often."""
    n = len(EXPRESSIONS)
    others = np.random.default_rng(seed).permutation(np.arange(1, n))[: n_expressions - 1]
    mix = np.zeros((n_persons, n))
    mix[:, [0, *others]] = 1 / n_expressions
    return facesom.make_faces(n_persons, n_frames, seed, mix=mix).dataset.X1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--persons", type=int, default=12)
    parser.add_argument("--frames", type=int, default=150)
    parser.add_argument("--first-seed", type=int, default=110)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--filmed", nargs="+", default=[], metavar="PICKLE")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    for path in arguments.filmed:
        print(path, choose_groups(facesom.shape_features(facesom.load(path).X1)), flush=True)
    if arguments.filmed:
        return
    EXPRESSIONS.update(MORE)
    names = ("persons left out", *CRITERIA)
    print("| expressions | " + " | ".join(names) + " | seconds |\n|" + "---|" * 7)
    off = []
    for k in (4, 6, 8, 12):
        rows, seconds = [], []
        for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
            images = draw(k, arguments.persons, arguments.frames, seed)
            start = time.perf_counter()
            result = facesom.group_across_persons(images, None, seed)
            seconds.append(time.perf_counter() - start)
            som = facesom.FaceSOM(10, 10, seed=seed).fit(np.concatenate(result.movements))
            picks = choose_n_groups(som, seed=seed).picks
            rows.append([result.choice.n_groups, *(picks[name] for name in CRITERIA)])
        off.append(np.array(rows) - k)
        cells = [", ".join(f"{n:+d}" if n else "0" for n in column) for column in off[-1].T]
        print(f"| {k} | " + " | ".join(cells) + f" | {np.mean(seconds):.1f} |", flush=True)
    right = (np.abs(np.concatenate(off)) <= 1).sum(axis=0)
    print("| right within 1 | " + " | ".join(f"{n} of {4 * arguments.seeds}" for n in right) + " | |")


if __name__ == "__main__":
    main()
