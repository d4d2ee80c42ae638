//! When and how much is asked: tasks, leases, windows, gaps, history.
