//! In which states scopes, runs, backfills and gaps are.

use crate::domain::words;

words! {
    /// How a scope of a feed fares.
    ScopeState("a state of a scope", exact) {
        /// Nothing good came of it yet, and it has not failed five times.
        Waiting = "waiting",
        /// As it should be.
        Ok = "ok",
        /// Its newest slot is older than it should be.
        Late = "late",
        /// It failed several times in a row, or in a way that waiting does not mend.
        Failing = "failing",
        /// Its key is missing or refused.
        Auth = "auth",
        /// Somebody paused it.
        Paused = "paused",
    }
}

words! {
    /// What has become of a run.
    RunState("a state of a run", exact) {
        /// It waits for a server.
        Queued = "queued",
        /// A server works at it.
        Running = "running",
        /// It came to its end.
        Done = "done",
        /// It ended before.
        Failed = "failed",
    }
}

words! {
    /// What has become of a backfill.
    BackfillState("a state of a backfill", exact) {
        /// It waits for a server.
        Queued = "queued",
        /// A server works at it.
        Running = "running",
        /// Somebody paused it.
        Paused = "paused",
        /// All of its windows were asked for.
        Done = "done",
        /// It cannot go on.
        Failed = "failed",
        /// Somebody ended it.
        Cancelled = "cancelled",
    }
}

words! {
    /// What has become of a gap.
    GapState("a state of a gap", exact) {
        /// Rows are missing.
        Open = "open",
        /// They came.
        Filled = "filled",
        /// They are still missing after twelve tries over thirty days.
        UpstreamAbsent = "upstream_absent",
    }
}
