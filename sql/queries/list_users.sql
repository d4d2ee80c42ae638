-- $1 a part of the e-mail, $2 a role, $3 a status, $4 the last id of the page before, $5 how many,
-- $6 now, $7 one user alone. Each may be null but $5 and $6.
select u.id, u.email, u.role::text as "role!", s.status as "status!",
       u.password_hash is not null as "has_password!", u.created_at, u.last_login_at,
       (select count(*) from user_package p
        where p.user_id = u.id and coalesce(p.ends_at > $6, true)) as "packages!"
from app_user u
cross join lateral (
    select case when u.erased_at is not null then 'erased'
                when u.disabled_at is not null then 'disabled'
                else 'enabled' end as status
) s
where ($1::text is null or position($1 in u.email) > 0)
  and ($2::text is null or u.role::text = $2)
  and ($3::text is null or s.status = $3)
  and ($4::uuid is null or u.id < $4)
  and ($7::uuid is null or u.id = $7)
order by u.id desc
limit $5
