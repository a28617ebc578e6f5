"""Photos are read as people see them, faces are found where they are, and crops are cut there."""

import io
import warnings
from pathlib import Path
from types import SimpleNamespace

import cv2
import joblib
import numpy as np
import pytest
import skimage.data
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import facesom
from facesom.io import images
from facesom.photos import detectors
from facesom.photos.faces import crop_faces, find_faces, match_boxes, read_photo

SHARED = Path(__file__).parents[2] / "shared" / "data"
PEOPLE = {
    "multi_face.jpg": [
        (205, 60, 110, 110),
        (310, 240, 110, 110),
        (432, 215, 90, 90),
        (525, 315, 110, 110),
        (682, 300, 115, 115),
    ],
    "two_people.jpg": [(230, 50, 165, 165), (790, 70, 160, 160)],
}


def corners(side=64):
    """A picture whose four corners tell how it was turned: red, green, blue, white."""
    picture = np.zeros((side, 2 * side, 3), np.uint8)
    half = side // 2
    picture[:half, :side], picture[:half, side:] = (250, 0, 0), (0, 250, 0)
    picture[half:, :side], picture[half:, side:] = (0, 0, 250), (250, 250, 250)
    return picture


def written(path, image, **how):
    image.save(path, **how)
    return path


# reading


def test_a_photo_comes_back_as_it_is(tmp_path):
    path = written(tmp_path / "a.png", Image.fromarray(corners()))
    np.testing.assert_array_equal(read_photo(path), corners())
    assert read_photo(str(path)).dtype == np.uint8


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_camera_does_not_turn_the_photo(tmp_path, orientation):
    turned = {1: lambda a: a, 2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud}
    turned |= {5: lambda a: a.swapaxes(0, 1), 6: np.rot90, 7: lambda a: np.rot90(a.swapaxes(0, 1), 2)}
    turned |= {8: lambda a: np.rot90(a, -1)}
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(turned[orientation](corners())))
    path = written(tmp_path / "a.jpg", stored, exif=exif, quality=98, subsampling=0)
    assert np.abs(read_photo(path).astype(int) - corners()).mean() < 4


def test_cmyk_gray_palette_and_sixteen_bits_become_rgb(tmp_path):
    rgb = Image.fromarray(corners())
    cmyk = read_photo(written(tmp_path / "a.jpg", rgb.convert("CMYK"), quality=98))
    assert np.abs(cmyk.astype(int) - corners()).mean() < 12
    palette = read_photo(written(tmp_path / "p.png", rgb.convert("P", palette=Image.Palette.ADAPTIVE)))
    assert np.abs(palette.astype(int) - corners()).max() < 8
    gray = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64) * 16
    deep = read_photo(written(tmp_path / "g.png", Image.fromarray(gray)))
    np.testing.assert_allclose(deep, np.repeat(gray[..., None] / 257, 3, axis=2), atol=1)
    exact = read_photo(
        written(
            tmp_path / "f.tif", Image.fromarray(np.linspace(0, 1, 4096, dtype=np.float32).reshape(64, 64))
        )
    )
    assert exact.min() == 0 and exact.max() == 255


@pytest.mark.parametrize(("ink", "ground"), [(10, 255), (245, 0)])
def test_a_drawing_on_transparent_ground_is_seen_whether_dark_or_light(tmp_path, ink, ground):
    picture = np.full((64, 128, 4), ink, np.uint8)
    picture[..., 3] = 255
    picture[:, :64, 3] = 0
    photo = read_photo(written(tmp_path / "a.png", Image.fromarray(picture)))
    assert (photo[:, :64] == ground).all() and (photo[:, 64:] == ink).all()


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_a_huge_photo_is_scaled_with_a_note(tmp_path, suffix):
    path = written(tmp_path / f"a.{suffix}", Image.fromarray(corners(1200)))
    with pytest.warns(UserWarning, match=r"2400 × 1200 pixels, scaled to 1000 × 500.*max_side"):
        photo = read_photo(path, max_side=1000)
    assert photo.shape == (500, 1000, 3)
    assert photo[10, 10].tolist() == pytest.approx([250, 0, 0], abs=6)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_photo(path, max_side=2400).shape == (1200, 2400, 3)


def test_what_is_no_photo_is_said(tmp_path):
    said = {
        "empty.jpg": (b"", "file is empty"),
        "text.png": (b"hello, this is no picture", "expected JPEG, PNG"),
        "page.jpg": (b"<!DOCTYPE html><html>", "web page or SVG"),
        "doc.jpg": (b"%PDF-1.7 ...........", "it is a PDF"),
        "phone.heic": (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00", "HEIC or AVIF photo: export it as JPEG"),
        "film.jpg": (b"\x00\x00\x00\x18ftypisom\x00\x00\x00\x00", "looks like a video"),
    }
    for name, (content, what) in said.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(facesom.DatasetError, match=what):
            read_photo(tmp_path / name)
    with pytest.raises(facesom.DatasetError, match="is a folder; expected one photo"):
        read_photo(tmp_path)
    with pytest.raises(OSError):
        read_photo(tmp_path / "nowhere.jpg")


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_a_cut_off_photo_is_said(tmp_path, suffix):
    path = written(tmp_path / f"a.{suffix}", Image.fromarray(skimage.data.astronaut()))
    path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(facesom.DatasetError, match="is damaged"):
        read_photo(path)


def test_an_absurd_size_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    path = written(tmp_path / "a.png", Image.fromarray(corners()))
    monkeypatch.setattr(images, "LARGEST", 1000)
    with pytest.raises(facesom.DatasetError, match="64 pixels, past the limit"):
        read_photo(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)  # Pillow's own refusal, of twice that
    with pytest.raises(facesom.DatasetError, match="pixels"):
        read_photo(path)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_bytes_raise_nothing_else(tmp_path, data):
    kind = data.draw(st.sampled_from(["JPEG", "PNG", "GIF", "TIFF", "WEBP"]))
    buffer = io.BytesIO()
    Image.fromarray(corners()).save(buffer, kind)
    content = bytearray(buffer.getvalue())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=12)):
        content[place] = data.draw(st.integers(0, 255))
    path = tmp_path / "a"
    path.write_bytes(bytes(content[: data.draw(st.integers(1, len(content)))]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            photo = read_photo(path)
        except facesom.DatasetError:
            return
    assert photo.dtype == np.uint8 and photo.ndim == 3 and photo.shape[2] == 3


# finding


def overlap_of_all(found, true):
    return (match_boxes(found, true, 0.3) >= 0).all() and len(found) == len(true)


def test_the_astronaut_is_found_and_nothing_else():
    boxes = find_faces(skimage.data.astronaut())
    assert boxes.dtype.kind == "i" and boxes.shape == (1, 4)
    assert overlap_of_all(boxes, [(177, 70, 95, 95)])


@pytest.mark.parametrize("name", PEOPLE)
def test_everybody_in_a_group_photo_is_found_and_nothing_else(name):
    path = SHARED / "group_photos" / name
    if not path.exists():
        pytest.skip("the shared photos are missing")
    assert overlap_of_all(find_faces(read_photo(path)), PEOPLE[name])


@pytest.mark.parametrize("name", ["cat", "coffee", "coins", "page", "moon", "clock", "grass", "brick"])
def test_no_face_is_found_where_none_is(name):
    boxes = find_faces(getattr(skimage.data, name)())
    assert boxes.shape == (0, 4) and boxes.dtype.kind == "i"


@pytest.mark.parametrize("side", [40, 90, 300])
@pytest.mark.parametrize("roll", [0, 15])
def test_a_face_is_found_at_any_place_size_and_roll(side, roll):
    face = skimage.data.astronaut()[30:210, 130:310]  # its box: 47, 40, 95, 95
    turn = cv2.getRotationMatrix2D((90, 90), roll, 1)
    face = cv2.warpAffine(face, turn, (180, 180), borderMode=cv2.BORDER_REPLICATE)
    face = cv2.resize(face, (side * 180 // 95,) * 2, interpolation=cv2.INTER_AREA)
    photo = np.full((700, 1000, 3), 120, np.uint8)
    photo[60 : 60 + len(face), 300 : 300 + len(face)] = face
    scale = side / 95
    boxes = find_faces(photo)
    assert overlap_of_all(boxes, [(300 + 47 * scale, 60 + 40 * scale, side, side)])


@settings(deadline=None, max_examples=15)
@given(st.integers(30, 200), st.integers(0, 400), st.integers(0, 200), st.sampled_from([-0.1, 0, 0.1]))
def test_near_its_last_box_a_face_is_found_as_everywhere(side, x, y, off):
    face = skimage.data.astronaut()[30:210, 130:310]
    face = cv2.resize(face, (side * 180 // 95,) * 2, interpolation=cv2.INTER_AREA)
    photo = np.full((600, 800, 3), 120, np.uint8)
    photo[y : y + len(face), x : x + len(face)] = face[: 600 - y, : 800 - x]
    boxes = find_faces(photo, min_size=24)
    near = boxes + np.rint(off * boxes[:, 2:]).astype(int) @ np.eye(2, 4, dtype=int)
    found = find_faces(photo, min_size=24, near=near)
    assert len(found) == len(boxes) and (match_boxes(found, boxes, 0.9) >= 0).all()


def test_near_another_place_nothing_is_found():
    assert not len(find_faces(skimage.data.astronaut(), near=[(350, 350, 90, 90)]))


def test_the_detector_works_in_processes():
    photo = skimage.data.astronaut()
    boxes = find_faces(photo)
    found = joblib.Parallel(2)(joblib.delayed(find_faces)(photo) for _ in range(2))
    np.testing.assert_array_equal(found, [boxes, boxes])


def test_boxes_come_from_left_to_right_and_stay_in_the_photo():
    def found(photo, min_size):
        return np.array([(60.4, 5, 20, 20), (-5, -6, 30, 30), (90, 90, 40, 40), (200, 200, 9, 9)])

    boxes = find_faces(np.zeros((100, 120, 3), np.uint8), found)
    assert boxes.tolist() == [[0, 0, 25, 24], [60, 5, 20, 20], [90, 90, 30, 10]]


def test_gray_and_float_photos_give_the_same_faces():
    photo = skimage.data.astronaut()
    gray = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
    np.testing.assert_array_equal(find_faces(gray), find_faces(photo))
    np.testing.assert_array_equal(find_faces(photo / 255), find_faces(photo))


def test_a_photo_smaller_than_any_face_has_none():
    for detector in ("network", "cascade"):
        assert find_faces(np.zeros((9, 12, 3), np.uint8), detector).shape == (0, 4)


def test_a_smaller_least_size_finds_smaller_faces():
    face = cv2.resize(skimage.data.astronaut()[30:210, 130:310], (46, 46), interpolation=cv2.INTER_AREA)
    photo = np.full((900, 1300, 3), 120, np.uint8)
    photo[100:146, 100:146] = face
    assert not len(find_faces(photo, min_size=100))
    assert len(find_faces(photo, min_size=20)) == 1


def test_the_cascade_of_scikit_image_is_at_hand():
    boxes = find_faces(skimage.data.astronaut(), "cascade", min_size=60)
    assert (match_boxes([(177, 70, 95, 95)], boxes) >= 0).all()


def test_detectors_that_are_missing_say_what_to_do(monkeypatch):
    monkeypatch.delattr(cv2, "CascadeClassifier", raising=False)
    detectors._haar_cascade.cache_clear()
    with pytest.raises(ImportError, match=r'needs OpenCV 4, this is .*detector="network".*opencv-python<5'):
        find_faces(skimage.data.astronaut(), "haar")
    monkeypatch.setitem(__import__("sys").modules, "dlib", None)
    detectors._dlib_detector.cache_clear()
    with pytest.raises(ImportError, match="pip install dlib-bin"):
        find_faces(skimage.data.astronaut(), "dlib")


def test_dlib_finds_the_astronaut():
    pytest.importorskip("dlib")
    boxes = find_faces(skimage.data.astronaut(), "dlib", min_size=60)
    assert overlap_of_all(boxes, [(177, 70, 95, 95)])


def test_haar_finds_the_astronaut():
    if not hasattr(cv2, "CascadeClassifier"):
        pytest.skip("OpenCV 5 has no cascades")
    detectors._haar_cascade.cache_clear()
    boxes = find_faces(skimage.data.astronaut(), "haar")
    assert (match_boxes([(177, 70, 95, 95)], boxes) >= 0).all()


def test_yunet_is_never_fetched_unasked(monkeypatch, tmp_path):
    monkeypatch.setattr(detectors, "CACHED", tmp_path / detectors.YUNET)
    with pytest.raises(
        facesom.DatasetError, match=r"nothing is fetched unasked: call .*fetch_yunet\(\) once"
    ):
        find_faces(skimage.data.astronaut(), "yunet")
    (tmp_path / "no.onnx").write_bytes(b"no model")
    with pytest.raises(facesom.DatasetError, match="expected face_detection_yunet_2023mar"):
        detectors.yunet(tmp_path / "no.onnx")


def test_yunets_boxes_are_those_of_the_whole_photo(monkeypatch, tmp_path):
    seen = []

    class Model:
        def setInputSize(self, size):
            seen.append(size)

        def detect(self, image):
            seen.append(image.shape)
            return 1, np.array([[2, 4, 10, 12, *[0] * 11]], np.float32)

    def create(path, config, size, score):
        seen.append(size)
        return Model()

    monkeypatch.setattr(detectors, "read_onnx", lambda path, shape: None)
    monkeypatch.setattr(cv2, "FaceDetectorYN", SimpleNamespace(create=create), raising=False)
    (tmp_path / "a.onnx").touch()
    boxes = find_faces(np.zeros((400, 600, 3), np.uint8), detectors.yunet(tmp_path / "a.onnx"), min_size=32)
    assert boxes.tolist() == [[4, 8, 20, 24]] and seen[1:] == [(300, 200), (200, 300, 3)]


def test_a_fetched_model_must_have_its_hash(monkeypatch, tmp_path):
    pooch = pytest.importorskip("pooch")
    served = tmp_path / "served"
    served.write_bytes(b"something else")
    monkeypatch.setattr(detectors, "CACHED", tmp_path / "cache" / detectors.YUNET)
    monkeypatch.setattr(
        pooch.HTTPDownloader,
        "__call__",
        lambda self, url, out, *rest: Path(out).write_bytes(served.read_bytes()),
    )
    with pytest.raises(ValueError, match="hash"):
        detectors.fetch_yunet()
    assert not (tmp_path / "cache" / detectors.YUNET).exists()
    import hashlib

    monkeypatch.setattr(detectors, "YUNET_SHA256", hashlib.sha256(b"something else").hexdigest())
    assert detectors.fetch_yunet().read_bytes() == b"something else"


def test_what_is_no_photo_or_detector_is_said():
    photo = np.zeros((40, 40, 3), np.uint8)
    with pytest.raises(
        ValueError, match=r"detector: expected one of network, .* or a function, got 'opencv'"
    ):
        find_faces(photo, "opencv")
    with pytest.raises(ValueError, match="min_size: expected a side of at least 8 pixels, got 2"):
        find_faces(photo, min_size=2)
    with pytest.raises(ValueError, match=r"got the path 'a\.jpg'; pass read_photo\(path\)"):
        find_faces("a.jpg")
    with pytest.raises(
        ValueError, match=r"expected RGB \(H, W, 3\), got shape \(2, 40, 40, 3\); pass them one by one"
    ):
        find_faces(np.zeros((2, 40, 40, 3), np.uint8))
    with pytest.raises(ValueError, match=r"floats in \[0, 1\] or uint8, got 0 to 200; pass photo.astype"):
        find_faces(np.linspace(0, 200, 1600).reshape(40, 40))
    with pytest.raises(ValueError, match="expected uint8, got int32"):
        find_faces(photo.astype(np.int32))
    with pytest.raises(ValueError, match=r"boxes: expected \(K, 4\).*got shape \(4,\); pass boxes\[None\]"):
        crop_faces(photo, (1, 2, 3, 4))
    with pytest.raises(ValueError, match="scale: expected a number over 0, got -1"):
        crop_faces(photo, [(1, 2, 3, 4)], scale=-1)


# cutting and matching


def test_crops_are_squares_around_the_middle_of_the_box():
    photo = np.zeros((100, 100, 3), np.uint8)
    photo[40:60, 30:50] = 200
    (crop,) = crop_faces(photo, [(30, 40, 20, 20)], size=40, scale=2)
    assert crop.shape == (40, 40, 3)
    assert (crop[12:28, 12:28] == 200).all() and (crop[:8] == 0).all() and (crop[:, -8:] == 0).all()
    assert crop_faces(photo, [], size=40).shape == (0, 40, 40, 3)


@pytest.mark.parametrize("number", [1e300, 2.0**31, 2**63])
def test_numbers_that_no_photo_has_are_no_boxes(number):
    boxes = np.array([[number, 2, 9, 9]], np.uint64 if isinstance(number, int) else float)
    photo = np.zeros((50, 50, 3), np.uint8)
    for look in (crop_faces, lambda photo, boxes: find_faces(photo, near=boxes)):
        with pytest.raises(ValueError, match=r"boxes: expected \(K, 4\) finite numbers"):
            look(photo, boxes)


def test_a_crop_beyond_the_photo_repeats_its_edge():
    photo = np.full((50, 50, 3), 90, np.uint8)
    assert (crop_faces(photo, [(40, -10, 30, 30)], scale=3) == 90).all()


@given(
    st.lists(st.tuples(*[st.integers(0, 50)] * 2, *[st.integers(1, 50)] * 2), max_size=6),
    st.lists(st.tuples(*[st.integers(0, 50)] * 2, *[st.integers(1, 50)] * 2), max_size=6),
)
def test_each_box_has_a_partner_of_its_own(boxes, others):
    partner = match_boxes(boxes, others)
    assert len(partner) == len(boxes)
    real = partner[partner >= 0]
    assert len(set(real.tolist())) == len(real) and (real < len(others)).all()
    np.testing.assert_array_equal(match_boxes(boxes, boxes, 1) >= 0, np.ones(len(boxes), bool))


def test_boxes_match_the_one_they_overlap_most():
    partner = match_boxes([(0, 0, 10, 10), (100, 0, 10, 10)], [(60, 0, 9, 9), (4, 0, 10, 10), (1, 0, 10, 10)])
    assert partner.tolist() == [2, -1]
