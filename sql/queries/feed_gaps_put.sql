insert into feed_gap (feed_id, scope, start_at, end_at, state, tries, next_try, opened_at, closed_at)
select $1, $2, g.*
from unnest($3::timestamptz[], $4::timestamptz[], $5::text[], $6::integer[], $7::timestamptz[],
            $8::timestamptz[], $9::timestamptz[]) g
