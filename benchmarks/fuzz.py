"""Damage data sets in a million ways: `facesom.load` reads or refuses each, soon and in little room.

python benchmarks/fuzz.py [--n 1000000] [--seconds 3600] [--seed 0] [--limit 16]

Ends with exit code 1 and the file that did it when one is neither read nor refused with a DatasetError, its
message is longer than 2,000 characters, it takes over a second of CPU time, or memory grows past three times
the limit.
"""

import argparse
import collections
import io
import pickle
import pickletools
import re
import resource
import struct
import sys
import tempfile
import time
import warnings
import zlib
from random import Random

import numpy as np

import facesom

MB = 1 << 20
OPCODES = [opcode.code.encode("latin-1") for opcode in pickletools.opcodes]
NUMBERS = [struct.pack("<I", 1 << k) for k in range(0, 32, 5)] + [b"\xff" * n for n in (1, 2, 4, 8)]
TEXTS = [b"numpy", b"ndarray", b"_frombuffer", b"O8", b"S99999999", b"U9", b"latin1", b"X1", b"y", b"K", b"F"]
RUNS = [
    b"(",
    b"]",
    b"}",
    b")",
    b"\x85",
    b"N",
    b"h\x00\x86q\x00",
    b"h\x00a",
    b"K\x01",
    b"C\x00",
    b"h\x00R",
    b"h\x00b",
    b"\x94",
]


class Python2:
    """Writes what Python 2 wrote for a dict of arrays, in protocol 2."""

    def __init__(self, contents):
        self.body = b"\x80\x02}("
        for key, array in contents.items():
            self.text(key.encode())
            self.body += b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01("
            self.body += b"".join(b"J" + struct.pack("<i", n) for n in array.shape) + b"tcnumpy\ndtype\n"
            self.text(array.dtype.str[1:].encode())
            self.body += b"K\x00K\x01\x87R(K\x03U\x01" + array.dtype.str[:1].encode()
            self.body += b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
            self.text(array.tobytes())
            self.body += b"tb"
        self.body += b"u."

    def text(self, text):
        self.body += (
            b"U" + bytes([len(text)]) if len(text) < 256 else b"T" + struct.pack("<I", len(text))
        ) + text


def sound_files(rng):
    """Bodies of sound pickles and whole archives, small, of many kinds."""
    X1 = rng.integers(0, 256, (2, 3, 8, 8, 3), dtype=np.uint8)
    base = {"X1": X1, "X2": rng.normal(size=(2, 3, 2)), "y": np.array([0, 1])}
    kinds = [
        base,
        {**base, "X1": np.asfortranarray(X1), "y": ["happy", "unhappy"]},
        {**base, "X1": np.moveaxis(np.moveaxis(X1, [0, 1], [3, 4]).copy(), [3, 4], [0, 1]), "y": [0.5, None]},
        {**base, "y": np.array(["happy", "ünhappy"], object), "names": ["a", ("b", 1.5, 2**70)]},
        {**base, "y": np.array(["happy", "ünhappy"]), "X2": base["X2"].astype(">f4")},
        {**base, "X1": list(X1), "X2": [[[1.0, 2], [3, 4], [5, 6]]] * 2, "y": [np.int64(1), np.True_]},
    ]
    bodies = [pickle.dumps(kind, protocol) for kind in kinds for protocol in range(6)]
    bodies += [Python2(base).body]
    for save in (np.savez, np.savez_compressed):
        for kind in (base, kinds[3], kinds[4]):
            file = io.BytesIO()
            save(file, **{key: np.asarray(kind[key]) for key in base})
            bodies.append(file.getvalue())
    return bodies


def damaged(body, others, random):
    """A body with one to four faults, most of them near its ends, where the instructions are."""
    body = bytearray(body)
    for _ in range(random.randint(1, 4)):
        near = random.randint(0, min(len(body), 300))
        at = random.choice([random.randint(0, len(body)), near, len(body) - near])
        fault = random.choices(range(8), [6, 2, 4, 2, 2, 2, 1, 1])[0]
        if fault == 0:
            body[at : at + 1] = bytes([random.randrange(256)])
        elif fault == 1:
            del body[at : at + random.randint(1, 20)]
        elif fault == 2:
            body[at : at + random.randint(0, 1)] = random.choice(OPCODES)
        elif fault == 3:
            number = random.choice(NUMBERS)
            body[at : at + len(number)] = number
        elif fault == 4:
            text = random.choice(TEXTS)
            body[at:at] = b"\x8c" + bytes([len(text)]) + text
        elif fault == 5:
            other = random.choice([*others, body])
            start = random.randint(0, len(other))
            body[at:at] = other[start : start + random.randint(1, 200)]
        elif fault == 6:
            body[at:at] = random.choice(RUNS) * int(10 ** random.uniform(0, random.choice([3, 4, 6])))
        else:
            del body[at:]
    return bytes(body)


def packed(body, random):
    """The file of a body: an archive as it is, a pickle in zlib, one in fifty with a fault there."""
    if body[:2] == b"PK":
        return body
    file = bytearray(zlib.compress(body, 1))
    if random.random() < 0.02:
        file[random.randrange(len(file))] ^= 1 << random.randrange(8)
    return bytes(file)


def fill(opened, content):
    opened.seek(0)
    opened.write(content)
    opened.truncate()


def outcome(path, limit):
    """What `facesom.load` makes of a file, numbers and names left out."""
    try:
        repr(facesom.load(path, max_bytes=limit))
    except facesom.DatasetError as error:
        said = str(error)
        if len(said) > 2000 or "UnicodeDecodeError" in said or "MemoryError" in said:
            raise AssertionError(f"a message of {len(said):,} characters: {said[:200]}") from None
        return re.sub(r"['\"(].*|\d.*|:.*", "", said.removeprefix(f"{path}: "))[:60].strip()
    return "read"


def peak():
    """Most memory of this process so far, in bytes; Linux counts in KiB, macOS in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--n", type=int, default=1_000_000, help="files")
    parser.add_argument("--seconds", type=float, default=3600, help="stop after so many")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=int, default=16, help="max_bytes, in MB")
    options = parser.parse_args()
    random, limit = Random(options.seed), options.limit * MB
    warnings.simplefilter("ignore")
    bodies, outcomes, slowest = sound_files(np.random.default_rng(0)), collections.Counter(), (0.0, b"")
    with tempfile.NamedTemporaryFile(buffering=0) as opened:  # kept open: to open it anew takes longest
        path = opened.name
        for body in bodies:
            fill(opened, packed(body, Random(1)))
            if (found := outcome(path, limit)) != "read":
                sys.exit(f"a sound file is not read: {found}")
        before, start, n = peak(), time.perf_counter(), 0
        while n < options.n and time.perf_counter() - start < options.seconds:
            file = packed(damaged(random.choice(bodies), bodies, random), random)
            fill(opened, file)
            began = time.process_time()
            try:
                found = outcome(path, limit)
            except BaseException as error:
                print(f"file {n} of seed {options.seed}: {type(error).__name__}: {str(error)[:300]}")
                print(file[:2000].hex())
                raise SystemExit(1) from error
            slowest = max(slowest, (time.process_time() - began, file))
            outcomes[found] += 1
            n += 1
    seconds, grown = time.perf_counter() - start, (peak() - before) / MB
    print(
        f"{n:,} files in {seconds:.0f} s, seed {options.seed}: {outcomes['read']:,} read, the others refused"
    )
    print(f"slowest {slowest[0]:.2f} s of CPU time (a file of {len(slowest[1]):,} bytes)")
    print(f"memory grew by {grown:.1f} MB, {grown / options.limit:.2f} times max_bytes = {options.limit} MB")
    for said, count in outcomes.most_common(25):
        print(f"{count:9,}  {said}")
    if slowest[0] > 1 or grown > 3 * options.limit:
        print(slowest[1][:2000].hex())
        raise SystemExit("too slow" if slowest[0] > 1 else "too much memory")


if __name__ == "__main__":
    main()
