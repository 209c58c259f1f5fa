"""Equations, filed by subject, and what else looks at one node at a time."""
