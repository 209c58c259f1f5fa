"""Saved programs, and files that only look like one."""

import json
import math
import os
import random
import struct

import numpy as np
import pytest
from tests.runtime.toy import ToyDevice, ping_pong

from nnvm.errors import Error
from nnvm.runtime.executor import Executable
from nnvm.runtime.program import Buffer, Program, Raw, Step
from nnvm.runtime.saved import load

PARAMS = {
    "whole": -3,
    "huge": 2**80,
    "yes": True,
    "none": None,
    "text": 'é"\ud800\n',
    "pads": (1, (2, [3, (4,)]), ()),
    "low": -math.inf,
    "zero": -0.0,
    "table": {"float": {"tuple": [1]}, "b": 0.1},
}


def sample(nested=()) -> Program:
    tied = Raw(bytes(range(12)))
    buffers = [
        Buffer("input", "float32", ("n", ("*", 2, "n")), name="x"),
        Buffer("constant", "uint8", (12,), name="w"),
        Buffer("constant", "float32", (3,), name="tied"),
        Buffer("constant", "float32", (0,), name="empty"),
        Buffer("state", "int8", (5,), name="s"),
        Buffer("arena", "float32", ("n",), ("max", 64, ("end", 6)), name="t"),
        Buffer("arena", "bfloat16", (), 0, name="u"),
        Buffer("arena", "float32", ("n",), 0, alias_of=5, view_of=5, name="v"),
        Buffer("output", "float32", None, name="y"),
        Buffer("constant", "int64", (100,), name="big"),
    ]
    steps = [
        Step("toy:a/1", [0, None], [5], PARAMS, workspace=("*", "n", 8), scratch=6, name="first"),
        Step("toy:b/1", [7, 9], [8], allocates=True, waits=[0]),
    ]
    constants = {1: tied, 2: tied, 3: Raw(b""), 4: Raw(b"abcde"), 9: Raw(bytes(800))}
    return Program(
        "toy",
        buffers,
        steps,
        [0],
        [8],
        output_names=["result"],
        constants=constants,
        peak=("end", 5),
        meta={"plan": {"peak_bytes": 7, "nan": math.nan}},
        programs=nested,
    )


def test_everything_comes_back(tmp_path):
    path = tmp_path / "p.nnvmp"
    program = sample([sample(), sample([sample()])])
    program.save(path)
    back = Program.load(path)
    assert list(map(repr, back.buffers)) == list(map(repr, program.buffers))
    assert [buffer.view_of for buffer in back.buffers] == [buffer.view_of for buffer in program.buffers]
    for step, twin in zip(program.steps, back.steps, strict=True):
        for field in Step.__slots__:
            assert getattr(step, field) == getattr(twin, field)
    assert list(back.steps[0].params) == list(PARAMS)
    assert math.copysign(1, back.steps[0].params["zero"]) == -1
    assert math.isnan(back.meta["plan"]["nan"])
    assert (back.peak, back.output_names, back.backend) == (("end", 5), ("result",), "toy")
    assert {i: bytes(data.read()) for i, data in back.constants.items()} == {
        i: bytes(data.read()) for i, data in program.constants.items()
    }
    assert len(back.programs[1].programs[0].steps) == 2


def test_the_same_program_gives_the_same_bytes(tmp_path):
    one, two, three = tmp_path / "1", tmp_path / "2", tmp_path / "3"
    sample([sample()]).save(one)
    sample([sample()]).save(two)
    load(one).save(three)
    assert one.read_bytes() == two.read_bytes() == three.read_bytes()


def test_constants_are_aligned_shared_and_mapped(tmp_path):
    path = tmp_path / "p"
    sample().save(path)
    program = load(path)
    header = json.loads(path.read_bytes()[16:].split(b"\0")[0].decode())
    assert all(start % 64 == 0 for _, start, _ in header["constants"])
    assert header["constants"][0][1:] == header["constants"][1][1:]
    assert program.constants[1] is program.constants[2]
    view = program.constants[9].read()
    assert view.readonly
    assert type(view.obj).__name__ == "mmap"


def test_saving_over_the_file_that_is_mapped(tmp_path):
    path = tmp_path / "p"
    sample().save(path)
    program = load(path)
    before = path.read_bytes()
    program.save(path)
    assert path.read_bytes() == before
    assert bytes(program.constants[1].read()) == bytes(range(12))
    assert os.listdir(tmp_path) == ["p"]


def test_a_link_stays_a_link(tmp_path):
    real, link = tmp_path / "real", tmp_path / "link"
    sample().save(real)
    link.symlink_to(real)
    ping_pong().save(link)
    assert link.is_symlink()
    assert len(load(real).steps) == 5


class Broken:
    def read(self) -> memoryview:
        raise OSError("the disk is gone")


class Short:
    def read(self) -> memoryview:
        return memoryview(b"abc")


@pytest.mark.parametrize(
    ("data", "says"), [(Broken(), "disk is gone"), (Short(), "has 3 bytes where its buffer has 8")]
)
def test_a_failed_save_leaves_what_was_there(tmp_path, data, says):
    path = tmp_path / "p"
    ping_pong().save(path)
    before = path.read_bytes()
    bad = Program("toy", [Buffer("constant", "float32", (2,))], [], [], [], constants={0: data})
    with pytest.raises(Error, match=says):
        bad.save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["p"]


def test_no_such_place(tmp_path):
    with pytest.raises(Error, match="cannot save"):
        sample().save(tmp_path / "missing" / "p")
    with pytest.raises(Error, match="cannot read"):
        load(tmp_path / "missing")
    with pytest.raises(Error, match="is not a file"):
        load(tmp_path)


def test_a_file_cut_after_it_was_loaded_is_an_error(tmp_path):
    path = tmp_path / "p"
    sample().save(path)
    program = load(path)
    os.truncate(path, 100)
    with pytest.raises(Error, match="has shrunk"):
        program.constants[9].read()


def test_a_chain_of_20_000_steps(tmp_path):
    path = tmp_path / "p"
    ping_pong(20_000).save(path)
    assert load(path).steps[-1].waits == (19_999,)


def test_every_truncation_is_refused(tmp_path):
    path = tmp_path / "p"
    sample().save(path)
    whole = path.read_bytes()
    for length in [*range(0, 200), *range(200, len(whole), 41), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(Error):
            load(path)
    path.write_bytes(whole + b"\0")
    with pytest.raises(Error, match="should have"):
        load(path)


def test_every_damaged_byte_of_the_header_is_refused_or_still_a_program(tmp_path):
    path = tmp_path / "p"
    sample().save(path)
    whole = path.read_bytes()
    end = 16 + struct.unpack("<Q", whole[8:16])[0]
    chance = random.Random(0)
    refused = 0
    for _ in range(1500):
        at = chance.randrange(end)
        path.write_bytes(whole[:at] + bytes([chance.randrange(256)]) + whole[at + 1 :])
        try:
            load(path)
        except Error:
            refused += 1
    assert refused > 700


def write(path, header: object, tail: bytes = b"") -> None:
    text = (header if isinstance(header, str) else json.dumps(header)).encode()
    body = b"NNVMPROG" + struct.pack("<Q", len(text)) + text
    path.write_bytes(body + bytes(-len(body) % 64) + tail)


def header_of(path) -> dict:
    return json.loads(path.read_bytes()[16:].split(b"\0")[0])


DEEP = "[" * 100_000 + "]" * 100_000
HOSTILE = {
    "not an object": [],
    "null": None,
    "no keys": {},
    "deep": DEEP,
    "a constant that is no JSON": '{"version": NaN}',
    "a long integer": '{"version": ' + "9" * 5000 + "}",
    "not text": "\x80",
    "other version": {"version": 2},
}


@pytest.mark.parametrize("header", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_header_is_refused(tmp_path, header):
    path = tmp_path / "p"
    write(path, header)
    with pytest.raises(Error, match=str(path)):
        load(path)


CHANGES = {
    "buffers of no list": ("buffers", 3),
    "a short buffer": ("buffers", [["arena"]]),
    "a dtype of no text": ("buffers", [["arena", [], [], 0, None, None, ""]]),
    "an absurd dimension": ("buffers", [["arena", "int8", [2**60], 0, None, None, ""]]),
    "a negative dimension": ("buffers", [["arena", "int8", [-4], 0, None, None, ""]]),
    "a step of text": ("steps", ["step"]),
    "a step with floats": ("steps", [["k", [0.0], [1], {}, 0, None, False, [], ""]]),
    "a step with an unhashable": ("steps", [["k", [0], [[1]], {}, 0, None, False, [], ""]]),
    "a step far away": ("steps", [["k", [10**9], [1], {}, 0, None, False, [], ""]]),
    "a wait for itself": ("steps", [["k", [0], [1], {}, 0, None, False, [0], ""]]),
    "params of no object": ("steps", [["k", [0], [1], [1], 0, None, False, [], ""]]),
    "an unknown tag": ("steps", [["k", [0], [1], {"a": {"set": []}}, 0, None, False, [], ""]]),
    "a float of code": ("steps", [["k", [0], [1], {"a": {"float": "exit()"}}, 0, None, False, [], ""]]),
    "inputs of text": ("inputs", "01"),
    "inputs true": ("inputs", [True]),
    "names of numbers": ("output_names", [1]),
    "alignment of text": ("alignment", "64"),
    "a backend of nothing": ("backend", None),
    "a peak of nothing": ("peak", None),
    "constants that overlap": ("constants", [[1, 0, 12], [2, 4, 12], [3, 64, 0], [4, 64, 5], [9, 128, 800]]),
    "constants beyond the end": ("constants", [[1, 0, 12], [2, 0, 12], [3, 64, 0], [4, 64, 5], [9, 2**50, 800]]),
    "a constant of less": ("constants", [[1, 0, -12], [2, 0, 12], [3, 64, 0], [4, 64, 5], [9, 128, 800]]),
    "a constant twice": ("constants", [[1, 0, 12], [1, 0, 12], [3, 64, 0], [4, 64, 5], [9, 128, 800]]),
    "programs of no list": ("programs", {}),
    "itself inside": ("programs", [{"version": 1}]),
    "meta of no object": ("meta", []),
}


@pytest.mark.parametrize(("key", "value"), CHANGES.values(), ids=CHANGES.keys())
def test_a_hostile_field_is_refused(tmp_path, key, value):
    path = tmp_path / "p"
    sample().save(path)
    header = header_of(path)
    start = path.read_bytes().index(bytes(range(12)))
    tail = path.read_bytes()[start:]
    write(path, header, tail)
    load(path)  # as it was, it is read
    header[key] = value
    write(path, header, tail)
    with pytest.raises(Error, match=str(path)):
        load(path)


@pytest.mark.parametrize(
    "key",
    list(
        header_keys := (
            "version",
            "backend",
            "alignment",
            "peak",
            "buffers",
            "steps",
            "inputs",
            "outputs",
            "output_names",
            "constants",
            "programs",
            "donated",
            "meta",
        )
    ),
)
def test_a_field_that_is_missing_is_refused(tmp_path, key):
    path = tmp_path / "p"
    ping_pong().save(path)
    header = header_of(path)
    assert sorted(header) == sorted(header_keys)
    del header[key]
    write(path, header)
    with pytest.raises(Error, match=str(path)):
        load(path)


def test_programs_nested_too_deep_are_refused(tmp_path):
    program = ping_pong()
    for _ in range(20):
        program = Program("toy", [], [], [], [], programs=[program])
    with pytest.raises(Error, match="nested deeper"):
        program.save(tmp_path / "p")


def test_a_loaded_program_runs(tmp_path):
    path = tmp_path / "p"
    ping_pong(3, (2, 2)).save(path)
    (out,) = Executable(load(path), ToyDevice())(x=np.full((2, 2), 3, np.float32))
    assert out.tolist() == [[3, 3], [3, 3]]
