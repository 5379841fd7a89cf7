"""The columns and the files of a run."""
