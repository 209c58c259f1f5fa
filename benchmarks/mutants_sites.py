"""Which faults can be put into a source: a fixed list of operators on its syntax, each at every place where it fits."""

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

ROOT: Final = Path(__file__).parent.parent / "src" / "nnvm"
SOURCES: Final = ("passes", "passes/layout", "passes/rules", "ir/rewrite.py")
LEFT_OUT: Final = ("passes.optimize_bodies", "passes.rules.reasons", "passes.widen")
"""What only explains, what rewrites graphs inside carried operators that nobody runs, and what changes precision."""
TELLING: Final = ("_circle", "_complain", "dim_names", "_names")
"""Functions whose only result is the text of an error, or a list of names for it."""

INSTEAD: Final = {
    "add": "sub", "sub": "add", "mul": "div", "div": "mul", "max": "min", "min": "max", "any": "all", "all": "any",
    "maximum": "minimum", "minimum": "maximum", "relu": "absolute", "absolute": "relu", "floor": "ceil",
    "ceil": "floor", "rounded": "floor", "logical_and": "logical_or", "logical_or": "logical_and",
    "reduce_sum": "reduce_mean", "reduce_max": "reduce_min",
}  # fmt: skip
DROPPED: Final = (
    "absolute", "cast", "ceil", "expand", "floor", "logical_not", "neg", "relu", "reshape", "rounded", "sign", "sqrt",
    "transpose", "_wide", "_along_weight",
)  # fmt: skip
ORDERED: Final = ("_joined", "_merged", "clip", "div", "gemm", "matmul", "pow", "sub", "where")
NOT_PARAMS: Final = ("after", "default", "key", "origins", "strict", "types")
SIGNS: Final[dict[type, type]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
}  # fmt: skip
ARITHMETIC: Final[dict[type, type]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Mod: ast.FloorDiv,
    ast.FloorDiv: ast.Mod,
}  # fmt: skip
TRUE, NOTHING = "True", "()"


class Mutant(NamedTuple):
    """A fault: its name, which stays while the text at its place does; where it is; its class; the new source."""

    id: str
    module: str
    function: str
    kind: str
    first: int
    last: int
    number: int


def modules() -> dict[str, Path]:
    """Return the sources that are mutated, by module name."""
    found = {}
    for source in SOURCES:
        path = ROOT / source
        for each in sorted(path.glob("*.py")) if path.is_dir() else [path]:
            name = ".".join(each.relative_to(ROOT).with_suffix("").parts)
            if each.stem != "__init__" and name not in LEFT_OUT:
                found[f"nnvm.{name}"] = each
    return found


def mutants_of(module: str, path: Path) -> list[Mutant]:
    """Return every fault that can be put into a module, in the order of its text."""
    found: list[Mutant] = []
    seen: dict[str, int] = {}
    for number, site in enumerate(_sites(ast.parse(path.read_text(encoding="utf-8")))):
        text = f"{module.removeprefix('nnvm.')}.{site.function}: {site.kind}: {site.was} -> {site.now}"
        seen[text] = seen.get(text, 0) + 1
        name = text if seen[text] == 1 else f"{text} #{seen[text]}"
        found.append(Mutant(name, module, site.function, site.kind, site.first, site.last, number))
    return found


def mutated(mutant: Mutant, path: Path) -> Any:
    """Return the module's code with the fault in it; the file stays as it is."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    list(_sites(tree))[mutant.number].apply()
    return compile(ast.fix_missing_locations(tree), str(path), "exec")


class _Site(NamedTuple):
    """One change of the tree: at a field of a node, or at a place of a list there."""

    parent: ast.AST
    field: str
    place: int | None
    new: ast.AST | None
    kind: str
    function: str
    first: int
    last: int

    @property
    def old(self) -> Any:
        held = getattr(self.parent, self.field)
        return held if self.place is None else held[self.place]

    @property
    def was(self) -> str:
        return _text(self.parent if isinstance(self.old, (ast.cmpop, ast.operator, ast.boolop)) else self.old)

    @property
    def now(self) -> str:
        if self.new is None:
            return "left out"
        if isinstance(self.new, (ast.cmpop, ast.operator, ast.boolop)):
            return type(self.new).__name__
        return _text(self.new)

    def apply(self) -> None:
        if self.place is None:
            setattr(self.parent, self.field, self.new)
        elif self.new is None:
            del getattr(self.parent, self.field)[self.place]
        else:
            getattr(self.parent, self.field)[self.place] = self.new


def _text(node: Any) -> str:
    if isinstance(node, ast.If):
        return f"if {ast.unparse(node.test)}"
    return " ".join(ast.unparse(node).split())


def _sites(tree: ast.Module) -> Iterator[_Site]:
    for name, function in _functions(tree):
        if name.rpartition(".")[2] not in TELLING and not name.endswith("__"):
            yield from _in_function(name, function)


def _functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    for each in tree.body:
        if isinstance(each, ast.FunctionDef):
            yield each.name, each
        elif isinstance(each, ast.ClassDef):
            for inner in each.body:
                if isinstance(inner, ast.FunctionDef):
                    yield f"{each.name}.{inner.name}", inner


def _in_function(name: str, function: ast.FunctionDef) -> Iterator[_Site]:
    """Walk a function's statements; texts, annotations and errors stay as they are."""
    stack: list[tuple[ast.AST, int, int]] = [(each, each.lineno, _end(each)) for each in function.body[::-1]]
    while stack:
        node, first, last = stack.pop()
        if isinstance(node, (ast.Raise, ast.JoinedStr, ast.Assert, ast.arguments)):
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.stmt):
            first, last = node.lineno, _end(node)
        for field, value in ast.iter_fields(node):
            if field in ("annotation", "returns", "decorator_list", "ctx"):
                continue
            for place, each in enumerate(value) if isinstance(value, list) else ((None, value),):
                if not isinstance(each, ast.AST):
                    continue
                for kind, new in _changes(node, field, each):
                    yield _Site(node, field, place, new, kind, name, first, last)
                stack.append((each, first, last))
        if isinstance(node, ast.stmt):
            yield from _statement(node, name, first, last)


def _end(node: ast.stmt) -> int:
    """Return the last line of a statement, or of its head where it holds others."""
    body = getattr(node, "body", None)
    return body[0].lineno - 1 if body and body[0].lineno > node.lineno else (node.end_lineno or node.lineno)


def _statement(node: ast.stmt, name: str, first: int, last: int) -> Iterator[_Site]:
    if isinstance(node, ast.If):
        yield _Site(node, "test", None, ast.UnaryOp(ast.Not(), node.test), "negated guard", name, first, last)
        leaves = isinstance(node.body[0], (ast.Return, ast.Continue)) and _is_nothing(node.body[0])
        if not isinstance(node.body[0], ast.Raise):
            yield _Site(node, "test", None, ast.Constant(not leaves), "dropped guard", name, first, last)


def _is_nothing(node: ast.stmt) -> bool:
    if isinstance(node, ast.Return):
        return node.value is None or (isinstance(node.value, ast.Constant) and node.value.value in (None, False))
    return True


def _changes(parent: ast.AST, field: str, node: ast.AST) -> Iterator[tuple[str, ast.AST | None]]:
    """Yield what may stand in a node's place, each with the class of the fault."""
    if isinstance(node, ast.Call):
        yield from _calls(node)
    elif isinstance(node, ast.Attribute) and node.attr == "after" and isinstance(node.ctx, ast.Load):
        yield "lost control edge", _parsed(NOTHING)
    elif isinstance(node, ast.keyword):
        if node.arg == "after":
            yield "lost control edge", None
        elif node.arg == "types":
            yield "stale type", None
        elif node.arg not in NOT_PARAMS and isinstance(parent, ast.Call) and _name(parent) != "rule":
            yield "dropped param", None
    elif isinstance(node, ast.Constant):
        yield from _constants(parent, field, node)
    elif isinstance(node, ast.Subscript):
        yield from _subscripts(node)
    elif isinstance(node, ast.BoolOp):
        if len(node.values) > 1:
            for i in range(len(node.values)):
                rest = [each for k, each in enumerate(node.values) if k != i]
                yield "dropped guard", rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
    elif isinstance(node, ast.IfExp):
        yield "swapped branches", ast.IfExp(node.test, node.orelse, node.body)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and not isinstance(node.operand, ast.Constant):
        yield "dropped operator", node.operand
    elif isinstance(node, (ast.Compare, ast.BinOp)):
        yield from _infix(node)


def _calls(node: ast.Call) -> Iterator[tuple[str, ast.AST | None]]:
    name, arguments = _name(node), node.args
    if name in ("one", "none", "_is_tame", "pure") and arguments:
        yield "check removed", _parsed(TRUE)
    if name in ("fits", "same_type", "equal", "loses_order", "_covers", "isfinite"):
        yield "check removed", _parsed("False" if name == "loses_order" else TRUE)
    if name in DROPPED and arguments:
        yield "dropped operator", arguments[0]
    if name == "_undone":
        yield "reversed permutation", arguments[0]
    if name in ORDERED and len(arguments) > 1 and not isinstance(arguments[-1], ast.Starred):
        *lead, p, q = arguments
        yield "swapped operands", ast.Call(node.func, [*lead, q, p], node.keywords)
    if name in INSTEAD and isinstance(node.func, ast.Name):
        yield "wrong operator", ast.Call(ast.Name(INSTEAD[name], ast.Load()), arguments, node.keywords)
    if name == "rebuild" and len(arguments) > 1 and not isinstance(arguments[1], ast.Starred):
        replace = ast.Attribute(arguments[0], "replace", ast.Load())
        given = [ast.keyword("inputs", arguments[1]), *[ast.keyword("after", each) for each in arguments[2:]]]
        yield "stale type", ast.Call(replace, [], given)
        if len(arguments) > 2:
            yield "lost control edge", ast.Call(node.func, [*arguments[:2], _parsed(NOTHING)], [])
    if name == "_follow" and len(arguments) == 2:
        yield "lost control edge", _parsed(NOTHING)
    if name in ("infer", "sharper") and len(arguments) > 1:
        yield "stale type", _parsed("node.types") if name == "infer" else arguments[1]
    if name == "set_dims" or (name == "type" and isinstance(node.func, ast.Attribute)):
        yield "stale type", arguments[0]


def _constants(parent: ast.AST, field: str, node: ast.Constant) -> Iterator[tuple[str, ast.AST | None]]:
    value = node.value
    if isinstance(parent, ast.Subscript):
        return
    if isinstance(value, bool):
        if not (isinstance(parent, ast.keyword) and parent.arg in NOT_PARAMS):
            yield "flipped flag", ast.Constant(not value)
    elif isinstance(value, (int, float)):
        axis = isinstance(parent, ast.keyword) and parent.arg in ("axis", "axes", "start", "end", "perm")
        yield "wrong axis" if axis else "wrong constant", ast.Constant(value + 1 if value != 0.5 else 2)


def _subscripts(node: ast.Subscript) -> Iterator[tuple[str, ast.AST | None]]:
    place, base = node.slice, node.value
    if isinstance(place, ast.Slice):
        if ast.unparse(place) == "::-1":
            yield "reversed permutation", base
            return
        for bound in ("lower", "upper"):
            value = getattr(place, bound)
            if value is not None:
                later = ast.BinOp(value, ast.Add(), ast.Constant(1))
                bounds = {"lower": place.lower, "upper": place.upper, "step": place.step, bound: later}
                yield "off by one", ast.Subscript(base, ast.Slice(**bounds), ast.Load())
        return
    held = base.attr if isinstance(base, ast.Attribute) else ""
    number = isinstance(place, ast.Constant) and isinstance(place.value, int) and not isinstance(place.value, bool)
    if held == "shape" or (isinstance(base, ast.Name) and base.id == "shape"):
        yield "wrong axis", ast.Subscript(base, ast.BinOp(place, ast.Sub(), ast.Constant(1)), ast.Load())
    elif number and isinstance(node.ctx, ast.Load):
        assert isinstance(place, ast.Constant)
        other = place.value - 1 if place.value > 0 else place.value + 1
        kind = "wrong output" if held in ("outputs", "types") or isinstance(base, ast.Call) else "wrong input"
        yield kind, ast.Subscript(base, ast.Constant(other), ast.Load())


def _infix(node: ast.Compare | ast.BinOp) -> Iterator[tuple[str, ast.AST | None]]:
    if isinstance(node, ast.BinOp):
        swapped = ARITHMETIC.get(type(node.op))
        if swapped is not None:
            yield "wrong operator", ast.BinOp(node.left, swapped(), node.right)
        if isinstance(node.op, (ast.Sub, ast.Div, ast.Mod, ast.FloorDiv, ast.Pow)):
            yield "swapped operands", ast.BinOp(node.right, node.op, node.left)
        return
    for i, sign in enumerate(node.ops):
        other = SIGNS.get(type(sign))
        if other is not None:
            signs: Sequence[ast.cmpop] = [*node.ops[:i], other(), *node.ops[i + 1 :]]
            yield "off by one", ast.Compare(node.left, list(signs), node.comparators)
    if isinstance(node.left, ast.Subscript) and getattr(node.left.value, "id", "") == "used":
        yield "check removed", _parsed(TRUE)


def _name(node: ast.Call) -> str:
    function = node.func
    return (
        function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""
    )


def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


class Uses:
    """Which passes and rules a function of the sources can be felt in, read off the names that each mentions."""

    def __init__(self, paths: dict[str, Path]) -> None:
        self.mentions: dict[str, set[str]] = {}
        self.rules: set[str] = set()
        self.imports: dict[str, set[str]] = {}
        for module, path in paths.items():
            tree = ast.parse(path.read_text(encoding="utf-8"))
            nodes = list(ast.walk(tree))
            self.imports[module] = {each.module or "" for each in nodes if isinstance(each, ast.ImportFrom)}
            for _, function in _functions(tree):
                names = {each.id for each in ast.walk(function) if isinstance(each, ast.Name)}
                self.mentions.setdefault(function.name, set()).update(names)
                if any("rule" in ast.unparse(each) for each in function.decorator_list):
                    self.rules.add(function.name)

    def rules_of(self, mutant: Mutant) -> set[str]:
        """Return the rules that a mutated function is, or is called by."""
        found = {mutant.function.rpartition(".")[2]}
        while True:
            more = {name for name, mentions in self.mentions.items() if not found.isdisjoint(mentions)} - found
            if not more:
                return found & self.rules
            found |= more

    def passes_of(self, mutant: Mutant) -> set[str]:
        """Return the passes whose modules import the mutated one, however far."""
        found = {mutant.module}
        while True:
            more = {module for module, imports in self.imports.items() if not found.isdisjoint(imports)} - found
            if not more:
                return {module.rpartition(".")[2] for module in found}
            found |= more
