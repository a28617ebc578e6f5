"""Pictures of how well classes are told apart: confusions, several models side by side, single samples."""

import matplotlib.pyplot as plt
import numpy as np

from facesom.emotions import MEASURES
from facesom.io import as_faces, as_numbers, on_ground

from .canvas import COLOURS, bare, draw_frame, name_rows, new_axes, write_beside

BLUE, ORANGE = COLOURS[4], COLOURS[5]


def plot_confusion(scores, *, ax=None):
    """Draw the confusion matrix: for each true class, in percent, what its samples were taken for.

    Parameters
    ----------
    scores : ClassificationScores
        As from `facesom.emotions.classification_scores`.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        A row sums to 100 %; at its right the number of samples. A class that does not occur has an empty row.
    """
    k = len(scores.names)
    n = scores.confusion.sum(axis=1)
    shares = scores.confusion / np.maximum(n, 1)[:, None]
    ax = new_axes(ax, (1, 1), side=1.8 + 0.55 * k)
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, col), share in np.ndenumerate(shares):
        if scores.confusion[row, col]:
            text = f"{100 * share:.0f}" if share >= 0.005 else "<1"
            colour, weight = ("white" if share > 0.55 else "black"), ("bold" if row == col else "normal")
            ax.text(col, row, text, ha="center", va="center", color=colour, weight=weight, fontsize=10)
    for row, count in enumerate(n):
        ax.text(k - 0.35, row, f"n = {count}", va="center", fontsize=8, color="0.35")
    ax.set_xticks(range(k), scores.names, rotation=45, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(k), scores.names)
    ax.set(xlabel="taken for", ylabel="true class, % of its samples")
    ax.set_xticks(np.arange(k + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(k + 1) - 0.5, minor=True)
    ax.grid(which="minor", color="0.85", linewidth=0.8)
    return bare(ax)


def plot_comparison(scores, *, measure="balanced_accuracy", ax=None):
    """Draw a measure of several models, each with its 95 % interval, and what costs nothing beside them.

    Parameters
    ----------
    scores : dict of str to ClassificationScores
        Models by name, drawn from top to bottom.
    measure : str, default "balanced_accuracy"
        One of `MEASURES`. Beside accuracy stands majority, beside balanced accuracy and recall
        chance.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If there is no model, the measure is none, or a model lacks it.
    """
    if measure not in MEASURES:
        raise ValueError(f"measure: expected one of {', '.join(MEASURES)}, got {measure!r}.")
    if not hasattr(scores, "items") or not scores:
        came = f"{type(scores).__name__} of {len(scores) if hasattr(scores, '__len__') else 1}"
        raise ValueError(f"scores: expected models and their scores, {{name: scores}}, got {came}.")
    lacking = [name for name, score in scores.items() if np.isnan(getattr(score, measure))]
    if lacking:
        raise ValueError(f"{measure}: expected it for every model, {lacking} came without probabilities.")
    free = {"accuracy": "majority", "balanced_accuracy": "chance", "recall": "chance"}.get(measure)
    ax = new_axes(ax, (0.7 + 0.34 * len(scores), 6.5), side=6.5)
    for row, score in enumerate(scores.values()):
        value = getattr(score, measure)
        ax.plot(score.intervals[measure], [row, row], color=BLUE, linewidth=2, solid_capstyle="butt")
        ax.plot(value, row, "o", color=BLUE, markersize=7)
        write_beside(ax, row, f"{value:.2f}")
        if free:
            at, label = getattr(score, free), None if row else free
            ax.plot([at, at], [row - 0.5, row + 0.5], color=ORANGE, linestyle=(0, (2, 1.5)), label=label)
    name_rows(ax, list(scores))
    ax.set_xlabel(f"{MEASURES[measure]} with its 95 % interval")
    if measure != "cross_entropy":
        ax.set_xlim(0, 1.02)
    if free:
        ax.legend(loc="lower right", bbox_to_anchor=(1, 1), fontsize=9, frameon=False, borderaxespad=0)
    ax.grid(axis="x", color="0.92")
    ax.set_axisbelow(True)
    return ax


def plot_accuracies(scores):
    """Draw plain and balanced accuracy of several models side by side, each as `plot_comparison` does.

    Parameters
    ----------
    scores : dict of str to ClassificationScores

    Returns
    -------
    ndarray of matplotlib.axes.Axes, shape (2,)
        Of a new figure: plain accuracy, where frequent classes decide, and balanced, where all count alike.
    """
    _, axes = plt.subplots(1, 2, figsize=(11, 1 + 0.34 * len(scores)), layout="constrained", sharey=True)
    for ax, measure in zip(axes, ("accuracy", "balanced_accuracy"), strict=True):
        plot_comparison(scores, measure=measure, ax=ax)
    return axes


def plot_predictions(images, predicted, truth=None, *, names, n_columns=8, ax=None):
    """Draw faces, each under what it was taken for; where that is wrong, framed and with its true class.

    Parameters
    ----------
    images : array_like, shape (N, H, W) or (N, H, W, 3)
        A few dozen at most.
    predicted, truth : array_like of int, shape (N,)
        Classes as indices into `names`; `truth` may be missing.
    names : sequence of str
    n_columns : int, default 8
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If these are no such images, or there is not one class an image.
    """
    images = on_ground(as_faces(images, leading=1))
    form = (len(images),), f"one class for each of {len(images)} images, a whole number"
    predicted = as_numbers(predicted, "predicted", *form, kinds="iu")
    truth = predicted if truth is None else as_numbers(truth, "truth", *form, kinds="iu")
    n_columns = min(n_columns, len(images))
    n_rows = -(-len(images) // n_columns)
    aspect = images.shape[1] / images.shape[2]
    right, down = 1.15, aspect + 0.42
    ax = new_axes(ax, (n_rows * down, n_columns * right), side=1.25 * max(n_columns, n_rows))
    for i, image in enumerate(images):
        row, col = divmod(i, n_columns)
        left, top = col * right, row * down
        extent = (left, left + 1, top + aspect, top)
        ax.imshow(image, cmap="gray", vmin=0, vmax=255 if images.dtype == np.uint8 else 1, extent=extent)
        wrong = predicted[i] != truth[i]
        text = f"said {names[predicted[i]]}\nis {names[truth[i]]}" if wrong else names[predicted[i]]
        style = {"color": ORANGE, "weight": "bold"} if wrong else {"color": "black"}
        style |= {"ha": "center", "va": "top", "fontsize": 8, "linespacing": 1.05}
        ax.text(left + 0.5, top + aspect + 0.04, text, **style)
        frame = {"color": ORANGE, "linewidth": 2.5} if wrong else {"color": "0.85", "linewidth": 0.8}
        draw_frame(ax, extent, **frame)
    ax.set(xlim=(-0.05, n_columns * right - 0.1), ylim=(n_rows * down, -0.05), aspect="equal")
    ax.set_axis_off()
    return ax
