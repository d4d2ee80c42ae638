-- Packages with their grants and holders, newest first.
-- $1 now, $2 until when an end counts as near, $3 only packages with such an end, $4 below this id,
-- $5 only this one, $6 how many.
select p.id, p.name, p.note, p.builtin, p.revision, p.created_at, p.changed_at,
       (select coalesce(jsonb_agg(to_jsonb(g) - 'package_id' - 'place' order by g.place), '[]')
        from package_grant g
        where g.package_id = p.id) as "grants!",
       h.holders as "holders!", h.expiring as "expiring!", h.next_expiry
from package p
cross join lateral (
    select count(*) as holders,
           count(*) filter (where u.ends_at > $1 and u.ends_at <= $2) as expiring,
           min(u.ends_at) filter (where u.ends_at > $1 and u.ends_at <= $2) as next_expiry
    from user_package u
    where u.package_id = p.id
) h
where (not $3 or h.expiring > 0)
  and ($4::uuid is null or p.id < $4)
  and ($5::uuid is null or p.id = $5)
order by p.id desc
limit $6
