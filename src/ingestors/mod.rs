//! Cells to a curve and a report, one file per family. Pure.
