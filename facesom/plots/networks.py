"""Pictures of networks: how training went, and whether probabilities mean what they say."""

import numpy as np

from facesom.emotions import calibration_bins, calibration_error

from .canvas import COLOURS, ON_WHITE, new_axes, whole_numbers


def plot_history(histories, *, ax=None):
    """Draw the losses of trainings, epoch by epoch: dashed on the training faces, full on the held-out ones.

    Parameters
    ----------
    histories : TrainingHistory, or dict of str to TrainingHistory
        As from `facesom.features.train_network`.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        A ring marks the epoch whose weights were kept.

    Raises
    ------
    ValueError
        If there is none.
    """
    histories = histories if hasattr(histories, "items") else {None: histories}
    if not histories:
        raise ValueError("histories: expected at least one TrainingHistory, got none.")
    ax = new_axes(ax, (3.6, 6))
    for k, (name, history) in enumerate(histories.items()):
        colour, epochs = ON_WHITE[k % len(ON_WHITE)], np.arange(1, len(history.losses) + 1)
        ax.plot(epochs, history.losses, "--", color=colour, linewidth=1.5, alpha=0.7)
        ax.plot(epochs, history.validation_losses, color=colour, linewidth=2, label=name)
        best = history.best_epoch
        ax.plot(best + 1, history.validation_losses[best], "o", color=colour, mfc="none", ms=10, mew=2)
    for style, name in (("--", "on training faces"), ("-", "on held-out faces")):
        ax.plot([], [], style, color="0.4", label=name)
    ax.set(xlabel="epoch", ylabel="loss")
    whole_numbers(ax.xaxis)
    ax.legend(frameon=False, fontsize=9)
    ax.grid(color="0.92")
    return ax


def plot_calibration(probabilities, labels, *, n_bins=10, ax=None):
    """Draw, for faces of about the same confidence, the share that is right: the diagonal is calibrated.

    Parameters
    ----------
    probabilities, labels, n_bins
        As in `calibration_error`.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        The area of a point grows with the number of its faces; lines are 95 % intervals (Wilson, 1927). Below
        the diagonal a model is surer than it should be.

    Raises
    ------
    ValueError
        As `calibration_error`.
    """
    n, confidence, right = calibration_bins(probabilities, labels, n_bins)
    ax = new_axes(ax, (1, 1), side=4.5)
    ax.plot([0, 1], [0, 1], color="0.6", linestyle=(0, (2, 1.5)))
    middle = (right + 1.96**2 / (2 * n)) / (1 + 1.96**2 / n)
    half = 1.96 / (1 + 1.96**2 / n) * np.sqrt(right * (1 - right) / n + 1.96**2 / (4 * n**2))
    ax.vlines(confidence, middle - half, middle + half, color=COLOURS[4], linewidth=1.5)
    ax.scatter(confidence, right, s=20 + 400 * n / n.sum(), color=COLOURS[4], alpha=0.8, zorder=3)
    error = calibration_error(probabilities, labels, n_bins=n_bins)
    ax.text(0.03, 0.97, f"mean distance {error:.3f}\n{n.sum():,} faces", va="top", fontsize=9)
    ax.set(xlabel="probability given to the class said", ylabel="share that is right")
    ax.set(xlim=(0, 1.02), ylim=(0, 1.02), aspect="equal")
    ax.grid(color="0.92")
    ax.set_axisbelow(True)
    return ax
