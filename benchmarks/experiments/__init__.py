"""Experiments that own their columns."""
