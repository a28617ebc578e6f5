"""Networks learn what can be learned, resume to the bit, leave frozen parts and the global state alone."""

import math

import numpy as np
import pytest

from facesom.features import (
    TrainingHistory,
    augment_faces,
    fine_tune,
    run_network,
    three_block_cnn,
    to_tensor,
    train_network,
    training,
)

torch = pytest.importorskip("torch", reason="networks need the extra `deep`")

QUIET = {"progress": False}


def bars(n=60, seed=0, size=16, n_classes=3):
    """Faces of a kind: a bright bar on noise, across, upright or absent."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % n_classes
    images = rng.integers(0, 60, (n, size, size)).astype(np.uint8)
    for image, label, place in zip(images, labels, rng.integers(5, 11, n), strict=True):
        if label == 0:
            image[place - 1 : place + 2] = 230
        elif label == 1:
            image[:, place - 1 : place + 2] = 230
    return images, labels


@pytest.fixture(scope="module")
def trained():
    network = three_block_cnn(3, 16, width=8)
    history = train_network(
        network, *bars(), n_epochs=25, batch_size=16, learning_rate=5e-3, validation=bars(30, 1), **QUIET
    )
    return network, history


def weights(network):
    return {name: values.detach().numpy().copy() for name, values in network.state_dict().items()}


def assert_same(one, other):
    for name, values in weights(one).items():
        np.testing.assert_array_equal(values, weights(other)[name], err_msg=name)


def test_it_learns_what_tells_classes_apart(trained):
    network, history = trained
    images, labels = bars(90, seed=2)
    assert (run_network(network, images).argmax(axis=1) == labels).mean() > 0.95
    assert len(history.losses) == 25 and history.losses[-1] < 0.5 * history.losses[0]
    assert history.best_epoch == history.validation_losses.argmin()
    assert repr(history).startswith("TrainingHistory(25 epochs, ")
    assert f"; epoch {history.best_epoch + 1}: loss" in repr(history), "counted as in the plot"


def test_the_best_epoch_is_what_one_gets(trained):
    network, history = trained
    images, labels = bars(30, 1)
    logits = torch.from_numpy(run_network(network, images))
    loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(labels)).item()
    assert loss == pytest.approx(history.validation_losses[history.best_epoch], rel=1e-4)


def test_light_and_contrast_do_not_count(trained):
    images = bars(12)[0]
    darker = images / 255 * 0.5 + 0.1
    np.testing.assert_allclose(run_network(trained[0], darker), run_network(trained[0], images), atol=0.1)


def test_same_seed_same_network_and_global_state_stays():
    images, labels = bars(20)
    before = torch.get_rng_state()
    first, second, third = (three_block_cnn(3, 16, width=4, seed=seed) for seed in (1, 1, 2))
    assert_same(first, second)
    assert not np.array_equal(weights(first)["head.4.weight"], weights(third)["head.4.weight"])
    options = {"n_epochs": 2, "batch_size": 8, "augment": True, **QUIET}
    histories = [train_network(network, images, labels, seed=5, **options) for network in (first, second)]
    assert_same(first, second)
    np.testing.assert_array_equal(histories[0].losses, histories[1].losses)
    assert torch.equal(torch.get_rng_state(), before), "the global generator must be left alone"
    other = three_block_cnn(3, 16, width=4, seed=1)
    train_network(other, images, labels, seed=6, **options)
    assert not np.array_equal(weights(first)["head.4.weight"], weights(other)["head.4.weight"])


def test_a_stopped_training_ends_as_if_it_had_not_stopped(tmp_path):
    images, labels = bars(20)
    options = {"n_epochs": 4, "batch_size": 8, "augment": True, "validation": bars(9, 1), **QUIET}
    through, stopped, resumed = (three_block_cnn(3, 16, width=4, seed=1) for _ in range(3))
    history = train_network(through, images, labels, **options)
    epochs = []

    def stop_in_the_third(faces, generator):
        epochs.append(generator.initial_seed())
        if len(set(epochs)) == 3:
            raise KeyboardInterrupt
        return augment_faces(faces, generator)

    with pytest.raises(KeyboardInterrupt):
        changed = options | {"augment": stop_in_the_third}
        train_network(stopped, images, labels, checkpoint=tmp_path / "a.pt", **changed)
    again = train_network(resumed, images, labels, checkpoint=tmp_path / "a.pt", **options)
    assert_same(through, resumed)
    np.testing.assert_array_equal(again.losses, history.losses)
    np.testing.assert_array_equal(again.validation_losses, history.validation_losses)
    assert again.best_epoch == history.best_epoch
    # a finished one is read, not trained again
    done = three_block_cnn(3, 16, width=4)
    train_network(done, images, labels, checkpoint=tmp_path / "a.pt", **options)
    assert_same(through, done)
    assert [path.name for path in tmp_path.iterdir()] == ["a.pt"]


def test_every_epoch_has_an_order_and_changes_of_its_own():
    images, labels = bars(12)
    seen = []

    def look(faces, generator):
        seen.append((faces.sum(dim=(1, 2, 3)), torch.rand(1, generator=generator)))
        return faces

    train_network(three_block_cnn(3, 16, width=4), images, labels, n_epochs=2, augment=look, **QUIET)
    (first, drawn), (second, others) = seen
    assert not torch.equal(first, second) and torch.equal(first.sort().values, second.sort().values)
    assert drawn != others


def test_a_checkpoint_of_something_else_is_refused_and_kept(tmp_path):
    images, labels = bars(12)
    options = {"n_epochs": 1, "checkpoint": tmp_path / "a.pt", **QUIET}
    train_network(three_block_cnn(3, 16, width=4), images, labels, **options)
    with pytest.raises(ValueError, match="another training"):
        train_network(three_block_cnn(3, 16, width=4), images, labels, seed=1, **options)
    with pytest.raises(ValueError, match="another training"):
        train_network(three_block_cnn(3, 16, width=4), images, labels[::-1], **options)
    mine = tmp_path / "notes.txt"
    mine.write_text("mine")
    with pytest.raises(ValueError, match=r"notes\.txt: expected a checkpoint"):
        train_network(three_block_cnn(3, 16, width=4), images, labels, n_epochs=1, checkpoint=mine, **QUIET)
    assert mine.read_text() == "mine"


def test_an_autoencoder_learns_to_give_back_what_it_sees():
    images = bars(40)[0]
    nn = torch.nn
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Conv2d(1, 8, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(512, 24))
    decoder = nn.Sequential(nn.Linear(24, 256), nn.Unflatten(1, (1, 16, 16)))
    network = nn.Sequential(encoder, decoder)
    options = {"n_epochs": 40, "batch_size": 8, "learning_rate": 3e-3}
    history = train_network(network, images, images, validation=(images[:9],), **options, **QUIET)
    given_back = run_network(network, images)[:, 0]
    assert ((given_back - images / 255) ** 2).mean() < 0.25 * (images / 255).var()
    assert np.isnan(history.validation_accuracies).all() and np.isfinite(history.validation_losses).all()


def test_augmentation_does_what_it_says():
    faces = to_tensor(bars(8)[0])
    same = augment_faces(faces, flip=False, shift=0, degrees=0, zoom=0)
    torch.testing.assert_close(same, faces, atol=1e-5, rtol=0)
    generator = torch.Generator().manual_seed(0)
    mirrored = augment_faces(faces, generator, shift=0, degrees=0, zoom=0)
    flipped = [torch.allclose(a, b.flip(-1), atol=1e-5) for a, b in zip(mirrored, faces, strict=True)]
    kept = [torch.allclose(a, b, atol=1e-5) for a, b in zip(mirrored, faces, strict=True)]
    assert all(f or k for f, k in zip(flipped, kept, strict=True)) and any(flipped) and any(kept)
    spot = torch.zeros(400, 1, 41, 41)
    spot[:, :, 20, 20] = 1
    moved = augment_faces(spot, generator, flip=False, shift=0.1, degrees=0, zoom=0)
    places = moved.flatten(1).argmax(dim=1)
    shifts = torch.stack([places // 41, places % 41]) - 20
    assert shifts.abs().max() <= math.ceil(0.1 * 41) and shifts.min() <= -3 and shifts.max() >= 3
    bright = augment_faces(torch.ones(5, 3, 20, 20), generator)
    torch.testing.assert_close(bright, torch.ones(5, 3, 20, 20))


def test_tensors_of_gray_and_colour():
    assert to_tensor(np.full((2, 9, 8), 255, np.uint8)).shape == (2, 1, 9, 8)
    tensor = to_tensor(np.full((2, 9, 8, 3), 51, np.uint8))
    assert tensor.shape == (2, 3, 9, 8) and tensor.dtype == torch.float32
    np.testing.assert_allclose(tensor, 0.2)


def test_frozen_parts_stay_and_the_network_given_too(trained):
    network, before = trained[0], weights(trained[0])
    images, labels = bars(20, 3)
    tuned, history = fine_tune(network, images, 2 - labels, n_epochs=3, learning_rate=1e-2, **QUIET)
    assert isinstance(history, TrainingHistory)
    after = weights(tuned)
    for name, values in before.items():
        np.testing.assert_array_equal(weights(network)[name], values)
        assert np.array_equal(after[name], values) == (not name.startswith("head")), name
    assert all(w.requires_grad for w in tuned.parameters())
    free = fine_tune(network, images, labels, frozen=("block1",), n_epochs=1, **QUIET)[0]
    assert np.array_equal(weights(free)["block1.0.weight"], before["block1.0.weight"])
    assert not np.array_equal(weights(free)["block2.0.weight"], before["block2.0.weight"])


def test_a_new_head_for_other_classes(trained):
    images, labels = bars(40, 4)
    tuned, _ = fine_tune(
        trained[0], images, labels // 2, n_classes=2, n_epochs=30, learning_rate=1e-2, **QUIET
    )
    outputs = run_network(tuned, images)
    assert outputs.shape == (40, 2)
    assert (outputs.argmax(axis=1) == labels // 2).mean() > 0.9


def test_outputs_do_not_depend_on_the_batch(trained):
    images = bars(30)[0]
    together, apart = (run_network(trained[0], images, batch_size=n) for n in (30, 7))
    np.testing.assert_allclose(together, apart, atol=1e-5)


IMAGES, LABELS = bars(12)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"images": IMAGES[0]}, r"expected faces \(N, H, W\).*pass images\[None\]"),
        ({"targets": LABELS[:5]}, "expected a class from 0 up for each of 12 faces"),
        ({"targets": np.eye(3)[LABELS]}, "one-hot rows become classes"),
        ({"targets": np.array(list("abc") * 4)}, "np.unique"),
        ({"targets": LABELS - 1}, "a class from 0 up"),
        ({"targets": LABELS + 1}, "classes from 0 to 2.*got up to 3"),
        ({"n_epochs": 0}, "n_epochs: expected a whole number of at least 1, got 0"),
        ({"batch_size": 2.5}, "batch_size: expected a whole number"),
        ({"learning_rate": 0}, "learning_rate: expected a positive number, got 0"),
        ({"weight_decay": -1}, "weight_decay: expected a positive number"),
        ({"validation": IMAGES}, r"validation: expected \(images, targets\)"),
        ({"validation": (IMAGES,)}, r"validation: expected \(images, targets\).* got another tuple"),
        ({"images": np.repeat(IMAGES, 2, axis=1)}, r"does not take faces of shape \(32, 16\)"),
        ({"learning_rate": 1e20}, "lower the learning_rate"),
    ],
)
def test_what_is_wrong_is_said(change, message):
    given = {"images": IMAGES, "targets": LABELS, "n_epochs": 2, **QUIET, **change}
    network = three_block_cnn(3, 16, width=4)
    with pytest.raises(ValueError, match=message):
        train_network(network, given.pop("images"), given.pop("targets"), **given)


def test_what_is_wrong_with_a_network_is_said(trained):
    with pytest.raises(ValueError, match="size: expected a whole number of at least 8, got 4"):
        three_block_cnn(3, 4)
    with pytest.raises(ValueError, match=r"frozen: expected a tuple of some of \['standardise'"):
        fine_tune(trained[0], IMAGES, LABELS, frozen=("block9",), **QUIET)
    with pytest.raises(ValueError, match="frozen: expected a tuple"):
        fine_tune(trained[0], IMAGES, LABELS, frozen="block1", **QUIET)
    with pytest.raises(ValueError, match="last linear layer to replace"):
        fine_tune(torch.nn.Sequential(torch.nn.Conv2d(1, 3, 16)), IMAGES, LABELS, n_classes=2, **QUIET)
    with pytest.raises(ValueError, match="none that require a gradient"):
        frozen = three_block_cnn(3, 16, width=4).requires_grad_(False)
        train_network(frozen, IMAGES, LABELS, **QUIET)


def test_without_torch_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(ImportError, match="pip install torch"):
        three_block_cnn()


def test_small_networks_train_in_one_thread_and_large_ones_in_all(monkeypatch):
    seen, before = [], torch.get_num_threads()
    torch.set_num_threads(2)

    def look(faces, generator):
        seen.append(torch.get_num_threads())
        return faces

    for small in (1e12, 0):
        monkeypatch.setattr(training, "SMALL", small)
        network = three_block_cnn(3, 16, width=4)
        train_network(network, IMAGES, LABELS, n_epochs=1, augment=look, **QUIET)
    assert seen == [1, 2] and torch.get_num_threads() == 2, "and afterwards all is as it was"
    torch.set_num_threads(before)
