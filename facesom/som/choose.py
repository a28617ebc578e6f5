"""`choose_parameters`: sweep size, sigma, learning rate and length on faces held out, say what is best."""

from dataclasses import dataclass
from numbers import Real
from time import perf_counter

import numpy as np
from numpy.typing import ArrayLike
from tqdm.auto import tqdm

from .checks import check_parameters, check_samples
from .map import FaceSOM
from .quality import FOLDED, combined_error, nearest_two, topographic_error

SIDES = (4, 6, 8, 10, 12, 15, 20)
SIGMAS = (0.05, 0.1, 0.25, 0.5, 1.0)  # shares of the side
RATES = (0.02, 0.1, 0.5, 1.0)
KINDS = ("gaussian", "bubble", "triangle")
EPOCHS = (5, 10, 20, 40)
ROUNDS = (1, 2, 5, 20)  # steps online: each sample so often
REPEATS = 3  # maps of each setting, each with a seed and held-out samples of its own
BLOCKS = 12  # runs of neighbouring frames; a map leaves out every third
MOST = 1500  # samples looked at
NEAR = 1.02  # quantization errors up to 2 % over the least count as equal


@dataclass(frozen=True)
class Trial:
    """One setting and how its maps did on samples they were not trained on: means over the repeats."""

    parameters: dict
    varied: str  # the parameter that was being swept; "side": rows and cols
    quantization_error: float
    topographic_error: float
    combined_error: float
    agreement: float  # correlation between maps of the distances on the map of any two samples; 1: all alike
    seconds: float


@dataclass(frozen=True, repr=False)
class ParameterChoice:
    """What `choose_parameters` found.

    Attributes
    ----------
    parameters : dict
        For ``FaceSOM(**choice.parameters)``.
    sentence : str
        Why, in words.
    trials : list of Trial
        Everything tried, in order.
    chosen : int
        Which trial.
    complete : bool
        Whether all settings were tried before the time ran out.
    """

    parameters: dict
    sentence: str
    trials: list
    chosen: int
    complete: bool

    def __repr__(self):
        return self.sentence


def choose_parameters(
    images: ArrayLike,
    seconds: float = 30.0,
    *,
    method: str = "batch",
    topology: str = "rectangular",
    seed: int = 0,
    progress: bool = True,
) -> ParameterChoice:
    """Choose size, sigma, learning rate, neighbourhood and length of a map from the data.

    One parameter after another is swept, the others held at the best so far. Each setting trains three maps;
    each leaves out another third of the samples, in runs of neighbouring frames, and is judged on them.

    Parameters
    ----------
    images : array_like, shape (N, H, W) or (N, D)
        One person's faces, in the order they were filmed, or features; N from 24 up. Of more than 1500
        samples, as many evenly spread ones are looked at.
    seconds : float, default 30
        Time to spend. The first setting is always tried; the sweep ends before one that would take longer.
    method : {"batch", "online"}, default "batch"
    topology : {"rectangular", "hexagonal"}, default "rectangular"
    seed : int, default 0
        Seed of the first map of each setting; the next ones count up.
    progress : bool, default True
        Show a progress bar.

    Returns
    -------
    ParameterChoice
        Printed, it says why.

    Raises
    ------
    ValueError
        For samples that are no map's, or too few to hold some out.

    Notes
    -----
    Of the settings whose maps are not folded (topographic error up to 0.2; if all are, up to a quarter over
    the least), those within 2 % of the least quantization error count as equally close. Of them the one with
    the fewest nodes wins, then the shortest, then the one whose maps of several seeds agree best.

    Examples
    --------
    >>> import facesom
    >>> faces = facesom.to_grayscale(facesom.make_faces(1, 40, seed=0).dataset).X1[0]
    >>> choice = facesom.choose_parameters(faces, seconds=0, progress=False)
    >>> som = facesom.FaceSOM(**choice.parameters).fit(faces)
    >>> len(choice.trials), choice.complete
    (1, False)
    """
    samples = check_samples(images)[0]
    if len(samples) < 2 * BLOCKS:
        came = f"{len(samples)}; with so few, keep the defaults and fewer nodes than samples"
        raise ValueError(f"images: expected at least {2 * BLOCKS} samples to hold a third out, got {came}.")
    if not isinstance(seconds, Real) or not seconds >= 0:
        raise ValueError(f"seconds: expected a number of 0 or more, got {seconds!r}.")
    check_parameters(FaceSOM(method=method, topology=topology, seed=seed))
    samples = samples[np.linspace(0, len(samples) - 1, min(len(samples), MOST)).astype(int)].astype(float)
    sides = [side for side in SIDES if side**2 <= len(samples)]
    if method == "online":
        lengths = [r * len(samples) for r in ROUNDS]
        start = {"sigma": 0.1, "learning_rate": 0.5, "n_steps": lengths[2]}
        sweeps = {"sigma": SIGMAS, "learning_rate": RATES, "side": sides, "neighborhood": KINDS}
        sweeps["n_steps"] = lengths
    else:
        start = {"sigma": 0.5, "n_epochs": EPOCHS[2]}
        sweeps = {"sigma": SIGMAS, "side": sides, "neighborhood": KINDS, "n_epochs": EPOCHS}
    start |= {"side": 10, "neighborhood": "gaussian"}
    began = perf_counter()
    setting, tried, trials, complete = start, [], [], True
    most = 1 + sum(len(values) - 1 for values in sweeps.values())
    with tqdm(total=most, desc="settings", unit="setting", disable=not progress) as bar:
        for varied, values in sweeps.items():
            for candidate in [setting, *({**setting, varied: value} for value in values)]:
                if candidate in tried:
                    continue
                if trials and perf_counter() - began + max(t.seconds for t in trials) > seconds:
                    complete = False
                    break
                tried.append(candidate)
                trials.append(try_setting(samples, candidate, varied, method, topology, seed))
                bar.update()
            best = pick(trials)
            setting = tried[best]
    return ParameterChoice(trials[best].parameters, explain(trials, best, complete), trials, best, complete)


def try_setting(samples, setting, varied, method, topology, seed):
    """Train maps of one setting on two thirds of the samples each and measure them on the rest: a `Trial`."""
    parameters = {name: value for name, value in setting.items() if name != "side"}
    side = setting["side"]
    parameters |= {"rows": side, "cols": side, "method": method, "topology": topology}
    parameters["sigma"] = max(setting["sigma"] * side, 0.5)
    if setting["neighborhood"] != "gaussian":
        parameters["sigma"] = float(max(round(parameters["sigma"]), 2))  # these reach whole rings of nodes
    began = perf_counter()
    block = np.arange(len(samples)) * BLOCKS // len(samples)
    errors, maps = [], []
    for repeat in range(REPEATS):
        out = block % REPEATS == repeat
        som = FaceSOM(**parameters, seed=seed + repeat)
        som._train(samples[~out])
        nearest = nearest_two(samples, som.weights_)
        held_out = [part[out] for part in nearest]
        measured = (samples[out], som.weights_, som.steps_, held_out)
        errors.append((held_out[2].mean(), topographic_error(*measured), combined_error(*measured)))
        maps.append(som.steps_[np.ix_(nearest[0], nearest[0])].ravel())
    agreement = np.corrcoef(maps)[np.triu_indices(REPEATS, 1)].mean() if np.ptp(maps, axis=1).all() else 0.0
    seconds = perf_counter() - began
    return Trial(parameters, varied, *np.mean(errors, axis=0).tolist(), float(agreement), seconds)


def pick(trials):
    """Return which trial wins, by the rule in `choose_parameters`."""
    bound = max(FOLDED, 1.25 * min(t.topographic_error for t in trials))
    ordered = [t for t in trials if t.topographic_error <= bound]
    least = min(t.quantization_error for t in ordered)
    near = [t for t in ordered if t.quantization_error <= NEAR * least]
    return trials.index(min(near, key=lambda t: (t.parameters["rows"], length(t), -t.agreement)))


def explain(trials, best, complete):
    """Say in one sentence why a trial won."""
    t = trials[best]
    p = t.parameters
    rate, unit = "", "epochs"
    if p["method"] == "online":
        rate, unit = f", learning rate {p['learning_rate']:g}", "steps"
    order = "not folded" if t.topographic_error <= FOLDED else "as little folded as any"
    flat = [other for other in trials if other.topographic_error <= FOLDED]
    closer = sum(other.quantization_error < t.quantization_error for other in flat)
    reason = "none of them not folded comes closer to the faces"
    if closer:
        reason = f"{closer} not folded come closer, by {NEAR - 1:.0%} at most, for more nodes or steps"
    return (
        f"Take {p['rows']} x {p['cols']} nodes, {p['neighborhood']} neighbourhood, sigma {p['sigma']:g}"
        f"{rate} and {length(t)} {unit}: on faces held out its maps are {order} (topographic error "
        f"{t.topographic_error:.2f}) and {t.quantization_error:.3g} from the faces (quantization error); of "
        f"{len(trials)} settings{'' if complete else ' tried before the time ran out'}, {reason}; "
        f"maps of {REPEATS} seeds agree to {t.agreement:.2f}."
    )


def length(trial):
    """Return the steps or epochs of a trial."""
    return trial.parameters.get("n_steps") or trial.parameters["n_epochs"]
