-- Start, end and a page of the feed in one statement, and so of one moment.
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
    where f.id > greatest($1, s.forgotten)
      and f.dataset_id = any(case f.kind when 'headroom_recomputed' then $3::smallint[]
                                         else $2::smallint[] end)
    order by f.id
    limit $4
) u on true
order by u.id
