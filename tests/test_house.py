"""The habits of the house that a machine can check."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, find, settings

from nnvm import ops
from nnvm.errors import MissingExtra
from nnvm.ir import Op, TensorType, Value

ROOT = Path(__file__).parent.parent
SOURCES = ROOT / "src" / "nnvm"
MODULES = sorted(SOURCES.rglob("*.py"))

LONGEST_FILE = 450
FLOORS_ON_THE_STANDARD_LIBRARY = ("ir", "attrs", "ops", "analyses", "passes", "runtime", "errors.py")

# A module that another file tests, and why: the list is complete, and an entry that is no longer true fails.
TESTED_ELSEWHERE: dict[str, str] = {
    "cli/__main__.py": "cli/test_base.py",  # it calls main, as a process of its own
    "errors.py": "test_house.py",  # two exception types: what they promise is checked over all of the sources
}

# The operators that are excepted, and why: the lists are complete too.
OPERATORS_WITHOUT_LAWS: dict[str, str] = {
    "assign": "no operator of ONNX writes to a state, so that nobody judges its uses; it is tested beside its family",
    "copy": "ONNX knows neither memory nor devices, so that nobody judges its uses; it is tested beside its family",
}
OPERATORS_WITHOUT_KERNELS: dict[str, dict[str, str]] = {"numpy": {}}


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def under_sources(path: Path) -> str:
    return path.relative_to(SOURCES).as_posix()


def modules_of(floor: str) -> list[Path]:
    return [path for path in MODULES if path.relative_to(SOURCES).parts[0] == floor]


def is_one_sentence(docstring: str | None) -> bool:
    """Take an ending followed by a capital for a second sentence, so that 'e.g. a name' passes."""
    if docstring is None or not docstring.endswith((".", "?", "!")):
        return False
    return not re.search(r"[.?!]\s+[A-Z`]", docstring)


def imported(module: ast.Module) -> Iterator[str]:
    """Yield what a module imports at any depth, inside functions and for type checkers too."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "."


def mirrors(module: str) -> list[str]:
    """Return where the test of a module may be: kernels may also be tested one folder up."""
    *folders, name = module.split("/")
    places = [folders, folders[:-1]] if folders[-1:] == ["kernels"] else [folders]
    return ["/".join([*place, f"test_{name}"]) for place in places]


def has_a_mirror(module: str) -> bool:
    return any((ROOT / "tests" / mirror).is_file() for mirror in mirrors(module))


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_there_are_sources() -> None:
    assert [path.name for path in MODULES if path.parent == SOURCES].count("__init__.py") == 1


def test_every_module_opens_with_one_sentence() -> None:
    wrong = [under_sources(path) for path in MODULES if not is_one_sentence(ast.get_docstring(tree(path)))]
    assert wrong == []


@pytest.mark.parametrize(
    ("docstring", "expected"),
    [
        ("What a graph is.", True),
        ("What a graph is, e.g. its outputs; it\nmay wrap.", True),
        ("What a graph is", False),
        ("What a graph is. Then more.", False),
        ("What a graph is.\n\nThen more.", False),
        (None, False),
    ],
)
def test_one_sentence(docstring: str | None, expected: bool) -> None:
    assert is_one_sentence(docstring) is expected


def test_tests_mirror_sources() -> None:
    modules = [under_sources(path) for path in MODULES if path.name != "__init__.py"]
    missing = [name for name in modules if name not in TESTED_ELSEWHERE and not has_a_mirror(name)]
    assert not missing, "no test file for: " + ", ".join(missing)


def test_exceptions_to_the_mirror_are_true() -> None:
    stale = [name for name in TESTED_ELSEWHERE if has_a_mirror(name) or not (SOURCES / name).is_file()]
    assert stale == []
    assert [test for test in TESTED_ELSEWHERE.values() if not (ROOT / "tests" / test).is_file()] == []


def test_no_file_is_long() -> None:
    lengths = {under_sources(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


@pytest.mark.parametrize("floor", FLOORS_ON_THE_STANDARD_LIBRARY)
def test_floor_stands_on_the_standard_library(floor: str) -> None:
    modules = modules_of(floor)
    allowed = sys.stdlib_module_names | {"nnvm"}
    strangers = {(under_sources(path), name) for path in modules for name in imported(tree(path))}
    assert modules
    assert sorted(pair for pair in strangers if pair[1].partition(".")[0] not in allowed) == []


def test_import_nnvm_loads_the_standard_library_alone() -> None:
    program = (
        "import sys; before = set(sys.modules); import nnvm; assert nnvm.__file__;"
        "print(*sorted(set(sys.modules) - before), sep='\\n')"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = answer.stdout.split()
    assert "nnvm" in loaded
    assert [name for name in loaded if name.partition(".")[0] not in sys.stdlib_module_names | {"nnvm"}] == []
    floors = {path.name for path in SOURCES.iterdir() if path.is_dir()}
    assert [name for name in loaded if name.startswith("nnvm.") and name.split(".")[1] in floors] == []


def passes() -> set[str]:
    """Return the functions over a graph that bear the name of their file in `passes/`."""
    return {
        path.stem
        for path in modules_of("passes")
        for node in tree(path).body
        if isinstance(node, ast.FunctionDef) and node.name == path.stem
        if [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)][:1] == ["graph"]
    }


def names_listed(module: ast.Module, variable: str) -> set[str]:
    """Return every name in what a module assigns to a variable at its top, and in functions of its own listed there.

    So `partial(fuse, limit=2)` counts, and so does a function that hands a pass its machinery.
    """
    values: list[ast.AST] = []
    functions: dict[str, ast.FunctionDef] = {}
    for node in module.body:
        match node:
            case ast.FunctionDef(name=name):
                functions[name] = node
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name == variable:
                values.append(value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if name == variable:
                values.append(value)
    listed = {name.id for value in values for name in ast.walk(value) if isinstance(name, ast.Name)}
    own = [functions[name] for name in sorted(listed & functions.keys())]
    return listed | {name.id for function in own for name in ast.walk(function) if isinstance(name, ast.Name)}


def test_every_pass_is_under_the_laws() -> None:
    laws = ROOT / "tests" / "laws" / "test_passes.py"
    assert passes()
    assert passes() - names_listed(tree(laws), "PASSES") == set()


def test_names_listed() -> None:
    functions = "def given(graph): return fold(graph, evaluate)\ndef other(): loop\n"
    module = ast.parse(functions + "PASSES: object = {'a': given, 'b': cse}")
    assert names_listed(module, "PASSES") >= {"given", "fold", "cse"}
    assert "loop" not in names_listed(module, "PASSES")
    assert names_listed(module, "LAWS") == set()


def shipped() -> list[Op[..., Any]]:
    """Return every operator that a module of `ops/` defines."""
    modules = [import_module(f"nnvm.ops.{path.stem}") for path in modules_of("ops") if path.stem != "__init__"]
    found = {each for module in modules for each in vars(module).values() if isinstance(each, Op)}
    return sorted((each for each in found if each.module.startswith("nnvm.ops.")), key=lambda each: each.name)


def uses() -> dict[Op[..., Any], Any]:
    """Return, for each operator, the strategy that its family's test draws its uses from."""
    pytest.importorskip("onnxruntime")  # the judge of those uses
    families = sorted(path.stem for path in (ROOT / "tests" / "ops").glob("test_*.py"))
    listed = [getattr(import_module(f"tests.ops.{family}"), "USES", {}) for family in families]
    return {operator: strategy for each in listed for operator, strategy in each.items()}


def test_every_operator_is_found_under_its_name() -> None:
    assert [each.name for each in shipped()] == sorted(ops.__all__)
    assert [each.name for each in shipped() if getattr(ops, each.name, None) is not each] == []


def test_every_operator_has_a_sentence_and_a_type() -> None:
    lines = {each.name: each.doc.partition("\n")[0] for each in shipped()}
    assert [name for name, line in lines.items() if not line.endswith((".", "?"))] == []
    returned = {each.name: str(each.body.__annotations__.get("return")) for each in shipped() if each.body is not None}
    assert [name for name in lines if "TensorType" not in returned.get(name, "")] == []


def test_every_operator_is_under_the_laws_of_operators() -> None:
    drawn = uses()
    assert {each.name for each in shipped() if each not in drawn} == OPERATORS_WITHOUT_LAWS.keys()


@pytest.mark.parametrize("backend", sorted(path.parent.name for path in (SOURCES / "backends").glob("*/table.py")))
def test_every_use_has_types_and_a_kernel(backend: str) -> None:
    table, lacking = import_module(f"nnvm.backends.{backend}.table"), set()
    for operator, strategy in uses().items():
        node = outputs_of(strategy)[0].node
        assert [type for type in node.types if not isinstance(type, TensorType)] == [], operator
        if table.call(node) is None:
            lacking.add(operator.name)
    assert lacking == OPERATORS_WITHOUT_KERNELS.get(backend, {}).keys()


def outputs_of(strategy: Any) -> tuple[Value, ...]:
    """Build the simplest use."""
    from tests.ops.uses import apply

    use = find(strategy, lambda _: True, settings=settings(database=None, phases=[Phase.generate], max_examples=20))
    return apply(use)[1]


def test_a_missing_extra_names_its_cure() -> None:
    assert str(MissingExtra("onnx", "onnx")) == "onnx is not installed; run: pip install 'nnvm[onnx]'"


def test_extras_that_errors_name_exist() -> None:
    named = {
        (under_sources(path), node.args[1].value)
        for path in MODULES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "MissingExtra"
        if len(node.args) == 2 and isinstance(node.args[1], ast.Constant)
    }
    extras = project()["project"]["optional-dependencies"]
    assert sorted(pair for pair in named if pair[1] not in extras) == []


def test_what_make_installs_is_pinned() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {distribution(line) for line in lines if re.fullmatch(r"[\w.-]+==[\w.]+", line)}
    assert [line for line in lines if line and not line.startswith("#") and distribution(line) not in pinned] == []
    settings = project()
    extras = settings["project"]["optional-dependencies"]
    asked = [
        *settings["build-system"]["requires"],
        *settings["project"]["dependencies"],
        *(line for name in ("cli", "onnx", "torch", "safetensors") for line in extras[name]),
        *(line for group in settings["dependency-groups"].values() for line in group),
    ]
    assert sorted({distribution(line) for line in asked} - pinned) == []


def distribution(requirement: str) -> str:
    match = re.match(r"[\w.-]+", requirement)
    assert match, requirement
    return re.sub(r"[-_.]+", "-", match.group()).lower()
