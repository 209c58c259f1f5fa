"""The NumPy backend: kernels that write where they are told, and the device that a saved program runs on."""

from nnvm.backends.numpy.device import NumpyDevice
from nnvm.backends.numpy.registered import kernel
from nnvm.runtime.executor import Executable
from nnvm.runtime.program import Program

__all__ = ["NumpyDevice", "kernel", "run"]


def run(program: Program) -> Executable:
    """Make a program callable on NumPy arrays; Error where it was compiled for another backend."""
    return Executable(program, NumpyDevice())
