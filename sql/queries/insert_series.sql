insert into series (dataset_id, digest, control_area, state, load_zone, capacity_zone, utility,
                    block_type, cost_group, cost_component, sub_component, unit, customer_type,
                    utility_name, load_profile, matching_id, lookup_id, term, beginning_date)
select $1, s.*
from unnest($2::bytea[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
            $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[],
            $16::text[], $17::text[], $18::smallint[], $19::date[]) as s
on conflict on constraint series_digest_key do nothing
