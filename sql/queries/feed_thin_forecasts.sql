-- Points of issues before $1 that a later issue of the same UTC day follows.
delete from carbon_intensity_forecast f using (
    select o.feed_id, o.region_id, o.factor_set_id, o.issued_at, o.start_at
    from carbon_intensity_forecast o
    where o.issued_at < $1
      and exists (select from carbon_intensity_forecast l
                  where (l.feed_id, l.region_id, l.factor_set_id) = (o.feed_id, o.region_id, o.factor_set_id)
                    and l.issued_at > o.issued_at and l.issued_at < date_trunc('day', o.issued_at, 'UTC') + interval '1 day')
    limit $2
) old
where (f.feed_id, f.region_id, f.factor_set_id, f.issued_at, f.start_at)
    = (old.feed_id, old.region_id, old.factor_set_id, old.issued_at, old.start_at)
