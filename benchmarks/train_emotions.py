"""Train the network behind `facesom.predict_emotions` on FER2013, and report on it.

    python benchmarks/train_emotions.py FILE                # fer2013.csv or .npz; goes on where it stopped
    python benchmarks/train_emotions.py FILE --further      # the shipped network, further, on soft labels
    python benchmarks/train_emotions.py FILE --further --teachers A.onnx B.onnx   # on what others say
    python benchmarks/train_emotions.py FILE --write [PATH] # the trained network, into the package or there
    python benchmarks/train_emotions.py FILE --report       # the figures of the model card

Learns from the part Training alone, without the pictures that also stand in the other two parts, equal or
saved again (`find_copies`); the epoch and the temperature are chosen by the cross-entropy on PublicTest;
PrivateTest is looked at in the report only. A residual network (He et al., 2016) trained by stochastic
gradient descent with one cycle of the learning rate (Smith & Topin, 2019), smoothed labels (Szegedy et al.,
2016), erased patches (Zhong et al., 2020) and averaged weights (Polyak & Juditsky, 1992). Further training
learns half from the labels and half from what the network itself said of the face, averaged over its mirror
image and over all epochs: soft labels from an ensemble in time (Laine & Aila, 2017). With teachers these soft
labels are the mean of what the teachers say of a face and of its mirror image, and stay so (Hinton et al.,
2015; Furlanello et al., 2018). What is looked at and written is normalised by faces that are not augmented.
Needs: pip install '.[deep,benchmarks]'.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import json
from pathlib import Path
from time import perf_counter, process_time
from timeit import repeat

import cv2
import numpy as np
import torch
from scipy.optimize import minimize_scalar
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.optim.swa_utils import update_bn
from tqdm import tqdm

import facesom
from facesom.emotions import calibration_bins, calibration_error, classification_scores, find_copies
from facesom.emotions.fer2013 import read_fer2013
from facesom.emotions.model import BRIGHTNESS_FLOOR, MODEL_PATH

BATCH, SMALL, LARGE = 128, 40, 48  # faces in a batch; sides in the first two fifths of the epochs, and after
LOOKED_AT = 4  # epochs between two looks at PublicTest
SOFT, RENEWED = 0.5, 0.1  # of soft labels in the target; of them renewed each time a face is seen


def convolution(n_in, n_out, stride=1):
    return nn.Sequential(nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False), nn.BatchNorm2d(n_out))


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first, self.second = convolution(width, width), convolution(width, width)

    def forward(self, x):
        return torch.relu(x + self.second(torch.relu(self.first(x))))


class Network(nn.Module):
    """Standardised faces (N, 1, H, W) to logits (N, 7); as `emotion_network`, with normalisation."""

    def __init__(self, widths=(32, 48, 96, 192)):
        super().__init__()
        a, b, c, d = widths
        self.stem = convolution(1, a)
        self.down1, self.block1 = convolution(a, b, 2), Residual(b)
        self.down2, self.block2 = convolution(b, c, 2), Residual(c)
        self.down3, self.block3 = convolution(c, d, 2), Residual(d)
        self.head = nn.Linear(d, 7)

    def forward(self, x):
        x = torch.relu(self.stem(x))
        x = self.block1(torch.relu(self.down1(x)))
        x = self.block2(torch.relu(self.down2(x)))
        x = self.block3(torch.relu(self.down3(x)))
        return self.head(F.dropout(x.mean(dim=(2, 3)), 0.3, self.training))


def standardise(x):
    x = x - x.mean(dim=(2, 3), keepdim=True)
    return x / x.std(dim=(2, 3), keepdim=True, unbiased=False).clamp_min(BRIGHTNESS_FLOOR)


def augment(x, size, generator):
    """Faces (N, 1, 48, 48), 0 to 255, as (N, 1, size, size): mirrored, turned by up to 15 degrees, zoomed,
    slanted, shifted, with bent gray levels, standardised, and with a patch erased."""
    n = len(x)

    def draw(low, high):
        return torch.rand(n, generator=generator) * (high - low) + low

    angle, zoom = draw(-0.26, 0.26), draw(0.85, 1.15)
    mirror = torch.where(torch.rand(n, generator=generator) < 0.5, -1.0, 1.0)
    cos, sin = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    right = torch.stack([cos * mirror, draw(-0.1, 0.1) - sin, draw(-0.2, 0.2)], 1)
    down = torch.stack([sin * mirror, cos, draw(-0.2, 0.2)], 1)
    grid = F.affine_grid(torch.stack([right, down], 1), (n, 1, size, size), align_corners=False)
    x = F.grid_sample(x, grid, padding_mode="border", align_corners=False)
    x = 255 * (x / 255).clamp(0, 1) ** torch.exp(draw(-0.4, 0.4)).view(-1, 1, 1, 1)
    x = standardise(x)
    y0, x0, half = (v[:, None, None] for v in (draw(0, size), draw(0, size), draw(0, 0.35) * size / 2))
    place = torch.arange(size)
    hole = ((place[:, None] - y0).abs() < half) & ((place - x0).abs() < half)
    return x.masked_fill(hole[:, None], 0.0)


def logits_of(network, images):
    network.eval()
    with torch.no_grad():
        parts = torch.from_numpy(images)[:, None].split(512)
        return torch.cat(
            [network(standardise(part.float()).to(memory_format=torch.channels_last)) for part in parts]
        ).float()


def training_faces(path):
    """Images and labels of Training, less blank ones and those that another part has, too."""
    train, *tests = (read_fer2013(path, usage) for usage in ("Training", "PublicTest", "PrivateTest"))
    copies = find_copies(train.images, np.concatenate([test.images for test in tests]))[:, 0]
    keep = (train.images.std(axis=(1, 2)) > 0) & ~np.isin(np.arange(len(train)), copies)
    print(f"{keep.sum()} of {len(keep)} training images; the others are blank or in a test part as well")
    return train.images[keep], train.labels[keep].astype(np.int64), tests[0]


@torch.no_grad()
def read_network(path, faces):
    """A network that was written, with its batch normalisation put back in, by what it sees in faces
    (N, 1, H, W)."""
    import onnx

    network = Network().eval()
    layers = {name: layer for name, layer in network.named_modules() if isinstance(layer, nn.Sequential)}
    for stored in onnx.load(path).graph.initializer:
        layer, _, kind = stored.name.removesuffix("_half").rpartition(".")
        place = network.head if layer == "head" else layers[layer][kind == "bias"]
        getattr(place, kind).copy_(torch.from_numpy(onnx.numpy_helper.to_array(stored).astype(np.float32)))
    seen = {}
    for convolved, normed in layers.values():
        normed.running_var.fill_(1 - normed.eps)
        convolved.register_forward_hook(lambda layer, _, out: seen.update({layer: out}))
    network(faces)
    for convolved, normed in layers.values():
        mean, variance = seen[convolved].mean(dim=(0, 2, 3)), seen[convolved].var(dim=(0, 2, 3))
        convolved._forward_hooks.clear()
        normed.weight.copy_((variance + normed.eps).sqrt())
        normed.bias.add_(mean)
        # filters as long as untrained ones, so that a learning rate means what it does for those
        scale = 3**-0.5 / convolved.weight.flatten(1).norm(dim=1).clamp_min(1e-3)
        convolved.weight.mul_(scale[:, None, None, None])
        normed.running_mean.copy_(scale * mean)
        normed.running_var.copy_(scale**2 * (variance + normed.eps) - normed.eps)
    return network


def soft_labels(networks, images):
    """Mean probabilities (N, 7) of networks for faces and their mirror images."""
    views = images.numpy(), images.flip(2).numpy()
    with torch.autocast("cpu", torch.bfloat16):
        logits = [logits_of(network, view) for network in networks for view in views]
    return torch.stack(logits).softmax(dim=2).mean(dim=0)


def settled(network, images):
    """A copy that normalises by faces as they are; the training saw turned and patched ones."""
    network = copy.deepcopy(network)
    parts = images[::4, None].float().split(BATCH)
    update_bn((standardise(torch.cat([part, part.flip(3)])) for part in parts), network)
    return network.eval()


def train(options):
    """Train, keeping in `options.folder` what is needed to go on and the best weights."""
    torch.manual_seed(options.seed)
    generator = torch.Generator().manual_seed(options.seed)
    images, labels, public = training_faces(options.data)
    images, labels, truth = (torch.from_numpy(a) for a in (images, labels, public.labels.astype(np.int64)))
    trial = torch.randperm(len(images), generator=generator)[:1024]
    trial = augment(images[trial].float()[:, None], LARGE, generator)
    network = read_network(MODEL_PATH, trial) if options.further else Network()
    teachers = [read_network(path, trial) for path in options.teachers] or [network] * options.further
    soft = soft_labels(teachers, images) if teachers else None
    network = network.to(memory_format=torch.channels_last)
    averaged = copy.deepcopy(network)
    weights = [[p for p in network.parameters() if (p.ndim > 1) == wide] for wide in (True, False)]
    groups = [{"params": weights[0], "weight_decay": 5e-4}, {"params": weights[1], "weight_decay": 0}]
    optimiser = torch.optim.SGD(groups, options.rate, momentum=0.9, nesterov=True)
    n_steps = len(images) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        options.rate,
        total_steps=n_steps * options.epochs,
        pct_start=0.15,
        div_factor=10,
        final_div_factor=1000,
        cycle_momentum=False,
    )
    parts = {"net": network, "ema": averaged, "opt": optimiser, "sched": schedule}
    options.folder.mkdir(parents=True, exist_ok=True)
    kept, first, best = options.folder / "last.pt", 0, np.inf
    if kept.exists():
        state = torch.load(kept, weights_only=True)
        for name, part in parts.items():
            part.load_state_dict(state[name])
        soft = state["soft"]
        generator.set_state(state["g"])
        torch.set_rng_state(state["rng"])
        first, best = state["epoch"], state["best"]
        print(f"goes on after epoch {first}")
    for epoch in range(first, options.epochs):
        began = perf_counter()
        network.train()
        size = SMALL if epoch < 0.4 * options.epochs else LARGE
        order = torch.randperm(len(images), generator=generator)
        total = 0.0
        for i in tqdm(range(n_steps), desc=f"epoch {epoch + 1}", leave=False):
            rows = order[i * BATCH : (i + 1) * BATCH]
            batch = augment(images[rows].float()[:, None], size, generator)
            with torch.autocast("cpu", torch.bfloat16):
                logits = network(batch.contiguous(memory_format=torch.channels_last))
            logits = logits.float()
            if soft is None:
                loss = F.cross_entropy(logits, labels[rows], label_smoothing=0.1)
            else:
                target = SOFT * soft[rows] + (1 - SOFT) * F.one_hot(labels[rows], 7)
                loss = F.cross_entropy(logits, target)
                if not options.teachers:
                    soft[rows] = torch.lerp(soft[rows], logits.detach().softmax(dim=1), RENEWED)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
            done = epoch * n_steps + i
            keep = min(0.998, (1 + done) / (10 + done))
            with torch.no_grad():
                pairs = zip(averaged.state_dict().values(), network.state_dict().values(), strict=True)
                for old, new in pairs:
                    old.lerp_(new, 1 - keep) if old.is_floating_point() else old.copy_(new)
        print(f"epoch {epoch + 1}: loss {total / n_steps:.3f}, {perf_counter() - began:.0f} s", flush=True)
        if (epoch + 1) % LOOKED_AT == 0 or epoch + 1 == options.epochs:
            shown = settled(averaged, images)
            with torch.autocast("cpu", torch.bfloat16):
                found = logits_of(shown, public.images)
            accuracy = (found.argmax(1) == truth).float().mean()
            _, cross_entropy = calibrated(found, truth)
            print(f"PublicTest {accuracy:.4f}, cross-entropy {cross_entropy:.4f}", flush=True)
            if cross_entropy < best:
                best = cross_entropy
                torch.save(shown.state_dict(), options.folder / "best.pt")
        state = {name: part.state_dict() for name, part in parts.items()}
        state |= {"g": generator.get_state(), "rng": torch.get_rng_state()}
        state |= {"soft": soft, "epoch": epoch + 1, "best": best}
        torch.save(state, kept.with_suffix(".new"))
        kept.with_suffix(".new").replace(kept)  # a stop in between leaves the old one


def folded(network):
    """Weights by name, normalisation folded into the convolutions."""
    network = copy.deepcopy(network).eval()
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.Sequential):
                setattr(module, name, fuse_conv_bn_eval(*child))
    return {name: value.detach().numpy() for name, value in network.state_dict().items()}


def to_onnx(weights):
    """The network as an ONNX model with weights in half precision, computing in single precision."""
    from onnx import TensorProto, checker, helper, numpy_helper

    nodes, stored = [], []

    def weight(name):
        values = weights[name]
        if values.ndim == 1:
            stored.append(numpy_helper.from_array(values.astype(np.float32), name))
        else:
            stored.append(numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
            nodes.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
        return name

    def node(kind, inputs, output, **settings):
        nodes.append(helper.make_node(kind, inputs, [output], **settings))
        return output

    def convolve(x, name, stride=1):
        inputs = [x, weight(f"{name}.weight"), weight(f"{name}.bias")]
        return node("Conv", inputs, name, kernel_shape=[3, 3], pads=[1] * 4, strides=[stride] * 2)

    def relu(x):
        return node("Relu", [x], f"{x}.relu")

    x = relu(convolve("faces", "stem"))
    for k in "123":
        x = relu(convolve(x, f"down{k}", 2))
        block = f"block{k}"
        change = convolve(relu(convolve(x, f"{block}.first")), f"{block}.second")
        x = relu(node("Add", [x, change], block))
    features = node("Flatten", [node("GlobalAveragePool", [x], "pooled")], "features")
    node("Gemm", [features, weight("head.weight"), weight("head.bias")], "logits", transB=1)
    shapes = {"faces": [1, 48, 48], "logits": [7], "features": [192]}
    faces, *outputs = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *shape])
        for name, shape in shapes.items()
    )
    graph = helper.make_graph(nodes, "emotions", [faces], outputs, stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    checker.check_model(model)
    return model.SerializeToString()


def places_of_weights(content):
    """Where each weight begins in an ONNX file, and its shape: what `read_weights` needs."""
    import onnx

    stored = onnx.load_from_string(content).graph.initializer
    return {each.name: [content.index(each.raw_data), *each.dims] for each in stored}


def calibrated(logits, truth):
    """The temperature with the lowest cross-entropy, and that cross-entropy."""

    def loss(log_temperature):
        return F.cross_entropy(logits / np.exp(log_temperature), truth).item()

    found = minimize_scalar(loss, bounds=(-2, 2), method="bounded")
    return float(np.exp(found.x)), float(found.fun)


def write(options):
    """Write the best network, and beside it its hash and temperature."""
    network = Network()
    network.load_state_dict(torch.load(options.folder / "best.pt", weights_only=True))
    public = read_fer2013(options.data, "PublicTest")
    views = public.images, np.ascontiguousarray(public.images[:, :, ::-1])  # as the shipped one is asked
    logits = sum(logits_of(network, view) for view in views) / 2
    truth = torch.from_numpy(public.labels.astype(np.int64))
    temperature, _ = calibrated(logits, truth)
    content = to_onnx(folded(network))
    about = {"sha256": hashlib.sha256(content).hexdigest(), "temperature": round(temperature, 4)}
    about["weights"] = places_of_weights(content)
    options.write.write_bytes(content)
    options.write.with_suffix(".json").write_text(json.dumps(about) + "\n", encoding="utf-8")
    print(f"{options.write.name}: {len(content) / 1e6:.2f} MB, temperature {temperature:.3f}")


def print_difference(path, part, right, seed):
    """Accuracy less that of another network on the same faces, without and with the mirror image."""
    other = facesom.emotions.onnx_model(path, output="logits")
    rows = np.random.default_rng(seed).integers(0, len(part), (1000, len(part)))
    for name, mirror in {"other": False, "other with the mirror image": True}.items():
        logits = other.run(part.images, "logits", mirror=mirror)
        gain = right.astype(float) - (logits.argmax(axis=1) == part.labels)
        low, high = np.quantile(gain[rows].mean(axis=1), (0.025, 0.975))
        print(f"less {name}: {gain.mean():+.4f} (95 % interval {low:+.4f} to {high:+.4f})\n")


def report(options):
    """Print what the shipped network reaches, as Markdown."""
    print(f"OpenCV {cv2.__version__}, numpy {np.__version__}\n")
    for usage in ("PublicTest", "PrivateTest"):
        part = read_fer2013(options.data, usage)
        probabilities = facesom.predict_emotions(part.images)
        scores = classification_scores(
            part.labels, probabilities=probabilities, names=facesom.EMOTIONS, seed=options.seed
        )
        print(f"## {usage}\n\n```\n{scores}\n\n{scores.class_table().round(2)}\n```\n")
        two = probabilities.argsort(axis=1)[:, -2:] == part.labels[:, None]
        print(f"labelled emotion among the two most probable: {two.any(axis=1).mean():.3f}\n")
        if options.against:
            print_difference(options.against, part, scores.predicted == scores.truth, options.seed)
    print("| probability given | faces | said right |\n|---|--:|--:|")
    for n, confidence, right in zip(*calibration_bins(probabilities, part.labels), strict=True):
        low = int(10 * confidence) / 10
        print(f"| {low:.1f} to {low + 0.1:.1f} | {n} | {right:.2f} |")
    print(f"\nExpected calibration error {calibration_error(probabilities, part.labels):.3f}.")
    cv2.setNumThreads(1)
    faces = part.images[:640]
    times = repeat(lambda: facesom.predict_emotions(faces), timer=process_time, number=1)
    print(f"One core: {1000 * np.median(times) / len(faces):.1f} ms a face.")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="fer2013.csv or .npz")
    parser.add_argument(
        "--folder", type=Path, default=Path("outputs/emotions"), help="for what is not done yet"
    )
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--rate", type=float, default=0.1, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--further", action="store_true", help="start from the shipped network")
    parser.add_argument(
        "--teachers", type=Path, nargs="+", default=[], help="networks whose answers it learns"
    )
    parser.add_argument(
        "--write", type=Path, nargs="?", const=MODEL_PATH, help="write the trained network; default: package"
    )
    parser.add_argument("--against", type=Path, help="another ONNX network, for the report")
    parser.add_argument("--report", action="store_true", help="figures of the shipped network")
    options = parser.parse_args()
    (report if options.report else write if options.write else train)(options)


if __name__ == "__main__":
    main()
