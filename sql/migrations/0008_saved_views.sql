-- Views of the analysis page that a user keeps under a name: the query of its address. Sharing lets
-- others open a view, nothing more.
create table saved_view (
    id uuid primary key,
    owner uuid not null references app_user on delete cascade,
    name text not null,
    query text not null,
    shared boolean not null default false,
    created_at timestamptz not null,
    constraint saved_view_owner_name_key unique (owner, name),
    constraint saved_view_name_check check (char_length(name) between 1 and 100),
    constraint saved_view_query_check check (octet_length(query) <= 8000)
);
create index saved_view_shared_idx on saved_view (name) where shared;
comment on table saved_view is 'Named addresses of /curves. They hold no data: who opens one sees what they may see.';
