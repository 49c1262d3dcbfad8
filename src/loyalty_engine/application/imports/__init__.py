"""Imports: files of members, lots and past orders, read line by line and judged by the core like everything else."""
