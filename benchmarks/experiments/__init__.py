"""Experiments that are no run of cells: those with columns of their own, and those that print a table."""
