"""What ONNX's own interface for backends asks for, answered by the pipeline."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from nnvm.errors import Error, MissingExtra
from nnvm.frontends.onnx import load
from nnvm.ir import ContainerType, Graph, Value, string
from nnvm.pipeline import backend as find_backend
from nnvm.pipeline import compile as compile_graph
from nnvm.pipeline import optimize as optimize_graph
from nnvm.runtime.executor import Executable

try:
    import onnx
    from onnx.backend.base import Backend, BackendRep, namedtupledict
except ImportError as error:
    raise MissingExtra("onnx", "onnx") from error

DEVICES: Final = ("CPU",)
"""The devices of ONNX's interface that models run on."""


class PreparedModel(BackendRep):
    """A model that is loaded, optimised and compiled, to be run as often as one likes."""

    def __init__(self, graph: Graph, run: Executable) -> None:
        self.graph: Final = graph
        self.executable: Final = run
        self._inputs: Final = [value.name for value in graph.inputs]
        self._outputs: Final = namedtupledict("Outputs", graph.output_names)

    def run(self, inputs: Any, **kwargs: Any) -> Any:
        """Run on arrays in the order of the inputs that are no initializers, one array alone, or a mapping by name.

        Gives a tuple of arrays that also knows them by output name. Raises Error for inputs that do not fit the model.
        """
        return self._outputs(*self.executable(self._named(inputs)))

    def _named(self, inputs: Any) -> Mapping[str, Any]:
        if isinstance(inputs, Mapping):
            return inputs
        given = inputs if isinstance(inputs, list | tuple) else [inputs]
        if len(given) != len(self._inputs):
            asked = ", ".join(self._inputs) or "none"
            raise Error(f"the model {self.graph.name!r} was given {len(given)} inputs; it takes {asked}")
        for name, value in zip(self._inputs, given, strict=True):
            if value is None or isinstance(value, Mapping):
                what = "nothing" if value is None else "a mapping"
                raise Error(f"the input {name!r} was given {what}; it is an array")
        return dict(zip(self._inputs, given, strict=True))


class NnvmBackend(Backend):
    """The interface `onnx.backend.base.Backend` over `nnvm.load`, `nnvm.optimize` and `nnvm.compile`."""

    @classmethod
    def is_compatible(cls, model: onnx.ModelProto, device: str = "CPU", **kwargs: Any) -> bool:
        """Say whether `prepare` takes a model; it is loaded and compiled to find out."""
        try:
            cls.prepare(model, device, **{"optimize": False, **kwargs})
        except Error:
            return False
        return True

    @classmethod
    def prepare(
        cls,
        model: onnx.ModelProto,
        device: str = "CPU",
        *,
        optimize: bool = True,
        backend: str = "numpy",
        **kwargs: Any,
    ) -> PreparedModel:
        """Load a model, optimise it unless told otherwise, and compile it for one of our backends.

        Other keywords, such as the tolerances that ONNX's tests hand on, are ignored. Raises Error for a device or a
        model that does not run, naming every operator that is lacking.
        """
        if not cls.supports_device(device):
            raise Error(f"device {device!r} is not supported; there is: {', '.join(DEVICES)}")
        find_backend(backend)
        graph = load(model.SerializeToString())
        for value in graph.inputs:
            _check_tensor(value)
        if optimize:
            graph = optimize_graph(graph)
        executable = compile_graph(graph, backend)
        executable.require_kernels()
        return PreparedModel(graph, executable)

    @classmethod
    def run_model(cls, model: onnx.ModelProto, inputs: Any, device: str = "CPU", **kwargs: Any) -> Any:
        """Prepare a model and run it once; see `prepare` and `PreparedModel.run`."""
        return cls.prepare(model, device, **kwargs).run(inputs)

    @classmethod
    def run_node(
        cls,
        node: onnx.NodeProto,
        inputs: Any,
        device: str = "CPU",
        outputs_info: Sequence[tuple[Any, tuple[int, ...]]] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Run one node on arrays, one for each input that it names; `opset_version` is the newest unless given.

        `outputs_info` is not needed and not looked at. Raises Error for a node that does not run.
        """
        names = [name for name in node.input if name]
        given = inputs if isinstance(inputs, list | tuple) else [inputs]
        if isinstance(inputs, Mapping):
            given = [inputs[name] for name in names]
        if len(given) != len(names):
            raise Error(f"{node.op_type} {node.name!r} was given {len(given)} inputs; it takes {', '.join(names)}")
        arrays = dict(zip(names, given, strict=True))
        ports = [_port(name, array) for name, array in arrays.items()]
        outputs = [onnx.ValueInfoProto(name=name) for name in node.output if name]
        graph = onnx.helper.make_graph([node], node.op_type or "node", ports, outputs)
        opset = kwargs.pop("opset_version", onnx.defs.onnx_opset_version())
        imports = [onnx.helper.make_opsetid("", opset)]
        if node.domain:
            imports.append(onnx.helper.make_opsetid(node.domain, kwargs.pop("domain_version", 1)))
        model = onnx.helper.make_model(graph, opset_imports=imports)
        return cls.run_model(model, arrays, device, **kwargs)

    @classmethod
    def supports_device(cls, device: str) -> bool:
        """Say whether models run on a device such as "CPU" or "CUDA:1"."""
        return device.partition(":")[0] in DEVICES


def _check_tensor(value: Value) -> None:
    """Refuse a sequence, an optional, a map or a string before anything else complains about it."""
    if isinstance(value.type, ContainerType):
        raise Error(f"the input {value.name!r} is a {value.type.kind}; models run on tensors alone")
    if value.type is not None and value.dtype is string:
        raise Error(f"the input {value.name!r} holds strings; models run on numbers alone")


def _port(name: str, array: Any) -> onnx.ValueInfoProto:
    if not hasattr(array, "dtype") or not hasattr(array, "shape"):
        raise Error(f"the input {name!r} was given {type(array).__name__}; it is an array")
    number = onnx.helper.np_dtype_to_tensor_dtype(array.dtype)
    return onnx.helper.make_tensor_value_info(name, number, array.shape)


is_compatible = NnvmBackend.is_compatible
prepare = NnvmBackend.prepare
run_model = NnvmBackend.run_model
run_node = NnvmBackend.run_node
supports_device = NnvmBackend.supports_device

__all__ = [
    "NnvmBackend", "PreparedModel", "is_compatible", "prepare", "run_model", "run_node", "supports_device",
]  # fmt: skip
