-- Packages as administrators work with them.

-- That an attachment ran out is told once, by whichever server sees it first.
alter table user_package add column expiry_told_at timestamptz;
comment on column user_package.expiry_told_at is 'When the audit log was told that it ran out; null again with new dates.';
create index user_package_ends_idx on user_package (ends_at) where ends_at is not null;

-- The ISO's matrix is what headroom is about: its offers are the series of both.
create view source_series as
select s.dataset_id as source_id, s.id as series_id from series s
union all
select h.id, s.id
from series s
join dataset d on d.id = s.dataset_id and d.family = 'matrix'
join source h on h.family = 'headroom' and h.iso = d.iso;
comment on view source_series is 'The series that a source is about; of headroom, the offers of the matrix.';
