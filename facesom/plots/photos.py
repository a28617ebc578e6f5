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
