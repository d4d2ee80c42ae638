//! The road of a document: keep, read, decide, publish.
