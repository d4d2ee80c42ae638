-- A host did not answer, or only that it cannot. What was under way when it was found to be down says
-- nothing new.
-- $1 host, $2 failures until it is left alone, $3 seconds at first, $4 seconds at most.
update upstream_host set
    failures = failures + 1,
    breaker_state = case when failures + 1 >= $2 then 'open' else 'closed' end,
    breaker_until = case
        when failures + 1 >= $2
            then clock_timestamp() + make_interval(
                secs => least($4::float8, $3::float8 * 2.0::float8 ^ least(failures + 1 - $2, 30)::float8)
            )
    end
where host = $1 and breaker_state <> 'open'
