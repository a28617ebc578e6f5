"""How often the tests of happy against unhappy alarm where there is nothing, and find what there is.

    python benchmarks/profiles.py [--seeds 200]

Every seed is 43 other people with the true expressions as groups; `label_effect` is planted in their mixes.
"""

import argparse
import time

import numpy as np

from facesom.drawn.synthetic import make_faces
from facesom.groups import classify_labels, compare_labels, person_profiles

N_FRAMES, N_GROUPS = 60, 8


def draw(seed, label_effect):
    """Profiles and labels of 43 people."""
    faces = make_faces(43, N_FRAMES, seed, label_effect=label_effect, size=32)
    return person_profiles(faces.expressions, N_GROUPS), faces.dataset.y


def alarms(n_seeds):
    """Share of seeds in which something is found, by how much was planted."""
    print("planted   seeds   one group p <= .05   any group q <= .05   alarms at seeds")
    for label_effect in (0.0, 0.1, 0.2, 0.3, 0.5):
        n = n_seeds if not label_effect else n_seeds // 4
        results = [compare_labels(*draw(seed, label_effect), n_permutations=999) for seed in range(n)]
        single = np.nanmean([result.p_values <= 0.05 for result in results])
        family = np.flatnonzero([(result.q_values <= 0.05).any() for result in results])
        which = family.tolist() if not label_effect else ""
        print(f"{label_effect:7.1f}   {n:5}   {single:18.3f}   {len(family) / n:18.3f}   {which}", flush=True)


def classifier(n_seeds):
    """Share of seeds in which the classifier's p is at most 0.05, with 39 permutations."""
    print("planted   seeds   classifier p <= .05   balanced accuracy")
    for label_effect in (0.0, 0.2, 0.5):
        n = n_seeds // 2 if not label_effect else n_seeds // 10
        results = [classify_labels(*draw(seed, label_effect), n_permutations=39) for seed in range(n)]
        found = np.mean([result.p_value <= 0.05 for result in results])
        right = np.mean([result.balanced_accuracy for result in results])
        print(f"{label_effect:7.1f}   {n:5}   {found:19.3f}   {right:17.3f}", flush=True)


def coverage(n_samples):
    """Share of the 95 % intervals that hold the true value, for 29 and 14 persons and skewed shares."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [29, 14])
    first, second = rng.beta([1, 2], 6, (200_000, 2)).T
    truths = second.mean() - first.mean(), 2 * (second > first).mean() - 1
    hits = []
    for _ in range(n_samples):
        result = compare_labels(rng.beta(1 + y[:, None], 6, (43, 20)), y, n_permutations=1)
        limits = result.interval, result.delta_interval
        hits.append([((x[:, 0] <= t) & (t <= x[:, 1])).mean() for x, t in zip(limits, truths, strict=True)])
    difference, delta = np.mean(hits, axis=0)
    print(f"coverage of 95 % intervals: difference of means {difference:.3f}, Cliff's delta {delta:.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=200)
    n_seeds = parser.parse_args().seeds
    start = time.perf_counter()
    alarms(n_seeds)
    coverage(n_seeds)
    classifier(n_seeds)
    profiles, y = draw(0, 0.5)
    for test in (compare_labels, classify_labels):
        begin = time.perf_counter()
        test(profiles, y)
        print(f"{test.__name__}, defaults, 43 persons: {time.perf_counter() - begin:.2f} s")
    print(f"all in {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
