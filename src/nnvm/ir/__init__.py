"""What a graph is: operators, nodes, values, types, rules; the standard library is all it needs."""

from nnvm.ir.aliases import alias, aliases
from nnvm.ir.annotations import Bounds
from nnvm.ir.compose import compose, internals
from nnvm.ir.contents import contents, follow, follow_types
from nnvm.ir.dims import UNKNOWN, Dim, at_least, dim, equal, larger, smaller
from nnvm.ir.graph import Graph, analysis, collection_paused, operators, postorder, uses
from nnvm.ir.names import unique_names
from nnvm.ir.node import ABSENT, EMPTY, OVERLOADS, Node, Params, Value, make, params
from nnvm.ir.op import (
    Op,
    born,
    constant,
    data_of,
    foreign,
    input,
    is_constant,
    named_input,
    op,
    variable,
)
from nnvm.ir.op_attr import OpAttr
from nnvm.ir.op_group import OpGroup
from nnvm.ir.provenance import recording
from nnvm.ir.rewrite import rebuild, rewrite
from nnvm.ir.rules.patterns import commutes, either
from nnvm.ir.rules.rewriting import apply_rules, run_rules
from nnvm.ir.rules.rule import Rule, count, rule, work
from nnvm.ir.rules.why_not import why_not
from nnvm.ir.same import same
from nnvm.ir.scope import hints, prefix, scope, unscoped
from nnvm.ir.signature import parse_params
from nnvm.ir.tensor_data import FileSlice, TensorData, tensor_data
from nnvm.ir.trace import trace
from nnvm.ir.types import (
    DTYPES,
    ContainerType,
    DType,
    TensorType,
    UnknownRank,
    bf16,
    boolean,
    container_type,
    dtype,
    f16,
    f32,
    f64,
    i8,
    i16,
    i32,
    i64,
    parse_dim,
    product,
    same_type,
    set_dims,
    string,
    tensor_type,
    u8,
    u16,
    u32,
    u64,
)  # fmt: skip
from nnvm.ir.verify import verify

__all__ = [
    "ABSENT", "DTYPES", "EMPTY", "OVERLOADS", "UNKNOWN", "Bounds", "ContainerType", "DType", "Dim", "FileSlice",
    "Graph", "Node", "Op", "OpAttr", "OpGroup", "Params", "Rule", "TensorData", "TensorType", "UnknownRank", "Value",
    "alias", "aliases", "analysis", "apply_rules", "at_least", "bf16", "boolean", "born", "collection_paused",
    "commutes", "compose", "constant", "container_type", "contents", "count", "data_of", "dim", "dtype", "either",
    "equal", "f16", "f32", "f64", "follow", "follow_types", "foreign", "hints", "i8", "i16", "i32", "i64", "input",
    "internals", "is_constant", "larger", "make", "named_input", "op", "operators", "params", "parse_dim",
    "parse_params", "postorder", "prefix", "product", "rebuild", "recording", "rewrite", "rule", "run_rules", "same",
    "same_type", "scope", "set_dims", "smaller", "string", "tensor_data", "tensor_type", "trace", "u8",
    "u16", "u32", "u64", "unique_names", "unscoped", "uses", "variable", "verify", "why_not", "work",
]  # fmt: skip
