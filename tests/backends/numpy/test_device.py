import sys
import warnings

import ml_dtypes
import numpy as np
import pytest

from nnvm.backends.numpy.device import NumpyDevice, dtype_of
from nnvm.errors import Error, MissingExtra

DEVICE = NumpyDevice()


@pytest.mark.parametrize("size", [0, 1, 63, 1000])
def test_memory_is_aligned_and_writable(size):
    memory = DEVICE.allocate(size)
    assert memory.nbytes == size
    assert not size or memory.ctypes.data % 64 == 0
    DEVICE.fill(memory, 0, size, 7)
    assert (memory == 7).all()
    array = DEVICE.empty("float64", (3, 0, 2))
    assert (DEVICE.shape_of(array), DEVICE.nbytes(array)) == ((3, 0, 2), 0)
    assert DEVICE.empty("float64", (3,)).ctypes.data % 64 == 0


def test_views_share_memory_and_stay_inside():
    memory = DEVICE.allocate(64)
    view = DEVICE.view(memory, 16, "float32", (2, 3))
    view.fill(1)
    assert memory[16:40].any()
    assert DEVICE.view(view, 4, "int32", (1,))[0] == np.float32(1).view("i4")
    with pytest.raises(Error, match="outside a block of 64 bytes"):
        DEVICE.view(memory, 44, "float32", (2, 3))
    with pytest.raises(Error, match="outside"):
        DEVICE.view(memory, -4, "float32", ())


def test_constants_are_not_copied():
    data = np.arange(6, dtype="f")
    array = DEVICE.constant(memoryview(data).cast("B"), "float32", (2, 3))
    assert np.shares_memory(array, data)
    assert not array.flags.writeable
    assert DEVICE.constant(memoryview(b""), "float32", (0, 3)).shape == (0, 3)
    with pytest.raises(Error, match="needs 24 bytes, not 8"):
        DEVICE.constant(memoryview(bytes(8)), "float32", (2, 3))


def test_types_by_name():
    assert dtype_of("bfloat16") == ml_dtypes.bfloat16
    assert dtype_of("float8_e4m3fn").itemsize == dtype_of("int4").itemsize == 1
    with pytest.raises(Error, match="no element type 'float33'"):
        dtype_of("float33")


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    monkeypatch.setattr("nnvm.backends.numpy.device._TYPES", {})
    with pytest.raises(MissingExtra, match=r"pip install 'nnvm\[onnx\]'"):
        dtype_of("bfloat16")


class OnlyDlpack:
    def __init__(self, array):
        self.array, self.dtype = array, array.dtype

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


def test_arrays_of_any_library_are_taken():
    x = np.arange(6, dtype="f").reshape(2, 3)
    assert DEVICE.accept(x, "float32", (2, 3)) is x
    assert DEVICE.accept(x.T, "float32", (3, 2)).flags.c_contiguous
    assert np.shares_memory(DEVICE.accept(OnlyDlpack(x), "float32", None), x)
    assert DEVICE.accept(np.float32(3), "float32", ()).shape == ()
    assert DEVICE.accept(np.zeros((), "f"), "float32", ()).shape == ()


def test_another_type_is_refused():
    with pytest.raises(Error, match="expected float32, got float64; convert it"):
        DEVICE.accept(np.zeros(2), "float32", (2,))


def test_tensors_of_torch_are_taken():
    torch = pytest.importorskip("torch")
    x = np.arange(6, dtype="f").reshape(2, 3)
    assert np.shares_memory(DEVICE.accept(torch.from_numpy(x), "float32", None), x)
    with pytest.raises(Error, match="cannot read"):
        DEVICE.accept(torch.zeros(2, requires_grad=True), "float32", (2,))


def test_lists_are_converted_where_nothing_in_kind_is_lost():
    assert DEVICE.accept([[1, 2.5]], "float32", (1, 2)).dtype == np.float32
    assert DEVICE.accept(3, "int64", ()).shape == ()
    assert DEVICE.accept([], "int64", (0, 4)).shape == (0, 4)
    for value, dtype in (([1.5], "int64"), ([[1], [1, 2]], "float32"), (["a"], "float32"), ([300], "uint8")):
        with pytest.raises(Error):
            DEVICE.accept(value, dtype, None)


def test_kernels_by_name():
    with pytest.raises(Error, match="no kernel 'numpy:conv/9'"):
        DEVICE.kernel("numpy:conv/9")


def test_a_kernel_leaves_the_callers_settings_alone():
    before = np.geterr(), np.getbufsize()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        out = np.empty(1, "f")
        DEVICE.kernel("numpy:log/1")(out, np.zeros(1, "f"))
    assert out[0] == -np.inf
    assert (np.geterr(), np.getbufsize()) == before


def test_copy():
    target = np.zeros((2, 2))
    DEVICE.copy(target, np.eye(2))
    np.testing.assert_array_equal(target, np.eye(2))
