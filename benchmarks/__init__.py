"""The harness: synthetic graphs, engines, measuring, and what the measurements say.

graphs, maps      functions of N inputs, written once for every engine
engines           one file per engine: ours, and one per peer
cells             what there is to measure: the default plan, selection, order, A/A twins
gate              no time without a checked derivative
measure           paired blocks within a budget of time
memory            the memory pass
checkpointing     what checkpointing costs and saves
rows, record      the columns of the result CSVs; reading and writing them
blocks, analysis, scaling, crossover, comparison    from timings to intervals, exponents and verdicts
environment       the machine and the settings, as found
entrance, __main__    `pytest --benchmark` and `python -m benchmarks`
"""
