"""How well the spread of landmarks tells covered faces from clear ones, and how still steady landmarks are.

    python benchmarks/from_photos.py --photos FOLDER --videos FOLDER

FOLDER of photos: frontal faces that fill the picture (CK+ as 48 × 48 crops). On a copy of each a patch of
skin is laid over the mouth or over one eye. FOLDER of videos: any. Needs the extra "landmarks".
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from sklearn.metrics import roc_auc_score

from facesom.photos import find_faces, find_landmarks, read_frames
from facesom.photos.faces import match_boxes, read_photo
from facesom.photos.files import is_video, list_files
from facesom.photos.from_photos import LIMITS
from facesom.photos.landmarks import eye_frame, steady_landmarks

PARTS = {"mouth": np.r_[48:68], "one eye": np.r_[36:42]}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--videos", type=Path, required=True)
    parser.add_argument("--every", type=int, default=6, help="photos and frames that are skipped")
    args = parser.parse_args()

    covered = {name: [] for name in PARTS}
    clear = []
    for path, _ in list_files(args.photos)[:: args.every]:
        photo = read_photo(path)
        box = np.array([[0, 0, *photo.shape[1::-1]]])
        points, spread = steady_landmarks(photo, box)
        clear.append(spread[0])
        for name, part in PARTS.items():
            covered[name].append(steady_landmarks(cover(photo, points[0], part), box)[1][0])
    limit = LIMITS["unsteady"]
    print(f"{len(clear)} clear photos: {np.mean(np.array(clear) > limit):.0%} above the limit of {limit}")
    for name, spreads in covered.items():
        truth = np.repeat([0, 1], [len(clear), len(spreads)])
        auc = roc_auc_score(truth, clear + spreads)
        print(f"{name} covered: {np.mean(np.array(spreads) > limit):.0%} above it, ROC AUC {auc:.3f}")

    print("\nlandmarks in the boxes of the built-in detector against those in dlib's, in eye distances:")
    moves = {"plain": [], "steady": []}
    for path, _ in list_files(args.videos):
        if not is_video(path):
            continue
        for frame in read_frames(path, every=4 * args.every):
            ours, theirs = find_faces(frame, min_size=60), find_faces(frame, "dlib")
            partner = match_boxes(ours, theirs)
            if (partner < 0).all():
                continue
            ours, theirs = ours[partner >= 0][:1], theirs[partner[partner >= 0]][:1]
            for name, find in (("plain", find_landmarks), ("steady", lambda *a: steady_landmarks(*a)[0])):
                one, two = find(frame, theirs), find(frame, ours)
                apart = np.linalg.norm(one - two, axis=-1)[:, 17:].mean()
                moves[name].append(apart / eye_frame(one)[1][0])
    for name, values in moves.items():
        print(
            f"{name}: median {np.median(values):.4f}, 90 % below {np.quantile(values, 0.9):.4f}, "
            f"{len(values)} frames"
        )


def cover(photo, points, part):
    """The photo with a patch of the skin beside the nose over some of its landmarks."""
    unit = eye_frame(points)[1]
    low, high = points[part].min(0) - 0.2 * unit, points[part].max(0) + 0.2 * unit
    x, y = (
        np.rint(points[[31, 35]].mean(0) - (0, 0.2 * unit))
        .astype(int)
        .clip(2, np.array(photo.shape[1::-1]) - 3)
    )
    skin = photo[y - 1 : y + 2, x - 1 : x + 2].reshape(-1, 3).mean(0)
    covered = photo.copy()
    cv2.rectangle(covered, *(np.rint(c).astype(int).tolist() for c in (low, high)), skin.tolist(), -1)
    return covered


if __name__ == "__main__":
    main()
