"""Compare the detectors of faces: found, missed, false, and time.

    python benchmarks/photos.py
    python benchmarks/photos.py --faces FOLDER --photos FOLDER --boxes CSV --empty FOLDER --fer2013 NPZ
    python benchmarks/photos.py --only network --videos FOLDER

Scenes are made of square pictures of faces (--faces, any images; default: the hundred faces of scikit-image's
`lfw_subset`), pasted with a soft edge onto textures in known places, sizes and rolls; a portrait is one such
face, 250 × 250. Photos without a face are those that come with scikit-image, and --empty. --photos are photos
of people, with what is on them in --boxes (a CSV with the columns photo,x,y,w,h). --videos are films of one
person or none: in how many frames one face is found, and how long it takes to follow it and its emotions.
Nothing of these was in the training of the built-in networks. Times are of one core.
"""

import argparse
import csv
import platform
import time
import warnings
from pathlib import Path

import cv2
import numpy as np
import skimage
import skimage.data

import facesom
from facesom.photos import read_frames
from facesom.photos.detectors import DETECTORS, yunet
from facesom.photos.faces import as_photo, crop_faces, match_boxes, read_photo

SEED = 0
N_SCENES = 12  # of each kind
N_PORTRAITS = 100
KINDS = {
    "24-40 px": ((24, 40), 0),
    "40-80 px": ((40, 80), 0),
    "80-200 px": ((80, 200), 0),
    "roll 15°": ((40, 120), 15),
    "roll 30°": ((40, 120), 30),
}
TEXTURES = ("grass", "coins", "moon", "cat", "clock", "immunohistochemistry")
PLAIN = ("grass", "moon", "cat", "clock", "immunohistochemistry")  # small coins show faces
WITHOUT = ("cat", "coins", "clock", "moon", "text", "grass", "immunohistochemistry", "horse", "cell")
WITHOUT += ("colorwheel", "checkerboard", "motorcycle")


def scene(faces, sizes, roll, rng):
    """A texture of 800 × 600 with six faces, and their boxes."""
    texture = as_photo(getattr(skimage.data, str(rng.choice(TEXTURES)))())
    photo = cv2.resize(texture, (800, 600), interpolation=cv2.INTER_AREA)
    boxes = []
    for cell in range(6):
        face = faces[rng.integers(len(faces))]
        side = int(np.exp(rng.uniform(*np.log(sizes))))
        x = 40 + cell % 3 * 250 + rng.integers(0, 220 - side + 1)
        y = 40 + cell // 3 * 270 + rng.integers(0, 230 - side + 1)
        angle = roll * rng.choice([-1, 1])
        turn = cv2.getRotationMatrix2D((face.shape[1] / 2, face.shape[0] / 2), float(angle), 1)
        face = cv2.warpAffine(face, turn, face.shape[1::-1], borderMode=cv2.BORDER_REFLECT)
        boxes.append((x, y, side, side))
        paste(face, photo, boxes[-1])
    return photo, np.array(boxes)


def paste(face, photo, box):
    """Lay a square face with a soft edge into a photo, which is returned."""
    x, y, side, _ = box
    face = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA if side < face.shape[0] else 1)
    ramp = np.linspace(-1, 1, side)
    mask = np.clip((1 - np.hypot(ramp, ramp[:, None] * 0.9)) * 8, 0, 1)[..., None]
    place = photo[y : y + side, x : x + side]
    place[:] = mask * as_photo(face) + (1 - mask) * place
    return photo


def portrait(faces, rng):
    """A face before a texture, 250 × 250, and its box."""
    texture = as_photo(getattr(skimage.data, str(rng.choice(PLAIN)))())
    photo = cv2.resize(texture, (250, 250), interpolation=cv2.INTER_AREA)
    side = int(rng.integers(90, 141))
    box = np.array([[125 - side // 2, 125 - side // 2, side, side]])
    return paste(faces[rng.integers(len(faces))], photo, box[0]), box


def measure(find, photos):
    """Found, missed and false of photos with boxes, and seconds a million pixels of processor time."""
    found = missed = false = 0
    seconds = pixels = 0.0
    for photo, boxes in photos:
        start = time.process_time()
        got = facesom.find_faces(photo, find)
        seconds += time.process_time() - start
        pixels += photo.shape[0] * photo.shape[1] / 1e6
        n = np.count_nonzero(match_boxes(got, boxes) >= 0)
        found, missed, false = found + n, missed + len(boxes) - n, false + len(got) - n
    return found, missed, false, seconds / pixels


def read_faces(folder):
    if folder is None:
        return [np.rint(face * 255).astype(np.uint8) for face in skimage.data.lfw_subset()[:100]]
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".png", ".jpg", ".jpeg"))
    return [cv2.cvtColor(read_photo(p), cv2.COLOR_RGB2GRAY) for p in paths]


def read_boxes(path):
    boxes = {}
    with open(path, newline="", encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            boxes.setdefault(row["photo"], []).append([float(row[c]) for c in "xywh"])
    return boxes


def without_faces(folder):
    photos = []
    for name in WITHOUT:
        try:
            photo = getattr(skimage.data, name)()
        except Exception:  # some are fetched by scikit-image, which needs a network
            continue
        photo = photo[0] if isinstance(photo, tuple) else photo  # motorcycle: a stereo pair
        photos.append(as_photo(photo.astype(np.uint8) * 255 if photo.dtype == bool else photo))
    photos += [read_photo(p) for p in sorted(folder.iterdir())] if folder else []
    return [(photo, np.empty((0, 4))) for photo in photos]


def crop_table(path, n=300):
    """What the framing of a crop costs the emotion model: PublicTest faces, found in a plain photo."""
    with np.load(path) as fer2013:
        chosen = np.random.default_rng(SEED).permutation(np.flatnonzero(fer2013["Usage"] == "PublicTest"))[:n]
        faces, truth = fer2013["pixels"][chosen], fer2013["emotion"][chosen]
    photos, boxes, found = [], [], []
    for k, face in enumerate(faces):
        photo = np.full((288, 288), np.median(face[[0, -1]]), np.uint8)
        photo[96:192, 96:192] = cv2.resize(face, (96, 96), interpolation=cv2.INTER_CUBIC)
        box = facesom.find_faces(photo, min_size=50)
        if len(box) == 1:
            photos.append(photo)
            boxes.append(box)
            found.append(k)
    sides = np.sqrt(np.prod(np.concatenate(boxes)[:, 2:], axis=1))
    low, middle, high = np.quantile(sides / 96, (0.25, 0.5, 0.75))
    print(f"\none face found in {len(found)} of {n}; side of its box over that of FER2013's crop: median")
    print(
        f"{middle:.2f}, half of them {low:.2f} to {high:.2f}\n\n| crop over box | accuracy | cross-entropy |"
    )
    print("|---|--:|--:|")
    crops = {"FER2013's own": faces[found]}
    for scale in (0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.4):
        crops[scale] = np.concatenate(
            [crop_faces(photo, box, scale=scale) for photo, box in zip(photos, boxes, strict=True)]
        )
    for name, faces in crops.items():
        scores = facesom.emotions.classification_scores(
            truth[found], probabilities=facesom.predict_emotions(faces)
        )
        print(f"| {name} | {scores.accuracy:.3f} | {scores.cross_entropy:.3f} |")


def video_table(folder):
    print("\n| film | frames | one by one: one face, more | followed: sightings | seconds | took |")
    print("|---|--:|--:|--:|--:|--:|")
    for path in sorted(folder.iterdir()):
        counts = np.array([len(facesom.find_faces(frame)) for frame in read_frames(path, every=5)])
        start = time.process_time()
        tracks = facesom.photos.video_emotions(path).tracks
        took = time.process_time() - start
        alone = f"{(counts == 1).sum()}, {(counts > 1).sum()} of {len(counts)}"
        print(
            f"| {path.name} | {len(tracks.looks)} | {alone} | {len(tracks.frame)} | "
            f"{tracks.look_times[-1]:.1f} | {took:.1f} s |",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--faces", type=Path, help="a folder of square pictures of faces")
    parser.add_argument("--photos", type=Path, help="a folder of photos of people")
    parser.add_argument("--boxes", type=Path, help="what is on them, photo,x,y,w,h")
    parser.add_argument("--empty", type=Path, help="a folder of photos without a face")
    parser.add_argument("--fer2013", type=Path, help=".npz: also measure what the framing of a crop does")
    parser.add_argument("--videos", type=Path, help="a folder of films of one person, or of none")
    parser.add_argument("--yunet", type=Path, help="the model file of YuNet")
    parser.add_argument("--only", nargs="*", default=list(DETECTORS), help="which detectors")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)

    rng = np.random.default_rng(SEED)
    faces = read_faces(arguments.faces)
    sets = {kind: [scene(faces, *how, rng) for _ in range(N_SCENES)] for kind, how in KINDS.items()}
    sets["portraits"] = [portrait(faces, rng) for _ in range(N_PORTRAITS)]
    sets["no face"] = without_faces(arguments.empty)
    if arguments.photos:
        boxes = read_boxes(arguments.boxes)
        sets["photos"] = [(read_photo(arguments.photos / name), np.array(b)) for name, b in boxes.items()]

    print(
        f"CPython {platform.python_version()}, OpenCV {cv2.__version__}, scikit-image {skimage.__version__}"
    )
    print(
        f"faces: {len(faces)} of {arguments.faces.name if arguments.faces else 'lfw_subset'}; seed {SEED}\n"
    )
    cv2.setNumThreads(1)
    print(
        "| detector | " + " | ".join(f"{kind}: found, missed, false" for kind in sets) + " | ms a megapixel |"
    )
    print("|---" * (len(sets) + 2) + "|")
    for name in arguments.only:
        find = yunet(arguments.yunet) if name == "yunet" and arguments.yunet else name
        try:
            results = [measure(find, photos) for photos in sets.values()]
        except (ImportError, facesom.DatasetError):
            print(f"| {name} | not installed |" + " |" * len(sets))
            continue
        times = ", ".join(f"{kind} {1e3 * result[3]:.0f}" for kind, result in zip(sets, results, strict=True))
        cells = [f"{found}, {missed}, {false}" for found, missed, false, _ in results]
        print(f"| {name} | " + " | ".join([*cells, times]) + " |", flush=True)
    if arguments.videos:
        video_table(arguments.videos)
    if arguments.fer2013:
        crop_table(arguments.fer2013)


if __name__ == "__main__":
    main()
