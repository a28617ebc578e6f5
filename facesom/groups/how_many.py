"""How many groups: four criteria as curves, where they disagree, and a number with the reason for it."""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import davies_bouldin_score, silhouette_score
from sklearn.utils.validation import check_is_fitted
from tqdm.auto import tqdm

from facesom.identity import STABLE, UNSTABLE, match_groups
from facesom.io import one_thread
from facesom.som import FaceSOM

from .node_groups import NodeGroups, in_few_columns

BOOTSTRAPS = 40
REFERENCES = 20  # uniform sets of points that the gap statistic and the stability are compared with
REFERENCE_BOOTSTRAPS = 3


@dataclass(frozen=True, repr=False)
class GroupChoice:
    """What `choose_n_groups` found; printed, it says what to take and who disagrees.

    Attributes
    ----------
    n_groups : int
        The recommended number.
    sentence : str
        Why, in words.
    picks : dict of str to int
        The number that each criterion alone would choose.
    ks : ndarray of int, shape (n,)
        Numbers of groups that were tried.
    davies_bouldin : ndarray, shape (n,)
        Spread within groups over distance between them (Davies and Bouldin, 1979); low is good.
    silhouette : ndarray, shape (n,)
        -1 to 1: how much nearer nodes are to their own group than to the next (Rousseeuw, 1987).
    gap, gap_error : ndarray, shape (n,)
        How much tighter groups are than those of uniform points, in log sum of squares, and its error
        (Tibshirani et al., 2001).
    stability : ndarray, shape (n,)
        0 to 1: Jaccard similarity of groups and their best match when nodes are drawn anew (Hennig, 2007),
        mean over groups and 40 bootstraps.
    chance : ndarray, shape (n,)
        The same for uniform points, which have no groups.
    beyond_error : ndarray, shape (n,)
        Standard error of the difference of stability and chance.
    group_stability : tuple of n ndarrays, shape (k,)
        Stability of each group, numbered as by ``NodeGroups(k, seed=seed)``, measured and judged as in
        `facesom.group_stability`: from 0.75 on a group is stable, below 0.6 it is unstable.
    """

    ks: np.ndarray
    davies_bouldin: np.ndarray
    silhouette: np.ndarray
    gap: np.ndarray
    gap_error: np.ndarray
    stability: np.ndarray
    chance: np.ndarray
    beyond_error: np.ndarray
    group_stability: tuple
    picks: dict
    n_groups: int
    sentence: str

    def __repr__(self):
        return self.sentence


@one_thread()
def choose_n_groups(
    som: FaceSOM, ks: Iterable[int] = range(2, 13), seed: int = 0, *, progress: bool = True
) -> GroupChoice:
    """Try numbers of k-means groups on the nodes of a map and recommend one.

    Parameters
    ----------
    som : FaceSOM
        A fitted map. For a shared map, best one of ``result.movements``: the coordinates of ``result.som``
        were made for the number of groups that `group_across_persons` was given.
    ks : iterable of int, default 2 to 12
        Numbers to try, 2 or more. Those that the map cannot hold are left out, and the sentence says so.
    seed : int, default 0
    progress : bool, default True
        Show a progress bar.

    Returns
    -------
    GroupChoice

    Raises
    ------
    ValueError
        If `som` is no map, `ks` are not such numbers, or fewer than 4 distinct prototypes won faces.

    Notes
    -----
    Recommended is the number whose groups come back most reliably *beyond chance*: the least number of which
    stability less chance is within one standard error of the largest such difference. (Stability alone
    favours 2, into which any cloud of points can be halved.) Nodes count by the faces they won, except for
    silhouette and Davies-Bouldin. Bootstraps draw nodes, not frames: neighbouring frames of a video are near
    copies, which would make any grouping look stable.

    Examples
    --------
    >>> import facesom
    >>> faces = facesom.make_faces(1, 60, seed=0)
    >>> som = facesom.FaceSOM(4, 4, seed=0).fit(facesom.shape_features(faces.dataset.X1)[0])
    >>> choice = facesom.choose_n_groups(som, ks=range(2, 5), progress=False)
    >>> choice.n_groups in choice.ks, choice.stability.shape
    (True, (3,))
    """
    if not isinstance(som, FaceSOM):
        came = f"{type(som).__name__}; groups that persons share are counted by `choose_groups`"
        raise ValueError(f"som: expected a trained FaceSOM, got {came}.")
    check_is_fitted(som, "weights_")
    used = som.hits_.ravel() > 0
    points, hits = som.weights_[used], som.hits_.ravel()[used].astype(float)
    asked, distinct = check_ks(ks), len(np.unique(points, axis=0))
    kept = asked[asked < distinct]
    if distinct < 4 or not len(kept):
        came = f"{distinct} for ks from {asked[0]}; take a larger map or more frames"
        raise ValueError(f"som: expected more nodes that won faces than the least of ks, and 4, got {came}.")
    points = in_few_columns(points, hits)
    rng = np.random.default_rng(seed)
    rows = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct points drawn than groups
        for k in tqdm(kept, "numbers of groups", disable=not progress):
            labels = NodeGroups(int(k), seed=seed).fit(som).labels_.ravel()[used]
            rows.append(criteria(points, hits, labels, int(k), rng))
    by_group, *curves = zip(*rows, strict=True)
    bouldin, silhouette, gap, gap_error, stability, chance, error = curves = np.array(curves)
    beyond = stability - chance
    best = int(np.flatnonzero(beyond >= beyond.max() - error[beyond.argmax()])[0])
    picks = {
        "Davies-Bouldin": int(kept[bouldin.argmin()]),
        "silhouette": int(kept[silhouette.argmax()]),
        "gap": int(kept[gap_pick(gap, gap_error)]),
        "stability": int(kept[best]),
    }
    sentence = explain(picks, kept, by_group[best], chance[best], len(asked) - len(kept))
    return GroupChoice(kept, *curves, by_group, picks, picks["stability"], sentence)


def check_ks(ks):
    """Return numbers of groups in ascending order, or raise `ValueError`."""
    given = list(ks) if np.iterable(ks) else ks
    ks = np.unique(given)
    if not np.iterable(given) or not len(ks) or ks.dtype.kind not in "iu" or ks[0] < 2:
        wanted = "whole numbers of groups, 2 or more"
        raise ValueError(f"ks: expected {wanted}, got {given!r}; pass e.g. range(2, 9).")
    return ks


def criteria(points, hits, labels, k, rng):
    """Stability of each group, and the value of each curve of `GroupChoice` for one number of groups."""
    low, high = points.min(axis=0), points.max(axis=0)
    sums, chance = [], []
    for _ in range(REFERENCES):
        uniform = rng.uniform(low, high, points.shape)
        km = kmeans(k, rng).fit(uniform, sample_weight=hits)
        sums.append(np.log(km.inertia_))
        chance.append(jaccards(uniform, hits, km.labels_, k, rng, REFERENCE_BOOTSTRAPS).mean())
    member = labels == np.arange(k)[:, None]
    centers = member @ (hits[:, None] * points) / (member @ hits)[:, None]
    inertia = hits @ ((points - centers[labels]) ** 2).sum(axis=1)
    found = jaccards(points, hits, labels, k, rng, BOOTSTRAPS)
    return (
        found.mean(axis=0),
        davies_bouldin_score(points, labels),
        silhouette_score(points, labels),
        np.mean(sums) - np.log(max(inertia, np.finfo(float).tiny)),
        np.std(sums) * np.sqrt(1 + 1 / REFERENCES),
        found.mean(),
        np.mean(chance),
        np.sqrt(found.mean(axis=1).var() / BOOTSTRAPS + np.var(chance) / REFERENCES),
    )


def jaccards(points, hits, labels, k, rng, n_bootstraps):
    """Jaccard similarity (n_bootstraps, k) of each group and its best match when points are drawn anew."""
    n, found = len(points), np.empty((n_bootstraps, k))
    for row in found:
        drawn = np.zeros(n)
        while (drawn > 0).sum() < k:
            drawn = np.bincount(rng.integers(n, size=n), minlength=n) * hits
        km = kmeans(k, rng).fit(points[drawn > 0], sample_weight=drawn[drawn > 0])
        row[:] = match_groups(labels, km.predict(points), hits, k)[0]
    return found


def kmeans(k, rng):
    """A k-means with a seed drawn from `rng`."""
    return KMeans(k, n_init=2, random_state=int(rng.integers(2**31)))


def gap_pick(gap, error):
    """Return the first place whose gap is within the next one's error, or the last (Tibshirani, 2001)."""
    enough = np.flatnonzero(gap[:-1] >= gap[1:] - error[1:])
    return int(enough[0]) if len(enough) else len(gap) - 1


def explain(picks, ks, each, chance, left_out):
    """Say what to take, why, and who disagrees."""
    k = picks["stability"]
    others = [f"{name} says {pick}" for name, pick in picks.items() if pick != k]
    gone = int((each < UNSTABLE).sum())
    return (
        f"Take {k} groups: their nodes come back together in bootstraps (Jaccard {each.mean():.2f}) further "
        f"beyond chance ({chance:.2f}) than those of other numbers from {ks[0]} to {ks[-1]}, or as far with "
        f"fewer groups. {int((each >= STABLE).sum())} of {k} are stable ({STABLE} or more)"
        + (f", {gone} unstable (below {UNSTABLE})" if gone else "")
        + (f". The criteria disagree: {', '.join(others)}." if others else ". All criteria agree.")
        + (f" {left_out} larger numbers were left out: too few nodes won faces." if left_out else "")
    )
