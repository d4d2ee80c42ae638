"""Writes the synthetic curve files of TRUEPrice; see ../README.md."""
