"""Pictures of a graph: a still one in SVG, and a page to look around in."""

from nnvm.pictures.drawing import left_out, svg
from nnvm.pictures.page import html

__all__ = ["html", "left_out", "svg"]
