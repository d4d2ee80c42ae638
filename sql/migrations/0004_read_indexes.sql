-- The newest known version of a dataset: the cut-off of every read.
create index curve_version_known_idx on curve_version (dataset_id, known_at desc);
