"""Train the networks with which facesom finds faces, and write facesom/photos/models/faces.onnx, glance.onnx.

    python benchmarks/face_network.py FER2013 --empty FOLDER [FOLDER ...] [--rounds 20] [--start WEIGHTS]
    python benchmarks/face_network.py FER2013 --empty FOLDER [FOLDER ...] --glance [--rounds 2000]

FER2013 is an .npz with `pixels` (N, 48, 48) uint8 and `Usage`, of which the training faces are used.
--empty are photos and pictures without a face; some that come with scikit-image and scikit-learn are added. A
round draws new windows of 32 × 32 pixels: faces moved, scaled, rolled, mirrored, lit and hidden a little; and
what is none: pictures without a face, faces too near, too small, beside the window, upside down or with their
quarters exchanged, and places in the pictures that the network of the round before took for a face (hard
negatives: Sung and Poggio, 1998). Needs PyTorch and onnx.

--glance trains the network that goes before it, at half the resolution and a tenth of the cost, to say where
the first one hits (distillation: Hinton et al., 2015): a round is 24 pictures into which faces are pasted.
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

from facesom.io import atomic_write, read_onnx
from facesom.photos.face_network import FACE_NETWORK, GLANCE_NETWORK, HIT, WINDOW
from facesom.photos.faces import as_photo, read_photo

FACE = 0.88 * 48  # pixels of a FER2013 face that fill the window
WITHOUT = ("coffee", "brick", "page", "rocket", "gravel", "retina", "hubble_deep_field")
LARGEST = 1000  # pixels, longer side of a picture without faces
KEPT = 12_000  # hard negatives
SCENE = 256  # pixels, side of a picture to glance at


class Network(nn.Module):
    """Gray 0..255 (N, 1, H, W) to a logit for each window; layers (channels, size, stride)."""

    def __init__(self, layers=((16, 5, 2), (24, 3, 1), (32, 3, 2), (48, 3, 1), (64, 3, 1))):
        super().__init__()
        parts, before = [], 1
        for after, size, stride in layers:
            parts += [nn.Conv2d(before, after, size, stride, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
            before = after
        self.f = nn.Sequential(*parts, nn.Conv2d(before, 1, 1))

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


def pasted(faces, empty, rng):
    """A part of a picture without faces (SCENE, SCENE), with up to six faces of about the window's size."""
    picture = empty[rng.integers(len(empty))]
    side = int(min(np.exp(rng.uniform(np.log(100), np.log(900))), min(picture.shape) - 1))
    y, x = (rng.integers(n - side) for n in picture.shape)
    how = cv2.INTER_AREA if side > SCENE else cv2.INTER_LINEAR
    scene = cv2.resize(picture[y : y + side, x : x + side], (SCENE, SCENE), interpolation=how).astype(
        np.float32
    )
    for _ in range(rng.integers(0, 7)):
        face = faces[rng.integers(len(faces))].astype(np.float32)[:, :: rng.choice([-1, 1])]
        side = int(36 * np.exp(rng.uniform(-0.6, 0.6)))
        turn = cv2.getRotationMatrix2D((23.5, 23.5), np.clip(rng.normal(0, 12), -35, 35), side / 48)
        turn[:, 2] += (side - 1) / 2 - 23.5
        face = cv2.warpAffine(face, turn, (side, side), borderMode=cv2.BORDER_REFLECT_101)
        if rng.random() < 0.5:
            face = 255 * np.clip(face / 255, 0, 1) ** np.exp(rng.normal(0, 0.35))
        mean = face.mean()
        face = (face - mean) * np.exp(rng.normal(-0.2, 0.4)) + np.clip(mean + rng.normal(0, 25), 20, 235)
        ramp = np.linspace(-1, 1, side)
        edge = np.clip((1 - np.abs(ramp)) * side / 4, 0, 1)
        oval = np.clip((1 - np.hypot(ramp, ramp[:, None] * 0.9)) * 8, 0, 1)
        mask = oval if rng.random() < 0.5 else edge * edge[:, None]
        y, x = rng.integers(-side // 4, SCENE - side + side // 4 + 1, 2)
        inside = np.s_[max(-y, 0) : SCENE - y, max(-x, 0) : SCENE - x]
        place = scene[max(y, 0) : y + side, max(x, 0) : x + side]
        place[:] = mask[inside] * np.clip(face, 0, 255)[inside] + (1 - mask[inside]) * place
    if rng.random() < 0.4:
        scene = cv2.GaussianBlur(scene, (0, 0), rng.uniform(0.3, 1.1))
    if rng.random() < 0.3:
        scene = scene + rng.normal(0, rng.uniform(1, 8), scene.shape)
    return np.clip(scene, 0, 255).round()


def train_glance(network, faces, empty, rng, rounds, learning_rate):
    """Teach a network to say where the shipped one hits, in its window or the next one."""
    teacher = read_onnx(FACE_NETWORK, shape=(1, 1, WINDOW, WINDOW))
    optimizer = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, rounds, 1e-5)
    total = 0.0
    for number in range(1, rounds + 1):
        scenes = np.array([pasted(faces, empty, rng) for _ in range(24)], np.float32)[:, None]
        (logits,) = teacher(scenes).values()
        truth = nn.functional.max_pool2d(torch.from_numpy(logits), 3, 2, 1).sub(HIT).sigmoid()
        halves = torch.from_numpy(scenes.reshape(-1, 1, SCENE // 2, 2, SCENE // 2, 2).mean(axis=(3, 5)))
        loss = nn.functional.binary_cross_entropy_with_logits(network(halves), truth, 1 + 20 * truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        total += loss.item()
        if number % 200 == 0:
            print(f"round {number}: loss {total / 200:.3f}", flush=True)
            total = 0.0


def train(network, faces, empty, rng, arguments):
    """Teach a network to tell faces from what is none."""
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


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("fer2013", type=Path)
    parser.add_argument(
        "--empty", type=Path, nargs="+", required=True, help="folders of photos without a face"
    )
    parser.add_argument("--glance", action="store_true", help="train the network that goes before")
    parser.add_argument("--rounds", type=int, help="default: 20, with --glance 2000")
    parser.add_argument(
        "--windows", type=int, default=8000, help="faces in a round, and as many of what is none"
    )
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--start", type=Path, help="weights to go on from")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="ONNX file; the weights go beside it, .pt")
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (2000 if arguments.glance else 20)
    arguments.out = arguments.out or (GLANCE_NETWORK if arguments.glance else FACE_NETWORK)

    rng = np.random.default_rng(arguments.seed)
    torch.manual_seed(arguments.seed)
    with np.load(arguments.fer2013) as fer2013:
        faces = fer2013["pixels"][fer2013["Usage"] == "Training"]
    faces = faces[faces.std(axis=(1, 2)) > 12]  # some are blank
    empty = read_empty(arguments.empty)
    print(f"{len(faces)} faces, {len(empty)} pictures without a face")

    network = Network(((16, 4, 2), (32, 3, 2), (48, 3, 1))) if arguments.glance else Network()
    if arguments.start:
        network.load_state_dict(torch.load(arguments.start))
    if arguments.glance:
        train_glance(network, faces, empty, rng, arguments.rounds, arguments.learning_rate)
    else:
        train(network, faces, empty, rng, arguments)
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
    about = FACE_NETWORK.with_suffix(".json")
    hashes = json.loads(about.read_text(encoding="utf-8"))
    hashes[arguments.out.name] = hashlib.sha256(arguments.out.read_bytes()).hexdigest()
    with atomic_write(about, encoding="utf-8") as file:
        file.write(json.dumps(hashes, indent=2) + "\n")
    print(f"{arguments.out.name}: {arguments.out.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
