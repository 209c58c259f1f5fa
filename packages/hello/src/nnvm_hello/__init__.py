"""A stranger's plugin, which imports nnvm's public doors alone."""
