"""The middle of a deep-learning system: a graph, operators and passes from anywhere, plans with a proof, any executor."""
