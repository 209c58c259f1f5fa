"""Aliases: found by any name, printed under one, owned by one operator."""

import pytest
from tests.ir.operators import add, mul, relu

from nnvm.errors import Error
from nnvm.ir import TensorType, Value, alias, aliases, op
from nnvm.ir.aliases import with_aliases
from nnvm.ir.formats.parse import parse


@op
def plus(x: Value, y: Value) -> TensorType:
    """Add."""
    return x.tensor


alias(plus, "plus_symbol", "_plus")


def test_an_operator_is_found_by_any_of_its_names_and_printed_under_its_own() -> None:
    graph = parse("def main(x: f32[2]):\n    y = plus_symbol(x, x)\n    return {'y': y}", {"plus": plus})
    assert graph.outputs[0].node.op is plus
    assert "y = plus(x, x)" in str(graph)
    assert aliases(plus) == ("_plus", "plus_symbol")
    assert aliases(relu) == ()
    with pytest.raises(Error, match=r"no operator is called 'plus_symbal'; is it plus_symbol\?"):
        parse("def main(x: f32[2]):\n    y = plus_symbal(x, x)\n    return {'y': y}", {"plus": plus})


def test_aliases_of_operators_that_are_not_there_are_not_either() -> None:
    assert with_aliases({"add": add}) == {"add": add}
    assert with_aliases({"p": plus}) == {"p": plus, "plus_symbol": plus, "_plus": plus}


def test_an_alias_has_one_owner() -> None:
    alias(plus, "plus_symbol")
    with pytest.raises(
        Error, match=r"'_plus' is an alias of plus \(tests\.ir\.test_aliases\) already; it cannot be .*mul"
    ):
        alias(mul, "times", "_plus")
    assert aliases(mul) == ()
    with pytest.raises(Error, match="an alias of mul is a name, not 3"):
        alias(mul, 3)  # type: ignore[arg-type]


def test_an_alias_is_no_other_operators_name() -> None:
    told = r"'_plus' is an alias of plus \(tests\.ir\.test_aliases\) and the name of relu \(tests\.ir\.operators\)"
    with pytest.raises(Error, match=told):
        with_aliases({"plus": plus, "_plus": relu})
    assert with_aliases({"_plus": relu}) == {"_plus": relu}
