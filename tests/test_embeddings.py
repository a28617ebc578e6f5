"""Networks as transformers: they learn, repeat themselves, and say what they cannot take."""

import builtins
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from facesom.features.embeddings import CNNEmbedding, ConvAutoencoder

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
torch.set_num_threads(1)

AUTOENCODER = ConvAutoencoder(8, size=16, width=8, n_epochs=40, batch_size=16, learning_rate=5e-3)
CNN = CNNEmbedding(size=16, width=4, n_epochs=12, batch_size=16, learning_rate=5e-3)
BOTH = pytest.mark.parametrize("transformer", [AUTOENCODER, CNN], ids=["autoencoder", "CNN"])


@pytest.fixture(scope="module")
def shapes():
    """Gray squares and discs of several places and sizes, (2, 80, 24, 24), and which is which (2, 80)."""
    rng = np.random.default_rng(0)
    kinds = rng.integers(0, 2, (2, 80))
    y, x = np.mgrid[:24, :24]
    images = np.ones((2, 80, 24, 24), np.float32)
    for place in np.ndindex(2, 80):
        down, right, radius = *rng.uniform(9, 14, 2), rng.uniform(4, 7)
        away = np.maximum(abs(y - down), abs(x - right)) if kinds[place] else abs(y - down) + abs(x - right)
        images[place][away < radius] = 0.2
    return images, kinds


@pytest.fixture(scope="module")
def trained(shapes):
    return clone(AUTOENCODER).fit(shapes[0]), clone(CNN).fit(*shapes)


def test_the_autoencoder_redraws_faces_better_than_their_mean(shapes, trained):
    images, autoencoder = shapes[0].reshape(-1, 24, 24), trained[0]
    numbers = autoencoder.transform(images)
    again = autoencoder.inverse_transform(numbers)
    assert numbers.shape == (160, 8) and again.shape == images.shape
    assert again.min() >= 0 and again.max() <= 1
    error, blind = ((again - images) ** 2).mean(), ((images.mean(axis=0) - images) ** 2).mean()
    assert error < 0.6 * blind
    np.testing.assert_array_equal(autoencoder.picture(images), again)
    assert len(autoencoder.history_.losses) == 40


def test_the_cnn_tells_new_images_apart(shapes, trained):
    rng = np.random.default_rng(1)
    images, kinds = shapes
    shifted = np.roll(images, rng.integers(-1, 2, 2), axis=(2, 3))
    cnn = trained[1]
    assert cnn.score(shifted, kinds.ravel()) > 0.85
    assert cnn.predict_proba(images).shape == (160, 2)
    np.testing.assert_allclose(cnn.predict_proba(images).sum(axis=1), 1, rtol=1e-5)
    rows = cnn.transform(images)
    assert rows.shape == (160, 128) and rows.min() >= 0, "behind a ReLU"
    last = cnn.network_.head[-1]
    logits = rows @ last.weight.detach().numpy().T + last.bias.detach().numpy()
    np.testing.assert_array_equal(cnn.classes_[logits.argmax(axis=1)], cnn.predict(images))


def test_faces_of_another_size_are_brought_to_that_of_the_network(shapes, trained):
    large = shapes[0][0].repeat(2, axis=1).repeat(2, axis=2)
    for network in trained:
        np.testing.assert_allclose(network.transform(large), network.transform(shapes[0][0]), atol=0.5)
    assert (trained[1].predict(large) == trained[1].predict(shapes[0][0])).mean() > 0.9


def test_labels_can_be_names(shapes):
    names = np.array(["disc", "square"])[shapes[1]]
    cnn = clone(CNN).set_params(n_epochs=2).fit(shapes[0], names)
    assert cnn.classes_.tolist() == ["disc", "square"] and set(cnn.predict(shapes[0])) <= {"disc", "square"}


@BOTH
def test_same_seed_same_rows_other_seed_others(transformer, shapes):
    few = clone(transformer).set_params(n_epochs=2)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    rows = few.fit(*shapes).transform(shapes[0])
    assert torch.equal(torch.get_rng_state(), before), "the global generator is left alone"
    torch.manual_seed(2)
    np.testing.assert_array_equal(rows, clone(few).fit(*shapes).transform(shapes[0]))
    other = clone(few).set_params(seed=1).fit(*shapes).transform(shapes[0])
    assert np.abs(rows - other).max() > 1e-3


@BOTH
def test_names_and_pipelines(transformer, shapes):
    pipeline = make_pipeline(clone(transformer).set_params(n_epochs=1), StandardScaler())
    rows = pipeline.fit_transform(shapes[0], shapes[1].ravel())
    names = pipeline.get_feature_names_out()
    assert rows.shape == (160, len(names)) and names[0] in ("convautoencoder0", "cnnembedding0")
    again = pickle.loads(pickle.dumps(pipeline))
    np.testing.assert_array_equal(again.transform(shapes[0]), rows)


def test_what_the_networks_say_of_bad_input(shapes):
    images, kinds = shapes
    with pytest.raises(ValueError, match="a label for each of 160 faces, of two classes, got none"):
        clone(CNN).fit(images)
    with pytest.raises(ValueError, match=r"a label for each of 160 faces.*got shape \(80,\)"):
        clone(CNN).fit(images, kinds[0])
    with pytest.raises(ValueError, match=r"1 class\(es\)"):
        clone(CNN).fit(images, np.zeros(160))
    with pytest.raises(ValueError, match="size: expected a multiple of 8 from 16 up, got 20"):
        clone(AUTOENCODER).set_params(size=20).fit(images)
    with pytest.raises(ValueError, match="n_components: expected a whole number from 1 up, got 0"):
        clone(AUTOENCODER).set_params(n_components=0).fit(images)
    with pytest.raises(ValueError, match="not fitted yet"):
        clone(AUTOENCODER).inverse_transform(np.zeros((1, 8)))


@BOTH
def test_without_torch_the_message_says_what_to_install(transformer, shapes, monkeypatch):
    real = builtins.__import__

    def no_torch(name, *rest):
        if name.split(".")[0] == "torch":
            raise ModuleNotFoundError("No module named 'torch'")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", no_torch)
    with pytest.raises(ImportError, match="pip install torch"):
        clone(transformer).fit(*shapes)
