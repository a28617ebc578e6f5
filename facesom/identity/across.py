"""Groups that mean the same expression for everyone, their map, and new persons in them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linear_sum_assignment

from facesom.io import DatasetError, as_faces, is_colour
from facesom.parts import mean_faces, shape_features
from facesom.som import FaceSOM, walk_order

from .align import IdentityAligner, as_persons, like, most_likely, moved
from .chain import Frames
from .mixture import expect


@dataclass(frozen=True)
class SharedGroups:
    """Every frame of several persons in groups that mean the same expression for all of them.

    Attributes
    ----------
    groups : ndarray of int, shape (P, N)
        Group of each frame, 0 to n_groups - 1, one numbering for all persons; a list of (N_p,) if a list was
        given.
    nodes : ndarray of int, shape (P, N)
        Node of each frame on the shared map, ``row * cols + col``.
    probabilities : ndarray, shape (P, N, n_groups)
        Probability of each group.
    som : FaceSOM
        The shared map, in coordinates without identity.
    node_groups : ndarray of int, shape (rows, cols)
        Group of each node.
    node_faces : ndarray of float32, shape (rows, cols, H, W)
        Mean face of each node's frames, gray in [0, 1] on white; a node without frames shows the face
        nearest to it.
    features, movements : ndarray, shape (P, N, D)
        Shape features, and the same less each person's face at rest.
    unreliable : ndarray of bool, shape (P, N, D)
        Where a feature could not be measured and was imputed; a whole row where no face was found.
    aligner : IdentityAligner
    order : ndarray of int, shape (n_groups,)
        The aligner's group behind each number.
    """

    groups: np.ndarray
    nodes: np.ndarray
    probabilities: np.ndarray
    som: FaceSOM
    node_groups: np.ndarray
    node_faces: np.ndarray = field(repr=False)
    features: np.ndarray = field(repr=False)
    movements: np.ndarray = field(repr=False)
    unreliable: np.ndarray = field(repr=False)
    aligner: IdentityAligner
    order: np.ndarray

    def __repr__(self):
        frames = sum(map(len, self.groups))
        rows, cols = self.node_groups.shape
        size = f"{len(self.groups)} persons, {frames} frames, {len(self.order)} groups"
        return f"SharedGroups({size}, {rows} x {cols} map)"


def group_across_persons(images, n_groups=8, seed=0, *, rows=10, cols=10, reference=None):
    """Group the frames of several persons by expression, independent of how each face is built.

    Parts are found, measured in the eye frame, freed of identity (`IdentityAligner`) and laid on one shared
    map.

    Parameters
    ----------
    images : array_like, shape (P, N, H, W) or (P, N, H, W, 3 or 4), or list of P arrays (N_p, H, W[, 3 or 4])
        Drawn faces, uint8 or float in [0, 1], each person's frames in the order of time where there is one.
    n_groups : int, default 8
    seed : int, default 0
    rows, cols : int, default 10
        Size of the shared map.
    reference : SharedGroups, optional
        An earlier result whose numbering is to be kept: each group takes the number of the reference's group
        that it resembles most (Kuhn, 1955).

    Returns
    -------
    SharedGroups
        Without a reference, groups are numbered along a walk over the map.

    Raises
    ------
    ValueError
        For images that are no faces of several frames, or a reference with another number of groups.
    """
    images = as_people(images)
    if reference is not None and len(reference.order) != n_groups:
        raise ValueError(
            f"reference: expected {n_groups} groups, got {len(reference.order)}; pass n_groups alike."
        )
    features, unreliable = features_of(images)
    aligner = IdentityAligner(n_groups, seed=seed)
    coordinates = np.concatenate(list(aligner.fit_transform(features)))
    probabilities = np.concatenate(list(aligner.probabilities_))
    som = FaceSOM(rows, cols, seed=seed).fit(coordinates)
    nodes = som.labels_

    held = np.zeros((rows * cols, n_groups))
    np.add.at(held, nodes, probabilities)
    # the frame nearest to a node stands in where it won none
    closest = som.transform(coordinates).argmin(axis=0)
    empty = som.hits_.ravel() == 0
    held[empty] = probabilities[closest[empty]]
    node_groups = held.argmax(axis=1).reshape(rows, cols)
    order = walk_first(node_groups, n_groups) if reference is None else like_reference(aligner, reference)
    number = np.argsort(order)
    return SharedGroups(
        groups=like(features, number[probabilities.argmax(axis=1)]),
        nodes=like(features, nodes),
        probabilities=like(features, probabilities[:, order]),
        som=som,
        node_groups=number[node_groups],
        node_faces=node_faces(images, nodes, closest, som),
        features=features,
        movements=like(features, moved(as_persons(features), aligner.offsets_, aligner.scales_)),
        unreliable=unreliable,
        aligner=aligner,
        order=order,
    )


@dataclass(frozen=True)
class NewPerson:
    """A new person in standing groups.

    Attributes
    ----------
    groups : ndarray of int, shape (N,)
        Group of each frame in the standing numbering; -1 where it shows something that no group shows.
    nodes : ndarray of int, shape (N,)
        Best matching unit on the standing map.
    probabilities : ndarray, shape (N, n_groups)
        Probability of each group; sums to less than 1 where the frame may be unknown.
    movements : ndarray, shape (N, D)
        Features less the face at rest, over the scale of movement.
    unreliable : ndarray of bool, shape (N, D)
        Where a feature could not be measured and was imputed.
    doubt : float
        Probability, 0 to 0.5, that the face at rest is another than the one found.
    """

    groups: np.ndarray
    nodes: np.ndarray
    probabilities: np.ndarray = field(repr=False)
    movements: np.ndarray = field(repr=False)
    unreliable: np.ndarray = field(repr=False)
    doubt: float


def place_new_person(result, images):
    """Place a new person in standing groups and on the standing map, without training anything again.

    Parameters
    ----------
    result : SharedGroups
    images : array_like, shape (N, H, W) or (N, H, W, 3 or 4)
        Faces of one person, uint8 or float in [0, 1], in the order of time where there is one.

    Returns
    -------
    NewPerson

    Raises
    ------
    ValueError
        If the images are not faces of one person.
    """
    images = as_faces(images)
    if images.ndim != 3 + is_colour(images):
        raise ValueError(
            f"images: expected frames of one person, (N, H, W) or (N, H, W, 3), got shape {images.shape}; "
            "pass one person at a time, a single frame as images[None]."
        )
    aligner = result.aligner
    features, unreliable = (x[None] for x in shape_features(images, return_unreliable=True))
    inner, who, doubt = aligner.settle(features)
    proba = expect(Frames(inner), aligner.mixture_, who, unknown=aligner.known_within_).groups
    proba = proba[:, result.order]
    return NewPerson(
        groups=most_likely(proba),
        nodes=result.som.predict(aligner.coordinates(inner, who)),
        probabilities=proba,
        movements=moved(features, aligner.rest(who), who.scales),
        unreliable=unreliable[0],
        doubt=float(doubt[0]),
    )


def assign_new_person(result, images):
    """Group of each frame of a new person, in the numbering of `result`; see `place_new_person` for more.

    Parameters
    ----------
    result : SharedGroups
    images : array_like, shape (N, H, W) or (N, H, W, 3 or 4)

    Returns
    -------
    ndarray of int, shape (N,)
        0 to n_groups - 1; -1 where a frame shows something that no group shows.
    """
    return place_new_person(result, images).groups


def as_people(images):
    """Return faces as one array (P, N, H, W[, 3 or 4]), or as a list where persons have unequal frames."""
    if not isinstance(images, (list, tuple)) or len({np.shape(x) for x in images}) == 1:
        images = as_faces(images)
        if images.ndim != 4 + is_colour(images):
            raise ValueError(
                f"images: expected persons, (P, N, H, W) or (P, N, H, W, 3), got shape {images.shape}; "
                "for one person pass images[None]."
            )
        return images
    people = [as_faces(x, name=f"images[{p}]") for p, x in enumerate(images)]
    for p, x in enumerate(people):
        if x.ndim != 3 + is_colour(x) or x.shape[1:] != people[0].shape[1:]:
            raise ValueError(
                f"images: expected frames of {people[0].shape[1:]}, got {x.shape[1:]} for person {p}; "
                "bring all persons to one size and one kind of colour."
            )
    return people


def features_of(images):
    """Shape features (P, N, D) and where they are imputed; lists for a list."""
    if isinstance(images, np.ndarray):  # all at once: persons are shared out over threads
        features, unreliable = shape_features(images, return_unreliable=True)
        faceless = np.flatnonzero(unreliable.all(axis=(1, 2))).tolist()
    else:
        found = [measured(person) for person in images]
        faceless = [p for p, pair in enumerate(found) if pair is None]
    if faceless:
        raise ValueError(
            f"images: expected a face in some frame of every person, found none for persons {faceless}; "
            "leave them out, or look at their pictures."
        )
    if not isinstance(images, np.ndarray):
        features, unreliable = map(list, zip(*found, strict=True))
    return features, unreliable


def measured(person):
    """Shape features of one person and where they are imputed, or None where no frame shows a face."""
    try:
        return shape_features(person, return_unreliable=True)
    except DatasetError:  # the gate has let the images pass: no face was found
        return None


def walk_first(node_groups, n_groups):
    """Groups in the order in which a walk over the map meets them; those without a node come last."""
    walk = walk_order(node_groups)
    met = {new: old for new, old in zip(walk.ravel().tolist(), node_groups.ravel().tolist(), strict=True)}
    first = [met[new] for new in range(len(met))]
    return np.array(first + sorted(set(range(n_groups)) - set(first)))


def like_reference(aligner, reference):
    """Groups in the order that gives each the number of the reference's group it resembles most."""
    old = reference.aligner
    ours, theirs = aligner.means_, old.means_[reference.order]
    if ours.shape != theirs.shape:
        raise ValueError(
            f"reference: expected groups of {ours.shape[1]} features, got {theirs.shape[1]}; "
            "it comes from another version of `shape_features`."
        )
    root = np.linalg.cholesky(np.linalg.inv(old.mixture_.noise))
    ours, theirs = ((m - m.mean(axis=0)) / old.scale_ @ old.axes_ @ root for m in (ours, theirs))
    apart = np.linalg.norm(theirs[:, None] - ours[None], axis=2)
    return linear_sum_assignment(apart)[1]


def node_faces(images, nodes, closest, som):
    """Mean face (rows, cols, H, W) of each node's frames, gray; the `closest` frame where it won none."""
    frames = images if isinstance(images, np.ndarray) else np.concatenate(images)
    frames = frames.reshape(-1, *frames.shape[-2 - is_colour(frames) :])
    won = np.split(np.argsort(nodes, kind="stable"), np.cumsum(som.hits_.ravel())[:-1])
    members = [w if len(w) else np.array([near]) for w, near in zip(won, closest, strict=True)]
    faces = mean_faces(frames, members)
    return faces.reshape(*som.hits_.shape, *faces.shape[1:])
