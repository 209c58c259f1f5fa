"""Programs that could not run are refused when they are made."""

import math

import pytest

from nnvm.errors import Error
from nnvm.runtime.parts import NO_KERNEL
from nnvm.runtime.program import Buffer, Program, Raw, Step

X = Buffer("input", "float32", (2,), name="x")
T = Buffer("arena", "float32", (2,), name="t")
Y = Buffer("output", "float32", (2,), name="y")
C = Buffer("constant", "float32", (2,), name="c")
D = Buffer("dynamic", "int64", None, name="d")
STEPS = (Step("toy:neg/1", [0], [1]), Step("toy:neg/1", [1], [2]))


def make(*extra, steps=STEPS, inputs=(0,), outputs=(2,), **more):
    return Program("toy", [X, T, Y, *extra], steps, inputs, outputs, **more)


def test_a_whole_one_is_made():
    assert make().outputs == (2,)


def buffer(**fields):
    return Buffer(**{"kind": "arena", "dtype": "float32", "shape": (2,), "name": "z", **fields})


@pytest.mark.parametrize(
    ("extra", "says"),
    [
        (buffer(kind="heap"), "of kind 'heap'"),
        (buffer(dtype="float31"), "cannot hold 'float31'"),
        (buffer(shape=(-1,)), "dimension of -1"),
        (buffer(shape=(1.5,)), "neither an integer"),
        (buffer(shape=(("end", 1),)), "no arena buffer"),
        (buffer(shape=None), "needs a shape"),
        (buffer(offset=("end", 99)), "no arena buffer"),
        (buffer(name=3), "a name is text"),
        (buffer(kind="state", shape=("n",)), "outlives a call"),
        (buffer(kind="state", offset=64), "offset must be 0"),
        (buffer(alias_of=9), "refers to buffer 9"),
        (buffer(alias_of=0), "root of its own kind"),
        (buffer(alias_of=True), "refers to buffer True"),
        (buffer(alias_of=1, offset=("end", 1)), "cannot build on ends"),
        (buffer(view_of=1), "give its root"),
        (buffer(alias_of=1, view_of=2), "no part of its root"),
        (buffer(alias_of=1, view_of=3), "shows itself"),
        (buffer(kind="constant"), "constant without bytes"),
        (buffer(kind="input"), "input roots are"),
    ],
)
def test_a_wrong_buffer_is_refused(extra, says):
    with pytest.raises(Error, match=says):
        make(extra)


def test_an_alias_of_an_alias_is_refused():
    with pytest.raises(Error, match="root of its own kind"):
        make(buffer(alias_of=1), buffer(alias_of=3))


def test_an_alias_of_what_has_no_size_is_refused():
    with pytest.raises(Error, match="whose size only a run knows"):
        make(D, Buffer("dynamic", "int64", (2,), alias_of=3))


@pytest.mark.parametrize(
    ("step", "says"),
    [
        (Step("", [], [3]), "kernel of step 2 is ''"),
        (Step("k", [7], [3]), "refers to buffer 7"),
        (Step("k", [-1], [3]), "refers to buffer -1"),
        (Step("k", [], [3, 3]), "one buffer twice"),
        (Step("k", [], [1]), "which step 0 wrote already"),
        (Step("k", [], [0]), "belongs to the caller"),
        (Step("k", [], [4]), "belongs to the caller"),
        (Step("k", [], [5]), "whose size nothing tells"),
        (Step("k", [], [6]), "only shows buffer 1"),
        (Step("k", [], [3], allocates=True), "dynamic or output root"),
        (Step("k", [], [3], scratch=2), "no root in the arena"),
        (Step("k", [], [3], scratch=6), "no root in the arena"),
        (Step("k", [], [3], waits=[2]), "no earlier step"),
        (Step("k", [], [3], waits=[-1]), "no earlier step"),
        (Step("k", [], [3], workspace=("end", 1)), "no arena buffer"),
        (Step("k", [], [3], {"a": object()}), "no file can hold"),
        (Step("k", [], [3], {"a": {1: 2}}), "a key is text"),
        (Step(NO_KERNEL, [0], [3]), "the operator of step 2 .* is None; it must be text"),
        (Step(NO_KERNEL, [0], [3], {"operator": ""}), "must be text"),
        (Step(NO_KERNEL, [0], [3], {"operator": "Odd", "k": 1}), "has no kernel, so it has no workspace"),
        (Step(NO_KERNEL, [0], [3], {"operator": "Odd"}, workspace=8), "has no kernel, so it has no workspace"),
        (Step(NO_KERNEL, [0], [3], {"operator": "Odd"}, inplace=[0]), "writes over nothing"),
        (Step("k", [], [3], name=None), "name that is text"),  # type: ignore[arg-type]
    ],
)
def test_a_wrong_step_is_refused(step, says):
    extra = (buffer(), C, D, Buffer("arena", "float32", (2,), alias_of=1, view_of=1))
    with pytest.raises(Error, match=says):
        make(*extra, steps=[*STEPS, step], constants={4: Raw(bytes(8))})


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"inputs": ()}, "input roots are"),
        ({"inputs": (0, 0)}, "input roots are"),
        ({"outputs": (1,)}, "must be its own memory: add a step that copies"),
        ({"outputs": (0,)}, "must be its own memory"),
        ({"outputs": (2, 2)}, "share memory"),
        ({"outputs": (9,)}, "refers to buffer 9"),
        ({"steps": STEPS[:1]}, "which no step writes"),
        ({"output_names": ()}, "need as many names"),
        ({"output_names": (4,)}, "a name is text"),
        ({"alignment": 48}, "power of two"),
        ({"alignment": 0}, "power of two"),
        ({"version": 99}, "version 99"),
        ({"peak": ("end", 9)}, "no arena buffer"),
        ({"meta": {"x": b"bytes"}}, "no file can hold"),
        ({"constants": {1: Raw(bytes(8))}}, "which is arena"),
        ({"constants": {9: Raw(bytes(8))}}, "refers to buffer 9"),
    ],
)
def test_wrong_doors_are_refused(fields, says):
    with pytest.raises(Error, match=says):
        make(**fields)


def test_two_inputs_of_one_name_are_refused():
    with pytest.raises(Error, match="a name of its own"):
        make(X, inputs=(0, 3))


def test_values_nested_too_deep_are_refused():
    deep: list[object] = []
    for _ in range(40):
        deep = [deep]
    with pytest.raises(Error, match="nested deeper"):
        make(meta={"deep": deep})


def test_every_value_that_can_be_saved_passes():
    make(meta={"a": [1, (2.5, None), {"b": (True, "c")}], "nan": math.nan, "inf": -math.inf})


def test_long_chains_of_views():
    views = [Buffer("arena", "float32", (2,), alias_of=1, view_of=1)]
    views += [Buffer("arena", "float32", (2,), alias_of=1, view_of=3 + i) for i in range(20_000)]
    assert len(make(*views).buffers) == 20_004
    with pytest.raises(Error, match="shows itself"):
        make(*views, Buffer("arena", "float32", (2,), alias_of=1, view_of=len(views) + 3))
