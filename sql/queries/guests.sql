select g.guest as "guest!",
       array(select m.meter_id from meter m where m.owner_user_id = u.id
             union
             select r.meter_id from meter_reader r where r.user_id = u.id) as "meters!"
from unnest($1::bigint[], $2::uuid[], $3::uuid[]) g (guest, user_id, credential_id)
join app_user u on u.id = g.user_id and u.disabled_at is null
where exists (select from user_token t
              where t.id = g.credential_id and t.revoked_at is null and t.expires_at > $4)
   or exists (select from user_session s
              where s.id = g.credential_id and s.last_seen_at > $5 and s.created_at > $6)
