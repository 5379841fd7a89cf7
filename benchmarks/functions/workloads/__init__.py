"""Workloads: functions that people really differentiate, one file each; found by the catalogue, without a list."""
