"""Splits that do not leak, and classifiers that find what is there and no more."""

import warnings

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.preprocessing import FunctionTransformer

from facesom.emotions import (
    ActionUnits,
    EmotionFaces,
    balanced,
    check_disjoint,
    cross_validate_classifiers,
    find_copies,
    image_hashes,
    split_by_person,
    split_train_test,
)
from facesom.emotions.classify import KMeansClassifier, classifiers, compare_classifiers

NAMES = ("angry", "happy", "sad")


def make(n_persons=12, n_each=6, seed=0, strength=40, identity=0):
    """Faces in which a class brightens a place of its own, and a person all places of their own."""
    rng = np.random.default_rng(seed)
    labels = np.tile(np.arange(3), n_persons * n_each // 3)
    persons = np.repeat(np.arange(n_persons), n_each)
    images = rng.normal(100, 10, (len(labels), 8, 8))
    images += identity * rng.normal(size=(n_persons, 8, 8))[persons]
    for k in range(3):
        images[labels == k, k, :4] += strength
    names = np.array([f"S{p:02}" for p in persons])
    sources = np.array([f"{i}.png" for i in range(len(labels))])
    return EmotionFaces(np.clip(images, 0, 255).astype(np.uint8), labels, NAMES, names, sources)


# balance


def test_balanced_draws_each_class_alike_and_nothing_twice():
    faces = make()
    faces = faces.subset(np.flatnonzero((faces.labels > 0) | (np.arange(len(faces)) < 18)))
    few = balanced(faces, seed=3)
    assert few.counts == {"angry": 6, "happy": 6, "sad": 6}
    assert len(set(few.sources)) == 18
    assert [*map(int, (s[:-4] for s in few.sources))] == sorted(int(s[:-4]) for s in few.sources)
    np.testing.assert_array_equal(few.sources, balanced(faces, seed=3).sources)
    assert set(few.sources) != set(balanced(faces, seed=4).sources)


def test_a_class_without_samples_cannot_be_balanced():
    faces = make()
    with pytest.raises(ValueError, match="'sad' has none"):
        balanced(faces.subset(faces.labels < 2))


# splits


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 30), st.integers(1, 5), st.integers(0, 5), st.sampled_from([0.2, 0.25, 0.34, 0.9]))
def test_no_person_is_in_both_halves(n_persons, n_each, seed, test_size):
    rng = np.random.default_rng(seed)
    persons = rng.permutation(np.repeat(np.arange(n_persons), n_each))
    labels = rng.integers(0, 3, len(persons))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        train, test = split_by_person(persons, labels, test_size, seed)
    assert not set(persons[train]) & set(persons[test])
    np.testing.assert_array_equal(np.sort(np.concatenate([train, test])), np.arange(len(persons)))
    assert len(test) and len(train)


def test_a_split_keeps_shares_of_classes_and_its_size():
    faces = make(n_persons=40)
    train, test = split_train_test(faces, 0.25)
    assert len(test) == pytest.approx(0.25 * len(faces), rel=0.05)
    assert all(n == pytest.approx(len(test) / 3, rel=0.05) for n in test.counts.values())
    again = split_train_test(faces, 0.25)[1]
    np.testing.assert_array_equal(test.sources, again.sources)
    assert set(test.persons) != set(split_train_test(faces, 0.25, seed=1)[1].persons)
    check_disjoint(train, test)


def test_without_persons_equal_images_stay_together_and_a_warning_says_so():
    faces = make()
    twice = EmotionFaces(np.repeat(faces.images, 3, axis=0), np.repeat(faces.labels, 3), NAMES)
    with pytest.warns(UserWarning, match="persons are not known: .* flatters every result"):
        train, test = split_train_test(twice)
    check_disjoint(train, test)
    assert len(train) + len(test) == len(twice) and len(test) % 3 == 0


@pytest.mark.parametrize("missing", ["persons", "labels"])
def test_missing_persons_and_labels_are_no_class(missing):
    given = {"persons": np.repeat(np.arange(6.0), 4), "labels": np.tile([0.0, 1.0], 12)}
    given[missing][[3, 8]] = np.nan
    with pytest.raises(ValueError, match=f"{missing}: expected one for each sample, 2 are missing"):
        split_by_person(**given)


def test_a_class_that_one_person_shows_is_warned_of():
    faces = make()
    alone = (faces.labels < 2) | (faces.persons == "S03")
    with pytest.warns(UserWarning, match="class 2 is in one half only, as too few persons show it"):
        split_by_person(faces.persons[alone], faces.labels[alone])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((None, [0, 1]), 'they are not known; read with person="prefix" or "folder"'),
        (([1, 2, 3], [0, 1]), "persons: expected one for each of 2 samples"),
        (([1, 1, 1, 1], [0, 1, 0, 1]), "expected at least two, one to test on, got 1"),
        (([1, 1, 2, 2], [0, 1, 0, 1], 0.0), "test_size: expected a share over 0 and under 1"),
        (([1, 1, 2, 2], [0, 1, 0, 1], 1), "test_size: expected a share"),
    ],
)
def test_splits_that_cannot_be(arguments, message):
    with pytest.raises(ValueError, match=message):
        split_by_person(*arguments)


@pytest.mark.parametrize(
    "use", [split_train_test, balanced, ActionUnits.as_emotions, lambda units: units.classes("happy", "sad")]
)
def test_a_table_without_labels_says_so_before_anything_is_done_with_it(use):
    units = ActionUnits(np.zeros((4, 1)), ("AU01",), np.zeros(4, int), ("unlabelled",), np.arange(4))
    with pytest.raises(ValueError, match=r"this table has none.*label=\.\.\."):
        use(units)


def test_what_overlaps_is_refused_in_words():
    faces = make()
    train, test = split_train_test(faces)
    with pytest.raises(ValueError, match=r"test: 12 persons are in training and test: S00, .* and 7 more"):
        check_disjoint(faces.subset(slice(0, None, 2)), faces.subset(slice(1, None, 2)))
    same = EmotionFaces(train.images[:2], train.labels[:2], NAMES, None, np.array(["a.png", "b.png"]))
    with pytest.raises(ValueError, match=r"2 images are in the training, too, .*: a\.png, b\.png\. Leave"):
        check_disjoint(train, same)
    other = EmotionFaces(test.images, test.labels, ("a", "b", "c"))
    with pytest.raises(ValueError, match=r"expected the classes of train, angry, happy, sad, got a, b, c"):
        check_disjoint(train, other)
    with pytest.raises(
        ValueError, match="expected EmotionFaces, or ActionUnits, twice, got EmotionFaces and nd"
    ):
        check_disjoint(train, test.images)
    unknown = EmotionFaces(test.images, test.labels, NAMES)
    check_disjoint(train, unknown)


def test_hashes_tell_images_apart_by_a_single_pixel():
    images = np.random.default_rng(0).integers(0, 256, (50, 8, 8), dtype=np.uint8)
    images[7] = images[3]
    images[9] = images[4]
    images[9, 0, 0] ^= 1
    hashes = image_hashes(images)
    assert len(np.unique(hashes)) == 49 and hashes[7] == hashes[3] and hashes[9] != hashes[4]
    np.testing.assert_array_equal(image_hashes(images[::2]), hashes[::2])
    masked = np.ma.masked_array(images, images == images[0, 0, 0])
    assert image_hashes(masked)[0] != hashes[0], "what is behind a mask is not there"


# copies


def pictures(n=30, size=48, seed=0):
    """Different pictures with the contrast of photos."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(size=(n, 7, 7)).astype(np.float32)
    smooth = np.array([cv2.resize(c, (size, size), interpolation=cv2.INTER_CUBIC) for c in coarse])
    return np.clip(120 + 40 * smooth, 5, 250).astype(np.uint8)


def jpeg(images):
    packed = (cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 50])[1] for image in images)
    return np.array([cv2.imdecode(each, cv2.IMREAD_GRAYSCALE) for each in packed])


def resized(images, side):
    return np.array([cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA) for image in images])


CHANGES = {
    "saved again": jpeg,
    "mirrored": lambda images: images[:, :, ::-1],
    "smaller": lambda images: resized(images, 24),
    "larger": lambda images: resized(images, 100),
    "brighter": lambda images: np.clip(images * 1.3, 0, 255).astype(np.uint8),
    "darker": lambda images: images // 2,
    "lifted": lambda images: np.clip(images.astype(int) + 30, 0, 255).astype(np.uint8),
    "bent": lambda images: (255 * (images / 255) ** 0.6).astype(np.uint8),
    "all at once": lambda images: jpeg(resized((images * 0.8).astype(np.uint8), 36)[:, :, ::-1]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_copies_are_found_and_nothing_else(change):
    images = pictures()
    changed = CHANGES[change](images)
    np.testing.assert_array_equal(
        find_copies(images[:20], changed[10:]), np.array([np.arange(10, 20), np.arange(10)]).T
    )
    if changed.shape == images.shape:
        both = np.concatenate([images, changed[:5]])
        np.testing.assert_array_equal(find_copies(both), np.array([np.arange(5), np.arange(30, 35)]).T)


def test_copies_in_every_form():
    images = pictures(8)
    rgb = np.repeat(images[..., None], 3, axis=3)
    for form in (images / 255, (images / 255).astype(np.float32), rgb, rgb / 255, list(images)):
        np.testing.assert_array_equal(find_copies(form, images), np.array([np.arange(8)] * 2).T)
    assert find_copies(images[:0], images).shape == find_copies(images, images[:0]).shape == (0, 2)
    with pytest.raises(ValueError, match=r"images: expected faces \(N, H, W\)"):
        find_copies(images[0])


def test_images_without_contrast_are_no_copies_of_anything():
    blank = np.arange(0, 200, 10, dtype=np.uint8)[:, None, None] * np.ones((1, 48, 48), np.uint8)
    noisy = blank + np.random.default_rng(0).integers(0, 2, blank.shape).astype(np.uint8)
    assert find_copies(np.concatenate([blank, noisy, pictures(5)])).shape == (0, 2)


@pytest.mark.parametrize("change", CHANGES)
def test_copies_in_training_and_test_are_refused_and_splits_keep_them_together(change):
    images, labels = pictures(), np.arange(30) % 3
    changed = CHANGES[change](images)
    names = np.array([f"{k}.png" for k in range(30)])
    train = EmotionFaces(images, labels, NAMES)
    with pytest.raises(
        ValueError, match=r"30 images look like copies of training images .*: 0\.png, .*find_copies"
    ):
        check_disjoint(train, EmotionFaces(changed, labels, NAMES, None, names))
    known = (
        EmotionFaces(images, labels, NAMES, names),
        EmotionFaces(changed, labels, NAMES, np.array(["B"] * 30)),
    )
    with pytest.warns(UserWarning, match="30 images look like copies .*two persons' names"):
        check_disjoint(*known)
    if changed.shape != images.shape:
        return
    for persons, copies in ((None, None), (np.arange(60), True)):
        twice = EmotionFaces(
            np.concatenate([images, changed]), np.tile(labels, 2), NAMES, persons, np.tile(names, 2)
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            train, test = split_train_test(twice, copies=copies)
        assert not set(train.sources) & set(test.sources) and len(test) == pytest.approx(15, abs=2)
        check_disjoint(train, test)


# classifiers


def test_k_means_gives_each_cluster_the_class_that_makes_most_right():
    rng = np.random.default_rng(0)
    centres = np.array([[0, 0], [8, 0], [0, 8]])
    y = np.array(["c", "a", "b"])[np.repeat([0, 1, 2], 30)]
    X = centres[np.repeat([0, 1, 2], 30)] + rng.normal(size=(90, 2))
    model = KMeansClassifier().fit(X, y)
    assert model.score(X, y) > 0.98 and sorted(model.class_of_cluster_) == ["a", "b", "c"]
    assert model.table_.sum() == 90 and (model.table_.max(axis=1) >= 28).all()
    assert clone(model).get_params() == {"n_init": 10, "seed": 0}
    # a greedy choice would give both large clusters to "a"; each class has one cluster
    X = np.concatenate([np.full((50, 1), 0.0), np.full((50, 1), 10.0)])
    y = np.repeat([0, 0, 1], [50, 30, 20])
    assert KMeansClassifier().fit(X, y).score(X, y) == 0.7


def test_every_classifier_finds_a_planted_difference_and_nothing_else():
    train, test = split_train_test(make(n_persons=40))
    found = compare_classifiers(train, test, n_bootstraps=20)
    assert list(found) == list(classifiers())
    for name, scores in found.items():
        assert scores.balanced_accuracy > 0.9, name
        assert scores.n_groups == 10 and scores.names == NAMES
        np.testing.assert_array_equal(scores.truth, test.labels)
    train, test = split_train_test(make(n_persons=40, strength=0))
    for name, scores in compare_classifiers(train, test, n_bootstraps=20).items():
        assert scores.balanced_accuracy == pytest.approx(1 / 3, abs=0.2), name


def test_shared_persons_are_refused_unless_asked_for():
    faces = make(identity=40)
    train, test = faces.subset(slice(0, None, 2)), faces.subset(slice(1, None, 2))
    with pytest.raises(ValueError, match="12 persons are in training and test"):
        compare_classifiers(train, test)
    models = {"nearest": classifiers()["k-NN"]}
    assert list(compare_classifiers(train, test, models=models, check=False, n_bootstraps=5)) == ["nearest"]


def test_features_have_names_and_are_fitted_on_the_training_half_only():
    train, test = split_train_test(make())
    seen = []

    class Spy(FunctionTransformer):
        def fit(self, X, y=None):
            seen.append(X)
            return super().fit(X)

        def transform(self, X):
            return X.reshape(len(X), -1)

    models = {"most frequent": DummyClassifier()}
    found = compare_classifiers(train, test, {"a": Spy(), "b": Spy()}, models, n_bootstraps=5)
    assert list(found) == ["a: most frequent", "b: most frequent"]
    assert len(seen) == 2 and all(np.array_equal(X, train.images) for X in seen)
    assert found["a: most frequent"].balanced_accuracy == pytest.approx(1 / 3)


def test_probabilities_are_scored_where_a_model_gives_them_even_for_unseen_classes():
    faces = make()
    train, test = split_train_test(faces)
    train = train.subset(train.labels != 1)
    found = compare_classifiers(train, test, n_bootstraps=5)
    assert found["logistic regression"].cross_entropy > 1
    assert np.isnan(found["linear SVM"].cross_entropy)
    assert found["k-NN"].class_recall[1] == 0


def test_action_units_are_taken_as_they_are():
    rng = np.random.default_rng(0)
    labels = np.tile([0, 1], 60)
    units = np.clip(rng.normal(size=(120, 2)) + 3 * labels[:, None], 0, 5)
    table = ActionUnits(units, ("AU06", "AU12"), labels, ("sad", "happy"), np.repeat(np.arange(20), 6))
    train, test = split_train_test(table)
    found = compare_classifiers(train, test, models={"naive Bayes": classifiers()["naive Bayes"]})
    assert found["naive Bayes"].accuracy > 0.75
    swapped = ActionUnits(test.units, ("AU12", "AU06"), test.labels, test.names, test.persons)
    with pytest.raises(ValueError, match="expected the units of train, AU06 AU12, got AU12 AU06"):
        compare_classifiers(train, swapped)


def test_cross_validation_predicts_each_sample_by_other_persons():
    faces = make(n_persons=15)
    seen = []

    class Spy(DummyClassifier):
        def fit(self, X, y):
            seen.append(X)
            return super().fit(X, y)

    models = {"spy": Spy(), "k-NN": classifiers()["k-NN"], "linear SVM": classifiers()["linear SVM"]}
    rows = {"pixels": FunctionTransformer(lambda images: images.reshape(len(images), -1))}
    found = cross_validate_classifiers(faces, rows, models, n_folds=4, n_bootstraps=20)
    assert list(found) == ["pixels: spy", "pixels: k-NN", "pixels: linear SVM"] and len(seen) == 4
    persons = [
        {faces.persons[(faces.images.reshape(90, -1) == row).all(axis=1)][0] for row in X} for X in seen
    ]
    assert sum(15 - len(learned) for learned in persons) == 15, "each person is held out once"
    for scores in found.values():
        np.testing.assert_array_equal(scores.truth, faces.labels)
        assert scores.n_groups == 15
    assert found["pixels: k-NN"].balanced_accuracy > 0.9 and found["pixels: k-NN"].cross_entropy < 0.5
    assert np.isnan(found["pixels: linear SVM"].cross_entropy)
    nameless = EmotionFaces(faces.images, faces.labels, NAMES)
    with pytest.warns(UserWarning, match="persons are not known"):
        cross_validate_classifiers(nameless, models={"d": DummyClassifier()}, n_folds=2, n_bootstraps=5)


def test_what_cannot_be_cross_validated():
    faces = make(n_persons=3)
    with pytest.raises(ValueError, match="n_folds: expected a whole number from 2 to 3, got 5"):
        cross_validate_classifiers(faces)
    alone = faces.subset(faces.labels == 2)
    for call in (
        lambda: cross_validate_classifiers(alone),
        lambda: compare_classifiers(alone, faces, check=False),
    ):
        with pytest.raises(ValueError, match="at least two classes, got 6 of sad; is the table sorted"):
            call()
    units = ActionUnits(np.zeros((4, 1)), ("AU01",), np.zeros(4, int), ("unlabelled",), np.arange(4))
    for call in (lambda: cross_validate_classifiers(units), lambda: compare_classifiers(units, units)):
        with pytest.raises(ValueError, match="this table has none"):
            call()
