"""What holds for every test: one thread for each BLAS, and no clock in Hypothesis."""

import os

from hypothesis import HealthCheck, settings

# NumPy is not imported yet. With a worker for each core, a BLAS with a thread for each core only fights.
for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

# Where the variable CI is set, Hypothesis has loaded its own profile `ci` already: the same examples every time.
if "CI" not in os.environ:
    settings.register_profile("nnvm", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
    settings.load_profile("nnvm")
