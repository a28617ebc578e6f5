"""How new persons are placed in standing groups, for benchmarks/alignment.py --new-person."""

from __future__ import annotations

import numpy as np

import facesom
from facesom.identity import explained_movement


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
    """Movement of each person that others' frames tell, (P, 5): by groups and by nodes, each learned with the
    person and placed afterwards; and the share of frames that are flagged."""
    told = explained_movement
    whole, rows = facesom.group_across_persons(faces.images, faces.n_groups, seed), []
    learned = [told(labels, faces.movements, by_person=True) for labels in (whole.groups, whole.nodes)]
    for p in range(len(faces.images)):
        result = facesom.group_across_persons(np.delete(faces.images, p, axis=0), faces.n_groups, seed)
        new = facesom.place_new_person(result, faces.images[p])
        movements = [*np.delete(faces.movements, p, axis=0), faces.movements[p]]
        placed = [
            told([*others, own], movements, by_person=True)[-1]
            for others, own in ((result.groups, new.groups), (result.nodes, new.nodes))
        ]
        rows.append((learned[0][p], placed[0], learned[1][p], placed[1], (new.groups == -1).mean()))
    return rows
