"""Pictures of a graph: a still one in SVG."""

from nnvm.pictures.drawing import svg

__all__ = ["svg"]
