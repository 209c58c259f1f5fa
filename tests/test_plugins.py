"""Plugins are found late, imported one at a time, and cannot hurt each other; here folders that a test makes."""

import importlib
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from nnvm import frontends, ops, plugins
from nnvm.errors import Error
from nnvm.ir import OpAttr, f32, trace
from nnvm.ir.op_attr import on_first_read
from nnvm.pipeline import backend, compile, operator_counts, optimize
from tests.ir.operators import add, relu

Plant = Callable[..., None]


@pytest.fixture
def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plant]:
    """Put a package on sys.path: its entry points by group, and the source of its modules."""
    before, search = set(sys.modules), plugins.installed

    def is_planted(offer: Any) -> bool:
        return tmp_path in Path(str(offer.dist.locate_file("any"))).parents

    monkeypatch.setattr(plugins, "installed", lambda: filter(is_planted, search()))
    plugins.forget()

    def plant(name: str, offers: Mapping[str, Mapping[str, str]], **modules: str) -> None:
        folder = tmp_path / name
        info = folder / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        groups = (f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in rows.items()) for group, rows in offers.items())
        (info / "entry_points.txt").write_text("".join(groups))
        for module, source in modules.items():
            (folder / f"{module}.py").write_text(source)
        monkeypatch.syspath_prepend(str(folder))
        plugins.forget()

    yield plant
    plugins.forget()
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def test_only_what_is_asked_for_is_imported(plant: Plant) -> None:
    plant(
        "alpha",
        {"nnvm.passes": {"one": "alpha_one:run", "two": "alpha_two:run"}},
        alpha_one="run = lambda graph: graph",
    )
    assert plugins.names("nnvm.passes") == ["one", "two"]
    assert plugins.find("nnvm.passes", "three") is None
    assert plugins.find("nnvm.rules", "one") is None
    assert "alpha_one" not in sys.modules
    assert plugins.find("nnvm.passes", "one") is plugins.find("nnvm.passes", "one") is sys.modules["alpha_one"].run
    assert "alpha_two" not in sys.modules


def test_without_plugins_the_slow_search_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def search() -> None:
        raise AssertionError("searched")

    (tmp_path / "other-1.0.dist-info").mkdir()
    (tmp_path / "other-1.0.dist-info" / "entry_points.txt").write_text("[console_scripts]\nother = other:main\n")
    monkeypatch.setattr("importlib.metadata.distributions", search)
    monkeypatch.setattr(sys, "path", [str(tmp_path), str(tmp_path / "nowhere")])
    assert list(plugins.installed()) == []
    (tmp_path / "archive.zip").write_bytes(b"")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "archive.zip")])
    with pytest.raises(AssertionError, match="searched"):
        list(plugins.installed())


def test_of_two_versions_the_first_on_the_path_counts(
    plant: Plant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant("alpha", {"nnvm.ops": {"one": "alpha:one"}})
    newer = tmp_path / "newer" / "alpha-2.0.dist-info"
    newer.mkdir(parents=True)
    (newer / "METADATA").write_text("Metadata-Version: 2.1\nName: alpha\nVersion: 2.0\n")
    (newer / "entry_points.txt").write_text("[nnvm.ops]\ntwo = alpha:two\n")
    monkeypatch.syspath_prepend(str(newer.parent))
    plugins.forget()
    assert plugins.names("nnvm.ops") == ["two"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import nowhere_at_all", "ModuleNotFoundError: No module named 'nowhere_at_all'"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("def broken(:", "SyntaxError: invalid syntax"),
        ("other = 1", "AttributeError: module 'beta' has no attribute 'run'"),
        ("run = 5", "this int is no pass: it has no __call__"),
    ],
)
def test_a_broken_plugin_is_one_warning_and_stops_no_other(plant: Plant, source: str, said: str) -> None:
    plant("alpha", {"nnvm.passes": {"good": "alpha:run"}}, alpha="def run(graph): return graph")
    plant("beta", {"nnvm.passes": {"bad": "beta:run"}}, beta=source)
    with pytest.warns(RuntimeWarning) as told:
        found = plugins.every("nnvm.passes")
    assert list(found) == ["good"]
    assert len(told) == 1
    start = "plugin beta 1.0 is broken and left out: its entry point nnvm.passes: bad = beta:run: "
    assert str(told[0].message).startswith(start + said)
    assert plugins.find("nnvm.passes", "bad") is None  # and warns no more
    assert list(plugins.every("nnvm.passes")) == ["good"]


@pytest.mark.parametrize(
    ("group", "said"),
    [
        ("nnvm.ops", "is no operator: it has no infer, inputs"),
        ("nnvm.rules", "is no rule: it has no apply"),
        ("nnvm.backends", "is no backend: it has no name, call, run"),
        ("nnvm.frontends", "is no frontend: it has no load"),
    ],
)
def test_each_group_knows_what_belongs_in_it(plant: Plant, group: str, said: str) -> None:
    plant("alpha", {group: {"thing": "alpha:thing"}}, alpha="thing = object()")
    with pytest.warns(RuntimeWarning, match=said):
        assert plugins.find(group, "thing") is None


def test_warnings_as_errors_hide_nothing(plant: Plant) -> None:
    plant("alpha", {"nnvm.passes": {"a": "alpha:run", "b": "alpha:run", "c": "alpha:ok"}}, alpha="ok = print")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in "ab":
            with pytest.raises(RuntimeWarning, match=f"nnvm.passes: {name} = alpha:run"):
                plugins.every("nnvm.passes")
        assert list(plugins.every("nnvm.passes")) == ["c"]


def test_a_name_that_two_packages_offer_names_both(plant: Plant) -> None:
    plant("alpha", {"nnvm.passes": {"fuse": "alpha:run", "fine": "alpha:run"}}, alpha="run = print")
    plant("beta", {"nnvm.passes": {"fuse": "beta:run"}})
    said = r"the pass 'fuse' is offered by alpha 1.0 \(alpha:run\) and by beta 1.0 \(beta:run\); uninstall all but one"
    for ask in (lambda: plugins.find("nnvm.passes", "fuse"), lambda: plugins.every("nnvm.passes")):
        with pytest.raises(Error, match=said):
            ask()
    with pytest.raises(Error, match=said):
        plugins.names("nnvm.passes")
    assert plugins.find("nnvm.passes", "fine") is print


def test_a_name_of_ours_names_the_package(plant: Plant) -> None:
    plant("alpha", {"nnvm.passes": {"cse": "alpha:run"}})
    with pytest.raises(Error, match=r"the pass 'cse' is offered by alpha 1\.0 and by nnvm"):
        plugins.names("nnvm.passes", ["cse", "dce"])
    with pytest.raises(Error, match=r"there is no group of plugins 'nnvm.pass'; there is: nnvm.attrs, "):
        plugins.find("nnvm.pass", "cse")


def test_what_a_text_calls_is_imported(plant: Plant) -> None:
    rows = {"one": "alpha_one:one", "two": "alpha_two:two", "relu": "alpha_two:relu"}
    plant("alpha", {"nnvm.ops": rows}, alpha_one="from tests.ir.operators import relu as one")
    assert plugins.mentioned("nnvm.ops", "y = one(x) + two", ["relu"]) == {"one": relu}
    assert "alpha_two" not in sys.modules
    with pytest.raises(Error, match=r"the operator 'relu' is offered by alpha 1\.0 and by nnvm"):
        plugins.mentioned("nnvm.ops", "y = relu(x)", ["relu"])
    with pytest.warns(RuntimeWarning, match="No module named 'alpha_two'"):
        assert plugins.mentioned("nnvm.ops", "y = two(x)") == {}


column: OpAttr[int] = OpAttr("number of things, for a test")
FILL = "from tests.test_plugins import column\nfrom tests.ir.operators import {0}\ncolumn[{0}] = {1}\n"


@pytest.fixture
def empty_column(monkeypatch: pytest.MonkeyPatch) -> OpAttr[int]:
    """Return the column that plugins import from here, empty."""
    module = sys.modules.setdefault("tests.test_plugins", sys.modules[__name__])
    fresh: OpAttr[int] = OpAttr(column.doc)
    monkeypatch.setattr(module, "column", fresh)
    return fresh


@pytest.mark.parametrize("read", ["get", "[]", "in", "iter", "override"])
def test_columns_are_filled_when_first_read(plant: Plant, empty_column: OpAttr[int], read: str) -> None:
    column = empty_column
    plant("alpha", {"nnvm.attrs": {"here": "alpha_columns"}}, alpha_columns=FILL.format("relu", 1))
    plant("beta", {"nnvm.attrs": {"here": "beta_columns"}}, beta_columns=FILL.format("add", 2))
    on_first_read(plugins.load_columns)
    assert "alpha_columns" not in sys.modules
    if read == "get":
        assert column.get(relu) == 1
    elif read == "[]":
        assert column[relu] == 1
    elif read == "in":
        assert relu in column
    elif read == "iter":
        assert list(column) == [add, relu]
    else:
        column.override(relu, 7)
    assert (column[relu], column[add]) == (7 if read == "override" else 1, 2)


def test_an_entry_filled_twice_names_both_packages(plant: Plant, empty_column: OpAttr[int]) -> None:
    plant("alpha", {"nnvm.attrs": {"alpha": "alpha_columns"}}, alpha_columns=FILL.format("relu", 1))
    plant("beta", {"nnvm.attrs": {"beta": "beta_columns"}}, beta_columns=FILL.format("relu", 2))
    said = "plugin beta 1.0 .* relu has an entry .* already, from alpha_columns, and beta_columns fills it again"
    with pytest.warns(RuntimeWarning, match=said):
        assert plugins.load_columns()
    assert empty_column[relu] == 1


def test_columns_wait_while_our_floors_are_being_imported(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant("alpha", {"nnvm.attrs": {"alpha": "alpha_columns"}}, alpha_columns="")
    passes = importlib.import_module("nnvm.passes")
    with monkeypatch.context() as halfway:
        halfway.delattr(passes, "__all__")
        assert plugins.load_columns() is False
        assert "alpha_columns" not in sys.modules
    assert plugins.load_columns() is True
    assert "alpha_columns" in sys.modules


def test_a_file_type_is_found_by_its_suffix(plant: Plant, tmp_path: Path) -> None:
    source = "from nnvm.ir import trace, f32\ndef load(path): return trace(lambda x: x, x=f32[3])\n"
    plant("alpha", {"nnvm.frontends": {"tale": "alpha_tales"}}, alpha_tales=source)
    graph = frontends.load(tmp_path / "a.tale")
    assert graph.inputs[0].type == frontends.load(tmp_path / "a.x", "tale").inputs[0].type == f32[3]
    with pytest.raises(Error, match=r"a\.tale: files of this type can be read, not written"):
        frontends.save(graph, tmp_path / "a.tale")
    with pytest.raises(Error, match=r"has the suffix '.tail'; the file types known are .*\.onnx, \.tale"):
        frontends.load("a.tail")


def test_a_backend_is_found_by_its_name(plant: Plant) -> None:
    source = "name = 'abacus'\ndef call(node): return None\ndef run(program): return program\n"
    plant("alpha", {"nnvm.backends": {"abacus": "alpha_backend"}}, alpha_backend=source)
    assert backend("abacus").name == "abacus"
    graph = trace(lambda x: ops.relu(x), x=f32[3])
    program: Any = compile(graph, "abacus")  # what this one runs is the program itself
    assert (program.backend, program.without_kernel) == ("abacus", {"relu": 1})
    with pytest.raises(Error, match=r"there is no backend 'abbacus'; there is: .*abacus"):
        backend("abbacus")


def test_a_pass_is_found_by_its_name(plant: Plant) -> None:
    source = "from nnvm import Graph, ops\ndef wrap(graph): return Graph([ops.tanh(graph.outputs[0])], graph.inputs)\n"
    plant("alpha", {"nnvm.passes": {"wrap": "alpha_passes:wrap"}}, alpha_passes=source)
    graph = trace(lambda x: x, x=f32[3])
    assert operator_counts(optimize(graph, ["wrap", "wrap"])) == {"tanh": 2}
    with pytest.raises(Error, match=r"there is no pass 'warp'; the passes are .*simplify.*wrap"):
        optimize(graph, ["warp"])


def test_rules_fire_with_ours(plant: Plant) -> None:
    source = """
import nnvm
from nnvm import ops
@nnvm.rule
def tanh_of_tanh(x: nnvm.Value):
    yield ops.tanh(ops.tanh(x))
    yield ops.tanh(x)
@nnvm.rule
def sin_of_neg(x: nnvm.Value):
    yield ops.sin(ops.neg(x))
    yield ops.sin(x)
both = (tanh_of_tanh, sin_of_neg)
"""
    plant("alpha", {"nnvm.rules": {"both": "alpha_rules:both", "bad": "nowhere:rule"}}, alpha_rules=source)

    def net(x):  # type: ignore[no-untyped-def]
        return ops.sin(ops.neg(ops.tanh(ops.tanh(x))))

    graph = trace(net, x=f32[3])
    with pytest.warns(RuntimeWarning, match="nnvm.rules: bad = nowhere:rule"):
        assert [rule.name for rule in plugins.rules()] == ["tanh_of_tanh", "sin_of_neg"]
    assert operator_counts(optimize(graph)) == {"sin": 1, "tanh": 1}
    assert operator_counts(optimize(graph, ["simplify"])) == {"sin": 1, "tanh": 1}
    assert operator_counts(optimize(graph, ["cse"])) == {"neg": 1, "sin": 1, "tanh": 2}
