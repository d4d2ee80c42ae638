-- A turn with a host: taken, or how many seconds it is away.
-- $1 host, $2 the share of the bucket that must be there, $3 seconds that a probe may take.
with held as (
    select *, clock_timestamp() as seen_at from upstream_host where host = $1 for update
),
filled as (
    select
        host, rate, seen_at,
        least(burst, tokens + rate * greatest(0, extract(epoch from seen_at - refilled_at)::float8)) as there,
        greatest(1, burst * $2) as needed,
        greatest(0, coalesce(extract(epoch from not_before - seen_at)::float8, 0)) as paused,
        case
            when breaker_state = 'closed' then 0
            else greatest(0, coalesce(extract(epoch from breaker_until - seen_at)::float8, 0))
        end as resting
    from held
),
judged as (
    select *, paused = 0 and resting = 0 and there >= needed as goes from filled
)
update upstream_host as h set
    tokens = there - case when goes then 1 else 0 end,
    refilled_at = greatest(refilled_at, seen_at),
    -- Of those who find the rest over, one asks; if nothing is heard of it, another.
    breaker_state = case when goes and breaker_state <> 'closed' then 'half_open' else breaker_state end,
    breaker_until = case
        when goes and breaker_state <> 'closed' then seen_at + make_interval(secs => $3)
        else breaker_until
    end
from judged
where h.host = judged.host
returning
    goes as "goes!",
    paused as "paused!",
    resting as "resting!",
    greatest(0, (needed - there) / judged.rate) as "short!"
