"""How a graph is written down and read back: as Python text, and as JSON."""
