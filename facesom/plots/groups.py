"""Pictures of groups and persons: profiles, effects, permutations, stability."""

import numpy as np

from facesom.groups import FOUND, person_values, similar_order
from facesom.identity import STABLE, UNSTABLE
from facesom.io import as_numbers

from . import canvas
from .canvas import COLOURS, MARKERS, PERSON_COLOURS


def plot_profiles(profiles, y=None, *, labels=None, names=None, ax=None):
    """Draw the share of each person's frames in each group, similar persons below each other.

    Parameters
    ----------
    profiles : PersonProfiles, or array_like of float, shape (P, K)
        Shares, as from `facesom.groups.person_profiles`.
    y : array_like, shape (P,), optional
        Label of each person; marked at the left, by colour and shape.
    labels : sequence of str, optional
        Names for the labels in their sorted order. Default: the labels.
    names : sequence of str, length K, optional
        Names for the groups. Default: their numbers.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        A row is a person, the number at the right is theirs; the order is that of
        `facesom.groups.similar_order`.

    Raises
    ------
    ValueError
        If there is not one label for each person or one name for each group, or there are too many labels.
    """
    shares = person_values(profiles)
    n_persons, n_groups = shares.shape
    names = _names(names, n_groups, "names")
    order = similar_order(shares)
    ax = canvas.new_axes(ax, (min(max(0.16 * n_persons, 3), 8), max(0.6 * n_groups, 5)))
    picture = ax.imshow(shares[order], aspect="auto", cmap="cividis", vmin=0, interpolation="nearest")
    if y is not None:
        y = as_numbers(y, "y", (n_persons,), f"a label for each of {n_persons} persons", kinds="biufSU")
        kinds, code = np.unique(y[order], return_inverse=True)
        if len(kinds) > len(PERSON_COLOURS):
            raise ValueError(f"y: expected at most {len(PERSON_COLOURS)} labels, got {len(kinds)}.")
        labels = _names(kinds if labels is None else labels, len(kinds), "labels")
        for k in range(len(kinds)):
            rows = np.flatnonzero(code == k)
            style = {"s": 14, "marker": MARKERS[k], "color": PERSON_COLOURS[k], "clip_on": False}
            ax.scatter(np.full(len(rows), -0.8 - 0.25 * k), rows, label=labels[k], **style)
        ax.legend(loc="lower left", bbox_to_anchor=(-0.15, 1), ncols=len(kinds), frameon=False, fontsize=9)
    ax.set(xlim=(-0.5, n_groups - 0.5), xlabel="group")
    ax.set_xticks(range(n_groups), names)
    step = -(-n_persons // 45)
    ax.yaxis.set(ticks_position="right", label_position="right")
    ax.set_ylabel("person", fontsize=8)
    ax.set_yticks(range(0, n_persons, step), order[::step], fontsize=7)
    ax.figure.colorbar(picture, ax=ax, label="share of the person's frames")
    return canvas.bare(ax)


def plot_effects(comparison, *, labels=None, names=None, label="share of the frames", ax=None):
    """Draw how much two labels differ in each group, with 95 % intervals; filled where q <= 0.05.

    Parameters
    ----------
    comparison : LabelComparison
        As from `facesom.groups.compare_labels`.
    labels : sequence of 2 str, optional
        Names for the labels in their sorted order. Default: the labels.
    names : sequence of str, length F, optional
        Names for the groups. Default: "group 0", "group 1", ...
    label : str
        What was compared.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        Right of zero: more in the second label.

    Raises
    ------
    ValueError
        If there are not two labels or one name for each group.
    """
    n = len(comparison.difference)
    names = _names([f"group {k}" for k in range(n)] if names is None else names, n, "names")
    first, second = _names(comparison.labels if labels is None else labels, 2, "labels")
    ax = canvas.new_axes(ax, (max(0.35 * n, 2), 6), side=6.0)
    ax.axvline(0, color="0.6", linewidth=1, zorder=0)
    for k, q in enumerate(comparison.q_values):
        if np.isnan(q):
            canvas.write_beside(ax, k, "not tested")
            continue
        colour, inside = (COLOURS[5], COLOURS[5]) if q <= FOUND else (COLOURS[4], "white")
        ax.plot(comparison.interval[k], [k, k], color=colour, linewidth=2)
        ax.plot(comparison.difference[k], k, "o", color=colour, markerfacecolor=inside, markersize=7)
        canvas.write_beside(ax, k, "q < 0.001" if q < 0.001 else f"q = {q:.3f}")
    canvas.name_rows(ax, names)
    ax.set_xlabel(f"{label}: {second} less {first}")
    return ax


def plot_permutations(permuted, observed, *, two_sided=False, label="", ax=None):
    """Draw what shuffled labels give, and where the true ones stand.

    Parameters
    ----------
    permuted : array_like of float, shape (M,)
        Results with shuffled labels, as in ``LabelClassification.permuted`` or a column of
        ``LabelComparison.permuted``.
    observed : float
        The result with the true labels.
    two_sided : bool, default False
        Whether results as far below zero count as well.
    label : str
        What the results are, with their unit.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If the numbers are not finite, or not one row of them.
    """
    expected, cure = "finite numbers of shape (M,)", "take one group, e.g. `comparison.permuted[:, 0]`"
    permuted = as_numbers(permuted, "permuted", ("M",), expected, cure, finite=True)
    as_numbers(observed, "observed", (), "one finite number", finite=True)
    far = (np.abs(permuted) >= abs(observed) - 1e-9) if two_sided else (permuted >= observed - 1e-9)
    ax = canvas.new_axes(ax, (3, 6), side=6.0)
    bins = np.histogram_bin_edges([*permuted, observed], bins=30)
    names = (f"{len(permuted)} shuffles of the labels", f"{far.sum()} of them as extreme as the true labels")
    ax.hist([permuted[~far], permuted[far]], bins, stacked=True, color=("0.75", COLOURS[5]), label=names)
    ax.axvline(observed, color="black", linewidth=2, label=f"true labels: {observed:.2f}")
    ax.set(xlabel=label, ylabel="shuffles")
    canvas.whole_numbers(ax.yaxis)
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), fontsize=8, frameon=False)
    return ax


def plot_stability(stability, *, words=None, ax=None):
    """Draw how reliably each group came back, with the limits from which on it can be trusted.

    Parameters
    ----------
    stability : GroupStability
        As from `group_stability`.
    words : sequence of K, optional
        What stands beside each group's number.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        A bar is a group's mean Jaccard similarity; the line on it holds the middle 80 % of the times. Behind
        the bar of a group that is not stable stands the other one that it most often falls together with.

    Raises
    ------
    ValueError
        If there are not K words.
    """
    k = len(stability.stability)
    names = _numbered(words, k)
    wide = 7.0 if words is None else 11.0
    ax = canvas.new_axes(ax, (max(0.35 * k, 2), wide), side=wide)
    for limit, text, side in ((UNSTABLE, "unstable below ", "right"), (STABLE, " stable from here", "left")):
        ax.axvline(limit, color="0.4", linestyle=":", zorder=0)
        ax.text(limit, -0.6, text, ha=side, va="bottom", fontsize=8, color="0.35")
    beside = zip(stability.stability, stability.jaccards.T, stability.confused, strict=True)
    for g, (value, times, other) in enumerate(beside):
        if np.isnan(value):
            ax.text(0.01, g, "no frames", va="center", fontsize=8)
            continue
        colour = COLOURS[4 if value >= STABLE else 1 if value >= UNSTABLE else 5]
        hatch = "///" if value < UNSTABLE else None
        ax.barh(g, value, color=colour, hatch=hatch, edgecolor="white", height=0.7)
        ax.plot(np.nanquantile(times, (0.1, 0.9)), [g, g], color="black", linewidth=1.2)
        joins = f", often with {other}" if value < STABLE and other >= 0 else ""
        canvas.write_beside(ax, g, f"{value:.2f}{joins}")
    canvas.name_rows(ax, names)
    ax.set(xlim=(0, 1), xlabel="comes back with (mean Jaccard similarity)")
    return ax


def plot_column_effects(effects, *, words=None, ax=None):
    """Draw which columns are higher or lower in each group: blue higher, red lower, a number where q <= 0.05.

    Parameters
    ----------
    effects : ColumnEffects
        As from `column_effects`.
    words, ax
        As in `plot_stability`.

    Returns
    -------
    matplotlib.axes.Axes
        Colours are standard deviations within persons, up to 2 or the largest. Crossed out: nobody could be
        compared.

    Raises
    ------
    ValueError
        If there are not K words.
    """
    k, c = effects.effect.shape
    names = _numbered(words, k)
    wide = min(0.55 * c + (3.0 if words is None else 6.5), 14.0)
    ax = canvas.new_axes(ax, (min(0.45 * k + 1.6, wide), wide), side=wide)
    most = max(2.0, np.nanmax(np.abs(effects.effect), initial=0))
    picture = ax.imshow(effects.effect, cmap="RdBu", vmin=-most, vmax=most, aspect="auto")
    for (i, j), value in np.ndenumerate(effects.effect):
        if np.isnan(value):
            ax.plot(j, i, "x", color="0.6", markersize=5)
        elif effects.q_values[i, j] <= FOUND:
            colour = "white" if abs(value) > 0.6 * most else "black"
            ax.text(j, i, f"{value:+.1f}", ha="center", va="center", fontsize=8, color=colour)
    ax.set_xticks(range(c), [name.replace("_", " ") for name in effects.names], rotation=40, ha="right")
    ax.set_yticks(range(k), names)
    ax.figure.colorbar(picture, ax=ax, label="difference from the rest, standard deviations")
    return canvas.bare(ax)


def _names(names, n, argument):
    """Names as a list of `n` str; numbers if there are none."""
    names = [str(name) for name in (range(n) if names is None else names)]
    canvas.check_count(argument, names, n)
    return names


def _numbered(words, k):
    """Number and words of each group."""
    if words is None:
        return [f"group {g}" for g in range(k)]
    return [f"{g}  {word}" for g, word in enumerate(_names(words, k, "words"))]
