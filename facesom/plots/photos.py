"""Pictures of group photos: whose face is which, and what each shows."""

import numpy as np
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from .canvas import new_axes, points
from .tracks import DARK, emotion_colours

WIDEST = 11.0  # inches


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
    rows = [(place, f"face {place}", p, 0.62) for place, p in enumerate(result.probabilities)]
    rows.append((k + 0.3, "mean", result.probabilities.mean(axis=0), 0.62))
    if result.second is not None:
        rows = [(y - 0.12, name, p, 0.42) for y, name, p, _ in rows]
        second = [*result.second, result.second.mean(axis=0)]
        rows += [(rows[i][0] + 0.36, "", p, 0.22) for i, p in enumerate(second)]
    for y, _, p, height in rows:
        start = 0.0
        for c, share in enumerate(p):
            ax.barh(y, share, height, left=start, color=colours[c], edgecolor="white", linewidth=0.6)
            if share > 0.13 and height > 0.3:
                style = {"fontsize": 8, "color": "white" if colours[c] in DARK else "black"}
                ax.text(start + share / 2, y, result.names[c], ha="center", va="center", **style)
            start += share
    named = [(y, name) for y, name, _, _ in rows if name]
    ax.set_yticks([y for y, _ in named], [name for _, name in named])
    ax.set(xlim=(0, 1), ylim=(k + 0.8, -0.6), xlabel="probability")
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right", "left"]].set_visible(False)
    handles = [Rectangle((0, 0), 1, 1, color=colour) for colour in colours]
    style = {"frameon": False, "fontsize": 8, "handlelength": 1, "columnspacing": 1}
    ax.legend(handles, result.names, ncols=len(handles), loc="lower center", bbox_to_anchor=(0.5, 1), **style)
    return ax
