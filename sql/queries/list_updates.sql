-- Start, end and a page of the feed in one statement, and so of one moment. $1 after this id, $2 datasets,
-- $3 datasets of the Matrix versions whose headroom is asked for, $4 how many; of what user $5 may see
-- at $6.
with sight as materialized (
    select e
    -- The source of the headroom of a Matrix: 100 and the ISO's place, as in view source.
    from entitlements($5, $2::smallint[] || array(select (100 + id % 10)::smallint from unnest($3::smallint[]) as id),
                      $6) as e
)
select s.forgotten as "forgotten!", s.newest as "newest!",
       u.id as "id?", u.kind as "kind?", u.dataset_id as "dataset_id?", u.version_id as "version_id?",
       u.other_version_id, u.curve_timestamp as "curve_timestamp?",
       u.operating_day as "operating_day?", u.cob as "cob?", u.known_at as "known_at?", u.note
from (
    select forgotten, greatest(forgotten, (select max(id) from update_feed)) as newest
    from update_feed_start
) s
left join lateral (
    select f.id, f.kind, f.dataset_id, f.version_id, f.other_version_id, v.curve_timestamp,
           v.operating_day, v.cob, f.known_at, f.note
    from update_feed f
    join curve_version v on v.id = f.version_id
    left join curve_version o on o.id = f.other_version_id
    where f.id > greatest($1, s.forgotten)
      and f.dataset_id = any(case f.kind when 'headroom_recomputed' then $3::smallint[]
                                         else $2::smallint[] end)
      and case f.kind
              when 'headroom_recomputed' then exists (
                  select from sight
                  where admits_version(e, (100 + f.dataset_id % 10)::smallint, v.operating_day, false,
                                       not exists (select from headroom_version h
                                                   where h.matrix_version_id = f.version_id
                                                     and h.ptc_version_id = f.other_version_id
                                                     and h.ended_at is not null)))
              else exists (
                  select from sight
                  where admits_version(e, v.dataset_id, v.operating_day, v.cob, v.valid_to is null))
              -- What took its place is told only to who may see that, too.
              and (o.id is null or exists (
                  select from sight
                  where admits_version(e, o.dataset_id, o.operating_day, o.cob, o.valid_to is null)))
          end
    order by f.id
    limit $4
) u on true
order by u.id
