-- Those who may still listen, as the next request of each would be let in: the switch is that of the kind
-- of credential, and administrators pass; somebody without a credential is a stranger, who came by the API.
select g.guest as "guest!",
       array(select m.meter_id from meter m where m.owner_user_id = u.id
             union
             select r.meter_id from meter_reader r where r.user_id = u.id) as "meters!"
from unnest($1::bigint[], $2::uuid[], $3::uuid[]) g (guest, user_id, credential_id)
cross join site w
left join app_user u on u.id = g.user_id and u.disabled_at is null and not u.must_change_password
left join user_token t on t.id = g.credential_id and t.user_id = u.id and t.revoked_at is null and t.expires_at > $4
left join user_session s on s.id = g.credential_id and s.user_id = u.id and s.last_seen_at > $5 and s.created_at > $6
where case
          when g.user_id is null then w.api_open
          when s.id is not null then w.ui_open or u.role = 'admin'
          when t.id is not null then 'read' = any(t.scopes)
                                     and (w.api_open or u.role = 'admin' and 'admin' = any(t.scopes))
          else false
      end
