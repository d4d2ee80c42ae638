-- One-time links, and what the life of a user needs beside them.

-- Whose link sets a password once. Of its secret only the digest is kept.
create table one_time_link (
    id uuid primary key,
    secret_sha256 bytea not null,
    user_id uuid not null references app_user (id) on delete cascade,
    -- invite: a first password; reset: a new one; recover: a way back in for the last administrator.
    purpose text not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    -- When it set a password.
    used_at timestamptz,
    -- When a newer link, or something else that happened to the user, took its force away.
    replaced_at timestamptz,
    constraint one_time_link_secret_key unique (secret_sha256),
    constraint one_time_link_secret_check check (octet_length(secret_sha256) = 32),
    constraint one_time_link_purpose_check check (purpose in ('invite', 'reset', 'recover')),
    constraint one_time_link_end_check check (num_nonnulls(used_at, replaced_at) <= 1)
);
-- At most one is open for each user and purpose.
create unique index one_time_link_open_key on one_time_link (user_id, purpose)
    where used_at is null and replaced_at is null;
create index one_time_link_expires_idx on one_time_link (expires_at);
comment on table one_time_link is 'Links that set a password once; of the secret only its SHA-256.';

-- When the personal data were erased; the row stays, for what it once did.
alter table app_user add column erased_at timestamptz;
alter table app_user add constraint app_user_erased_check check (erased_at is null or disabled_at is not null);

-- The role for which a session has its id: under another role it gets a new one.
alter table user_session add column role user_role;
update user_session s set role = u.role from app_user u where u.id = s.user_id;
alter table user_session alter column role set not null;
