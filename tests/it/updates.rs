//! The feed of updates: complete, in commit order, and told as it happens.

use bytes::Bytes;
use futures::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool};
use trueprice::{
    auth::Role,
    clock::Clock,
    db::updates,
    domain::{Dataset, Family, Iso},
};

use crate::{
    downloads_stored::{after, at, small, store},
    support::{Caller, Home, TestServer, User, accounts::Account, empty_database, files, until},
};

/// A small good energy file; `price` tells its content from others.
pub fn energy(price: &str) -> Bytes {
    let labels = [
        "Control Area,ERCOT",
        "State,TX",
        "Load Zone,NORTH ZONE",
        "Capacity Zone,NORTH ZONE",
        "Utility,ALL",
        "Block Type,7x8",
        "Cost Group,Energy",
        "Cost Component,Energy",
    ];
    format!("{}\n,\nMonth,NORTH ZONE\n5/1/2024,{price}\n", labels.join("\n")).into()
}

struct Followed {
    server: TestServer,
    caller: Caller,
}

impl Followed {
    async fn start() -> Self {
        let server = TestServer::start().await;
        let caller = server.caller(Role::Admin).await;
        Self { server, caller }
    }

    /// Publishes a file of ERCOT, such as `20240522_080000_cob`; gives the version's id.
    async fn publish(&self, time: &str) -> String {
        let path = "/api/v1/uploads?backfill=true";
        let name = format!("Energy_ERCOT_{time}.csv");
        let reply = self.caller.send(path, &[(&name, energy("1"))]).await;
        assert_eq!(reply.status, 201, "{}", reply.body);
        reply.body["version_id"].as_str().unwrap().to_owned()
    }

    async fn updates(&self, query: &str) -> (Vec<Value>, String) {
        updates_of(&self.caller, query).await
    }

    /// Everything, page by page.
    async fn whole(&self, query: &str, limit: usize) -> Vec<Value> {
        let (mut all, mut after) = (Vec::new(), String::new());
        loop {
            let page = format!("{query}&limit={limit}{after}");
            let (items, next) = self.updates(&page).await;
            assert!(items.len() <= limit);
            if items.is_empty() {
                return all;
            }
            all.extend(items);
            after = format!("&after={next}");
        }
    }
}

async fn updates_of(caller: &Caller, query: &str) -> (Vec<Value>, String) {
    let answer = caller.get(&format!("/api/v1/updates?{query}")).await;
    assert_eq!(answer.status(), StatusCode::OK, "{query}");
    let body: Value = answer.json().await.unwrap();
    (body["items"].as_array().unwrap().clone(), body["next"].as_str().unwrap().to_owned())
}

/// What happened to which version.
fn story(items: &[Value]) -> Vec<(&str, &str)> {
    items
        .iter()
        .map(|item| (item["kind"].as_str().unwrap(), item["version_id"].as_str().unwrap()))
        .collect()
}

#[tokio::test]
async fn everything_that_is_published_is_told_in_order() {
    let followed = Followed::start().await;
    assert_eq!(followed.updates("").await.0, Vec::<Value>::new());
    let first = followed.publish("20240522_080000").await;
    let cob = followed.publish("20240522_120000_cob").await;
    let other = followed.publish("20240521_080000").await;
    let path = "/api/v1/datasets/energy/ercot/operating-days/2024-05-22/reopen";
    let reason = json!({"reason": "a wrong close"});
    let reopened = followed.caller.request(Method::POST, path).json(&reason).send().await.unwrap();
    assert_eq!(reopened.status(), StatusCode::OK);
    let between = followed.publish("20240522_100000").await;
    let items = followed.whole("", 1000).await;
    assert_eq!(
        story(&items),
        [
            ("version_published", &*first),
            ("version_published", &*cob),
            ("version_superseded", &*first),
            ("version_published", &*other),
            ("day_reopened", &*cob),
            ("version_published", &*between),
            ("version_superseded", &*first),
        ]
    );
    assert_eq!(items[2]["superseded_by"], json!(cob));
    assert_eq!(items[6]["superseded_by"], json!(between));
    assert_eq!((&items[4]["note"], &items[4]["cob"]), (&json!("a wrong close"), &json!(true)));
    let version = followed.caller.ask(&format!("/api/v1/versions/{cob}")).await.body;
    for name in ["curve", "iso", "curve_timestamp", "operating_day", "cob", "known_at"] {
        assert_eq!(items[1][name], version[name], "{name}");
    }
    assert_eq!(items[2]["known_at"], version["known_at"]);
    for limit in [1, 2, 3] {
        assert_eq!(followed.whole("", limit).await, items);
    }
}

#[tokio::test]
async fn a_cursor_passes_what_the_filter_leaves_out() {
    let followed = Followed::start().await;
    let id = followed.publish("20240522_080000").await;
    let (matrix, ptc) = (id.parse().unwrap(), id.parse().unwrap());
    let mut tx = followed.server.app.pool.begin().await.unwrap();
    let dataset = Dataset::new(Family::Matrix, Iso::Pjm).unwrap();
    updates::tell_headroom(&mut tx, dataset, (matrix, ptc), at(3, 4, 9, 0), None).await.unwrap();
    tx.commit().await.unwrap();
    let (all, head) = followed.updates("").await;
    assert_eq!(all.len(), 2);
    for (query, kinds) in [
        ("curve=energy", vec!["version_published"]),
        ("iso=ercot", vec!["version_published"]),
        ("curve=headroom", vec!["headroom_recomputed"]),
        ("iso=pjm", vec!["headroom_recomputed"]),
        ("curve=matrix", vec![]),
        ("curve=energy&iso=pjm", vec![]),
    ] {
        let (items, next) = followed.updates(query).await;
        assert_eq!(story(&items).iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), kinds);
        assert_eq!(next, head, "{query}");
    }
    let (items, next) = followed.updates("after=now").await;
    assert_eq!((items, next), (Vec::new(), head));
    let headroom = &followed.updates("curve=headroom").await.0[0];
    assert_eq!((&headroom["curve"], &headroom["iso"]), (&json!("headroom"), &json!("pjm")));
    assert_eq!(
        (&headroom["ptc_version_id"], &headroom["superseded_by"]),
        (&json!(id), &json!(null))
    );
}

/// Who has written an update but not committed keeps later ones from being told, and is told first.
#[tokio::test]
async fn an_open_transaction_holds_back_later_commits() {
    let followed = Followed::start().await;
    let id: i64 = followed.publish("20240522_080000").await.parse().unwrap();
    let (_, start) = followed.updates("after=now").await;
    let pool = &followed.server.app.pool;
    let mut open = pool.begin().await.unwrap();
    let ercot = Dataset::new(Family::Energy, Iso::Ercot).unwrap();
    updates::tell_reopened(&mut open, ercot, id, "still open", at(3, 4, 9, 0)).await.unwrap();
    let later = async {
        let name = "Energy_MISO_20240603_082540.csv";
        let bytes = std::fs::read(files::repository("good_test_data/good").join(name)).unwrap();
        followed.caller.upload(name, bytes).await
    };
    let commit = async {
        let waiting = "select count(*) from pg_locks where locktype = 'advisory' and not granted
             and classid = 7423
             and database = (select oid from pg_database where datname = current_database())";
        until(async || sqlx::query_scalar::<_, i64>(waiting).fetch_one(pool).await.unwrap() == 1)
            .await;
        let (items, next) = followed.updates(&format!("after={start}")).await;
        assert_eq!((items, &next), (Vec::new(), &start));
        open.commit().await.unwrap();
    };
    let (later, ()) = tokio::join!(later, commit);
    assert_eq!(later.outcome(), (201, "created"), "{}", later.body);
    let (items, _) = followed.updates(&format!("after={start}")).await;
    let id = id.to_string();
    let newer = later.body["version_id"].as_str().unwrap();
    assert_eq!(story(&items), [("day_reopened", &*id), ("version_published", newer)]);
}

#[tokio::test]
async fn a_follower_misses_nothing_of_many_at_once() {
    const FILES: usize = 24;
    let followed = Followed::start().await;
    let (_, mut next) = followed.updates("after=now").await;
    let follow = async {
        let mut seen = Vec::new();
        while seen.len() < FILES {
            let query = format!("after={next}&limit=2&wait=30");
            let (items, after) = updates_of(&followed.caller, &query).await;
            seen.extend(items);
            next = after;
        }
        seen
    };
    let days = (1..=FILES).map(|day| format!("202405{day:02}_080000"));
    let publish = join_all(days.map(async |day| followed.publish(&day).await));
    let (seen, mut published) = tokio::join!(follow, publish);
    assert_eq!(seen, followed.whole("", 1000).await);
    let mut told: Vec<String> = story(&seen).into_iter().map(|(_, id)| id.to_owned()).collect();
    told.sort();
    published.sort();
    assert_eq!(told, published);
    // In one dataset versions become known in the order in which they are told.
    assert!(seen.is_sorted_by_key(|item| item["known_at"].as_str().unwrap().to_owned()));
}

/// More wait than there are connections to the database.
#[tokio::test]
async fn those_who_wait_hold_nothing_and_hear_at_once() {
    let followed = Followed::start().await;
    let mut bell = followed.server.app.bell.hear(&followed.server.app.pool);
    // Rings first when it listens.
    assert!(bell.next().await);
    let (_, next) = followed.updates("after=now").await;
    let waiting = (0..30).map(|_| {
        let (caller, next) = (followed.caller.clone(), next.clone());
        tokio::spawn(async move { updates_of(&caller, &format!("after={next}&wait=30")).await })
    });
    let waiting: Vec<_> = waiting.collect();
    let id = followed.publish("20240522_080000").await;
    assert!(bell.next().await);
    for answer in join_all(waiting).await {
        assert_eq!(story(&answer.unwrap().0), [("version_published", &*id)]);
    }
    let listening = "select count(*) from pg_stat_activity
         where query like 'LISTEN%' and datname = current_database()";
    let listening: i64 =
        sqlx::query_scalar(listening).fetch_one(&followed.server.owner).await.unwrap();
    assert_eq!(listening, 1);
}

#[tokio::test]
async fn a_cursor_below_the_oldest_kept_update_is_gone() {
    let followed = Followed::start().await;
    let (_, empty) = followed.updates("after=now").await;
    for day in 21..=23 {
        followed.publish(&format!("202405{day}_080000")).await;
    }
    let (first, after_first) = followed.updates("limit=1").await;
    let rest = followed.updates(&format!("after={after_first}")).await.0;
    let pool = &followed.server.app.pool;
    let forget = "delete from update_feed where known_at <= $1::timestamptz";
    let known_at = first[0]["known_at"].as_str().unwrap();
    sqlx::query(forget).bind(known_at).execute(pool).await.unwrap();
    let gone = followed.caller.ask(&format!("/api/v1/updates?after={empty}")).await;
    assert_eq!(gone.outcome(), (410, "cursor_expired"));
    assert_eq!(followed.updates(&format!("after={after_first}")).await.0, rest);
    assert_eq!(followed.whole("", 1).await, rest);
    // Nothing is left: the cursor of the end still is the end.
    let (_, end) = followed.updates("after=now").await;
    sqlx::query("delete from update_feed").execute(pool).await.unwrap();
    assert_eq!(followed.updates("after=now").await.1, end);
    assert_eq!(followed.updates(&format!("after={end}")).await, (Vec::new(), end));
    assert_eq!(
        followed.caller.ask(&format!("/api/v1/updates?after={after_first}")).await.status,
        410
    );
    followed.publish("20240524_080000").await;
    for change in ["update update_feed set note = 'x'", "truncate update_feed"] {
        assert!(sqlx::query(change).execute(&followed.server.owner).await.is_err(), "{change}");
    }
}

#[tokio::test]
async fn what_is_no_cursor_is_refused() {
    let followed = Followed::start().await;
    for query in ["after=x", "after=", "wait=31", "wait=x", "limit=0", "limit=1001", "curve=gas"] {
        let reply = followed.caller.ask(&format!("/api/v1/updates?{query}")).await;
        assert_eq!(reply.outcome(), (400, "bad_parameter"), "{query}");
    }
    let reply = followed.caller.ask("/api/v1/updates?cursor=x").await;
    assert_eq!(reply.outcome(), (400, "unknown_parameter"));
    let reply = followed.caller.ask("/api/v1/updates?curve=rec&iso=miso").await;
    assert_eq!(reply.outcome(), (404, "no_such_dataset"));
    assert_eq!(followed.server.anonymous().ask("/api/v1/updates").await.status, 401);
}

#[tokio::test]
async fn those_who_wait_are_answered_when_the_server_ends() {
    let home = Home::of(User::Same);
    let program = home.serve().await;
    let pool = home.pool();
    let token = Account::insert(&pool, &Clock::system(), Role::ReadOnly).await.token;
    let caller = program.anonymous().with_token(&token);
    let waiting = tokio::spawn(async move { updates_of(&caller, "wait=30").await });
    // It waits: the program listens.
    let listening = "select count(*) from pg_stat_activity where query like 'LISTEN%update_feed%'";
    until(async || sqlx::query_scalar::<_, i64>(listening).fetch_one(&pool).await.unwrap() == 1)
        .await;
    pool.close().await;
    // What is not answered is cut, sooner than the wait is over.
    assert!(program.end("TERM").await.success());
    assert_eq!(waiting.await.unwrap().0, Vec::<Value>::new());
}

/// Applies the migrations whose numbers are `wanted`.
async fn migrate(pool: &PgPool, wanted: impl Fn(u32) -> bool) {
    let folder = std::fs::read_dir(files::repository("sql/migrations")).unwrap();
    let mut steps: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    steps.sort();
    for step in steps {
        let number = &step.file_name().unwrap().to_str().unwrap()[..4];
        if wanted(number.parse().unwrap()) {
            let text = AssertSqlSafe(std::fs::read_to_string(&step).unwrap());
            sqlx::raw_sql(text).execute(pool).await.unwrap();
        }
    }
}

#[tokio::test]
async fn what_was_published_before_there_was_a_feed_is_told_too() {
    let pool = empty_database().await;
    migrate(&pool, |number| number != 6).await;
    let mut ids = Vec::new();
    for (hour, known, cob) in [(9, 9, false), (11, 11, false), (10, 12, false), (16, 16, true)] {
        let version = small(at(3, 4, hour, 0), after(at(3, 4, known, 0)), cob);
        ids.push(store(&pool, &version).await);
    }
    sqlx::query(
        "insert into day_reopening (dataset_id, operating_day, version_id, reason, reopened_by, reopened_at)
         select dataset_id, operating_day, id, 'why not', (select id from app_user), '2020-03-04 17:00Z'
         from curve_version where cob",
    )
    .execute(&pool)
    .await
    .unwrap();
    migrate(&pool, |number| number == 6).await;
    let told: Vec<(String, i64, Option<i64>)> =
        sqlx::query_as("select kind, version_id, other_version_id from update_feed order by id")
            .fetch_all(&pool)
            .await
            .unwrap();
    let told: Vec<_> = told.iter().map(|(kind, id, other)| (&**kind, *id, *other)).collect();
    assert_eq!(
        told,
        [
            ("version_published", ids[0], None),
            ("version_published", ids[1], None),
            ("version_superseded", ids[0], Some(ids[1])),
            ("version_published", ids[2], None),
            ("version_superseded", ids[0], Some(ids[2])),
            ("version_published", ids[3], None),
            ("version_superseded", ids[1], Some(ids[3])),
            ("day_reopened", ids[3], None),
        ]
    );
}

/// Whoever publishes holds the feed: the database must notice soon that they are gone.
#[tokio::test]
async fn the_database_is_told_to_look_for_servers_that_vanished() {
    let server = TestServer::start().await;
    let sources: Vec<String> = sqlx::query_scalar(
        "select source from pg_settings where name ~ '^tcp_keepalives_' order by name",
    )
    .fetch_all(&server.app.pool)
    .await
    .unwrap();
    assert_eq!(sources, ["client"; 3]);
}
