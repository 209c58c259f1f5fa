"""How equations between pieces of graph are written once, found anywhere, and put in place."""
