"""Measuring: open runs, the gate, budgets, resuming, the memory pass.  No pytest in here."""
