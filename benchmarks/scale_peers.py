"""What the same graph costs in onnx-ir, in torch.fx and in xDSL."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from benchmarks.figures import Figure, cpu
from benchmarks.residual import OPERATORS, Row, residual, wanted


class OnnxIr:
    """The graph as an `onnx_ir.Model`, without types, built as quickly as its interface allows."""

    name = "onnx-ir"
    library = "onnx_ir"

    def build(self, rows: Sequence[Row]) -> Any:
        """Build the rows."""
        import onnx_ir as ir

        types = {name: name.capitalize() for name in OPERATORS}
        values = [ir.Value(name="x")]
        nodes = []
        for name, first, second in rows:
            inputs = (values[first],) if second < 0 else (values[first], values[second])
            node = ir.Node("", types[name], inputs)
            nodes.append(node)
            values.append(node.outputs[0])
        outputs = [values[i] for i in wanted(rows)]
        graph = ir.Graph(values[:1], outputs, nodes=nodes, opset_imports={"": 21}, name="main")
        return ir.Model(graph, ir_version=10)

    def ready(self, model: Any) -> Any:
        """Return the model as it is."""
        return model

    def cse(self, model: Any) -> Any:
        """Merge common sub-expressions."""
        from onnx_ir.passes.common import CommonSubexpressionEliminationPass

        return CommonSubexpressionEliminationPass()(model).model

    def beside_cse(self, model: Any) -> None:
        """Do what the CSE pass does beside its work: nothing."""

    def drop_last_output(self, model: Any) -> None:
        """Want the early output alone."""
        model.graph.outputs.pop()

    def dce(self, model: Any) -> Any:
        """Remove what no output needs."""
        from onnx_ir.passes.common import RemoveUnusedNodesPass

        return RemoveUnusedNodesPass()(model).model

    def count(self, model: Any) -> int:
        """Count the operators."""
        return len(model.graph)

    def forms(self) -> "Forms":
        """Return how it writes and reads: protobuf messages stand beside our JSON; it has no text that reads back."""
        import onnx_ir as ir

        return {"JSON": (ir.to_proto, ir.from_proto)}


class TorchFx:
    """The graph as a `torch.fx.GraphModule` of calls of torch's functions."""

    name = "torch.fx"
    library = "torch"

    def build(self, rows: Sequence[Row]) -> Any:
        """Build the rows."""
        import torch
        from torch import fx

        functions = {name: getattr(torch, name) for name in OPERATORS}
        graph = fx.Graph()
        values = [graph.placeholder("x")]
        for name, first, second in rows:
            inputs = (values[first],) if second < 0 else (values[first], values[second])
            values.append(graph.call_function(functions[name], inputs))
        graph.output(tuple(values[i] for i in wanted(rows)))
        return graph

    def ready(self, graph: Any) -> Any:
        """Make the module that the CSE pass asks for."""
        from torch import fx, nn

        return fx.GraphModule(nn.Module(), graph)

    def cse(self, module: Any) -> Any:
        """Merge common sub-expressions; the pass makes a module of the result too."""
        from torch.fx.passes.dialect.common.cse_pass import CSEPass

        return CSEPass()(module).graph_module.graph

    def beside_cse(self, graph: Any) -> Any:
        """Do what the CSE pass does beside its work: generate the code of a module."""
        return self.ready(graph)

    def drop_last_output(self, graph: Any) -> None:
        """Want the early output alone."""
        (output,) = graph.find_nodes(op="output")
        output.args = (output.args[0][:1],)

    def dce(self, graph: Any) -> Any:
        """Remove what no output needs."""
        graph.eliminate_dead_code()
        return graph

    def count(self, graph: Any) -> int:
        """Count the operators."""
        return sum(node.op == "call_function" for node in graph.nodes)

    def forms(self) -> "Forms":
        """Return how it writes: as Python, which gives a graph again only by being executed and traced."""
        return {"text": (lambda graph: graph.python_code("self").src, None)}


class XDsl:
    """The graph as a module of xDSL with one function, over operators without effects of its own dialects."""

    name = "xDSL"
    library = "xdsl"

    def build(self, rows: Sequence[Row]) -> Any:
        """Build the rows."""
        from xdsl.dialects import arith, math
        from xdsl.dialects.builtin import ModuleOp, TensorType, f32
        from xdsl.dialects.func import FuncOp, ReturnOp
        from xdsl.ir import Block, Region

        classes: dict[str, Any] = {
            "relu": math.AbsFOp, "tanh": math.TanhOp, "sigmoid": math.ExpOp, "add": arith.AddfOp, "mul": arith.MulfOp
        }  # fmt: skip
        type = TensorType(f32, (32, 64))
        block = Block(arg_types=[type])
        values: list[Any] = [block.args[0]]
        made: list[Any] = []
        for name, first, second in rows:
            found = classes[name](*((values[first],) if second < 0 else (values[first], values[second])))
            made.append(found)
            values.append(found.results[0])
        outputs = [values[i] for i in wanted(rows)]
        block.add_ops((*made, ReturnOp(*outputs)))
        return ModuleOp([FuncOp("main", ([type], [type] * len(outputs)), Region(block))])

    def ready(self, module: Any) -> Any:
        """Return the module as it is."""
        return module

    def cse(self, module: Any) -> Any:
        """Merge common sub-expressions."""
        from xdsl.transforms.common_subexpression_elimination import cse

        cse(module)
        return module

    def beside_cse(self, module: Any) -> None:
        """Do what the CSE pass does beside its work: nothing."""

    def drop_last_output(self, module: Any) -> None:
        """Want the early output alone."""
        end = self._block(module).last_op
        end.operands = end.operands[:1]

    def dce(self, module: Any) -> Any:
        """Remove what no output needs."""
        from xdsl.transforms.dead_code_elimination import dce

        dce(module)
        return module

    def count(self, module: Any) -> int:
        """Count the operators."""
        return sum(1 for _ in self._block(module).ops) - 1

    def _block(self, module: Any) -> Any:
        (function,) = module.ops
        return function.body.block

    def forms(self) -> "Forms":
        """Return how it prints and parses."""
        from xdsl.context import Context
        from xdsl.dialects import arith, builtin, func, math
        from xdsl.parser import Parser

        def parse(text: str) -> Any:
            context = Context()
            for dialect in (arith.Arith, builtin.Builtin, func.Func, math.Math):
                context.load_dialect(dialect)
            return Parser(context, text).parse_module()

        return {"text": (str, parse)}


Forms = Mapping[str, tuple[Callable[[Any], Any], Callable[[Any], Any] | None]]
"""How a peer writes and reads a graph, as text and as whatever it has in the place of JSON."""
Peer = OnnxIr | TorchFx | XDsl
PEERS: tuple[Peer, ...] = (OnnxIr(), TorchFx(), XDsl())
ROWS = ("build", "CSE", "DCE", "print", "parse", "JSON write", "JSON read")


def is_here(peer: Peer) -> bool:
    """Say whether the peer is installed, with what it needs itself."""
    return find_spec(peer.library) is not None


def measure(peer: Peer, nodes: int) -> Iterator[Figure]:
    """Measure what one graph of so many nodes costs a peer; each of its passes gets one to change."""
    if not is_here(peer):
        yield from ((f"{peer.name} {what}", None) for what in ROWS)
        return
    rows = residual(nodes)
    seconds, graph = cpu(lambda: peer.build(rows))
    yield f"{peer.name} build", seconds
    yield from _written(peer, graph)
    ready = peer.ready(graph)
    seconds, merged = cpu(lambda: peer.cse(ready))
    yield f"{peer.name} CSE", seconds - cpu(lambda: peer.beside_cse(merged))[0]
    graph = peer.build(rows)
    peer.drop_last_output(graph)
    yield f"{peer.name} DCE", cpu(lambda: peer.dce(graph))[0]


def _written(peer: Peer, graph: Any) -> Iterator[Figure]:
    """Measure how a peer writes a graph and reads it, in the forms that it has."""
    forms = peer.forms()
    for form, names in (("text", ("print", "parse")), ("JSON", ("JSON write", "JSON read"))):
        write, read = forms.get(form, (None, None))
        seconds, found = (None, None) if write is None else cpu(lambda write=write: write(graph))  # type: ignore[misc]
        yield f"{peer.name} {names[0]}", seconds
        yield f"{peer.name} {names[1]}", None if read is None else cpu(lambda read=read, found=found: read(found))[0]  # type: ignore[misc]


def counts(peer: Peer, nodes: int) -> tuple[int | None, int | None, int | None]:
    """Count the operators of the residual graph, after CSE, and after DCE without its last output."""
    if not is_here(peer):
        return None, None, None
    rows = residual(nodes)
    full, early = peer.build(rows), peer.build(rows)
    before = peer.count(full)
    peer.drop_last_output(early)
    return before, peer.count(peer.cse(peer.ready(full))), peer.count(peer.dce(early))
