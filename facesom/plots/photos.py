"""Pictures of photos and films: whose face is which, what each shows, and how that changes over time."""

import numpy as np
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from facesom.emotions import EMOTIONS
from facesom.io import as_numbers

from .canvas import name_rows, new_axes, points, whole_numbers

WIDEST = 11.0  # inches
#: Okabe and Ito (2008), as far as they stand out on white; neutral is gray.
EMOTION_COLOURS = ("#D55E00", "#009E73", "#CC79A7", "#E69F00", "#0072B2", "#56B4E9", "#777777")
OTHERS = ("#000000", "#8C564B", "#9467BD", "#BCBD22")  # for classes of one's own
DARK = ("#009E73", "#0072B2", "#777777", "#000000", "#8C564B", "#9467BD")  # on which black cannot be read
STRONG = 0.3  # an emotion that once reaches this gets a thick line and its name


def emotion_colours(names):
    """The same colour for an emotion in all plots; classes of one's own get others by their place."""
    known = dict(zip(EMOTIONS, EMOTION_COLOURS, strict=True))
    return [known.get(name, OTHERS[c % len(OTHERS)]) for c, name in enumerate(names)]


def plot_people(result, *, blind=False, ax=None):
    """Draw the photo with a numbered box around each face and what it shows; "?" under a probability of 0.5.

    Parameters
    ----------
    result : PeoplePhoto
        As from `facesom.photos.analyze_group`.
    blind : bool, default False
        Write the numbers alone, as for labelling by hand: who has read what a model says sees it, too.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    photo, colours = result.photo, emotion_colours(result.names)
    ax = new_axes(ax, photo.shape, side=WIDEST)
    ax.imshow(photo)
    ax.set_axis_off()
    unit = points(ax, photo.shape, 1)  # of a pixel
    size = float(np.clip(0.16 * unit * np.median(result.boxes[:, 3]), 7, 13)) if len(result) else 10
    halo = [withStroke(linewidth=size / 4, foreground="black")]
    for face, (x, y, w, h) in enumerate(result.boxes):
        emotion = result.predicted[face]
        colour = "white" if blind else colours[emotion]
        for line, edge in ((4.0, "black"), (2.2, colour)):
            ax.add_patch(Rectangle((x, y), w, h, fill=False, linewidth=line, edgecolor=edge))
        style = {"color": colour, "weight": "bold", "path_effects": halo, "clip_on": True}
        ax.text(x + 3 / unit, y + 3 / unit, face, fontsize=1.1 * size, va="top", **style)
        if not blind:
            doubt = "" if result.sure[face] else "?"
            words = f"{result.names[emotion]}{doubt}\n{result.probabilities[face, emotion]:.2f}"
            lines = 2.6 * size / unit
            if y + h + lines < photo.shape[0]:
                place = (y + h + 3 / unit, "top")
            elif y > lines:
                place = (y - 3 / unit, "bottom")
            else:
                place, words = (y + 3 / unit, "top"), words.replace("\n", " ")  # no place but within the box
            style |= {"fontsize": size, "ha": "center", "va": place[1], "linespacing": 1.0}
            ax.text(x + w / 2, place[0], words, **style)
    if not len(result):
        ax.set_title("no face found")
    return ax


def plot_people_bars(result, *, ax=None):
    """Draw every face's probabilities as one bar, one row for each face, and the group's mean below them.

    Parameters
    ----------
    result : PeoplePhoto
        With at least one face.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        Where there is a second model, it has a thinner bar below the first one's.

    Raises
    ------
    ValueError
        If there is no face.
    """
    if not len(result):
        raise ValueError("result: expected at least one face, got none; try a smaller min_size.")
    k, colours = len(result), emotion_colours(result.names)
    ax = new_axes(ax, (1.2 + 0.5 * (k + 1), 9), side=9.0)
    places = np.append(np.arange(k), k + 0.3)
    bars = [(places, 0.62, result.probabilities)]
    if result.second is not None:
        bars = [(places - 0.12, 0.42, result.probabilities), (places + 0.24, 0.22, result.second)]
    for y, height, p in bars:
        p, named = np.vstack([p, p.mean(axis=0)]), height > 0.3
        for c, (name, colour) in enumerate(zip(result.names, colours, strict=True)):
            style = {"color": colour, "edgecolor": "white", "linewidth": 0.6, "label": name if named else "_"}
            drawn = ax.barh(y, p[:, c], height, left=p[:, :c].sum(axis=1), **style)
            names = [name if named and share > 0.13 else "" for share in p[:, c]]
            shade = "white" if colour in DARK else "black"
            ax.bar_label(drawn, names, label_type="center", fontsize=8, color=shade)
    ax.set_yticks(bars[0][0], [*(f"face {face}" for face in range(k)), "mean"])
    ax.set(xlim=(0, 1), ylim=(k + 0.8, -0.6), xlabel="probability")
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right", "left"]].set_visible(False)
    style = {"frameon": False, "fontsize": 8, "handlelength": 1, "columnspacing": 1}
    ax.legend(ncols=len(colours), loc="lower center", bbox_to_anchor=(0.5, 1), **style)
    return ax


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
        One row for each action, the one that moves most on top: red where it is shown, white at rest, blue
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
