"""Small models for the tests of this folder: built in a line, checked in full, run by someone else."""

import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from nnvm.frontends.onnx import load, to_bytes
from nnvm.frontends.onnx.rows import Row
from nnvm.ir import Graph, verify

Port = tuple[str, Sequence[Any] | None] | tuple[str, Sequence[Any] | None, int]


def port(given: Port) -> onnx.ValueInfoProto:
    name, shape, *rest = given
    return helper.make_tensor_value_info(name, rest[0] if rest else TensorProto.FLOAT, shape)


def model(
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[Port],
    outputs: Sequence[Port],
    *,
    opset: int = 17,
    ir_version: int = 8,
    weights: Mapping[str, np.ndarray] | None = None,
    domains: Mapping[str, int] | None = None,
    **more: Any,
) -> onnx.ModelProto:
    tensors = [numpy_helper.from_array(array, name) for name, array in (weights or {}).items()]
    graph = helper.make_graph(list(nodes), "g", list(map(port, inputs)), list(map(port, outputs)), tensors)
    imports = [helper.make_opsetid(domain, version) for domain, version in {"": opset, **(domains or {})}.items()]
    return helper.make_model(graph, opset_imports=imports, ir_version=ir_version, **more)


def node(type: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(type, list(inputs), list(outputs), **attributes)


def graph_of(proto: onnx.ModelProto) -> Graph:
    return verify(load(proto.SerializeToString()))


def written(graph: Graph, opset: int | None = None) -> onnx.ModelProto:
    proto = onnx.ModelProto.FromString(to_bytes(graph, opset=opset))
    onnx.checker.check_model(proto, full_check=True)
    return proto


def round_trip(proto: onnx.ModelProto) -> onnx.ModelProto:
    return written(graph_of(proto))


def spelled(proto: onnx.ModelProto) -> list[Any]:
    """Return the nodes of a model so that two that mean the same are equal: defaults said, tensors by content."""
    opset = next((item.version for item in proto.opset_import if item.domain == ""), 1)
    return [_spell(item, opset) for item in proto.graph.node]


def _spell(item: onnx.NodeProto, opset: int) -> tuple[Any, ...]:
    found = {} if item.domain else _defaults(item.op_type, opset)
    found |= {attribute.name: _plain(attribute) for attribute in item.attribute}
    inputs = list(item.input)
    while inputs and not inputs[-1]:
        inputs.pop()
    return item.domain, item.op_type, item.name, tuple(inputs), tuple(item.output), found


def _defaults(type: str, opset: int) -> dict[str, Any]:
    schema = onnx.defs.get_schema(type, opset, "")
    return {name: _plain(item.default_value) for name, item in schema.attributes.items() if item.default_value.type}


def _plain(attribute: onnx.AttributeProto) -> Any:
    value = helper.get_attribute_value(attribute)
    if isinstance(value, TensorProto):
        array = numpy_helper.to_array(value)
        return str(array.dtype), array.shape, array.tobytes()
    return value if isinstance(value, (int, float, bytes)) else str(value)


def run(proto: onnx.ModelProto, feeds: Mapping[str, Any]) -> list[Any]:
    """Run a model by ONNX's own reference."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return list(ReferenceEvaluator(proto).run(None, dict(feeds)))


def run_ort(proto: onnx.ModelProto | str, feeds: Mapping[str, Any]) -> list[Any]:
    """Run a model, or the one at a path, by ONNX Runtime, without its optimiser."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    source = proto if isinstance(proto, str) else proto.SerializeToString()
    return list(ort.InferenceSession(source, options, providers=["CPUExecutionProvider"]).run(None, dict(feeds)))


@cache
def _node_cases() -> dict[str, list[Any]]:
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        cases = collect_testcases(None)
    found: dict[str, list[Any]] = {}
    for case in cases:
        if case.model is not None and len(case.model.graph.node) == 1:
            found.setdefault(case.model.graph.node[0].op_type, []).append(case)
    return found


def check_row_against_onnx(row: Row, most: int = 8) -> None:
    """Load and save ONNX's own test cases of an operator: same nodes, same bits, types that the outputs have."""
    cases = _node_cases().get(row.type, [])
    for case in cases[:: -(-len(cases) // most) or 1]:
        graph = graph_of(case.model)
        saved = written(graph)
        assert spelled(saved) == spelled(case.model), case.name
        for inputs, _ in case.data_sets:
            feeds = {value.name: array for value, array in zip(case.model.graph.input, inputs, strict=True)}
            if not _is_known_to_the_reference(case.model, feeds):
                continue
            _check_outputs(case.name, graph, run(case.model, feeds), run(saved, feeds))


def _is_known_to_the_reference(proto: onnx.ModelProto, feeds: Mapping[str, Any]) -> bool:
    try:
        run(proto, feeds)
    except (RuntimeError, NotImplementedError, TypeError, ValueError):
        return False
    return True


def _check_outputs(name: str, graph: Graph, wanted: list[Any], given: list[Any]) -> None:
    for value, a, b in zip(graph.outputs, wanted, given, strict=True):
        first, second = np.asarray(a), np.asarray(b)
        assert first.dtype == second.dtype, name
        np.testing.assert_array_equal(first, second, err_msg=name)
        if value.node.op.foreign or value.type is None:
            continue
        assert value.dtype.name == str(first.dtype), name
        assert len(value.shape) == first.ndim, name
        fixed = [(size, given) for size, given in zip(value.shape, first.shape, strict=True) if isinstance(size, int)]
        assert all(size == given for size, given in fixed), name
