"""Open runs: the gate, budgets, memory, the environment."""
