"""Random graphs for laws: any table of builders in, a strategy of graphs out."""

from collections.abc import Callable, Sequence

from hypothesis import strategies as st

from nnvm.ir import Graph, TensorType, Value, f32, named_input

Builder = Callable[..., Value]


@st.composite
def graphs(
    draw: st.DrawFn,
    unary: Sequence[Builder],
    binary: Sequence[Builder],
    *,
    type: TensorType = f32[2, 3],
    most: int = 12,
) -> Graph:
    """Draw a graph over inputs of one type: any wiring, some nodes named, up to three outputs, dead inputs too."""
    inputs = [named_input(f"x{i}", type) for i in range(draw(st.integers(1, 3)))]
    values: list[Value] = list(inputs)
    for i in range(draw(st.integers(0, most))):
        arity = draw(st.integers(1, 2 if binary else 1))
        build = draw(st.sampled_from(list(unary if arity == 1 else binary)))
        name = f"n{i}" if draw(st.booleans()) else None
        values.append(build(*[draw(st.sampled_from(values)) for _ in range(arity)], name=name))
    outputs = draw(st.lists(st.sampled_from(values), min_size=1, max_size=3))
    return Graph(outputs, inputs, output_names=[f"y{i}" for i in range(len(outputs))])
