//! What rights cost: entitlements in a download, and sign-ins beside reads.

use std::time::{Duration, Instant};

use futures::future::join_all;
use reqwest::StatusCode;

use crate::{
    files,
    server::Server,
    table::{Table, median, ms},
};

const USERS: i32 = 1000;
const GRANTS: i32 = 20;
const TOKEN: &str = "tpk_a_token_of_a_reader_for_this_run_only";
const ROUNDS: usize = 301;

/// Makes users who hold a package of [`GRANTS`] grants each, a zone each; the first has a token.
async fn people(server: &Server) {
    let statements = [
        // All with the password of the administrator.
        "insert into app_user (id, email, role, created_at, password_hash)
         select gen_random_uuid(), format('reader%s@example.com', n), 'read_only', now(),
                (select password_hash from app_user where role = 'admin')
         from generate_series(1, $1) as n",
        "insert into package (id, name, created_at, changed_at)
         select id, email, now(), now() from app_user where email like 'reader%'",
        "insert into package_grant (package_id, place, curves, isos, load_zones, months, rolling_months,
                                    rolling_from, derived)
         select p.id, n, '{nonenergy}', '{pjm}', array[format('ZONE %s', lpad((n - 1)::text, 2, '0'))],
                'unlimited', null, null, true
         from package p, generate_series(1, $2) as n where p.name like 'reader%'",
        "insert into user_package (user_id, package_id, attached_at)
         select id, id, now() from app_user where email like 'reader%'",
        "insert into user_token (id, secret_sha256, prefix, kind, user_id, name, scopes, created_at, expires_at)
         select gen_random_uuid(), sha256($3::bytea), 'tpk_a_to', 'api', id, 'bench', '{read}', now(),
                now() + interval '1 day'
         from app_user where email = 'reader1@example.com'",
        "analyze",
    ];
    for statement in statements {
        // Each takes the same three, and uses what it needs.
        let statement = statement
            .replace("$1", &USERS.to_string())
            .replace("$2", &GRANTS.to_string())
            .replace("$3::bytea", &format!("'{TOKEN}'::bytea"));
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&server.pool).await.expect("rows");
    }
}

/// A download of one zone by an administrator, who needs no grant, and by one of a thousand users with
/// twenty; in turns, the same bytes.
pub async fn entitlement(server: &Server, table: &mut Table) {
    people(server).await;
    let file = "NonEnergy_PJM_20250603_120000.csv";
    server.upload(file, files::charges(1).into_bytes(), &[201]).await;
    let path = "data?curve=nonenergy&iso=pjm&mode=standardized&operating_day=2025-06-03&format=csv";
    let (mut exempt, mut granted) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let all = server.get(path).await.bytes().await.expect("a body");
        exempt.push(begun.elapsed());
        let begun = Instant::now();
        let own = server.get_as(TOKEN, path).await.bytes().await.expect("a body");
        granted.push(begun.elapsed());
        assert_eq!(all, own, "the one zone is granted");
    }
    let (exempt, granted) = (median(exempt), median(granted));
    let more = (granted.as_secs_f64() / exempt.as_secs_f64() - 1.0) * 100.0;
    table.add(
        "one zone, entitled by 20 grants, 1000 users",
        format!("{} = {more:+.0} %", ms(granted)),
        &format!("{} without entitlement", ms(exempt)),
        "+20 %",
        more <= 20.0,
    );
    let path = path.replace("06-03", "06-01");
    let mut some = Vec::new();
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        server.get_as(TOKEN, &path).await.bytes().await.expect("a body");
        some.push(begun.elapsed());
    }
    println!("the same user, 20 zones of a file of 22: {}", ms(median(some)));
}

/// Small reads while fifty people sign in at once.
pub async fn logins(server: &Server, table: &mut Table) {
    const LOGINS: usize = 50;
    // Of the newest version: 25 is nonenergy of PJM.
    let newest = "select c.series_id from curve c join curve_version v on v.id = c.version_id
                  where v.dataset_id = 25 order by v.operating_day desc, c.series_id limit 1";
    let series: i64 = sqlx::query_scalar(newest).fetch_one(&server.pool).await.expect("a series");
    let path = format!("series/{series}/curve");
    let sign_in = async |n: usize| {
        let (email, address) =
            (format!("reader{}@example.com", n + 1), format!("10.0.0.{}", n + 1));
        server.sign_in(&email, &address).await
    };
    let signing_in = async {
        let begun = Instant::now();
        let answers = join_all((0..LOGINS).map(sign_in)).await;
        let done = answers.iter().filter(|status| **status == StatusCode::CREATED).count();
        (done, begun.elapsed())
    };
    let reading = async {
        let mut times = Vec::new();
        for _ in 0..4000 {
            let begun = Instant::now();
            server.get(&path).await.bytes().await.expect("a body");
            times.push((begun, begun.elapsed()));
        }
        times
    };
    let start = Instant::now();
    let ((done, span), times) = tokio::join!(signing_in, reading);
    let meanwhile = times.into_iter().filter(|(begun, _)| *begun < start + span);
    let mut meanwhile: Vec<Duration> = meanwhile.map(|(_, time)| time).collect();
    meanwhile.sort_unstable();
    let p99 = meanwhile[(meanwhile.len() * 99).div_ceil(100).saturating_sub(1)];
    table.add(
        "a small read while 50 sign in at once, p99",
        ms(p99),
        &format!("{} reads, {done} sign-ins in {}", meanwhile.len(), ms(span)),
        "50 ms",
        p99 < Duration::from_millis(50),
    );
}
