"""Which CSVs there are, and the dictionary of their columns."""

from __future__ import annotations

import dataclasses

from benchmarks.runs.columns import (
    STATUSES,
    CheckpointRecord,
    CrossoverRecord,
    EngineRecord,
    MemoryRecord,
    ModelRecord,
    RegretRecord,
    ScalingRecord,
    SummaryRecord,
    TimingRecord,
)
from benchmarks.runs.experiment_columns import LearningRecord, MillionRecord, StartRecord, TrainingRecord

TABLES: dict[str, type] = {
    "timings.csv": TimingRecord,
    "summary.csv": SummaryRecord,
    "scaling.csv": ScalingRecord,
    "crossover.csv": CrossoverRecord,
    "memory.csv": MemoryRecord,
    "checkpointing.csv": CheckpointRecord,
    "regret.csv": RegretRecord,
    "model.csv": ModelRecord,
    "engines.csv": EngineRecord,
    "million.csv": MillionRecord,
    "training.csv": TrainingRecord,
    "learning.csv": LearningRecord,
    "starts.csv": StartRecord,
}
"""Each CSV and the dataclass that declares its columns."""

OUTSIDE = ("million.csv", "training.csv", "learning.csv", "starts.csv")
"""The tables of experiments that have a folder of their own; all others belong to a run."""

KINDS = {"str": "text", "int": "integer", "int | None": "integer", "float": "number"}


def column_dictionary() -> str:
    """The Markdown that explains every column; `results/README.md` holds it between two marks."""
    lines = []
    for name, record_type in TABLES.items():
        lines += [f"### {name}", "", (record_type.__doc__ or "").strip().replace("\n    ", "\n"), ""]
        lines += ["| column | type | meaning |", "|---|---|---|"]
        for field in dataclasses.fields(record_type):
            doc = field.metadata["doc"]
            lines.append(f"| `{field.name}` | {KINDS[str(field.type)]} | {doc} |")
        lines.append("")
    lines += ["### status", "", "| status | meaning |", "|---|---|"]
    lines += [f"| `{status}` | {doc} |" for status, doc in STATUSES.items()]
    return "\n".join(lines) + "\n"
