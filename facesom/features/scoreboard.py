"""What a clustering of faces is worth: agreement with known expressions, within and across persons."""

import numpy as np
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from sklearn.preprocessing import scale

from facesom.io import as_array, one_thread

#: Whose frames are clustered together in `score_clustering`.
SETTINGS = ("within one person", "across persons", "person mean removed")
MEASURES = {"ARI": adjusted_rand_score, "NMI": normalized_mutual_info_score}


@one_thread()
def score_clustering(features, expressions, cluster, *, standardise=False, settings=SETTINGS):
    """Cluster features of several persons in three settings, and compare the groups with the truth.

    Parameters
    ----------
    features : array_like of float, shape (P * N, D) or (P, N, D)
        One row for each frame, person after person.
    expressions : array_like of int, shape (P, N)
        The known expression of each frame.
    cluster : callable
        Takes rows (n, D) and the number k of expressions among them, returns a group for each row. Rows in no
        group (-1) count as one group more.
    standardise : bool, default False
        Whether columns are brought to mean 0 and standard deviation 1 over the rows that are clustered: for
        columns of different units.
    settings : sequence of str, default all of `SETTINGS`

    Returns
    -------
    dict of str to dict of str to float
        By setting and measure, as `pandas.DataFrame` takes it. Settings: "within one person", each person's
        frames alone, the mean over persons who show two expressions or more; "across persons", all frames
        together; "person mean removed", together, less each person's mean. Measures: "ARI", adjusted Rand
        index (Hubert and Arabie, 1985), 0 for chance; "NMI", normalised mutual information (Strehl and Ghosh,
        2002), which is above 0 by chance where groups are many. 1 is perfect agreement for both.

    Raises
    ------
    ValueError
        If features and expressions do not fit each other, nobody shows two expressions, or a setting is
        unknown.
    """
    truth, X = as_array(expressions, "expressions"), as_array(features, "features").astype(float, copy=False)
    if truth.ndim != 2:
        raise ValueError(f"expressions: expected one a frame, shape (P, N), got shape {truth.shape}.")
    if X.ndim < 2 or X.size == 0 or X.shape[:-1] not in ((truth.size,), truth.shape):
        wanted = f"a row for each of {truth.shape[0]} × {truth.shape[1]} frames, got shape {X.shape}"
        raise ValueError(f"features: expected {wanted}; pass what a transformer made of them.")
    X = X.reshape(*truth.shape, -1)
    if isinstance(settings, str) or not set(settings) <= set(SETTINGS):
        raise ValueError(f"settings: expected some of {SETTINGS}, got {settings!r}.")
    varied = [p for p, shown in enumerate(truth) if len(np.unique(shown)) > 1]
    if not varied:
        raise ValueError("expressions: expected persons who show two or more, got one for each person.")

    def score(rows, known):
        rows, known = rows.reshape(-1, X.shape[2]), known.ravel()
        groups = cluster(scale(rows) if standardise else rows, len(np.unique(known)))
        return {name: float(measure(known, groups)) for name, measure in MEASURES.items()}

    def alone():
        each = [score(X[p], truth[p]) for p in varied]
        return {name: float(np.mean([scores[name] for scores in each])) for name in MEASURES}

    ways = (alone, lambda: score(X, truth), lambda: score(X - X.mean(axis=1, keepdims=True), truth))
    return {setting: way() for setting, way in zip(SETTINGS, ways, strict=True) if setting in settings}
