"""RUNS LATER: jobs and the periodic runs. A worker does nothing that requests depend on."""
