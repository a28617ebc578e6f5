"""Groups that mean the same expression for everyone, their map, and new persons in them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from sklearn.metrics import pairwise_distances_argmin

from facesom.io import DatasetError, as_faces, check_whole, like
from facesom.parts import mean_faces, shape_features
from facesom.som import FaceSOM, walk_order

from .actions import action_matrix, read_actions
from .align import IdentityAligner, most_likely
from .choose import choose_groups
from .persons import as_persons, canonical_order, less
from .table import frame_table


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
    actions : ndarray, shape (P, N, A)
        Strength of each of `action_names`, 0 at rest, comparable across persons; about 1 in full on posed
        faces, less than half of that on film (see `read_actions`).
    distances : ndarray, shape (P, N)
        Distance of each frame from the prototype of its node, in the coordinates of `som`.
    unreliable : ndarray of bool, shape (P, N, D)
        Where a feature could not be measured and was imputed; a whole row where no face was found.
    aligner : IdentityAligner
    order : ndarray of int, shape (n_groups,)
        The aligner's group behind each number.
    choice : GroupCurve or None
        How the number of groups was chosen, where that was left open.
    """

    groups: np.ndarray
    nodes: np.ndarray
    probabilities: np.ndarray
    som: FaceSOM
    node_groups: np.ndarray
    node_faces: np.ndarray
    features: np.ndarray
    movements: np.ndarray
    actions: np.ndarray
    distances: np.ndarray
    unreliable: np.ndarray
    aligner: IdentityAligner
    order: np.ndarray
    choice: object = None

    @property
    def action_names(self):
        """Names of the actions, in face words."""
        return action_matrix()[0]

    def to_frame(self, *, X2=None, X2_names=None, persons=None):
        """The table: one row for each frame, one column for each thing that is known of it.

        Parameters
        ----------
        X2 : array_like, shape (P, N, C), optional
            Numbers that came with the frames.
        X2_names : sequence of C str, optional
            Default: "X2_0", "X2_1", ...
        persons : sequence of P, optional
            Names or numbers of the persons. Default: 0, 1, 2, ...

        Returns
        -------
        pandas.DataFrame
            person, frame, node, group, probability (of that group), distance, words (what the frame does),
            one column for each action, and those of X2.
        """
        return frame_table(self, X2, X2_names, range(len(self.groups)) if persons is None else persons)

    def __repr__(self):
        frames = sum(map(len, self.groups))
        rows, cols = self.node_groups.shape
        noun = "person" if len(self.groups) == 1 else "persons"
        size = f"{len(self.groups)} {noun}, {frames} frames, {len(self.order)} groups"
        chosen = "" if self.choice is None else " (chosen by what they explain)"
        return f"SharedGroups({size}{chosen}, {rows} x {cols} map)"


def group_across_persons(
    images: ArrayLike,
    n_groups: int | None = 8,
    seed: int = 0,
    *,
    rows: int = 10,
    cols: int = 10,
    reference: SharedGroups | None = None,
) -> SharedGroups:
    """Group the frames of several persons by expression, independent of how each face is built.

    Parts are found, measured in the eye frame, freed of identity (`IdentityAligner`) and laid on one shared
    map.

    Parameters
    ----------
    images : array_like, shape (P, N, H, W) or (P, N, H, W, 3 or 4), or list of P arrays (N_p, H, W[, 3 or 4])
        Drawn faces, uint8 or float in [0, 1], each person's frames in the order of time where there is one.
    n_groups : int or None, default 8
        None: as many as the reference has; without one as many as tell about persons who were left out
        (`choose_groups`), and ``result.choice`` says why.
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

    Examples
    --------
    >>> import facesom
    >>> faces = facesom.make_faces(n_persons=3, n_frames=40, mix="balanced")
    >>> result = facesom.group_across_persons(faces.dataset.X1, n_groups=4, rows=5, cols=5)
    >>> result
    SharedGroups(3 persons, 120 frames, 4 groups, 5 x 5 map)
    """
    check_whole(seed, "seed", 0)
    if not isinstance(reference, SharedGroups | None):
        came = type(reference).__name__
        raise ValueError(f"reference: expected an earlier result of group_across_persons, got {came}.")
    images = as_faces(images, leading=2)
    features, unreliable, parts = measure(images)
    if n_groups is None and reference is not None:
        n_groups = len(reference.order)
    choice = choose_groups(features, seed=seed) if n_groups is None else None
    n_groups = choice.n_groups if choice else n_groups
    if reference is not None and (came := len(reference.order)) != n_groups:
        raise ValueError(f"reference: expected {n_groups} groups, got {came}; pass n_groups alike.")
    aligner = IdentityAligner(n_groups, seed=seed)
    coordinates = np.concatenate(list(aligner.fit_transform(features)))
    probabilities = np.concatenate(list(aligner.probabilities_))
    # in an order of their own, so that the map does not depend on who was named first
    persons, frames = as_persons(features), like(features, np.arange(len(coordinates)))
    in_order = np.concatenate([frames[p] for p in canonical_order(persons)])
    som = FaceSOM(rows, cols, seed=seed).fit(coordinates[in_order])
    som.labels_ = nodes = som.labels_[np.argsort(in_order)]

    # the frame nearest to a node stands in where it won none
    closest = pairwise_distances_argmin(som.weights_, coordinates)
    members = np.split(np.argsort(nodes, kind="stable"), np.cumsum(som.hits_.ravel())[:-1])
    members = [won if len(won) else closest[[node]] for node, won in enumerate(members)]
    node_groups = np.array([probabilities[some].sum(axis=0).argmax() for some in members])
    node_groups = node_groups.reshape(rows, cols)
    order = walk_first(node_groups, n_groups) if reference is None else like_reference(aligner, reference)
    number = np.argsort(order)
    movements = less(persons, aligner.offsets_)
    return SharedGroups(
        groups=like(features, number[probabilities.argmax(axis=1)]),
        nodes=like(features, nodes),
        probabilities=like(features, probabilities[:, order]),
        som=som,
        node_groups=number[node_groups],
        node_faces=node_faces(images, parts, members, (rows, cols)),
        features=features,
        movements=like(features, movements),
        actions=like(features, read_actions(movements)),
        distances=like(features, np.linalg.norm(coordinates - som.weights_[nodes], axis=1)),
        unreliable=unreliable,
        aligner=aligner,
        order=order,
        choice=choice,
    )


@dataclass(frozen=True)
class NewPerson:
    """A new person in standing groups.

    Attributes
    ----------
    groups : ndarray of int, shape (N,)
        Group of each frame in the standing numbering; -1 where it shows something that no group shows, or no
        face.
    nodes : ndarray of int, shape (N,)
        Best matching unit on the standing map.
    probabilities : ndarray, shape (N, n_groups)
        Probability of each group; sums to less than 1 where the frame may be unknown.
    movements : ndarray, shape (N, D)
        Features less the face at rest.
    actions : ndarray, shape (N, A)
        As in `SharedGroups`.
    distances : ndarray, shape (N,)
        Distance from the prototype of its node.
    unreliable : ndarray of bool, shape (N, D)
        Where a feature could not be measured and was imputed.
    doubt : float
        Probability, 0 to 1, that most frames belong to other groups: as often as pieces of the known persons'
        videos that show as much, and as much else, are misplaced. Of pieces of filmed people it tells little
        (``benchmarks/README.md``). Where over a third of the frames is unknown, at least their share.
    """

    groups: np.ndarray
    nodes: np.ndarray
    probabilities: np.ndarray = field(repr=False)
    movements: np.ndarray = field(repr=False)
    actions: np.ndarray = field(repr=False)
    distances: np.ndarray = field(repr=False)
    unreliable: np.ndarray = field(repr=False)
    doubt: float

    action_names = SharedGroups.action_names

    def to_frame(self, *, X2=None, X2_names=None, person=0):
        """The same table as that of `SharedGroups`, for this person alone."""
        lifted = NewPerson(**{name: [value] for name, value in vars(self).items()})
        return frame_table(lifted, None if X2 is None else [X2], X2_names, [person])


def place_new_person(result: SharedGroups, images: ArrayLike) -> NewPerson:
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

    Examples
    --------
    >>> import facesom
    >>> X1 = facesom.make_faces(n_persons=4, n_frames=40, mix="balanced").dataset.X1
    >>> result = facesom.group_across_persons(X1[:3], n_groups=4, rows=5, cols=5)
    >>> placed = facesom.place_new_person(result, X1[3])
    >>> placed.groups.shape, placed.nodes.shape
    ((40,), (40,))
    """
    if not isinstance(result, SharedGroups):
        came = type(result).__name__
        raise ValueError(f"result: expected a SharedGroups of group_across_persons, got {came}.")
    images = as_faces(images, leading=1)
    features, unreliable = (x[None] for x in shape_features(images, return_unreliable=True))
    placed = result.aligner.place(features)
    faceless = unreliable[0].all(axis=1, keepdims=True)
    proba = np.where(faceless, 0, placed.probabilities[:, result.order])
    distances = np.asarray(result.som.transform(placed.coordinates))
    nodes = distances.argmin(axis=1)
    return NewPerson(
        groups=most_likely(proba),
        nodes=nodes,
        probabilities=proba,
        movements=placed.movements,
        actions=read_actions(placed.movements),
        distances=distances.min(axis=1),
        unreliable=unreliable[0],
        doubt=float(placed.doubts[0]),
    )


def assign_new_person(result: SharedGroups, images: ArrayLike) -> np.ndarray:
    """Group of each frame of a new person, in the numbering of `result`; see `place_new_person` for more.

    Parameters
    ----------
    result : SharedGroups
    images : array_like, shape (N, H, W) or (N, H, W, 3 or 4)

    Returns
    -------
    ndarray of int, shape (N,)
        0 to n_groups - 1; -1 where a frame shows something that no group shows.

    Examples
    --------
    >>> import facesom
    >>> X1 = facesom.make_faces(n_persons=4, n_frames=40, mix="balanced").dataset.X1
    >>> result = facesom.group_across_persons(X1[:3], n_groups=4, rows=5, cols=5)
    >>> facesom.assign_new_person(result, X1[3]).shape
    (40,)
    """
    return place_new_person(result, images).groups


def measure(images):
    """Shape features, where they are imputed, and parts, as `shape_features` returns them."""
    try:
        features, unreliable, parts = shape_features(images, return_unreliable=True, return_parts=True)
        faceless = [p for p, person in enumerate(unreliable) if person.all()]
    except DatasetError:  # the gate has let the images pass: no face was found
        faceless = list(range(len(images)))
    if faceless:
        came = f"found none for persons {faceless}; leave them out, or look at their pictures"
        raise ValueError(f"images: expected a face in some frame of every person, {came}.")
    return features, unreliable, parts


def walk_first(node_groups, n_groups):
    """Groups in the order in which a walk over the map meets them; those without a node come last."""
    walk = walk_order(node_groups)
    first = np.unique(walk, return_index=True)[1]
    met = node_groups.ravel()[first]
    return np.r_[met, np.setdiff1d(np.arange(n_groups), met)]


def like_reference(aligner, reference):
    """Groups in the order that gives each the number of the reference's group it resembles most."""
    old = reference.aligner
    ours, theirs = aligner.means_, old.means_[reference.order]
    if ours.shape != theirs.shape:
        came = f"{theirs.shape[1]}; it comes from another version of `shape_features`"
        raise ValueError(f"reference: expected groups of {ours.shape[1]} features, got {came}.")
    root = np.linalg.cholesky(np.linalg.inv(old.mixture_.covariance))
    ours, theirs = ((m - m.mean(axis=0)) @ old.axes_ @ root for m in (ours, theirs))
    return linear_sum_assignment(cdist(theirs, ours))[1]


def node_faces(images, parts, members, shape):
    """Mean face (rows, cols, H, W), gray, of the frames that are members of each node."""
    stacked = isinstance(images, np.ndarray)
    frames = images.reshape(-1, *images.shape[2:]) if stacked else np.concatenate(images)
    faces = mean_faces(frames, members, parts=parts)
    return faces.reshape(*shape, *faces.shape[1:])
