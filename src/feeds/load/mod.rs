//! Loading the rows of a page: revisions, events, and what is summed up of them.
