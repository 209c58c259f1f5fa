"""A graph as JSON, of any size: flat rows in NNVM's own layout, from which the same graph is read back."""

from nnvm.ir.formats.json_read import from_json
from nnvm.ir.formats.json_write import FORMAT, VERSION, json_chunks, to_json

__all__ = ["FORMAT", "VERSION", "from_json", "json_chunks", "to_json"]
