with batch as (
    select outbox_id, row_number() over (order by outbox_id) as place
    from (
        select outbox_id from event_outbox where stream_seq is null order by outbox_id limit $1
    ) waiting
), size as (
    select count(*) as events from batch
), stream as (
    update event_stream set newest = newest + size.events from size where size.events > 0
    returning newest - size.events as before
), numbered as (
    update event_outbox o set stream_seq = stream.before + batch.place
    from batch, stream where o.outbox_id = batch.outbox_id
    returning o.topic
)
select topic, count(*) as "events!" from numbered group by topic
