"""Ways to take identity out of features, simple ones and published tools, for benchmarks/alignment.py.

Each function takes standardised features X (P, N, D), the number of a reference person, the number of groups
and a seed, and returns coordinates (P, N, d).
"""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
from scipy.linalg import orthogonal_procrustes, sqrtm
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans


def unchanged(X, reference, k, seed):
    return X


def mean_removed(X, reference, k, seed):
    return X - X.mean(axis=1, keepdims=True)


def median_removed(X, reference, k, seed):
    return X - np.median(X, axis=1, keepdims=True)


def z_scores(X, reference, k, seed):
    return mean_removed(X, reference, k, seed) / (X.std(axis=1, keepdims=True) + 1e-6)


def procrustes(X, reference, k, seed):
    """Generalised Procrustes (Gower, 1975) of each person's own k centres, paired with the consensus."""
    X = mean_removed(X, reference, k, seed)
    centres = np.array([KMeans(k, n_init=3, random_state=seed).fit(x).cluster_centers_ for x in X])
    consensus = centres[reference]
    for _ in range(10):
        laid = []
        for p, own in enumerate(centres):
            apart = np.linalg.norm(consensus[:, None] - own, axis=2)
            own = own[linear_sum_assignment(apart)[1]]
            middle, goal = own.mean(axis=0), consensus.mean(axis=0)
            turn, strength = orthogonal_procrustes(own - middle, consensus - goal)
            size = strength / max(((own - middle) ** 2).sum(), 1e-9)
            centres[p] = own = size * (own - middle) @ turn + goal
            X[p] = size * (X[p] - middle) @ turn + goal
            laid.append(own)
        consensus = np.mean(laid, axis=0)
    return X


def coral(X, reference, k, seed):
    """Each person's covariance and mean made those of the reference (Sun et al., 2016)."""
    eye = np.eye(X.shape[2])
    goal = sqrtm(np.cov(X[reference].T) + eye).real
    whitened = [(x - x.mean(axis=0)) @ np.linalg.inv(sqrtm(np.cov(x.T) + eye).real) for x in X]
    return np.array([w @ goal for w in whitened]) + X[reference].mean(axis=0)


def optimal_transport(X, reference, k, seed):
    """Frames carried to the reference's by exact optimal transport (Courty et al., 2017; POT)."""
    import ot

    return np.array([ot.da.EMDTransport().fit_transform(Xs=x, Xt=X[reference]) for x in X])


def harmony(X, reference, k, seed):
    """Harmony (Korsunsky et al., 2019; harmonypy)."""
    import harmonypy
    import pandas as pd

    who = pd.DataFrame({"person": np.repeat(np.arange(len(X)), X.shape[1]).astype(str)})
    flat = X.reshape(-1, X.shape[2])
    done = harmonypy.run_harmony(flat, who, "person", verbose=False, random_state=seed, ncores=1)
    return np.asarray(done.Z_corr).reshape(X.shape)


CORRECTIONS = {  # row of the scoreboard: function, module that it needs
    "part geometry": (unchanged, None),
    "person mean removed": (mean_removed, None),
    "person mean removed, tied mixture": (mean_removed, None),
    "person median removed": (median_removed, None),
    "z-scores of each person": (z_scores, None),
    "generalised Procrustes": (procrustes, None),
    "CORAL": (coral, None),
    "optimal transport (POT)": (optimal_transport, "ot"),
    "Harmony (harmonypy)": (harmony, "harmonypy"),
}


def installed(name):
    """Whether what a row needs is there."""
    needs = CORRECTIONS.get(name, (None, None))[1]
    return needs is None or find_spec(needs) is not None
