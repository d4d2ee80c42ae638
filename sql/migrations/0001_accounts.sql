-- Who may do what, and how they prove who they are. Of every secret only a digest is kept.

create type user_role as enum ('read_only', 'read_write', 'admin');

create table app_user (
    id uuid primary key,
    -- Trimmed and case-folded.
    email text not null,
    role user_role not null,
    -- A PHC string of argon2id; null until the user has set a password.
    password_hash text,
    must_change_password boolean not null default false,
    disabled_at timestamptz,
    created_at timestamptz not null,
    last_login_at timestamptz,
    constraint app_user_email_key unique (email),
    constraint app_user_email_check check (email = lower(btrim(email)) and octet_length(email) <= 254)
);

-- A signed-in browser. The secret is in its cookie only.
create table user_session (
    id uuid primary key,
    secret_sha256 bytea not null,
    user_id uuid not null references app_user (id) on delete cascade,
    created_at timestamptz not null,
    -- To the minute: not every request writes.
    last_seen_at timestamptz not null,
    address text,
    user_agent text,
    constraint user_session_secret_key unique (secret_sha256),
    constraint user_session_secret_check check (octet_length(secret_sha256) = 32)
);

create index user_session_user_idx on user_session (user_id);

-- login: made by POST /login for a script, ends with the password. api: made by its owner.
create type token_kind as enum ('api', 'login');

create type token_scope as enum ('read', 'upload', 'admin');

create table user_token (
    id uuid primary key,
    secret_sha256 bytea not null,
    -- The first characters of the token, by which its owner knows it again.
    prefix text not null,
    kind token_kind not null,
    user_id uuid not null references app_user (id) on delete cascade,
    name text not null,
    scopes token_scope[] not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    -- To the minute: not every request writes.
    last_used_at timestamptz,
    revoked_at timestamptz,
    constraint user_token_secret_key unique (secret_sha256),
    constraint user_token_secret_check check (octet_length(secret_sha256) = 32),
    constraint user_token_name_check check (char_length(name) between 1 and 100),
    constraint user_token_scopes_check check (cardinality(scopes) > 0)
);

create index user_token_user_idx on user_token (user_id);

-- Attempts to sign in that have not succeeded, by account and by network address. An attempt is
-- counted before the password is looked at, so that a thousand at once do not slip through.
create table login_failure (
    -- SHA-256 of the account's e-mail, known or not, or of the network.
    subject bytea primary key,
    failures integer not null,
    first_at timestamptz not null,
    last_at timestamptz not null,
    constraint login_failure_failures_check check (failures >= 0)
);

create index login_failure_last_idx on login_failure (last_at);
