"""Pictures of choices: how training went, which parameters were tried, how many groups there might be."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from facesom.identity import STABLE
from facesom.som import FOLDED

from .canvas import COLOURS, MARKERS, new_axes, whole_numbers

CHOSEN = {"facecolor": "none", "edgecolor": "#D55E00", "linewidth": 2}


def plot_training(som, *, ax=None):
    """Draw the quantization error before each epoch of batch training.

    Parameters
    ----------
    som : FaceSOM
        A map fitted with ``method="batch"``.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If the map was trained online, which keeps no history.
    """
    if not len(som.history_):
        raise ValueError('plot_training: expected a map of method="batch", got one without a history.')
    ax = new_axes(ax, (3, 5))
    epochs = np.arange(len(som.history_) + 1)
    ax.plot(epochs, [*som.history_, som.quantization_error_], marker="o", markersize=3, color=COLOURS[4])
    ax.set(xlabel="epochs done", ylabel="quantization error", ylim=(0, None))
    whole_numbers(ax.xaxis)
    return ax


def plot_choice(choice, *, ax=None):
    """Draw every setting that `choose_parameters` tried, and mark the one it chose.

    Parameters
    ----------
    choice : ParameterChoice
        Its result.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        Left: near to held-out faces; down: well ordered; bright: stable over seeds. The shape of a mark says
        which parameter was swept.
    """
    ax = new_axes(ax, (4.5, 7))
    trials = pd.DataFrame(choice.trials)
    errors = ["quantization_error", "topographic_error"]
    style = {"cmap": "cividis", "vmin": trials.agreement.min(), "vmax": trials.agreement.max()}
    for (varied, swept), marker in zip(trials.groupby("varied", sort=False), MARKERS, strict=False):
        marks = ax.scatter(*errors, c="agreement", data=swept, marker=marker, label=varied, **style)
    ax.scatter(*errors, data=trials.iloc[[choice.chosen]], s=250, **CHOSEN, label="chosen")
    ax.axhline(FOLDED, color="0.6", linestyle=":", zorder=0, label="folded above")
    ax.set(xlabel="quantization error of held-out faces", ylabel="topographic error", ylim=(0, None))
    ax.figure.colorbar(marks, ax=ax, label="agreement over seeds")
    ax.legend(title="swept", fontsize=8, frameon=False)
    return ax


def plot_group_curve(curve, *, ax=None):
    """Draw how much of the movement of persons left out each number of groups explains.

    Parameters
    ----------
    curve : GroupCurve
        Of `facesom.identity.choose_groups`.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        A thin line for each person, the thick one is their mean, the ring the recommended number.
    """
    ax = new_axes(ax, (4, 7))
    told = np.nanmean(curve.explained, axis=1)
    ax.plot(curve.ks, curve.explained, color="0.8", linewidth=0.8, zorder=1)[0].set_label("each person")
    ax.plot(curve.ks, told, color=COLOURS[4], marker="o", linewidth=2, label="mean over persons")
    ring = {"markersize": 15, "mfc": "none", "mec": COLOURS[5], "mew": 2}
    ax.plot(curve.n_groups, told[curve.ks == curve.n_groups], "o", **ring, label=f"advised: {curve.n_groups}")
    bottom = min(0, np.nanquantile(curve.explained, 0.05))
    ax.set(xlabel="number of groups", ylabel="explained movement", ylim=(bottom, 1))
    whole_numbers(ax.xaxis)
    ax.legend(frameon=False, ncols=3, loc="upper left")
    return ax


def plot_n_groups(choice):
    """Draw the curves of `choose_n_groups`, each with the number it would choose, and the recommended one.

    Parameters
    ----------
    choice : GroupChoice

    Returns
    -------
    ndarray of matplotlib.axes.Axes, shape (4,)
        In a new figure: Davies-Bouldin (low is good), silhouette, gap and stability (high is good). The
        dotted line is the recommended number, the ring each criterion's own pick.
    """
    figure, axes = plt.subplots(2, 2, figsize=(9, 5.6), layout="constrained", sharex=True)
    curves = (
        ("Davies-Bouldin", choice.davies_bouldin, None, "low is good"),
        ("silhouette", choice.silhouette, None, "high is good"),
        ("gap", choice.gap, choice.gap_error, "first that the next does not beat"),
        ("stability", choice.stability, choice.beyond_error, "high above chance is good"),
    )
    for ax, (name, values, error, good) in zip(axes.flat, curves, strict=True):
        pick = choice.picks[name]
        ax.errorbar(choice.ks, values, error, color=COLOURS[4], marker="o", markersize=4, capsize=2)
        ax.plot(pick, values[choice.ks == pick][0], "o", markersize=14, mfc="none", mec=COLOURS[5], mew=2)
        ax.axvline(choice.n_groups, color="0.4", linestyle=":", zorder=0)
        ax.set_title(f"{name}: {pick}", fontsize=11)
        ax.set_ylabel(good, fontsize=9)
        ax.spines[["top", "right"]].set_visible(False)
    # to the last, stability, belongs what chance gives
    ax.plot(choice.ks, choice.chance, "--s", color=COLOURS[0], markersize=3, label="chance (no groups)")
    ax.axhline(STABLE, color="0.75", linewidth=1, zorder=0)
    ax.legend(fontsize=8, frameon=False)
    whole_numbers(ax.xaxis)
    figure.supxlabel("number of groups", fontsize=10)
    return axes.ravel()
