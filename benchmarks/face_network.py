"""Train the network with which facesom finds faces, and write facesom/photos/models/faces.onnx.

    python benchmarks/face_network.py FER2013 --empty FOLDER [FOLDER ...] [--rounds 20] [--start WEIGHTS]

FER2013 is an .npz with `pixels` (N, 48, 48) uint8 and `Usage`, of which the training faces are used.
--empty are photos and pictures without a face; some that come with scikit-image and scikit-learn are added. A
round draws new windows of 32 × 32 pixels: faces moved, scaled, rolled, mirrored, lit and hidden a little; and
what is none: pictures without a face, faces too near, too small, beside the window, upside down or with their
quarters exchanged, and places in the pictures that the network of the round before took for a face (hard
negatives: Sung and Poggio, 1998). Needs PyTorch and onnx.
"""

import argparse
import hashlib
import json
import time
from pathlib import Path

import cv2
import numpy as np
import skimage.data
import torch
from sklearn.datasets import load_sample_images
from torch import nn

from facesom.photos.detectors import FACE_NETWORK, WINDOW
from facesom.photos.faces import as_photo, read_photo

FACE = 0.88 * 48  # pixels of a FER2013 face that fill the window
WITHOUT = ("coffee", "brick", "page", "rocket", "gravel", "retina", "hubble_deep_field")
LARGEST = 1000  # pixels, longer side of a picture without faces
KEPT = 12_000  # hard negatives


class Network(nn.Module):
    """Gray 0..255 (N, 1, H, W) to a logit for each window, 4 pixels apart."""

    def __init__(self):
        super().__init__()
        layers = []
        for before, after, size, stride in (
            (1, 16, 5, 2),
            (16, 24, 3, 1),
            (24, 32, 3, 2),
            (32, 48, 3, 1),
            (48, 64, 3, 1),
        ):
            layers += [nn.Conv2d(before, after, size, stride, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
        self.f = nn.Sequential(*layers, nn.Conv2d(64, 1, 1))

    def forward(self, gray):
        return self.f((gray - 127) / 64)


class Windows:
    """Draws windows of faces and of what is none."""

    def __init__(self, faces, empty, rng):
        self.faces, self.empty, self.rng, self.hard = faces, empty, rng, []

    def cut(self, picture, x, y, side, roll=0.0, mirror=False):
        shrink = max(1, round(0.5 * side / WINDOW)) if side > WINDOW / 0.6 else 1
        if shrink > 1:  # against aliasing
            picture = cv2.resize(picture, None, fx=1 / shrink, fy=1 / shrink, interpolation=cv2.INTER_AREA)
            x, y, side = (x + 0.5) / shrink - 0.5, (y + 0.5) / shrink - 0.5, side / shrink
        cos, sin = np.array([np.cos(roll), np.sin(roll)]) * WINDOW / side
        turn = np.array([[cos, sin], [-sin, cos]]) * [[-1 if mirror else 1], [1]]
        move = (WINDOW - 1) / 2 - turn @ [x, y]
        return cv2.warpAffine(
            picture,
            np.column_stack([turn, move]),
            (WINDOW, WINDOW),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT_101,
        )

    def light(self, window):
        rng, window = self.rng, window.astype(np.float32)
        if rng.random() < 0.5:
            window = cv2.GaussianBlur(window, (0, 0), rng.uniform(0.3, 1.1))
        if rng.random() < 0.3:
            window = window + rng.normal(0, rng.uniform(1, 8), window.shape)
        if rng.random() < 0.5:
            window = 255 * np.clip(window / 255, 0, 1) ** np.exp(rng.normal(0, 0.35))
        if rng.random() < 0.3:
            ramp, angle = np.linspace(-1, 1, WINDOW), rng.uniform(0, 2 * np.pi)
            slope = np.cos(angle) * ramp + np.sin(angle) * ramp[:, None]
            window = window * (1 + rng.uniform(0, 0.5) * slope)
        mean = window.mean()
        contrast = np.exp(rng.normal(-0.2, 0.4))
        return np.clip((window - mean) * contrast + np.clip(mean + rng.normal(0, 25), 20, 235), 0, 255)

    def face(self):
        rng = self.rng
        side = FACE * np.exp(rng.uniform(-0.16, 0.14))
        x, y = 23.5 + rng.uniform(-0.07, 0.07, 2) * 48
        roll = np.clip(rng.normal(0, 0.2), -0.5, 0.5)
        window = self.cut(self.any(self.faces), x, y, side, roll, rng.random() < 0.5)
        if rng.random() < 0.12:  # sunglasses, hair, a hand
            place = rng.integers(3)
            if place == 0:
                window[9 : 9 + rng.integers(5, 9), 3:-3] = rng.uniform(0, 60)
            elif place == 1:
                window[:, : rng.integers(2, 9)] = rng.uniform(0, 255)
            else:
                window[-rng.integers(3, 9) :] = rng.uniform(0, 255)
        return self.light(window)

    def nothing(self):
        rng, picture = self.rng, self.any(self.empty)
        side = min(np.exp(rng.uniform(np.log(16), np.log(400))), min(picture.shape) - 1)
        y, x = (rng.uniform(side / 2, n - side / 2) for n in picture.shape)
        return self.light(self.cut(picture, x, y, side, rng.uniform(-0.3, 0.3), rng.random() < 0.5))

    def no_face(self):
        rng, face, kind = self.rng, self.any(self.faces), self.rng.integers(5)
        if kind == 0:  # too near
            side = rng.uniform(12, 25)
            x, y = rng.uniform(side / 2, 48 - side / 2, 2)
            window = self.cut(face, x, y, side, rng.normal(0, 0.3))
        elif kind == 1:  # lying, upside down
            window = self.cut(
                face, 23.5, 23.5, 42, rng.choice([np.pi / 2, np.pi, -np.pi / 2]) + rng.normal(0, 0.2)
            )
        elif kind == 2:  # quarters exchanged
            quarters = face.reshape(2, 24, 2, 24).transpose(0, 2, 1, 3).reshape(4, 24, 24)
            order = rng.permutation(4)
            while (order == np.arange(4)).all():
                order = rng.permutation(4)
            mixed = quarters[order].reshape(2, 2, 24, 24).transpose(0, 2, 1, 3).reshape(48, 48)
            window = self.cut(np.ascontiguousarray(mixed), 23.5, 23.5, 44)
        else:  # beside the window, or too small in it
            around = self.any(self.empty)
            side = rng.integers(60, min(around.shape) - 1)
            y, x = (rng.integers(n - side) for n in around.shape)
            scene = cv2.resize(around[y : y + side, x : x + side], (144, 144), interpolation=cv2.INTER_AREA)
            scene[48:96, 48:96] = face
            if kind == 3:
                angle, away = rng.uniform(0, 2 * np.pi), rng.uniform(0.35, 0.6) * 48
                dx, dy, size = away * np.cos(angle), away * np.sin(angle), rng.uniform(36, 52)
            else:
                (dx, dy), size = rng.uniform(-15, 15, 2), rng.uniform(85, 140)
            window = self.cut(scene, 71.5 + dx, 71.5 + dy, size, rng.normal(0, 0.2))
        return self.light(window)

    def mistaken(self):
        rng = self.rng
        x, y = 15.5 + rng.uniform(-2, 2, 2)
        side = WINDOW * np.exp(rng.uniform(-0.08, 0.08))
        return self.light(self.cut(self.any(self.hard), x, y, side, rng.normal(0, 0.1), rng.random() < 0.5))

    def any(self, pictures):
        return pictures[self.rng.integers(len(pictures))]

    def draw(self, n):
        """n faces and n of what is none, (2n, 1, 32, 32)."""
        n_hard = min(len(self.hard), n // 2)
        n_beside = (n - n_hard) // 2
        drawn = [self.face() for _ in range(n)] + [self.mistaken() for _ in range(n_hard)]
        drawn += [self.no_face() for _ in range(n_beside)]
        drawn += [self.nothing() for _ in range(n - n_hard - n_beside)]
        return torch.from_numpy(np.array(drawn, np.float32))[:, None]


def mine(network, pictures, rng, per_picture=24):
    """Windows of pictures without faces that the network takes for faces, and how many of all these are."""
    network.eval()
    hard, taken, looked = [], 0, 0
    for picture in pictures:
        found, scale = [], rng.uniform(0.75, 1)
        while min(picture.shape) * scale >= WINDOW + 8:
            level = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            with torch.no_grad():
                logits = network(torch.from_numpy(level)[None, None].float())[0, 0].numpy()
            looked += logits.size
            for row, col in zip(*np.nonzero(logits > 0), strict=True):
                found.append(
                    (logits[row, col], level[4 * row : 4 * row + WINDOW, 4 * col : 4 * col + WINDOW])
                )
            scale /= 1.3
        taken += len(found)
        found = [window for _, window in sorted(found, key=lambda pair: -pair[0])]
        rest = found[per_picture // 2 :]
        picked = rng.permutation(len(rest))[: per_picture // 2]
        hard += found[: per_picture // 2] + [rest[k] for k in picked]
    return hard, taken / max(looked, 1)


def read_empty(folders):
    paths = sorted(path for folder in folders for path in folder.rglob("*") if path.is_file())
    photos = [read_photo(path) for path in paths]
    photos += [as_photo(getattr(skimage.data, name)()) for name in WITHOUT] + load_sample_images().images
    pictures = []
    for photo in photos:
        gray = cv2.cvtColor(as_photo(photo), cv2.COLOR_RGB2GRAY)
        scale = min(1, LARGEST / max(gray.shape))
        gray = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        if min(gray.shape) >= 128:
            pictures.append(gray)
    return pictures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("fer2013", type=Path)
    parser.add_argument(
        "--empty", type=Path, nargs="+", required=True, help="folders of photos without a face"
    )
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument(
        "--windows", type=int, default=8000, help="faces in a round, and as many of what is none"
    )
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--start", type=Path, help="weights to go on from")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--out", type=Path, default=FACE_NETWORK, help="ONNX file; the weights go beside it, .pt"
    )
    arguments = parser.parse_args()

    rng = np.random.default_rng(arguments.seed)
    torch.manual_seed(arguments.seed)
    with np.load(arguments.fer2013) as fer2013:
        faces = fer2013["pixels"][fer2013["Usage"] == "Training"]
    faces = faces[faces.std(axis=(1, 2)) > 12]  # some are blank
    empty = read_empty(arguments.empty)
    print(f"{len(faces)} faces, {len(empty)} pictures without a face")

    network = Network()
    if arguments.start:
        network.load_state_dict(torch.load(arguments.start))
    windows = Windows(faces, empty, rng)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=1e-4)
    n = 2 * arguments.windows
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, arguments.learning_rate, total_steps=arguments.rounds * -(-n // 128)
    )
    truth = torch.cat([torch.full((n // 2,), 0.99), torch.full((n // 2,), 0.01)])
    start = time.perf_counter()
    for number in range(arguments.rounds):
        some = [empty[k] for k in rng.permutation(len(empty))[:50]]
        hard, share = mine(network, some, rng) if number or arguments.start else ([], np.nan)
        windows.hard = (windows.hard + hard)[-KEPT:]
        drawn = windows.draw(n // 2)
        network.train()
        total = 0.0
        for batch in torch.from_numpy(rng.permutation(n)).split(128):
            loss = nn.functional.binary_cross_entropy_with_logits(
                network(drawn[batch]).flatten(), truth[batch]
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(batch) / n
        torch.save(network.state_dict(), arguments.out.with_suffix(".pt"))
        seconds = time.perf_counter() - start
        print(
            f"round {number}: loss {total:.3f}, {share:.1e} of the places taken for faces, {seconds:.0f} s",
            flush=True,
        )

    network.eval()
    torch.onnx.export(
        network,
        torch.zeros(1, 1, 64, 64),
        arguments.out,
        input_names=["gray"],
        output_names=["logits"],
        dynamic_axes={"gray": {2: "height", 3: "width"}, "logits": {2: "rows", 3: "cols"}},
        opset_version=13,
        dynamo=False,
    )
    about = {"sha256": hashlib.sha256(arguments.out.read_bytes()).hexdigest()}
    arguments.out.with_suffix(".json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    print(f"{arguments.out.name}: {arguments.out.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
