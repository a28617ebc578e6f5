"""What is shown over the time of a video: emotions, actions."""

import numpy as np
from matplotlib.patheffects import withStroke

from facesom.emotions import EMOTIONS
from facesom.io import as_numbers

from .canvas import name_rows, new_axes, whole_numbers

#: Okabe and Ito (2008), as far as they stand out on white; neutral is gray.
EMOTION_COLOURS = ("#D55E00", "#009E73", "#CC79A7", "#E69F00", "#0072B2", "#56B4E9", "#777777")
OTHERS = ("#000000", "#8C564B", "#9467BD", "#BCBD22")  # for classes of one's own
DARK = ("#009E73", "#0072B2", "#777777", "#000000", "#8C564B", "#9467BD")  # on which black cannot be read
STRONG = 0.3  # an emotion that once reaches this gets a thick line and its name


def emotion_colours(names):
    """The same colour for an emotion in all plots; classes of one's own get others by their place."""
    known = dict(zip(EMOTIONS, EMOTION_COLOURS, strict=True))
    return [known.get(name, OTHERS[c % len(OTHERS)]) for c, name in enumerate(names)]


def plot_emotions_over_time(result, face=0, *, ax=None):
    """Draw the smoothed probabilities of one face over time, broken and shaded where it was not found.

    Parameters
    ----------
    result : VideoEmotions
    face : int, default 0
        Number of the face.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If there is no such face.
    """
    if not len(result):
        raise ValueError("result: expected at least one face, no face was found in this video.")
    if not 0 <= face < len(result):
        raise ValueError(f"face: expected a number from 0 to {len(result) - 1}, got {face!r}.")
    ax = new_axes(ax, (4, 10), 10)
    tracks = result.tracks
    mine = tracks.face == face
    curves = np.full((len(tracks.looks), len(result.names)), np.nan)  # without the face, lines break
    curves[np.searchsorted(tracks.looks, tracks.frame[mine])] = result.probabilities[mine]
    times = tracks.look_times
    colours = emotion_colours(result.names)
    for c in np.argsort(-result.probabilities[mine].mean(axis=0), kind="stable"):
        name, colour, peak = result.names[c], colours[c], np.nanargmax(curves[:, c])
        strong = curves[peak, c] >= STRONG
        ax.plot(times, curves[:, c], ".-", ms=3, lw=2.2 if strong else 0.9, color=colour, label=name)
        if strong:
            side = "left" if peak < len(times) / 2 else "right"
            style = {"weight": "bold", "path_effects": [withStroke(linewidth=3, foreground="white")]}
            ax.text(times[peak], curves[peak, c] + 0.02, name, color=colour, ha=side, **style)
    lost = np.isnan(curves[:, 0])
    step = (times[1] - times[0]) / 2 if len(times) > 1 else 0.5
    shade = {"color": "#EEEEEE", "zorder": 0, "label": "not found" if lost.any() else None}
    ends = np.column_stack([times - step, times + step]).ravel()
    ax.fill_between(ends, 0, 1.1, where=np.repeat(lost, 2), **shade)
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    ax.set(xlim=(0, times[-1]), ylim=(0, 1.06), xlabel="seconds", ylabel="probability", title=f"face {face}")
    ax.set_yticks(np.linspace(0, 1, 5))
    return ax


def plot_actions(actions, names, *, most=8, ax=None):
    """Draw the strengths of one person's actions over time, those that move most, as a heat map.

    Parameters
    ----------
    actions : array_like of float, shape (N, A)
        Strengths, as in ``SharedGroups.actions``; NaN is left blank.
    names : sequence of A str
    most : int, default 8
        How many are drawn.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        One row for each action, the one that moves most on top: blue where it is shown, white at rest, red
        for its contrary.

    Raises
    ------
    ValueError
        If there is not a name for each action.
    """
    expected = f"frames and {len(names)} named actions of one person"
    actions = as_numbers(actions, "actions", ("N", len(names)), expected, "pass e.g. `result.actions[0]`")
    shown = np.argsort(-np.nan_to_num(np.nanstd(actions, axis=0)), kind="stable")[:most]
    ax = new_axes(ax, (3, 10), side=10)
    picture = ax.imshow(actions.T[shown], "RdBu", aspect="auto", interpolation="nearest", vmin=-1, vmax=1)
    ax.figure.colorbar(picture, ax=ax, label="strength", ticks=(-1, 0, 1))
    name_rows(ax, [names[a] for a in shown])
    ax.set_xlabel("frame")
    whole_numbers(ax.xaxis)
    return ax
