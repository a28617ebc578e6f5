"""The shipped network gives one answer to every form of a face, and any other network what it computes."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.special import softmax

import facesom
from facesom.emotions import model as emotion_model
from facesom.emotions.labelled import EMOTIONS
from facesom.emotions.model import MODEL_PATH, emotion_features, onnx_model, predict_emotions
from facesom.photos import face_network

FER2013 = Path(__file__).parents[2] / "shared" / "data" / "fer2013_48x48.npz"


@pytest.fixture(scope="module")
def faces():
    """Smooth random pictures: no faces, but something to tell apart."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (9, 6, 6)).astype(np.uint8)
    return np.kron(coarse, np.ones((8, 8), np.uint8))


def test_probabilities_of_seven_emotions(faces):
    found = predict_emotions(faces)
    assert found.shape == (9, 7) and found.dtype == np.float64
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert found.min() >= 0 and found.std(axis=0).max() > 0.01
    np.testing.assert_array_equal(predict_emotions(faces), found)
    assert facesom.predict_emotions is predict_emotions
    assert EMOTIONS == ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


def test_a_face_is_the_same_in_every_form(faces):
    found = predict_emotions(faces)
    rgb = np.repeat(faces[..., None], 3, axis=3)
    rgba = np.concatenate([rgb, np.full_like(rgb[..., :1], 9)], axis=3)
    for form in (
        faces / 255,
        (faces / 255).astype(np.float32),
        rgb,
        rgb / 255,
        rgba,
        list(faces),
        faces.tolist(),
    ):
        np.testing.assert_allclose(predict_emotions(form), found, atol=2e-3)
    coloured = np.stack([faces, faces[::-1], 255 - faces[:, ::-1]], axis=3)
    luminance = coloured / 255 @ [0.299, 0.587, 0.114]
    np.testing.assert_allclose(predict_emotions(coloured), predict_emotions(luminance), atol=2e-3)
    large = np.kron(faces, np.ones((3, 3), np.uint8))
    np.testing.assert_allclose(predict_emotions(large), found, atol=2e-3)
    mixed = [faces[0], large[1], rgb[2], faces[3] / 255]
    np.testing.assert_allclose(predict_emotions(mixed), found[:4], atol=2e-3)
    # light and contrast do not count
    np.testing.assert_allclose(predict_emotions(faces / 255 * 0.5 + 0.3), found, atol=2e-3)


def test_a_face_and_its_mirror_image_get_the_same_answer(faces):
    turned = faces[:, :, ::-1]
    np.testing.assert_allclose(predict_emotions(turned), predict_emotions(faces), atol=1e-5)
    large = np.random.default_rng(3).random((4, 90, 70, 3)).astype(np.float32)
    np.testing.assert_allclose(predict_emotions(large[:, :, ::-1]), predict_emotions(large), atol=2e-3)
    plain = onnx_model(MODEL_PATH, output="logits")
    assert np.abs(plain(turned) - plain(faces)).max() > 0.01  # which the network by itself does not do


def test_many_faces_are_each_what_they_are_alone(faces, monkeypatch):
    many = np.tile(faces, (15, 1, 1))
    alone = np.tile(np.concatenate([predict_emotions(face[None]) for face in faces]), (15, 1))
    np.testing.assert_allclose(predict_emotions(many), alone, atol=1e-4)
    monkeypatch.setattr(emotion_model, "AT_ONCE", 4)
    np.testing.assert_allclose(predict_emotions(many), alone, atol=1e-4)


def test_threads_do_not_disturb_each_other(faces):
    alone = np.concatenate([predict_emotions(face[None]) for face in faces])
    with ThreadPoolExecutor(4) as pool:
        for _ in range(3):
            found = np.concatenate(list(pool.map(lambda face: predict_emotions(face[None]), faces)))
            np.testing.assert_allclose(found, alone, atol=1e-5)


def test_features_describe_each_face(faces):
    found = emotion_features(faces)
    assert found.shape == (9, 192) and found.min() >= 0
    assert len(np.unique(found.round(3), axis=0)) == 9


@settings(max_examples=25, deadline=None)
@given(arrays(np.uint8, array_shapes(min_dims=3, max_dims=3, min_side=8, max_side=30)))
def test_any_bytes_get_probabilities(images):
    height, width = images.shape[1:]
    if max(height, width) > 4 * min(height, width):
        return
    found = predict_emotions(images)
    assert np.isfinite(found).all() and found.shape == (len(images), 7)
    np.testing.assert_allclose(found.sum(axis=1), 1)


@settings(max_examples=15, deadline=None)
@given(st.floats(0, 1), st.integers(8, 60))
def test_a_blank_face_tells_nothing(level, side):
    blank = predict_emotions(np.full((1, side, side), level))
    np.testing.assert_allclose(blank, predict_emotions(np.zeros((1, 48, 48), np.uint8)), atol=1e-4)


@pytest.mark.skipif(not FER2013.exists(), reason="FER2013 is not here; it may not be passed on")
def test_it_recognises_emotions_that_it_was_not_trained_on():
    with np.load(FER2013) as data:
        chosen = np.flatnonzero(data["Usage"] == "PrivateTest")[::6]
        images, labels = data["pixels"][chosen], data["emotion"][chosen].astype(int)
    found = predict_emotions(images)
    assert (found.argmax(axis=1) == labels).mean() > 0.62
    assert -np.log(found[np.arange(len(labels)), labels]).mean() < 1.05


@pytest.mark.parametrize(
    "wrong, message",
    [
        (np.zeros((48, 48), np.uint8), r"expected faces \(N, H, W\).*pass faces\[None\]"),
        (np.zeros((48, 48, 3), np.uint8), r"pass faces\[None\]"),
        (np.zeros((2, 3, 48, 48), np.uint8), r"got shape \(2, 3, 48, 48\)"),
        (np.zeros((0, 48, 48), np.uint8), "faces is empty"),
        (np.full((2, 48, 48), 200.0), "divide by 255"),
        ([np.zeros((48, 48), np.uint8), np.zeros((3, 48, 48), np.uint8)], r"faces\[1\]"),
    ],
)
def test_what_are_no_faces_is_said(wrong, message):
    with pytest.raises(facesom.DatasetError, match=message):
        predict_emotions(wrong)


def test_a_damaged_model_is_noticed(tmp_path, monkeypatch):
    content = bytearray(MODEL_PATH.read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "emotions.onnx").write_bytes(content)
    (tmp_path / "emotions.json").write_text(MODEL_PATH.with_suffix(".json").read_text())
    monkeypatch.setattr(emotion_model, "MODEL_PATH", tmp_path / "emotions.onnx")
    emotion_model._shipped.cache_clear()
    try:
        with pytest.raises(facesom.DatasetError, match=r"expected sha256.*damaged"):
            predict_emotions(np.zeros((1, 48, 48), np.uint8))
    finally:
        emotion_model._shipped.cache_clear()


def test_the_model_is_small_and_described():
    assert MODEL_PATH.stat().st_size <= 2.5e6
    assert MODEL_PATH.with_name("README.md").exists()


def linear_network(path, weights, size=8, n_outputs=1):
    """Write an ONNX network that multiplies all pixels of a face by weights (K, C * size * size)."""
    onnx = pytest.importorskip("onnx", reason="writing a network needs the package onnx")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    k, n = weights.shape
    nodes = [helper.make_node("Flatten", ["faces"], ["flat"])]
    outputs = ["logits", "other"][:n_outputs]
    nodes += [helper.make_node("Gemm", ["flat", "weights"], [name], transB=1) for name in outputs]
    graph = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info("faces", kind, ["n", n // size**2, size, size])],
        [helper.make_tensor_value_info(name, kind, ["n", k]) for name in outputs],
        [onnx.numpy_helper.from_array(weights.astype(np.float32), "weights")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    return path


@pytest.fixture
def weights():
    return np.random.default_rng(1).normal(size=(3, 64)) / 8


def test_another_network_gives_what_it_computes(tmp_path, weights):
    path = linear_network(tmp_path / "mine.onnx", weights)
    faces = np.random.default_rng(2).integers(0, 256, (5, 8, 8)).astype(np.uint8)
    flat = faces.reshape(5, -1).astype(float)
    own = (flat - flat.mean(axis=1, keepdims=True)) / flat.std(axis=1, keepdims=True)
    model = onnx_model(path, classes="abc", size=8, temperature=2)
    np.testing.assert_allclose(model(faces), softmax(own @ weights.T / 2, axis=1), atol=1e-5)
    assert repr(model) == "EmotionModel(mine.onnx, 8 × 8 gray: a, b, c)"
    both = onnx_model(path, classes="abc", size=8, mirror=True)
    turned = own.reshape(faces.shape)[:, :, ::-1].reshape(5, -1)
    np.testing.assert_allclose(both(faces), softmax((own + turned) / 2 @ weights.T, axis=1), atol=1e-5)
    fixed = onnx_model(path, classes="abc", size=8, mean=0.4, std=0.2)
    np.testing.assert_allclose(fixed(faces), softmax((flat / 255 - 0.4) / 0.2 @ weights.T, axis=1), atol=1e-5)


def test_a_colour_network_gets_colour(tmp_path):
    weights = np.random.default_rng(1).normal(size=(3, 192)) / 8
    path = linear_network(tmp_path / "rgb.onnx", weights)
    faces = np.random.default_rng(2).integers(0, 256, (5, 8, 8, 3)).astype(np.uint8)
    mean, std = np.array([0.4, 0.5, 0.6]), np.array([0.1, 0.2, 0.3])
    model = onnx_model(path, classes="abc", size=8, channels=3, mean=mean, std=std)
    normal = ((faces / 255 - mean) / std).transpose(0, 3, 1, 2).reshape(5, -1)
    np.testing.assert_allclose(model(faces), softmax(normal @ weights.T, axis=1), atol=1e-4)
    gray = np.repeat(faces[..., :1], 3, axis=3)
    np.testing.assert_allclose(model(faces[..., 0]), model(gray), atol=1e-5)


def test_emotions_come_in_the_order_of_fer2013(tmp_path):
    classes = ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt")
    weights = np.random.default_rng(1).normal(size=(8, 64)) / 8
    path = linear_network(tmp_path / "plus.onnx", weights)
    faces = np.random.default_rng(2).integers(0, 256, (5, 8, 8)).astype(np.uint8)
    logits = (faces / 255).reshape(5, -1) @ weights.T
    model = onnx_model(path, classes=classes, size=8, mean=0, std=1)
    assert model.classes == EMOTIONS
    wanted = softmax(logits[:, [classes.index(name) for name in EMOTIONS]], axis=1)
    np.testing.assert_allclose(model(faces), wanted, atol=1e-5)


def test_what_is_wrong_with_a_network_is_said(tmp_path, weights):
    path = linear_network(tmp_path / "mine.onnx", weights)
    two = linear_network(tmp_path / "two.onnx", weights, n_outputs=2)
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no network" * 20)
    with pytest.raises(facesom.DatasetError, match="expected sha256 00, the file has"):
        onnx_model(path, sha256="00", classes="abc", size=8)
    with pytest.raises(facesom.DatasetError, match="expected an ONNX file that OpenCV reads"):
        onnx_model(broken)
    with pytest.raises(facesom.DatasetError, match="expected an output for each of 7 classes"):
        onnx_model(path, size=8)
    with pytest.raises(facesom.DatasetError, match="does not take 3 × 9 × 9"):
        onnx_model(path, classes="abc", size=9, channels=3)
    with pytest.raises(facesom.DatasetError, match="expected the name of an output, one of"):
        onnx_model(two, classes="abc", size=8)
    assert onnx_model(two, output="other", classes="abc", size=8)
    with pytest.raises(FileNotFoundError):
        onnx_model(tmp_path / "nowhere.onnx")
    for wrong in ({"channels": 2}, {"mean": 0.5}, {"temperature": 0}):
        with pytest.raises(ValueError, match=r"channels|mean, std|temperature"):
            onnx_model(path, classes="abc", size=8, **wrong)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"mean": 0, "std": 0}, "std: expected a number over 0, or 1, got 0"),
        ({"mean": 0, "std": -1}, "std: expected a number over 0"),
        ({"mean": np.nan, "std": 1}, "mean: expected a number, or 1, got nan"),
        ({"mean": 0, "std": np.inf}, "std: expected"),
        ({"mean": [0, 0, 0], "std": [1, 1, 1]}, r"mean: expected a number, or 1, got \[0, 0, 0\]"),
        ({"temperature": np.nan}, "temperature: expected a number over 0"),
        ({"temperature": np.inf}, "temperature"),
        ({"temperature": "1"}, "temperature: expected a number over 0"),
        ({"temperature": True}, "temperature: expected a number over 0"),
        ({"size": 8.5}, "size: expected a whole number"),
        ({"classes": "aba"}, "classes: expected a name of its own for each"),
    ],
)
def test_settings_that_would_give_nan_are_refused(tmp_path, weights, wrong, message):
    path = linear_network(tmp_path / "mine.onnx", weights)
    with pytest.raises(ValueError, match=message):
        onnx_model(path, **{"classes": "abc", "size": 8} | wrong)


def test_a_network_that_gives_nan_is_noticed(tmp_path, weights):
    weights[0, 0] = np.nan
    with pytest.raises(facesom.DatasetError, match="expected finite numbers, the network gives NaN"):
        onnx_model(linear_network(tmp_path / "mine.onnx", weights), classes="abc", size=8)


def test_a_model_is_the_same_in_copies_and_other_processes(tmp_path, weights):
    path = linear_network(tmp_path / "mine.onnx", weights)
    faces = np.random.default_rng(2).integers(0, 256, (5, 8, 8)).astype(np.uint8)
    model = onnx_model(path, classes="abc", size=8)
    path.unlink()  # a copy needs no file
    for same in (copy.deepcopy(model), copy.copy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(same(faces), model(faces))
        assert repr(same) == repr(model)
    parts = joblib.Parallel(2)(joblib.delayed(model)(faces[k : k + 1]) for k in range(5))
    np.testing.assert_allclose(np.concatenate(parts), model(faces), atol=1e-6)


def test_a_wrong_byte_never_ends_the_process(tmp_path):
    content, n_noticed = MODEL_PATH.read_bytes(), 0
    for place, value in ((1860, 186), (1575, 216), (842, 132), (100, 255)):
        wrong = bytearray(content)
        wrong[place] = value
        (tmp_path / "mine.onnx").write_bytes(wrong)
        try:
            onnx_model(tmp_path / "mine.onnx", output="logits")
        except facesom.DatasetError as error:
            n_noticed += "it is damaged" in str(error)
    assert n_noticed, "one of these ends OpenCV 5.0; another version may only refuse them"


@pytest.mark.parametrize("room", ["emotions", "photos"])
def test_both_shipped_networks_are_checked_by_their_hash(tmp_path, monkeypatch, room):
    module, name, used = {
        "emotions": (emotion_model, "MODEL_PATH", emotion_model._shipped),
        "photos": (face_network, "FACE_NETWORK", face_network._networks),
    }[room]
    path = getattr(module, name)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x40
    (tmp_path / path.name).write_bytes(content)
    (tmp_path / path.name).with_suffix(".json").write_text(path.with_suffix(".json").read_text())
    monkeypatch.setattr(module, name, tmp_path / path.name)
    used.cache_clear()
    try:
        with pytest.raises(facesom.DatasetError, match=r"expected sha256.*damaged"):
            used()
    finally:
        used.cache_clear()


def test_the_torch_network_is_the_same_one(faces):
    pytest.importorskip("torch", reason="networks need the extra `deep`")
    from facesom.emotions.network import emotion_network
    from facesom.features.networks import run_network

    network = emotion_network()
    temperature = emotion_model._shipped()._temperature
    logits = sum(run_network(network, view).astype(float) for view in (faces, faces[:, :, ::-1])) / 2
    found = softmax(logits / temperature, axis=1)
    np.testing.assert_allclose(found, predict_emotions(faces), atol=1e-4)
    fresh = [run_network(emotion_network(pretrained=False, seed=seed), faces) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(fresh[0], fresh[1])
    assert np.abs(fresh[0] - fresh[2]).max() > 0.01


def test_epochs_fit_into_a_time(faces):
    torch = pytest.importorskip("torch", reason="networks need the extra `deep`")
    from facesom.emotions import emotion_network, epochs_within

    network = emotion_network()
    before = {name: values.clone() for name, values in network.state_dict().items()}
    labels = np.arange(9) % 7
    options = {"frozen": ("stem", "stage1", "stage2"), "batch_size": 4}
    n_epochs, each = epochs_within(1e6, network, faces, labels, most=7, **options)
    assert n_epochs == 7 and each > 0
    assert epochs_within(0, network, faces, labels, most=7, **options)[0] == 1
    assert all(torch.equal(values, before[name]) for name, values in network.state_dict().items())


def test_weights_are_read_as_onnx_reads_them():
    onnx = pytest.importorskip("onnx", reason="compares with the package onnx")
    from facesom.emotions.network import read_weights

    ours = read_weights(MODEL_PATH.read_bytes())
    theirs = {each.name: onnx.numpy_helper.to_array(each) for each in onnx.load(MODEL_PATH).graph.initializer}
    assert ours.keys() == theirs.keys()
    for name, values in theirs.items():
        np.testing.assert_array_equal(ours[name], values)
