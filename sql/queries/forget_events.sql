with bound as (
    -- All before the first that is still wanted: what is kept has no hole either.
    select least(
        coalesce((select min(o.stream_seq) - 1 from event_outbox o
                  where o.stream_seq is not null and o.created_at >= $1), s.newest),
        s.forgotten + $2) as upto
    from event_stream s
), gone as (
    delete from event_outbox using bound where stream_seq <= bound.upto returning 1
), noted as (
    update event_stream set forgotten = bound.upto from bound where bound.upto > forgotten
)
select count(*) as "gone!" from gone
