//! Whose meters there are, and who may read them.

use reqwest::{Method, StatusCode};
use serde_json::Value;
use trueprice::auth::Role;

use crate::support::{Caller, TestServer};

const METERS: &str = "/api/v1/meters";

async fn listed(caller: &Caller) -> Vec<Value> {
    let body: Value = caller.get(METERS).await.json().await.unwrap();
    body["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_meter_is_known_to_its_owner_its_readers_and_administrators() {
    let server = TestServer::start().await;
    let owner = server.account(Role::ReadOnly).await;
    let reader = server.account(Role::ReadOnly).await;
    sqlx::query(
        "insert into meter (meter_id, fuel_kind, direction, unit, zone, mpan, serial, region_id, owner_user_id)
         values ('m0123456789ab', 'electricity', 'import', 'kWh', 'Europe/London', '1900000000001',
                 '21X0000001', 'GB', $1)",
    )
    .bind(owner.id)
    .execute(&server.app.pool)
    .await
    .unwrap();
    let as_user = |token: &str| server.anonymous().with_token(token);
    let (own, other) = (as_user(&owner.token), as_user(&reader.token));
    let admin = server.caller(Role::Admin).await;

    let mine = listed(&own).await;
    assert_eq!(mine[0]["id"], "m0123456789ab");
    assert_eq!((&mine[0]["own"], &mine[0]["mpan_end"]), (&true.into(), &"0001".into()));
    assert!(!mine[0].to_string().contains("1900000000001"), "the number itself is told to nobody");
    assert_eq!(listed(&other).await, [] as [Value; 0]);
    assert_eq!(listed(&admin).await.len(), 1);

    let readers = format!("{METERS}/m0123456789ab/readers/{}", reader.id);
    let put = |caller: &Caller| caller.request(Method::PUT, &readers).send();
    assert_eq!(put(&own).await.unwrap().status(), StatusCode::FORBIDDEN);
    for _ in 0..2 {
        assert_eq!(put(&admin).await.unwrap().status(), StatusCode::NO_CONTENT);
    }
    let shown = listed(&other).await;
    assert_eq!((&shown[0]["own"], &shown[0]["readers"]), (&false.into(), &Value::Null));
    let readers_told = &listed(&own).await[0]["readers"];
    assert_eq!(readers_told.as_array().unwrap().len(), 1);
    let noted: i64 =
        sqlx::query_scalar("select count(*) from audit_event where action = 'meter_shown'")
            .fetch_one(&server.app.pool)
            .await
            .unwrap();
    assert_eq!(noted, 1, "what changes nothing is not written down");

    let gone = admin.request(Method::DELETE, &readers).send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    assert_eq!(listed(&other).await, [] as [Value; 0]);
    let unknown = format!("{METERS}/nothing/readers/{}", reader.id);
    let unknown = admin.request(Method::PUT, &unknown).send().await.unwrap();
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
}
