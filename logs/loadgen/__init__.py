"""Logs that look like those of a busy team, in any number: for benchmarks and for trying things out."""
