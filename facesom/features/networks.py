"""Neural networks for faces: two architectures, faces as tensors, augmentation, and running a network.

PyTorch is imported when a function needs it: ``pip install torch``.
"""

import math
from collections import OrderedDict
from contextlib import contextmanager
from itertools import pairwise

import numpy as np

from facesom.io import as_faces, check_whole, is_colour, on_ground


def import_torch():
    """Return the module torch, or raise an `ImportError` that says how to install it."""
    try:
        import torch
    except ModuleNotFoundError as error:
        raise ImportError("networks need PyTorch, which is missing: pip install torch") from error
    return torch


@contextmanager
def seeded(seed):
    """PyTorch with its generators set to `seed`, and as they were afterwards."""
    torch = import_torch()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield torch


def to_tensor(images):
    """Bring faces into the form that networks take.

    Parameters
    ----------
    images : array_like, shape (N, H, W), (N, H, W, 3) or (N, H, W, 4)
        uint8 in 0..255 or float in [0, 1]; RGBA is laid on a ground by `facesom.io.on_ground`.

    Returns
    -------
    torch.Tensor, float32, shape (N, 1, H, W) or (N, 3, H, W)
        In [0, 1].
    """
    faces = on_ground(as_faces(images, leading=1))
    tensor = import_torch().from_numpy(np.ascontiguousarray(faces))
    tensor = tensor.permute(0, 3, 1, 2) if is_colour(faces) else tensor[:, None]
    return tensor.float() / (255 if faces.dtype == np.uint8 else 1)


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
    for name, value in (("n_classes", n_classes), ("channels", channels), ("width", width)):
        check_whole(value, name, 1)
    check_whole(size, "size", 8)
    with seeded(seed) as torch:
        nn = torch.nn

        def convolve(ins, outs):
            return nn.Conv2d(ins, outs, 3, padding=1, bias=False), nn.BatchNorm2d(outs), nn.ReLU()

        widths = [channels, width, 2 * width, 4 * width]
        parts = OrderedDict(standardise=nn.GroupNorm(1, channels, affine=False))
        for k, (ins, outs) in enumerate(pairwise(widths), start=1):
            layers = *convolve(ins, outs), *convolve(outs, outs), nn.MaxPool2d(2), nn.Dropout(0.25)
            parts[f"block{k}"] = nn.Sequential(*layers)
        dense = nn.Linear(widths[3] * (size // 8) ** 2, 128), nn.ReLU(), nn.Dropout(0.5)
        parts["head"] = nn.Sequential(nn.Flatten(), *dense, nn.Linear(128, n_classes))
    return nn.Sequential(parts)


def convolutional_autoencoder(n_components=16, size=32, *, width=16, seed=0):
    """An autoencoder of three strided convolutions down to a few numbers, and three up again.

    Parameters
    ----------
    n_components : int, default 16
        Numbers in the middle.
    size : int, default 32
        Height and width of the gray faces in pixels, a multiple of 8.
    width : int, default 16
        Channels of the first convolution; each further one has twice as many.
    seed : int, default 0
        Of the first weights.

    Returns
    -------
    torch.nn.Sequential
        Parts ``encoder``, (N, 1, size, size) to (N, n_components), and ``decoder``, back.

    Notes
    -----
    Hinton and Salakhutdinov (2006); convolutional: Masci et al. (2011).
    """
    with seeded(seed) as torch:
        nn, side = torch.nn, size // 8
        down, up = [], []
        for outer, inner in pairwise([1, width, 2 * width, 4 * width]):
            down += [nn.Conv2d(outer, inner, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
            up = [nn.LeakyReLU(0.2), nn.ConvTranspose2d(inner, outer, 4, stride=2, padding=1), *up]
        flat = 4 * width * side**2
        encoder = nn.Sequential(*down, nn.Flatten(), nn.Linear(flat, n_components))
        decoder = nn.Sequential(nn.Linear(n_components, flat), nn.Unflatten(1, (4 * width, side, side)), *up)
        # PyTorch's own start lets small differences fade from layer to layer
        for layer in (layer for layer in (*encoder, *decoder) if hasattr(layer, "weight")):
            nn.init.kaiming_normal_(layer.weight, 0.2)
            nn.init.zeros_(layer.bias)
        nn.init.zeros_(decoder[-1].weight)
        nn.init.constant_(decoder[-1].bias, 0.5)  # middle gray, where `ConvAutoencoder` has the mean face
    return nn.Sequential(OrderedDict(encoder=encoder, decoder=decoder))


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
    torch, faces = import_torch(), as_faces(images, leading=1)
    device, was_training = next(network.parameters()).device, network.training
    network.eval()
    with torch.no_grad():
        batches = (faces[k : k + batch_size] for k in range(0, len(faces), batch_size))
        outputs = [network(to_tensor(batch).to(device)).cpu().numpy() for batch in batches]
    network.train(was_training)
    return np.concatenate(outputs)
