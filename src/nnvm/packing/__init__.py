"""Packers that are faster or better than the plain one of the runtime: each turns blocks into a `Packing`."""
