"""Frozen programs and their compiled sweeps."""
