"""Neural networks on faces: the one everyone starts from, its augmentation, a training loop that resumes.

PyTorch is imported when a function needs it: ``pip install "facesom[deep]"``. A network trains on the device
that it is on: ``network.to("cuda")`` before training uses a GPU.
"""

from __future__ import annotations

import copy
import math
import os
import zlib
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from tqdm.auto import tqdm

from facesom.io import as_faces, is_colour

__all__ = [
    "TrainingHistory",
    "augment_faces",
    "fine_tune",
    "import_torch",
    "run_network",
    "three_block_cnn",
    "to_tensor",
    "train_network",
]

WARM_UP = 0.05  # share of all steps in which the learning rate rises


def import_torch():
    """Return the module torch, or raise an `ImportError` that says how to install it."""
    try:
        import torch
    except ModuleNotFoundError as error:
        raise ImportError(
            'networks need PyTorch, which is missing: pip install "facesom[deep]", or pip install torch'
        ) from error
    return torch


@dataclass(frozen=True, repr=False)
class TrainingHistory:
    """How E epochs of training went.

    Attributes
    ----------
    losses : ndarray, shape (E,)
        Mean loss of each epoch, over the batches as they were shown (augmented, with dropout).
    validation_losses, validation_accuracies : ndarray, shape (E,)
        On the validation faces after each epoch; NaN without them, accuracies also without classes.
    best_epoch : int
        The epoch, from 0, whose weights the network has: the one of least validation loss, else the last.
    seconds : float
        Time it took, that before a stop included.
    """

    losses: np.ndarray
    validation_losses: np.ndarray
    validation_accuracies: np.ndarray
    best_epoch: int
    seconds: float

    def __repr__(self):
        best = self.best_epoch
        shown = f"TrainingHistory({len(self.losses)} epochs, {self.seconds:.0f} s; epoch {best}: loss "
        shown += f"{self.losses[best]:.3f}"
        if np.isfinite(self.validation_losses[best]):
            shown += f", validation {self.validation_losses[best]:.3f}"
        if np.isfinite(self.validation_accuracies[best]):
            shown += f", accuracy {self.validation_accuracies[best]:.3f}"
        return shown + ")"


def to_tensor(images):
    """Bring faces into the form that networks take.

    Parameters
    ----------
    images : array_like, shape (N, H, W) or (N, H, W, 3)
        uint8 in 0..255 or float in [0, 1].

    Returns
    -------
    torch.Tensor, float32, shape (N, 1, H, W) or (N, 3, H, W)
        In [0, 1].
    """
    torch = import_torch()
    faces = _stack(images)
    tensor = torch.from_numpy(np.ascontiguousarray(faces))
    tensor = tensor.permute(0, 3, 1, 2) if is_colour(faces) else tensor[:, None]
    return tensor.float() / 255 if faces.dtype == np.uint8 else tensor.float()


def three_block_cnn(n_classes=7, size=48, *, channels=1, width=32, seed=0):
    """The convolutional network that most start from: three blocks of convolutions, then a dense head.

    A block is two 3 × 3 convolutions, each with batch normalisation and ReLU, 2 × 2 max pooling, and dropout;
    each block has twice the channels of the one before. The first layer standardises each face (minus its
    mean, over its standard deviation), so that light and contrast do not count.

    Parameters
    ----------
    n_classes : int, default 7
    size : int, default 48
        Height and width of the faces in pixels, at least 8.
    channels : int, default 1
        1 for gray, 3 for RGB.
    width : int, default 32
        Channels of the first block.
    seed : int, default 0
        Of the first weights.

    Returns
    -------
    torch.nn.Sequential
        Parts ``standardise``, ``block1``, ``block2``, ``block3``, ``head``; takes what `to_tensor` returns,
        gives logits (N, n_classes).

    Raises
    ------
    ValueError
        If a number is no whole number of at least 1, or `size` is less than 8.
    ImportError
        Without PyTorch.

    Notes
    -----
    Two small convolutions before each pooling: Simonyan and Zisserman (2015); dropout: Srivastava et al.
    (2014); batch normalisation: Ioffe and Szegedy (2015).
    """
    for name, value, least in (
        ("n_classes", n_classes, 1),
        ("size", size, 8),
        ("channels", channels, 1),
        ("width", width, 1),
    ):
        _check_count(value, name, least)
    torch = import_torch()
    nn = torch.nn

    def block(ins, outs):
        layers = []
        for first in (ins, outs):
            layers += [nn.Conv2d(first, outs, 3, padding=1, bias=False), nn.BatchNorm2d(outs), nn.ReLU()]
        return nn.Sequential(*layers, nn.MaxPool2d(2), nn.Dropout(0.25))

    widths = [channels, width, 2 * width, 4 * width]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        parts = OrderedDict(standardise=nn.GroupNorm(1, channels, affine=False))
        for k in range(3):
            parts[f"block{k + 1}"] = block(widths[k], widths[k + 1])
        parts["head"] = nn.Sequential(
            nn.Flatten(),
            nn.Linear(widths[3] * (size // 8) ** 2, 128),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(128, n_classes),
        )
    return nn.Sequential(parts)


def augment_faces(faces, generator=None, *, flip=True, shift=0.1, degrees=10, zoom=0.1):
    """Change each face a little, as another photo of it could be: mirror, shift, turn and zoom at random.

    Parameters
    ----------
    faces : torch.Tensor, shape (N, C, H, W)
    generator : torch.Generator, optional
        On the CPU; default: torch's own.
    flip : bool, default True
        Whether half of the faces, chosen at random, are mirrored.
    shift : float, default 0.1
        Largest shift in each direction, a share of the side.
    degrees : float, default 10
        Largest turn.
    zoom : float, default 0.1
        Largest change of size, a share.

    Returns
    -------
    torch.Tensor, shape (N, C, H, W)
        Pixels from outside the picture repeat its border.
    """
    torch = import_torch()
    spread = 2 * torch.rand(4, len(faces), generator=generator) - 1
    angle, scale = spread[0] * math.radians(degrees), 1 + spread[1] * zoom
    across = torch.ones(len(faces))
    if flip:
        across[torch.rand(len(faces), generator=generator) < 0.5] = -1
    cos, sin = torch.cos(angle) / scale, torch.sin(angle) / scale
    rows = [cos * across, -sin, 2 * shift * spread[2], sin * across, cos, 2 * shift * spread[3]]
    places = torch.stack(rows, dim=1).reshape(-1, 2, 3).to(faces)
    grid = torch.nn.functional.affine_grid(places, list(faces.shape), align_corners=False)
    return torch.nn.functional.grid_sample(faces, grid, padding_mode="border", align_corners=False)


def train_network(
    network,
    images,
    targets=None,
    *,
    n_epochs=20,
    batch_size=64,
    learning_rate=1e-3,
    weight_decay=1e-2,
    augment=None,
    seed=0,
    validation=None,
    loss=None,
    progress=True,
    checkpoint=None,
):
    """Train a network in place: a classifier on labels, or an autoencoder on the faces themselves.

    Parameters
    ----------
    network : torch.nn.Module
        Takes (B, C, H, W) in [0, 1]; gives logits (B, K), or for an autoencoder images (B, C, H, W). Weights
        that do not require a gradient stay as they are, batch statistics of such parts too.
    images : array_like, shape (N, H, W) or (N, H, W, 3)
        uint8 in 0..255 or float in [0, 1].
    targets : array_like of int, shape (N,), optional
        Class of each face, from 0. Without them (or with `images` again) the network learns to give back what
        it was shown.
    n_epochs : int, default 20
        How often each face is shown.
    batch_size : int, default 64
    learning_rate : float, default 1e-3
        The highest one: it rises over the first twentieth of the steps and falls along a cosine to zero.
    weight_decay : float, default 1e-2
    augment : bool or callable, optional
        True: `augment_faces`. A function takes (B, C, H, W) and a torch.Generator.
    seed : int, default 0
        Of the order, the augmentation and dropout. The global generators are left as they are.
    validation : tuple (images, targets), optional
        Looked at after each epoch; the network then ends with the weights of the epoch of least loss. Not for
        the final test: what chose an epoch cannot judge it. ``(images,)`` for an autoencoder.
    loss : callable, optional
        Of outputs and targets. Default: cross-entropy of classes, squared error of images.
    progress : bool, default True
        Whether to show a bar.
    checkpoint : str or Path, optional
        A file that keeps the state after each epoch. Where it is there already, training goes on from it and
        ends as if it had never stopped.

    Returns
    -------
    TrainingHistory

    Raises
    ------
    ValueError
        If images and targets do not fit each other, a setting is no sensible number, the checkpoint is of
        another training, or the loss is no longer finite.
    ImportError
        Without PyTorch.

    Notes
    -----
    AdamW (Loshchilov and Hutter, 2019) with their cosine schedule (2017).
    """
    torch = import_torch()
    data = _check_data(images, targets, "targets")
    held = None if validation is None else _check_validation(validation, data)
    for name, value in (("n_epochs", n_epochs), ("batch_size", batch_size)):
        _check_count(value, name)
    for name, value, fits in (
        ("learning_rate", learning_rate, 0 < learning_rate < math.inf),
        ("weight_decay", weight_decay, 0 <= weight_decay < math.inf),
    ):
        if not fits:
            raise ValueError(f"{name}: expected a positive number, got {value!r}.")
    learning = [weights for weights in network.parameters() if weights.requires_grad]
    if not learning:
        raise ValueError("network: expected weights to train, got none that require a gradient.")
    _check_fit(network, *data)
    augment = augment_faces if augment is True else augment or None
    if loss is None:
        loss = torch.nn.functional.mse_loss if data[1] is None else torch.nn.functional.cross_entropy

    optimizer = torch.optim.AdamW(learning, lr=learning_rate, weight_decay=weight_decay)
    state = {"epoch": 0, "history": [], "seconds": 0.0, "best": None, "best_epoch": n_epochs - 1}
    key = [n_epochs, batch_size, learning_rate, weight_decay, seed, augment is not None, *map(_crc, data)]
    if checkpoint is not None and Path(checkpoint).exists():
        state = _read_checkpoint(checkpoint, key, network)
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
    n_steps = math.ceil(len(data[0]) / batch_size)
    bar = tqdm(total=n_epochs * n_steps, initial=state["epoch"] * n_steps, disable=not progress, unit="batch")
    with bar, torch.random.fork_rng():
        for epoch in range(state["epoch"], n_epochs):
            began = perf_counter()
            generator = torch.Generator().manual_seed(seed + 1_000_003 * epoch)  # what a resumed one has, too
            torch.manual_seed(seed + 1_000_003 * epoch)
            _training_mode(network)
            total = 0.0
            order = torch.randperm(len(data[0]), generator=generator).numpy()
            for step, chosen in enumerate(np.array_split(order, n_steps)):
                for group in optimizer.param_groups:
                    group["lr"] = learning_rate * _schedule((epoch + (step + 0.5) / n_steps) / n_epochs)
                total += _step(network, optimizer, loss, augment, generator, *data, chosen) * len(chosen)
                bar.update()
            row = [total / len(data[0]), *_validate(network, held, loss)]
            if not math.isfinite(row[0]):
                raise ValueError(
                    f"the loss of epoch {epoch} is {row[0]}; lower the learning_rate, {learning_rate:g}."
                )
            bar.set_postfix_str(_postfix(row))
            state["history"].append(row)
            if held is not None and row[1] <= min(past[1] for past in state["history"]):
                state |= {"best": _copy_state(network), "best_epoch": epoch}
            state |= {"epoch": epoch + 1, "seconds": state["seconds"] + perf_counter() - began}
            if checkpoint is not None:
                state |= {"network": network.state_dict(), "optimizer": optimizer.state_dict(), "key": key}
                _write_checkpoint(checkpoint, state)
    if held is not None:
        network.load_state_dict(state["best"])
    network.eval()
    return TrainingHistory(*np.array(state["history"]).T, state["best_epoch"], state["seconds"])


def run_network(network, images, *, batch_size=256):
    """Give faces to a network, in batches and without dropout.

    Parameters
    ----------
    network : torch.nn.Module
    images : array_like, shape (N, H, W) or (N, H, W, 3)
        uint8 in 0..255 or float in [0, 1].
    batch_size : int, default 256

    Returns
    -------
    ndarray of float32, shape (N, ...)
        For a classifier the logits (N, K): ``scipy.special.softmax(logits, axis=1)`` are its probabilities.
    """
    torch = import_torch()
    faces = _stack(images)
    device = next(network.parameters()).device
    was_training = network.training
    network.eval()
    with torch.no_grad():
        parts = [
            network(to_tensor(faces[k : k + batch_size]).to(device)).cpu().numpy()
            for k in range(0, len(faces), batch_size)
        ]
    network.train(was_training)
    return np.concatenate(parts)


def fine_tune(network, images, labels, *, n_classes=None, frozen=None, learning_rate=1e-4, seed=0, **options):
    """Train a copy of a network further on other faces, with some of its parts held as they are.

    Parameters
    ----------
    network : torch.nn.Module
        A trained one; it is not changed.
    images, labels
        As in `train_network`. A few hundred faces can do, where most of the network is frozen.
    n_classes : int, optional
        Where it differs from what the network gives, its last linear layer is replaced by a new one.
    frozen : tuple of str, optional
        Names of the parts that keep their weights, of ``dict(network.named_children())``; ``()`` frees all.
        Default: all but the last.
    learning_rate : float, default 1e-4
    seed : int, default 0
    **options
        For `train_network`.

    Returns
    -------
    network : torch.nn.Module
        The tuned copy, all its weights free again.
    history : TrainingHistory

    Raises
    ------
    ValueError
        If there is no such part, or no linear layer to replace; else as in `train_network`.

    Notes
    -----
    Which layers carry over: Yosinski et al. (2014).
    """
    torch = import_torch()
    tuned = copy.deepcopy(network)
    names = list(dict(tuned.named_children()))
    frozen = names[:-1] if frozen is None else frozen
    if isinstance(frozen, str) or not set(frozen) <= set(names):
        raise ValueError(f"frozen: expected a tuple of some of {names}, got {frozen!r}.")
    if n_classes is not None:
        _check_count(n_classes, "n_classes")
        linear = [name for name, part in tuned.named_modules() if isinstance(part, torch.nn.Linear)]
        if not linear:
            raise ValueError(
                "network: expected a last linear layer to replace, found none; leave n_classes out."
            )
        last = tuned.get_submodule(linear[-1])
        if last.out_features != n_classes:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                fresh = torch.nn.Linear(last.in_features, n_classes).to(last.weight)
            parent, _, name = linear[-1].rpartition(".")
            setattr(tuned.get_submodule(parent), name, fresh)
    for name in frozen:
        tuned.get_submodule(name).requires_grad_(False)
    history = train_network(tuned, images, labels, learning_rate=learning_rate, seed=seed, **options)
    return tuned.requires_grad_(True), history


def _stack(images):
    faces = as_faces(images)
    if faces.ndim != 3 + is_colour(faces):
        guess = "; pass images[None]" if faces.ndim == 2 + is_colour(faces) else ""
        raise ValueError(f"images: expected faces (N, H, W) or (N, H, W, 3), got shape {faces.shape}{guess}.")
    return faces


def _check_count(value, name, least=1):
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name}: expected a whole number of at least {least}, got {value!r}.")


def _check_data(images, targets, name):
    """Return faces (N, H, W[, 3]) and classes (N,) of int64, or None where faces are their own target."""
    faces = _stack(images)
    if targets is None or targets is images:
        return faces, None
    targets = np.asarray(targets)
    if targets.shape != (len(faces),) or targets.dtype.kind not in "iu" or targets.min() < 0:
        guess = ""
        if targets.ndim == 2 and len(targets) == len(faces):
            guess = "; one-hot rows become classes by .argmax(axis=1)"
        elif targets.dtype.kind in "OU":
            guess = "; np.unique(names, return_inverse=True) numbers names"
        raise ValueError(
            f"{name}: expected a class from 0 up for each of {len(faces)} faces, got {targets.dtype} of "
            f"shape {targets.shape}{guess}."
        )
    return faces, targets.astype(np.int64)


def _check_validation(validation, data):
    if not isinstance(validation, (tuple, list)) or not 1 <= len(validation) <= 2:
        raise ValueError(
            "validation: expected (images, targets), or (images,) for an autoencoder, got "
            f"{type(validation).__name__}."
        )
    held = _check_data(validation[0], validation[1] if len(validation) == 2 else None, "validation")
    if (held[1] is None) != (data[1] is None):
        raise ValueError("validation: expected targets where training has them, and none where it has none.")
    return held


def _check_fit(network, faces, classes):
    try:
        outputs = run_network(network, faces[:1])
    except RuntimeError as error:
        raise ValueError(
            f"images: the network does not take faces of shape {faces.shape[1:]}; expected those it was made "
            f"for, e.g. three_block_cnn(size=..., channels=...) ({str(error)[:80]})."
        ) from None
    if classes is not None and outputs.shape[1:] <= (int(classes.max()),):
        raise ValueError(
            f"targets: expected classes from 0 to {outputs.shape[-1] - 1}, what the network tells apart, got "
            f"up to {classes.max()}; make it with more n_classes."
        )


def _schedule(done):
    """Share of the highest learning rate when a share of the steps, over 0 to 1, is done."""
    if done < WARM_UP:
        return done / WARM_UP
    return 0.5 + 0.5 * math.cos(math.pi * (done - WARM_UP) / (1 - WARM_UP))


def _training_mode(network):
    """Set training mode, except in frozen parts: their batch statistics must not move either."""
    network.train()
    for part in network.modules():
        weights = list(part.parameters())
        if weights and not any(w.requires_grad for w in weights):
            part.eval()


def _step(network, optimizer, loss, augment, generator, images, classes, chosen):
    """Train on one batch and return its loss."""
    torch = import_torch()
    device = next(network.parameters()).device
    faces = to_tensor(images[chosen])
    if augment is not None:
        faces = augment(faces, generator)
    faces = faces.to(device)
    wanted = faces if classes is None else torch.from_numpy(classes[chosen]).to(device)
    value = loss(network(faces), wanted)
    optimizer.zero_grad()
    value.backward()
    optimizer.step()
    return value.item()


def _validate(network, held, loss):
    """Loss and accuracy on held-out faces; NaN where there are none."""
    if held is None:
        return math.nan, math.nan
    torch = import_torch()
    faces, targets = held
    outputs = torch.from_numpy(run_network(network, faces))
    if targets is None:
        return float(loss(outputs, to_tensor(faces))), math.nan
    device = next(network.parameters()).device  # where the weights of a loss are
    value = float(loss(outputs.to(device), torch.from_numpy(targets).to(device)))
    return value, float((outputs.argmax(dim=1).numpy() == targets).mean())


def _postfix(row):
    names = ("loss", "validation loss", "accuracy")
    return ", ".join(f"{name} {value:.3f}" for name, value in zip(names, row, strict=True) if value == value)


def _copy_state(network):
    return {name: values.detach().clone() for name, values in network.state_dict().items()}


def _crc(array):
    return 0 if array is None else zlib.crc32(np.ascontiguousarray(array))


def _write_checkpoint(path, state):
    torch = import_torch()
    path = Path(path)
    beside = path.with_name(f".{path.name}.part")
    torch.save(state, beside)
    os.replace(beside, path)  # a stop while writing leaves the epoch before


def _read_checkpoint(path, key, network):
    torch = import_torch()
    device = next(network.parameters()).device
    try:
        state = torch.load(path, map_location=device, weights_only=True)
        same = state["key"] == key and state["network"].keys() == network.state_dict().keys()
    except Exception as error:
        raise ValueError(
            f"{path}: expected a checkpoint that train_network wrote ({type(error).__name__}); delete it, or "
            "choose another name."
        ) from None
    if not same:
        raise ValueError(
            f"{path}: this checkpoint is of another training (network, faces, labels or settings differ); "
            "delete it to begin anew, or choose another name."
        )
    return state
