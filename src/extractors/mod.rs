//! Download request to selection, layout, and bytes.
