-- Who may do what.

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
