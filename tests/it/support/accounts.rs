//! Users for tests, written straight into the database: a hash of a password takes too long.

use chrono::TimeDelta;
use sqlx::PgPool;
use trueprice::{auth::Role, clock::Clock, domain::Sha256};
use uuid::Uuid;

use super::{Caller, TestServer};

/// A user and a token that carries all that the role allows.
pub struct Account {
    /// Row of `app_user`.
    pub id: Uuid,
    /// Sign-in name.
    pub email: String,
    /// The token.
    pub token: String,
}

impl TestServer {
    /// A new user of this role who may see everything.
    pub async fn account(&self, role: Role) -> Account {
        Account::insert(&self.app.pool, &self.app.clock, role).await
    }

    /// A new user of this role who holds no package.
    pub async fn account_without_grants(&self, role: Role) -> Account {
        Account::insert_without_grants(&self.app.pool, &self.app.clock, role).await
    }

    /// Makes a package of these grants, rows of `package_grant` as JSON without `package_id` and
    /// `place`, and gives it to a user.
    pub async fn grant(&self, user: Uuid, grants: serde_json::Value) -> Uuid {
        let package = Uuid::new_v4();
        let pool = &self.app.pool;
        sqlx::query(
            "insert into package (id, name, created_at, changed_at) values ($1, $1::text, now(), now())",
        )
        .bind(package)
        .execute(pool)
        .await
        .unwrap();
        sqlx::query(
            "insert into package_grant
             select (jsonb_populate_record(
                 null::package_grant,
                 '{\"months\": \"unlimited\", \"cob_only\": false, \"current_only\": false, \"derived\": false}'
                 || g.one || jsonb_build_object('package_id', $1::uuid, 'place', g.place))).*
             from jsonb_array_elements($2) with ordinality as g (one, place)",
        )
        .bind(package)
        .bind(grants)
        .execute(pool)
        .await
        .unwrap();
        sqlx::query(
            "insert into user_package (user_id, package_id, attached_at) values ($1, $2, now())",
        )
        .bind(user)
        .bind(package)
        .execute(pool)
        .await
        .unwrap();
        package
    }

    /// Asks as a new user of this role.
    pub async fn caller(&self, role: Role) -> Caller {
        self.anonymous().with_token(&self.account(role).await.token)
    }
}

impl Account {
    /// A new user of this role in the database of any server, who may see everything.
    pub async fn insert(pool: &PgPool, clock: &Clock, role: Role) -> Self {
        let account = Self::insert_without_grants(pool, clock, role).await;
        attach_everything(pool, account.id).await;
        account
    }

    /// A new user of this role in the database of any server, without a package.
    pub async fn insert_without_grants(pool: &PgPool, clock: &Clock, role: Role) -> Self {
        let (id, secret) = (clock.new_id(), Uuid::new_v4().simple());
        let account = Self {
            id,
            email: format!("{role}-{secret}@example.com"),
            token: format!("tpk_{secret}"),
        };
        insert(pool, clock, &account, role).await;
        account
    }
}

/// Gives a user the built-in package.
pub async fn attach_everything(pool: &PgPool, user: Uuid) {
    sqlx::query(
        "insert into user_package (user_id, package_id, attached_at)
         select $1, id, now() from package where builtin on conflict do nothing",
    )
    .bind(user)
    .execute(pool)
    .await
    .unwrap();
}

/// The rows as signing up and `POST /api/v1/tokens` would leave them.
async fn insert(pool: &PgPool, clock: &Clock, account: &Account, role: Role) {
    let now = clock.now();
    sqlx::query(
        "insert into app_user (id, email, role, created_at) values ($1, $2, $3::user_role, $4)",
    )
    .bind(account.id)
    .bind(&account.email)
    .bind(role.to_string())
    .bind(now)
    .execute(pool)
    .await
    .unwrap();
    let scopes = match role {
        Role::ReadOnly => vec!["read"],
        Role::ReadWrite => vec!["read", "upload"],
        Role::Admin => vec!["read", "upload", "admin"],
    };
    sqlx::query(
        "insert into user_token
             (id, secret_sha256, prefix, kind, user_id, name, scopes, created_at, expires_at)
         values ($1, $2, $3, 'api', $4, 'test', $5::token_scope[], $6, $7)",
    )
    .bind(clock.new_id())
    .bind(Sha256::of(account.token.as_bytes()).as_bytes())
    .bind(&account.token[..8])
    .bind(account.id)
    .bind(scopes)
    .bind(now)
    .bind(now + TimeDelta::days(90))
    .execute(pool)
    .await
    .unwrap();
}
