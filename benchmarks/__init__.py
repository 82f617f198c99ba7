"""Figures beside the floors that bound them. `python -m benchmarks` runs all, `python -m benchmarks.NAME` one."""
