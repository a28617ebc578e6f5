"""Training networks: one loop for classifiers and autoencoders, which resumes, and fine-tuning.

A network trains on the device that it is on: ``network.to("cuda")`` before training uses a GPU.
"""

import copy
import math
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import joblib
import numpy as np
from tqdm.auto import tqdm

from facesom.io import as_array, as_faces, atomic_write, check_whole, one_thread

from .networks import augment_faces, import_torch, run_network, seeded, to_tensor

SMALL = 1e9  # floating-point operations of a step, up to which one thread is faster than several
WARM_UP = 0.05  # share of all steps in which the learning rate rises


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
        best, names = self.best_epoch, ("loss", "validation", "accuracy")
        values = (self.losses[best], self.validation_losses[best], self.validation_accuracies[best])
        shown = ", ".join(f"{n} {v:.3g}" for n, v in zip(names, values, strict=True) if np.isfinite(v))
        return f"TrainingHistory({len(self.losses)} epochs, {self.seconds:.0f} s; epoch {best + 1}: {shown})"


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
    faces, classes = _check_data("targets", images, targets)
    if validation is None:
        held = None
    elif isinstance(validation, (tuple, list)) and len(validation) == (1 if classes is None else 2):
        held = _check_data("validation", *validation)
    else:
        expected = "(images, targets), of an autoencoder (images,)"
        raise ValueError(f"validation: expected {expected}, got another {type(validation).__name__}.")
    check_whole(n_epochs, "n_epochs", 1)
    check_whole(batch_size, "batch_size", 1)
    for name, value, least in (("learning_rate", learning_rate, 1e-99), ("weight_decay", weight_decay, 0)):
        if not least <= value < math.inf:
            raise ValueError(f"{name}: expected a positive number, got {value!r}.")
    learning = [weights for weights in network.parameters() if weights.requires_grad]
    if not learning:
        raise ValueError("network: expected weights to train, got none that require a gradient.")
    small = _work(network, faces, classes) * batch_size <= SMALL
    augment = augment_faces if augment is True else augment or None
    loss = torch.nn.functional.mse_loss if classes is None else torch.nn.functional.cross_entropy
    optimizer = torch.optim.AdamW(learning, lr=learning_rate, weight_decay=weight_decay)
    n_steps, device = math.ceil(len(faces) / batch_size), learning[0].device
    key = [n_epochs, batch_size, learning_rate, weight_decay, seed, augment is not None]
    key.append(joblib.hash((faces, classes)))
    state = {"key": key, "history": [], "seconds": 0.0, "best": None, "best_epoch": n_epochs - 1}
    if checkpoint is not None and Path(checkpoint).exists():
        state = _read_checkpoint(checkpoint, key, network)
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
    begun = len(state["history"])
    bar = tqdm(total=n_epochs * n_steps, initial=begun * n_steps, disable=not progress, unit="batch")
    for epoch in range(begun, n_epochs):
        began, total = perf_counter(), 0.0
        generator = torch.Generator().manual_seed(seed + 1_000_003 * epoch)  # what a resumed one has, too
        order = torch.randperm(len(faces), generator=generator).numpy()
        _training_mode(network)
        with one_thread(small), seeded(seed + 1_000_003 * epoch):
            for step, chosen in enumerate(np.array_split(order, n_steps)):
                done = (epoch + (step + 0.5) / n_steps) / n_epochs
                falling = 0.5 + 0.5 * math.cos(math.pi * (done - WARM_UP) / (1 - WARM_UP))
                optimizer.param_groups[0]["lr"] = learning_rate * min(done / WARM_UP, falling)
                shown = to_tensor(faces[chosen])
                shown = (shown if augment is None else augment(shown, generator)).to(device)
                wanted = shown if classes is None else torch.from_numpy(classes[chosen]).to(device)
                value = loss(network(shown), wanted)
                optimizer.zero_grad()
                value.backward()
                optimizer.step()
                total += value.item() * len(chosen)
                bar.update()
            row = [total / len(faces), *_validate(network, held, loss)]
        if not math.isfinite(row[0]):
            raise ValueError(f"the loss is {row[0]}; lower the learning_rate, {learning_rate:g}.")
        bar.set_postfix_str(f"loss {row[0]:.3f}" + f", validation loss {row[1]:.3f}" * (held is not None))
        state["history"].append(row)
        if held is not None and row[1] <= min(past[1] for past in state["history"]):
            state |= {"best": copy.deepcopy(network.state_dict()), "best_epoch": epoch}
        state["seconds"] += perf_counter() - began
        if checkpoint is not None:
            state |= {"network": network.state_dict(), "optimizer": optimizer.state_dict()}
            with atomic_write(checkpoint, "wb") as file:  # a stop while writing leaves the epoch before
                torch.save(state, file)
    bar.close()
    if held is not None:
        network.load_state_dict(state["best"])
    network.eval()
    return TrainingHistory(*np.array(state["history"]).T, state["best_epoch"], state["seconds"])


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
        check_whole(n_classes, "n_classes", 1)
        linear = [name for name, part in tuned.named_modules() if isinstance(part, torch.nn.Linear)]
        if not linear:
            raise ValueError("network: expected a last linear layer to replace; leave n_classes out.")
        last = tuned.get_submodule(linear[-1])
        if last.out_features != n_classes:
            with seeded(seed):
                tuned.set_submodule(linear[-1], torch.nn.Linear(last.in_features, n_classes).to(last.weight))
    for name in frozen:
        tuned.get_submodule(name).requires_grad_(False)
    history = train_network(tuned, images, labels, learning_rate=learning_rate, seed=seed, **options)
    return tuned.requires_grad_(True), history


def _check_data(name, images, targets=None):
    """Return faces (N, H, W[, 3]) and classes (N,) of int64, or None where faces are their own target."""
    faces = as_faces(images, leading=1)
    if targets is None or targets is images:
        return faces, None
    targets = as_array(targets, "targets")
    if targets.shape != (len(faces),) or targets.dtype.kind not in "iu" or targets.min() < 0:
        expected = f"a class from 0 up for each of {len(faces)} faces"
        cure = "one-hot rows become classes by .argmax(axis=1), names by np.unique"
        got = f"{targets.dtype} of shape {targets.shape}"
        raise ValueError(f"{name}: expected {expected}, got {got}; {cure}.")
    return faces, targets.astype(np.int64)


def _work(network, faces, classes):
    """Floating-point operations that one face takes, or `ValueError` where the network does not take it."""
    from torch.utils.flop_counter import FlopCounterMode

    try:
        with FlopCounterMode(display=False) as counter:
            outputs = run_network(network, faces[:1])
    except RuntimeError as error:
        why = f"the network does not take faces of shape {faces.shape[1:]} ({error!s:.80})"
        raise ValueError(f"images: {why}; expected those that it was made for.") from None
    if classes is not None and outputs.shape[1:] <= (int(classes.max()),):
        known = f"from 0 to {outputs.shape[-1] - 1}, as the network knows them, got up to {classes.max()}"
        raise ValueError(f"targets: expected classes {known}; make it with more n_classes.")
    return counter.get_total_flops()


def _training_mode(network):
    """Set training mode, except in frozen parts: their batch statistics must not move either."""
    network.train()
    for part in network.modules():
        learns = [weights.requires_grad for weights in part.parameters()]
        if learns and not any(learns):
            part.eval()


def _validate(network, held, loss):
    """Loss and accuracy on held-out faces; NaN where there are none."""
    if held is None:
        return math.nan, math.nan
    torch, (faces, classes) = import_torch(), held
    outputs = torch.from_numpy(run_network(network, faces))
    wanted = to_tensor(faces) if classes is None else torch.from_numpy(classes)
    right = math.nan if classes is None else (outputs.argmax(dim=1) == wanted).double().mean()
    return float(loss(outputs, wanted)), float(right)


def _read_checkpoint(path, key, network):
    device = next(network.parameters()).device
    with suppress(Exception):  # whatever torch raises of other files
        state = import_torch().load(path, map_location=device, weights_only=True)
        if state["key"] == key and state["network"].keys() == network.state_dict().keys():
            return state
    other = "this is of another training, or none: delete it to begin anew, or choose another name"
    raise ValueError(f"{path}: expected a checkpoint that train_network wrote; {other}.")
