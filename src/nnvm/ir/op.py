"""What an operator is: a name, a signature, a sentence, and the types it returns."""

from collections.abc import Callable, Mapping
from importlib import import_module
from types import FunctionType
from typing import Any, Final, Generic, ParamSpec, TypeVar, cast, overload

from nnvm.errors import Error
from nnvm.ir.dims import UNKNOWN, Size, dim
from nnvm.ir.node import ABSENT, EMPTY, HINTLESS, Node, Params, Value, make, params
from nnvm.ir.scope import OPEN, scoped
from nnvm.ir.signature import check_params, param_annotations
from nnvm.ir.tensor_data import TensorData, tensor_data
from nnvm.ir.types import ContainerType, DType, TensorType, Type, UnknownRank, boolean, f32, i64

P = ParamSpec("P")
R = TypeVar("R")
Types = tuple[Type | None, ...]
Count = Callable[[tuple[Value, ...], Mapping[str, Any]], int]

RESERVED: Final = ("name", "after", "hints")
"""Keywords that every operator takes beside its params."""


class Op(Generic[P, R]):
    """An operator. Calling it with values makes a node and returns its outputs."""

    __slots__ = (
        "_annotated",
        "_cache",
        "_checked",
        "body",
        "count",
        "defaults",
        "doc",
        "foreign",
        "inputs",
        "module",
        "name",
        "optional",
        "param_names",
        "variadic",
        "visible",
    )
    name: Final[str]
    doc: Final[str]
    module: Final[str]
    inputs: Final[tuple[str, ...]]
    optional: Final[frozenset[str]]
    variadic: Final[bool]
    param_names: Final[tuple[str, ...]]
    defaults: Final[Mapping[str, Any]]
    body: Final[Callable[..., Any] | None]
    count: Final[int | Count]
    visible: Final[int | Count | None]

    def __init__(
        self,
        body: Callable[..., Any],
        count: int | Count,
        name: str | None = None,
        visible: int | Count | None = None,
    ) -> None:
        code = cast(FunctionType, body).__code__
        slots = code.co_varnames
        positional, keywords = code.co_argcount, code.co_kwonlyargcount
        self.name = name or body.__name__
        self.module = body.__module__
        self.doc = (body.__doc__ or "").strip()
        self.variadic = bool(code.co_flags & 0x04)
        self.inputs = slots[:positional] + ((slots[positional + keywords],) if self.variadic else ())
        missing = cast(FunctionType, body).__defaults__ or ()
        self.optional = frozenset(slots[positional - len(missing) : positional])
        self.param_names = slots[positional : positional + keywords]
        self.defaults = dict(cast(FunctionType, body).__kwdefaults__ or {})
        self.body: Callable[..., Any] | None = body
        self.count: int | Count = count
        self.visible: int | Count | None = visible
        self.foreign = False
        self._cache: dict[Any, Types] = {}
        self._checked: set[Params] = set()
        self._annotated: Mapping[str, Any] | None = None
        clash = set(RESERVED) & {*self.inputs, *self.param_names}
        if clash:
            raise Error(f"operator {self.name}: {sorted(clash)} are keywords of every operator; rename the argument")
        if isinstance(visible, int) and not 0 < visible <= (count if isinstance(count, int) else visible):
            raise Error(f"operator {self.name}: a call returns {visible} of {count} outputs; at least one, at most all")

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Make a node; the first call compiles a function with the operator's own signature."""
        specialise(self)
        return self(*args, **kwargs)

    def __deepcopy__(self, memo: object) -> "Op[P, R]":
        return self

    def __reduce__(self) -> "tuple[Callable[[str, str], Op[..., Any]], tuple[str, str]]":
        """Pickle where the operator is found, not what it is."""
        if self.foreign:
            return foreign, (self.name, self.module)
        place = (self.module, cast(FunctionType, self.body).__qualname__)
        if _find(*place) is not self:
            raise Error(
                f"operator {self.name} cannot be pickled: it is not {'.'.join(place)}; define it at the top of a module"
            )
        return _find, place

    def __repr__(self) -> str:
        return f"<op {self.name}>"

    @property
    def annotated(self) -> Mapping[str, Any]:
        """What each param is annotated with; a param without an annotation is left out."""
        if self._annotated is None:
            self._annotated = param_annotations(self)
        return self._annotated

    def infer(self, inputs: tuple[Value, ...], params: Params, name: str | None = None) -> Types:
        """Return the types of the outputs of a use, from the types (and, where it asks, the contents) of its inputs.

        Untyped inputs give untyped outputs. Raises Error, naming operator and types, for inputs and for params that do
        not fit; the same params are looked at once.
        """
        key = (params, *[value.type for value in inputs])
        found = self._cache.get(key)
        if found is not None:
            return found
        untyped = any(value.type is None and value is not ABSENT for value in inputs)
        if self.param_names and params not in self._checked and (params.literal or not untyped):
            check_params(self, params, name)
            if params.literal:
                self._checked.add(params)
        if self.body is None or untyped:
            return (None,) * self._outputs(inputs, params)
        looks, _naming[1] = _naming[1], 0
        outer, _naming[0] = _naming[0], name
        try:
            types = self.body(*[None if value is ABSENT else value for value in inputs], **params)
        except UnknownRank:
            types = (None,) * self._outputs(inputs, params)
        except (Error, ValueError, TypeError, LookupError, ArithmeticError, AttributeError, AssertionError) as error:
            raise Error(self._complain(inputs, params, name, error)) from error
        finally:
            looked = _naming[1]
            _naming[0], _naming[1] = outer, looks + looked
        made = self._check(types, inputs, params, name)
        if not looked and params.literal:
            self._cache[key] = made
        return made

    def _check(self, types: Any, inputs: tuple[Value, ...], params: Params, name: str | None) -> Types:
        made: Types = (types,) if types is None or isinstance(types, (TensorType, ContainerType)) else tuple(types)
        if not all(type is None or isinstance(type, (TensorType, ContainerType)) for type in made):
            raise Error(
                self._complain(inputs, params, name, f"the operator's function returned {types!r}, which is no type")
            )
        expected = self._outputs(inputs, params)
        if len(made) != expected:
            raise Error(
                self._complain(
                    inputs, params, name, f"the operator's function returned {len(made)} types for {expected} outputs"
                )
            )
        return made

    def _outputs(self, inputs: tuple[Value, ...], params: Mapping[str, Any]) -> int:
        return self.count if isinstance(self.count, int) else self.count(inputs, params)

    def visible_outputs(self, inputs: tuple[Value, ...], params: Mapping[str, Any]) -> int:
        """Return how many outputs a call returns; the others are hidden."""
        if self.visible is None:
            return self._outputs(inputs, params)
        return self.visible if isinstance(self.visible, int) else self.visible(inputs, params)

    def _complain(
        self, inputs: tuple[Value, ...], params: Mapping[str, Any], name: str | None, error: Exception | str
    ) -> str:
        names = (
            self.inputs
            if not self.variadic
            else [*self.inputs[:-1], *[f"{self.inputs[-1]}[{i}]" for i in range(len(inputs))]]
        )
        given = ", ".join(
            f"{name}: {'absent' if value is ABSENT else value.type}" for name, value in zip(names, inputs, strict=False)
        )
        given += "".join(f", {key}={value!r}" for key, value in params.items())
        return f"{self.name}({given}){f' in node {name!r}' if name else ''}: {error}"


@overload
def op(body: Callable[P, Type | None], /) -> Op[P, Value]: ...
@overload
def op(body: Callable[P, tuple[TensorType | None, ...]], /) -> Op[P, tuple[Value, ...]]: ...
@overload
def op(
    *, outputs: int | Count, visible: int | Count | None = None, name: str | None = None
) -> Callable[[Callable[P, Any]], Op[P, Any]]: ...
def op(
    body: Any = None,
    /,
    *,
    outputs: int | Count | None = None,
    visible: int | Count | None = None,
    name: str | None = None,
) -> Any:
    """Make an operator of a function from input values and params to output types.

    Positional arguments are inputs (a default of None makes one optional, `*xs` takes any number), the keyword-only are
    params, checked against their annotations. `outputs` counts the outputs where the annotation, TensorType or a tuple
    of them, does not. A call returns the first `visible` of them, else all; the others are in `node.outputs`.
    """
    if body is None:
        return lambda body: Op(body, 1 if outputs is None else outputs, name, visible)
    return Op(body, _annotated_outputs(body) if outputs is None else outputs, name, visible)


def _annotated_outputs(body: Callable[..., Any]) -> int:
    returned = body.__annotations__.get("return")
    text = returned if isinstance(returned, str) else str(returned)
    if "tuple" not in text:
        return 1
    if "..." in text:
        raise Error(f"operator {body.__name__}: say how many outputs there are, @op(outputs=...)")
    return text.count("TensorType")


_foreign: Final[dict[tuple[str, str], Op[..., Any]]] = {}


def _find(module: str, place: str) -> Op[..., Any]:
    found: Any = import_module(module)
    for part in place.split("."):
        found = getattr(found, part, None)
    return cast("Op[..., Any]", found)


def foreign(name: str, module: str) -> Op[..., Any]:
    """Return the one operator of this name that is carried, not known: any inputs, params and number of outputs."""
    known = _foreign.get((name, module))
    if known is not None:
        return known

    def body(*inputs: Value) -> TensorType:
        raise UnknownRank

    operator: Op[..., Any] = Op(body, 1, name)
    operator.module, operator.foreign = module, True  # type: ignore[misc]
    return _foreign.setdefault((name, module), operator)


def build(
    op: Op[..., Any],
    inputs: tuple[Value, ...],
    values: Params,
    name: str | None,
    after: tuple[Node, ...],
    hints: Mapping[str, Any],
) -> Any:
    """Make a node of any number of outputs from bound arguments; raise Error where the types do not fit."""
    if inputs and inputs[-1] is ABSENT:
        kept = len(inputs)
        while kept and inputs[kept - 1] is ABSENT:
            kept -= 1
        inputs = inputs[:kept]
    types = op.infer(inputs, values, name)
    if len(types) == 1 and op.count == 1:
        return make(op, inputs, values, types[0], name, after, hints)
    outputs = Node(op, inputs, values, types, name, after, hints).outputs
    if op.visible is None:
        return outputs if op.count != 1 else outputs[0]
    return outputs[0] if op.visible == 1 else outputs[: op.visible_outputs(inputs, values)]


def specialise(operator: Op[..., Any]) -> None:
    """Give an operator a `__call__` of its own signature, compiled once: `inspect` would bind thirty times slower."""
    fixed = operator.inputs[: -1 if operator.variadic else None]
    scope: dict[str, Any] = {
        "__op": operator, "__build": build, "__make": make, "__lift": lift, "__params": params, "__Value": Value,
        "__EMPTY": EMPTY, "__ABSENT": ABSENT, "__HINTLESS": HINTLESS, "__cached": operator._cache.get,
        "__defaults": operator.defaults, "__OPEN": OPEN, "__scoped": scoped,
    }  # fmt: skip  # the underscores keep them apart from the operator's arguments
    signature = [f"{name}=__ABSENT" if name in operator.optional else name for name in fixed]
    signature.append(f"*{operator.inputs[-1]}" if operator.variadic else "*")
    signature += [
        f"{name}=__defaults[{name!r}]" if name in operator.defaults else name for name in operator.param_names
    ]
    signature += ["name=None", "after=()", "hints=__HINTLESS"]
    inputs = (
        "(" + "".join(f"{name}, " for name in fixed) + (f"*{operator.inputs[-1]}," if operator.variadic else "") + ")"
    )
    values = (
        "__params({" + ", ".join(f"{name!r}: {name}" for name in operator.param_names) + "})"
        if operator.param_names
        else "__EMPTY"
    )
    types = "".join(f", {name}.type" for name in fixed)
    quick = operator.count == 1 and not operator.variadic and not operator.optional
    source = f"def bind({', '.join(signature)}):\n if __OPEN: name, hints = __scoped(__op, name, hints)\n"
    if quick:
        source += f" try:\n  __values = {values}\n  __types = __cached((__values{types}))\n"
        source += f"  if __types is not None: return __make(__op, {inputs}, __values, __types[0], name, after, hints)\n"
        source += " except AttributeError: pass\n"
    source += f" __inputs = {inputs}\n for __value in __inputs:\n  if __value.__class__ is not __Value:\n"
    source += "   __inputs = __lift(__op, __inputs)\n   break\n"
    source += f" return __build(__op, __inputs, {values}, name, after, hints)\n"
    exec(compile(source, f"<signature of {operator.name}>", "exec"), scope)
    bound = scope["bind"]
    bound.__name__ = bound.__qualname__ = operator.name
    bound.__doc__ = operator.doc
    operator.__class__ = type(f"Op[{operator.name}]", (Op,), {"__call__": staticmethod(bound), "__slots__": ()})


def lift(operator: Op[..., Any], inputs: tuple[object, ...]) -> tuple[Value, ...]:
    """Make values of plain numbers and constant data among inputs; a number takes the element type of a neighbour."""
    found = [value.type.dtype for value in inputs if isinstance(value, Value) and isinstance(value.type, TensorType)]
    number_type = next((dtype for dtype in found if dtype is not boolean), boolean if found else f32)
    lifted: list[Value] = []
    for name, value in zip(operator.inputs + operator.inputs[-1:] * len(inputs), inputs, strict=False):
        if value is None and name not in operator.optional and not operator.variadic:
            raise Error(f"{operator.name}: input {name!r} is not optional; give a value")
        if value is None:
            lifted.append(ABSENT)
        elif isinstance(value, Value):
            lifted.append(value)
        elif isinstance(value, TensorData):
            lifted.append(constant(data=value))
        elif isinstance(value, (bool, int, float)):
            lifted.append(constant(data=_number(operator, name, value, number_type)))
        elif isinstance(value, (tuple, list)) and all(isinstance(item, int) for item in value):
            lifted.append(constant(data=tensor_data(value, i64[len(value)])))
        else:
            lifted.append(constant(data=_array(operator, name, value, number_type)))
    return tuple(lifted)


def _array(operator: Op[..., Any], name: str, value: object, number_type: DType) -> TensorData:
    """Make data of what speaks the buffer protocol; a scalar counts as a number."""
    try:
        data = tensor_data(value)
    except Error as error:
        told = f"must be a value, a number or an array, not {type(value).__name__}"
        raise Error(f"{operator.name}: input {name!r} {told}") from error
    return data if data.shape else _number(operator, name, data.item(), number_type)


def _number(operator: Op[..., Any], name: str, value: float, dtype: DType) -> TensorData:
    try:
        return tensor_data(value, dtype[()])
    except Error as error:
        raise Error(f"{operator.name}: input {name!r}: {error}") from error


@op
def constant(*, data: TensorData) -> TensorType:
    """Yield what `data` holds."""
    return data.tensor


@op
def input(*, type: Type | None = None) -> Type | None:
    """Yield what the caller feeds under the node's name at each run."""
    return type


@op
def variable(*, type: Type | None = None, init: TensorData | None = None) -> Type | None:
    """Yield state that is kept between runs under the node's name; it starts as `init`."""
    return type if type is not None or init is None else init.tensor


def is_constant(value: Value) -> bool:
    """Say whether a value is a constant."""
    looked()
    return value.node.op is constant


def data_of(value: Value) -> TensorData | None:
    """Return the data of a constant, or None for any other value."""
    looked()
    return value.node.params["data"] if value.node.op is constant else None


_naming: list[Any] = [None, 0]
"""The node whose types are being inferred, and how often its operator's body looked beyond types."""


def born(axis: int = 0) -> Size:
    """Return the dimension that the data of the node being built decides, named after it; unknown without a name."""
    looked()
    return dim(f"{_naming[0]}.{axis}") if _naming[0] else UNKNOWN


def looked() -> None:
    """Note that the body whose types are being inferred depends on more than types, so its answer is not remembered."""
    _naming[1] += 1


def named_input(name: str, type: Type | None = None) -> Value:
    """Return a new graph input."""
    return make(input, (), params({"type": type}), type, name, (), HINTLESS)
