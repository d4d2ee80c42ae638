-- $1 package, $2 its grants as rows of package_grant, in a JSON array, in their order.
insert into package_grant
select (jsonb_populate_record(
           null::package_grant,
           t.content || jsonb_build_object('package_id', $1::uuid, 'place', t.place))).*
from jsonb_array_elements($2::jsonb) with ordinality as t (content, place)
