-- Computed prices tell which cells stay empty before a value is read: the curves with gaps are
-- found without the others. Most have none.
create index curve_gaps_idx on curve (dataset_id, version_id) where notation ~ '[eb#]';
