//! Every SQL statement of the program, one file per subject.

pub mod pages;
