"""Side by side with peers, in one run."""

import os

# One thread each, before NumPy or torch start theirs: what is compared is the work, not the cores.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
