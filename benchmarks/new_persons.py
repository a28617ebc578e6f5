"""How new persons are placed in standing groups, for benchmarks/alignment.py --new-person."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import adjusted_rand_score, roc_auc_score
from sklearn.model_selection import KFold

import facesom
from facesom.identity import explained_movement

#: What is moved: labels of `find_parts`, and by how much of the picture's height down and right.
MOVED = {
    "one brow up": ([1], -1 / 16, 0),
    "one brow down": ([2], 1 / 21, 0),
    "one eye up": ([3], -1 / 21, 0),
    "one eye down": ([4], 1 / 21, 0),
    "upper lip up": ([5], -1 / 21, 0),
    "lower lip down": ([6], 1 / 16, 0),
    "mouth up": ([5, 6], -1 / 16, 0),
    "mouth down": ([5, 6], 1 / 16, 0),
    "mouth to one side": ([5, 6], 0, 1 / 16),
    "both brows up": ([1, 2], -1 / 16, 0),
    "both brows down": ([1, 2], 1 / 21, 0),
}


def drawn_persons(seeds, n_persons, n_frames, n_new=4):
    """Right groups and flags, {(what, way, frames): rows}: all expressions known, and one of them not."""
    rows = {}
    for seed in seeds:
        for mix, unseen in (("own", None), one_unseen(n_persons, n_new, seed)):
            drawn = facesom.make_faces(n_persons + n_new, n_frames, seed, mix=mix)
            known = drawn.expressions[:n_persons]
            n_groups = len(np.unique(known))
            result = facesom.group_across_persons(drawn.dataset.X1[:n_persons], n_groups, seed)
            usual = [np.bincount(known[result.groups == g], minlength=1).argmax() for g in range(n_groups)]
            for frames, way, chosen in selections(n_frames, seed):
                key = "all known" if unseen is None else "one unseen", way, frames
                for p in range(n_persons, n_persons + n_new):
                    groups = facesom.assign_new_person(result, drawn.dataset.X1[p, chosen])
                    values = judge(groups, np.array([*usual, -1]), drawn.expressions[p, chosen], unseen)
                    rows.setdefault(key, []).append(values)
    return rows


def one_unseen(n_persons, n_new, seed):
    """Mixes (P, 8) in which only new persons show one expression, in a fifth of their frames; and which."""
    mixes = facesom.make_faces(n_persons + n_new, 1, seed).mixes
    unseen = 1 + seed % (mixes.shape[1] - 1)
    mixes[:, unseen] = 0
    mixes /= mixes.sum(axis=1, keepdims=True)
    mixes[n_persons:] *= 0.8
    mixes[n_persons:, unseen] = 0.2
    return mixes, unseen


def selections(n_frames, seed):
    """How many frames of a new person are taken, in which way, and which."""
    yield n_frames, "whole video", np.arange(n_frames)
    for n in (5, 10, 20, 50):
        start = np.random.default_rng(seed).integers(n_frames - n + 1)
        yield n, "in a row", np.arange(start, start + n)
        yield n, "spread out", np.linspace(0, n_frames - 1, n).astype(int)


def judge(groups, names, truth, unseen):
    """Share of known frames in a group of the right name and flagged (-1); share of unseen ones flagged."""
    new = truth == unseen
    right, false, found = (names[groups] == truth)[~new], (groups == -1)[~new], (groups == -1)[new]
    return [flags.mean() if flags.size else np.nan for flags in (right, false, found)]


def left_out(faces, seed):
    """How whole videos of persons left out are placed.

    First the share of all movement that others' frames tell, (5,): by groups learned with the person, placed
    afterwards, and placed with none flagged; by nodes learned and placed. Then the share of frames that are
    flagged, of persons of whom most frames get the group that they have when learned along, and mean doubt.
    """
    told = explained_movement
    whole, shares, seen = facesom.group_across_persons(faces.images, faces.n_groups, seed), [], []
    learned = [told(labels, faces.movements, by_person=True) for labels in (whole.groups, whole.nodes)]
    for p in range(len(faces.images)):
        known = np.delete(faces.images, p, axis=0)
        result = facesom.group_across_persons(known, faces.n_groups, seed, reference=whole)
        new = facesom.place_new_person(result, faces.images[p])
        movements, groups = [*np.delete(faces.movements, p, axis=0), faces.movements[p]], new.probabilities
        placed = [
            told([*others, own], movements, by_person=True)[-1]
            for others, own in (
                (result.groups, new.groups),
                (result.groups, groups.argmax(axis=1)),
                (result.nodes, new.nodes),
            )
        ]
        shares.append((learned[0][p], *placed[:2], learned[1][p], placed[2]))
        right = (groups.argmax(axis=1) == whole.groups[p]).mean() > 0.5
        seen.append(((new.groups == -1).mean(), right, new.doubt))
    moved = [own.var(axis=0).sum() * len(own) for own in faces.movements]
    return np.average(shares, weights=moved, axis=0), np.mean(seen, axis=0)


def learned_again(features, n_groups, seed, n_others=4):
    """Adjusted Rand index of groups with those of another seed, and without one of four persons."""

    def learn(X, seed):
        return facesom.IdentityAligner(n_groups, seed=seed).fit(X).probabilities_.argmax(axis=2)

    groups = learn(features, seed)
    without = []
    for p in range(0, len(features), -(-len(features) // n_others)):
        again = learn(np.delete(features, p, axis=0), seed)
        without.append(adjusted_rand_score(np.delete(groups, p, axis=0).ravel(), again.ravel()))
    return adjusted_rand_score(groups.ravel(), learn(features, seed + 1000).ravel()), np.mean(without)


def moved_parts(faces, seed):
    """Share flagged, {what: (of the frames in which it is moved, of the others)}, of each person left out.

    Moved is a sixth of the frames, the last; the whole mouth also here and there.
    """
    flags, n = {}, faces.features.shape[1]
    late = np.arange(n) >= n - n // 6
    scattered = np.random.default_rng(seed).permutation(late)
    for p in range(len(faces.images)):
        aligner = facesom.IdentityAligner(faces.n_groups, seed=seed).fit(np.delete(faces.features, p, axis=0))
        for what, (parts, down, right) in MOVED.items():
            wheres = {what: late} | ({f"{what}, here and there": scattered} if parts == [5, 6] else {})
            for name, where in wheres.items():
                features = facesom.shape_features(move(faces.images[p], parts, where, down, right))
                unknown = aligner.predict(features[None])[0] == -1
                flags.setdefault(name, []).append((unknown[where].mean(), unknown[~where].mean()))
    return flags


def move(images, parts, where, down, right):
    """Move parts in some of the pictures (N, H, W, 3), black elsewhere, by shares of their height."""
    shift = round(down * images.shape[1]), round(right * images.shape[1])
    there = np.isin(facesom.find_parts(images), parts) & where[:, None, None]
    moved, cleared = np.roll(there, shift, axis=(1, 2)), np.where(there[..., None], 0, images)
    return np.where(moved[..., None], np.roll(images, shift, axis=(1, 2)), cleared).astype(images.dtype)


def pieces(features, n_groups, seed, n_folds=4, n_pieces=24):
    """Doubt and rightness, (n,) each, of pieces of left-out persons' videos.

    Right is a piece of which most frames get the group that they have where the whole video is placed.
    Half of the pieces are frames in a row, a quarter is of one group, a quarter here and there.
    """
    rng, doubts, right = np.random.default_rng(seed), [], []
    for known, new in KFold(n_folds, shuffle=True, random_state=seed).split(features):
        aligner = facesom.IdentityAligner(n_groups, seed=seed).fit(features[known])
        for person in features[new]:
            groups, n = aligner.place(person[None]).probabilities.argmax(axis=1), len(person)
            for trial in range(n_pieces):
                size = int(np.exp(rng.uniform(np.log(5), np.log(n / 2))))
                piece = np.sort(rng.choice(n, size, replace=False))
                if trial % 4 < 2:
                    piece = np.arange(size) + rng.integers(n - size + 1)
                elif trial % 4 == 2:
                    piece = np.flatnonzero(groups == groups[piece[0]])
                placed = aligner.place(person[None, piece])
                doubts.append(placed.doubts[0])
                right.append(np.mean(placed.probabilities.argmax(axis=1) == groups[piece]) > 0.5)
    return np.array(doubts), np.array(right)


def trust(doubts, right):
    """Share that is right, its area under the curve by doubt, share with doubt under 0.1, and right of it."""
    sure = doubts < 0.1
    return (
        right.mean(),
        roc_auc_score(right, -doubts),
        sure.mean(),
        right[sure].mean() if sure.any() else np.nan,
    )
