"""What Python's own objects take while a kernel runs is near what is told, whatever the arrays' sizes."""

from typing import Any

import pytest
from tests.backends.numpy.running import draw, transient

from nnvm.backends.numpy.device import NumpyDevice
from nnvm.backends.numpy.kernels import KERNELS
from nnvm.backends.numpy.objects import FRAME, OBJECTS, OTHERS, OUTPUT, objects

IMAGE = draw(1, (2, 8, 12, 12))
ROWS = draw(2, (64, 48))
POOLED: dict[str, Any] = {"kernel": (3, 3), "strides": (2, 2), "pads": (0, 0, 0, 0), "dilations": (1, 1)}
CALLS: dict[str, tuple[Any, list[Any], dict[str, Any]]] = {
    "conv": ((2, 4, 10, 10), [IMAGE, draw(3, (4, 8, 3, 3)), None], {}),
    "max_pool": ((2, 8, 5, 5), [IMAGE], {**POOLED, "ceil_mode": 0}),
    "softmax": (ROWS.shape, [ROWS], {"axis": 1}),
    "erf": (ROWS.shape, [ROWS], {}),
    "transpose": ((48, 64), [ROWS], {"perm": (1, 0)}),
    "copy": (ROWS.shape, [ROWS], {}),
    "add": (ROWS.shape, [ROWS, ROWS], {}),
    "matmul": ((64, 64), [ROWS, draw(4, (48, 64))], {}),
}


def test_every_kernel_that_is_listed_exists():
    assert OBJECTS.keys() <= KERNELS.keys()


@pytest.mark.parametrize("kernel", CALLS)
def test_a_call_takes_about_what_is_told(kernel: str):
    shape, ins, params = CALLS[kernel]
    if kernel == "conv":
        params = {"strides": (1, 1), "pads": (0, 0, 0, 0), "dilations": (1, 1), "groups": 1}
    seen = transient(kernel, [draw(5, shape)], ins, **params)
    told = OBJECTS.get(f"numpy:{kernel}/1", OTHERS)
    assert seen <= 1.5 * told + 512, (seen, told)
    assert kernel not in ("conv", "max_pool") or seen >= told / 6, (seen, told)


def test_a_run_takes_what_its_greediest_kernel_does_and_its_outputs():
    conv, copy = OBJECTS["numpy:conv/1"], OBJECTS["numpy:copy/1"]
    assert objects(["numpy:copy/1", "numpy:conv/1"], 2) == FRAME + 2 * OUTPUT + conv
    assert NumpyDevice().objects(["numpy:copy/1"], 1) == FRAME + OUTPUT + copy
    assert objects([], 0) == FRAME
    assert objects(["other:new/1"], 0) == FRAME + OTHERS
