"""Pictures of a graph and of a plan: still ones, and pages to look around in."""

from nnvm.pictures.drawing import left_out, svg
from nnvm.pictures.page import html
from nnvm.pictures.plan import plan_html
from nnvm.pictures.plan_png import plan_png

__all__ = ["html", "left_out", "plan_html", "plan_png", "svg"]
