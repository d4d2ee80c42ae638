//! Daily summaries: what a meter used on a day, and what that came to, however its parts arrive.

use rust_decimal::Decimal;
use serde_json::{Value, json};
use sqlx::PgPool;
use trueprice::{
    auth::Role,
    domain::feed::{
        RateKind,
        tariff::{Pence, PriceSpan, in_force},
    },
    feeds::{
        Agreement, Feed, Forecast, MeterPoint, Price, Records, Scope, Usage,
        gb::{GbForecast, GbIntensity, GbMix},
        octopus::{OctopusAccount, OctopusRates, OctopusUsage},
    },
};

use crate::support::{
    Caller, TestServer,
    loader::{Loader, at, count, one},
    until,
    upstream::wire,
};

pub const AGILE: &str = "E-1R-AGILE-SAMPLE-25-C";
pub const VARIABLE: &str = "E-1R-VAR-SAMPLE-24-C";

/// An account whose meter somebody owns, and what brings the parts of its summaries.
pub struct Home {
    pub server: TestServer,
    pub owner: Caller,
    pub meter: String,
    pub account: Loader,
    pub usage: Loader,
    pub rates: Loader,
    pub variable: Loader,
    carbon: Loader,
    mix: Loader,
}

impl Home {
    pub async fn new() -> Self {
        let server = TestServer::start().await;
        let person = server.account_without_grants(Role::ReadOnly).await;
        let scope = |name: &str, tariff: Option<&str>| Scope {
            scope: name.to_owned(),
            region_id: Some("GB".to_owned()),
            meter: None,
            tariff_code: tariff.map(str::to_owned),
            first_available: at("2018-01-01T00:00:00Z"),
        };
        let of = async |feed: &'static dyn Feed, scope| Loader::of(&server, feed, scope).await;
        let carbon = of(&GbIntensity, scope("GB", None)).await;
        let mix = of(&GbMix, scope("GB", None)).await;
        let rates = of(&OctopusRates, scope(AGILE, Some(AGILE))).await;
        let variable = of(&OctopusRates, scope(VARIABLE, Some(VARIABLE))).await;
        of(&OctopusUsage, scope("none", None)).await;
        let mut account = of(&OctopusAccount, scope("account", None)).await;
        account.settings.account = Some("A-00000000".to_owned());
        account.settings.owner = Some(person.email.clone());
        account.load(&wire("octopus_account.json")).await;
        let (meter, mpan, serial): (String, String, String) =
            sqlx::query_as("select meter_id, mpan, serial from meter")
                .fetch_one(&server.owner)
                .await
                .unwrap();
        let point = MeterPoint { meter_id: meter.clone(), mpan, serial };
        let usage = of(&OctopusUsage, Scope { meter: Some(point), ..scope(&meter, None) }).await;
        let owner = server.anonymous().with_token(&person.token);
        Self { server, owner, meter, account, usage, rates, variable, carbon, mix }
    }

    pub fn pool(&self) -> &PgPool {
        &self.server.owner
    }

    /// Loads all parts of 15 January 2025 but its usage.
    async fn load_january(&self) {
        self.rates.load(&wire("octopus_rates.json")).await;
        self.carbon.load(&wire("uk_intensity_date.json")).await;
        self.mix.load(&wire("full/uk_generation_20250115.json")).await;
    }

    /// Status and body of an answer.
    async fn ask(&self, path: &str) -> (u16, String) {
        let more = if path.contains('?') { '&' } else { '?' };
        let path = format!("/api/v1/usage/daily-summary{path}{more}numbers=float");
        let answer = self.owner.get(&path).await;
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    pub async fn day(&self, path: &str) -> Value {
        let (status, body) = self.ask(&format!("/{path}")).await;
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }
}

pub fn prices(loader: &Loader, name: &str) -> Vec<Price> {
    match loader.parse(&wire(name), 1) {
        Records::Prices(prices) => prices,
        other => panic!("{name}: {other:?}"),
    }
}

pub fn usage(start: &str, kwh: &str) -> Usage {
    Usage { start: at(start), secs: 1800, quantity: Some(kwh.parse().unwrap()) }
}

#[tokio::test]
async fn a_day_comes_to_grams_pence_and_fuels() {
    let home = Home::new().await;
    home.load_january().await;
    assert_eq!(home.ask("/2025-01-15").await.0, 404, "no usage yet");
    home.usage.load(&wire("octopus_consumption.json")).await;
    let (status, body) = home.ask("/2025-01-15").await;
    assert_eq!(status, 200);
    for printed in [
        "\"total_energy_used\":21.697,",
        "\"carbon_grams\":3741.903,",
        "\"average_carbon_intensity\":172.4618,",
        "\"total_energy_cost_ex_vat\":299.6638,",
        "\"total_energy_cost_inc_vat\":314.6470,",
        "\"standing_exc_vat\":null,",
        "\"slots_expected\":48,\"slots_used\":48,\"slots_estimated\":0,\"missing_by_feed\":{},",
        "\"complete\":true,\"rev\":1}",
    ] {
        assert!(body.contains(printed), "{printed} is not in {body}");
    }
    let mix = "\"mix_percentage\":[{\"fuel\":\"biomass\",\"perc\":6.00},{\"fuel\":\"coal\",\"perc\":0.00},\
               {\"fuel\":\"gas\",\"perc\":32.91},{\"fuel\":\"hydro\",\"perc\":1.60},\
               {\"fuel\":\"imports\",\"perc\":12.50},{\"fuel\":\"nuclear\",\"perc\":13.50},\
               {\"fuel\":\"other\",\"perc\":0.40},{\"fuel\":\"solar\",\"perc\":0.66},\
               {\"fuel\":\"wind\",\"perc\":32.43}]";
    assert!(body.contains(mix), "{body}");
    let told = "select count(*), min(payload #>> '{data,carbon_grams}'), min(subject) from event_outbox where topic = 'usage.day'";
    assert_eq!(one(home.pool(), told).await, format!("(1,3741.903,{})", home.meter));
    assert_eq!(home.ask("/2025-01-14").await.0, 404);
    assert_eq!(home.ask("/2025-02-30").await.0, 404);
}

#[tokio::test]
async fn parts_may_come_in_any_order() {
    let mut contents = Vec::new();
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [3, 0, 2, 1]] {
        let home = Home::new().await;
        for part in order {
            match part {
                0 => drop(home.usage.load(&wire("octopus_consumption.json")).await),
                1 => drop(home.rates.load(&wire("octopus_rates.json")).await),
                2 => drop(home.carbon.load(&wire("uk_intensity_date.json")).await),
                _ => drop(home.mix.load(&wire("full/uk_generation_20250115.json")).await),
            }
        }
        let mut day = home.day("2025-01-15").await;
        day["rev"] = Value::Null;
        day["meter"] = Value::Null;
        contents.push(day);
    }
    assert_eq!(contents[0]["complete"], true);
    assert_eq!(contents[0], contents[1]);
    assert_eq!(contents[0], contents[2]);
}

#[tokio::test]
async fn late_and_corrected_usage_is_summed_up_once_and_the_past_stays_readable() {
    let home = Home::new().await;
    home.load_january().await;
    home.usage.load(&wire("octopus_consumption_late.json")).await;
    let day = home.day("2025-01-15").await;
    let missing = json!({"octopus.usage":
        ["2025-01-15T02:30:00Z", "2025-01-15T03:00:00Z", "2025-01-15T20:00:00Z"]});
    assert_eq!(day["missing_by_feed"], missing);
    assert_eq!((&day["slots_used"], &day["complete"]), (&json!(45), &json!(false)));
    let known: String =
        home.owner.get("/api/v1/usage/daily-summary/2025-01-15").await.headers()["x-known-at"]
            .to_str()
            .unwrap()
            .to_owned();

    home.usage.load(&wire("octopus_consumption_restated.json")).await;
    let after = home.day("2025-01-15").await;
    assert_eq!((&after["slots_used"], &after["rev"]), (&json!(46), &json!(2)));
    assert_eq!(after["total_energy_used"], json!(17.799));
    let revisions =
        "select count(*), min(reason) from row_revision where table_name = 'usage_daily_summary'";
    assert_eq!(one(home.pool(), revisions).await, "(1,recomputed)");
    assert_eq!(count(home.pool(), "event_outbox where topic = 'usage.day'").await, 2);
    let revised = "meter_usage where rev = 2 and start_at in ('2025-01-15 19:00Z', '2025-01-15 19:30Z', '2025-01-15 20:30Z')";
    assert_eq!(count(home.pool(), revised).await, 3);

    let past = home.day(&format!("2025-01-15?as_of={known}")).await;
    assert_eq!(past, day);
    assert_eq!(home.ask("/2025-01-15?as_of=2025-01-01T00:00:00Z").await.0, 404);
    home.usage.load(&wire("octopus_consumption_restated.json")).await;
    assert_eq!(count(home.pool(), "event_outbox where topic = 'usage.day'").await, 2);
}

#[tokio::test]
async fn days_of_london_have_46_and_50_half_hours() {
    for (day, slots, kwh, grams) in
        [("2024-03-31", 46, 21.059, 3654.807), ("2024-10-27", 50, 22.335, 3828.999)]
    {
        let home = Home::new().await;
        let compact = day.replace('-', "");
        home.carbon.load(&wire(&format!("uk_intensity_{compact}.json"))).await;
        home.usage.load(&wire(&format!("octopus_consumption_{compact}.json"))).await;
        let found = home.day(day).await;
        assert_eq!(
            (&found["slots_expected"], &found["slots_used"]),
            (&json!(slots), &json!(slots))
        );
        assert_eq!(
            (&found["total_energy_used"], &found["carbon_grams"]),
            (&json!(kwh), &json!(grams))
        );
        let missing = &found["missing_by_feed"];
        assert!(
            missing["octopus.usage"].is_null() && missing["gb.intensity"].is_null(),
            "{missing}"
        );
        assert_eq!(missing["gb.mix"].as_array().unwrap().len(), slots);
        assert_eq!(found["complete"], false);
    }
}

#[tokio::test]
async fn a_day_of_utc_is_no_day_of_london_in_summer() {
    let home = Home::new().await;
    home.usage.load(&wire("octopus_consumption_bst_utcday.json")).await;
    assert_eq!(count(home.pool(), "meter_usage").await, 48);
    let day = home.day("2025-07-15").await;
    assert_eq!((&day["slots_expected"], &day["slots_used"]), (&json!(48), &json!(46)));
    let missing = json!(["2025-07-14T23:00:00Z", "2025-07-14T23:30:00Z"]);
    assert_eq!(day["missing_by_feed"]["octopus.usage"], missing);
    assert_eq!(home.day("2025-07-16").await["slots_used"], 2);
    let before = [usage("2025-07-14T23:00:00Z", "0.1"), usage("2025-07-14T23:30:00Z", "0.1")];
    home.usage.put(Records::Usage(before.to_vec())).await;
    let day = home.day("2025-07-15").await;
    assert!(day["missing_by_feed"]["octopus.usage"].is_null());
    assert_eq!((&day["slots_used"], &day["complete"]), (&json!(48), &json!(false)));
}

#[tokio::test]
async fn a_tariff_has_one_price_at_a_time_whatever_the_order_of_its_rows() {
    let home = Home::new().await;
    let spans = |name: &str| -> Vec<PriceSpan> {
        let counts = |price: &Price| price.payment_method.as_deref() != Some("NON_DIRECT_DEBIT");
        let span = |price: Price| PriceSpan {
            is_own: price.payment_method.is_some(),
            valid_from: price.valid_from,
            valid_to: price.valid_to,
            price: Pence { exc_vat: price.exc_vat, inc_vat: price.inc_vat },
        };
        prices(&home.variable, name).into_iter().filter(counts).map(span).collect()
    };
    let price = |spans: &[PriceSpan], instant: &str| {
        in_force(spans, at(instant))
            .map(|span| (span.price.exc_vat.to_string(), span.price.inc_vat.to_string()))
    };
    let (mut energy, standing) =
        (spans("octopus_rates_flexible.json"), spans("octopus_standing_charges.json"));
    for _ in 0..2 {
        assert_eq!(price(&energy, "2024-12-31T23:59:59Z").unwrap().0, "21.8");
        assert_eq!(price(&energy, "2025-01-01T00:00:00Z").unwrap().0, "24.1");
        assert_eq!(price(&energy, "2031-01-01T00:00:00Z").unwrap().0, "24.1");
        energy.reverse();
    }
    let charge = price(&standing, "2025-01-01T00:00:00Z").unwrap();
    assert_eq!(charge, ("44.2".to_owned(), "46.41".to_owned()));
    assert_eq!(price(&standing, "2024-12-31T23:30:00Z"), None);
}

#[tokio::test]
async fn a_meter_moves_from_one_tariff_to_the_other_at_an_instant() {
    let home = Home::new().await;
    home.variable.load(&wire("octopus_rates_flexible.json")).await;
    let agile = |from: &str, to: &str, pence: i64| Price {
        rate_kind: RateKind::Standard,
        payment_method: None,
        valid_from: at(from),
        valid_to: Some(at(to)),
        exc_vat: Decimal::new(pence, 1),
        inc_vat: Decimal::new(pence, 1) * Decimal::new(105, 2),
    };
    let negative = agile("2025-01-01T00:30:00Z", "2025-01-01T01:00:00Z", -40);
    let half_hours = vec![agile("2025-01-01T00:00:00Z", "2025-01-01T00:30:00Z", 100), negative];
    home.rates.put(Records::Prices(half_hours)).await;
    let mut standing = prices(&home.rates, "octopus_standing_charges.json");
    for price in &mut standing {
        price.rate_kind = RateKind::Standing;
    }
    home.rates.put(Records::Prices(standing)).await;
    let used = ["2024-12-31T23:30:00Z", "2025-01-01T00:00:00Z", "2025-01-01T00:30:00Z"];
    home.usage.put(Records::Usage(used.map(|start| usage(start, "2")).to_vec())).await;

    let before = home.day("2024-12-31").await;
    assert_eq!(before["total_energy_cost_ex_vat"], json!(43.6));
    assert!(before["standing_inc_vat"].is_null());
    let after = home.day("2025-01-01").await;
    // 2 kWh at 10 and 2 kWh at -4.
    assert_eq!(after["total_energy_cost_ex_vat"], json!(12.0));
    assert_eq!(after["total_energy_cost_inc_vat"], json!(12.6));
    assert_eq!(
        (&after["standing_exc_vat"], &after["standing_inc_vat"]),
        (&json!(44.2), &json!(46.41))
    );

    // A corrected price and another agreement are summed up again.
    home.rates
        .put(Records::Prices(vec![agile("2025-01-01T00:00:00Z", "2025-01-01T00:30:00Z", 200)]))
        .await;
    let after = home.day("2025-01-01").await;
    assert_eq!((&after["total_energy_cost_ex_vat"], &after["rev"]), (&json!(32.0), &json!(2)));
    let Records::Account(mut meters) = home.account.parse(&wire("octopus_account.json"), 1) else {
        panic!("no account");
    };
    let agreement = |tariff: &str, from: &str| Agreement {
        tariff_code: tariff.to_owned(),
        valid_from: at(from),
        valid_to: None,
    };
    meters[0].agreements.push(agreement(VARIABLE, "2025-01-01T00:30:00Z"));
    home.account.put(Records::Account(meters)).await;
    let after = home.day("2025-01-01").await;
    // 2 kWh at 20, then 2 kWh at 24.1.
    assert_eq!((&after["total_energy_cost_ex_vat"], &after["rev"]), (&json!(88.2), &json!(3)));
    assert_eq!(home.day("2024-12-31").await["rev"], 1);
}

#[tokio::test]
async fn a_price_that_ends_closes_the_open_one_in_summaries_too() {
    let home = Home::new().await;
    let price = |from: &str, to: Option<&str>| Price {
        rate_kind: RateKind::Standard,
        payment_method: None,
        valid_from: at(from),
        valid_to: to.map(at),
        exc_vat: Decimal::TEN,
        inc_vat: Decimal::TEN,
    };
    home.usage.put(Records::Usage(vec![usage("2025-03-10T12:00:00Z", "1")])).await;
    home.rates.put(Records::Prices(vec![price("2025-01-01T00:00:00Z", None)])).await;
    assert_eq!(home.day("2025-03-10").await["total_energy_cost_ex_vat"], json!(10.0));
    let closes = price("2025-02-01T00:00:00Z", Some("2025-03-01T00:00:00Z"));
    home.rates.put(Records::Prices(vec![closes])).await;
    assert!(home.day("2025-03-10").await["total_energy_cost_ex_vat"].is_null());
}

#[tokio::test]
async fn a_forecast_stands_in_where_it_is_asked_to() {
    let home = Home::new().await;
    home.usage.load(&wire("octopus_consumption.json")).await;
    home.carbon.load(&wire("uk_intensity_partial_day.json")).await;
    let scope = home.carbon.scope.clone();
    let forecast = Loader::of(&home.server, &GbForecast, scope).await;
    let rows = |issued: &str, g: i64| {
        let slots = (0..48).map(|slot| Forecast {
            factor_set: "NESO".into(),
            issued_at: at(issued),
            start: at("2025-01-15T00:00:00Z") + chrono::TimeDelta::minutes(30 * slot),
            secs: 1800,
            generated: Some(g.into()),
            unit: trueprice::domain::feed::IntensityUnit::GPerKwh,
        });
        Records::Forecast(slots.collect())
    };
    forecast.put(rows("2025-01-14T12:00:00Z", 999)).await;
    forecast.put(rows("2025-01-14T23:30:00Z", 100)).await;
    let plain = home.day("2025-01-15").await;
    assert_eq!(plain["missing_by_feed"]["gb.intensity"].as_array().unwrap().len(), 28);
    assert_eq!(plain["slots_estimated"], 0);
    let filled = home.day("2025-01-15?fill=forecast").await;
    assert_eq!(filled["slots_estimated"], 28);
    assert!(filled["missing_by_feed"]["gb.intensity"].is_null());
    // 100 g for each kWh of the slots that lack an intensity.
    let kwh: Decimal = sqlx::query_scalar(
        "select sum(quantity) from meter_usage u where not exists (select from carbon_intensity c
         where c.start_at = u.start_at and c.generated is not null)",
    )
    .fetch_one(home.pool())
    .await
    .unwrap();
    let grams = |day: &Value| day["carbon_grams"].as_f64().unwrap();
    let added: f64 = (kwh * Decimal::from(100)).to_string().parse().unwrap();
    assert!((grams(&filled) - grams(&plain) - added).abs() < 0.0005);
    assert_eq!(home.day("2025-01-15").await, plain, "nothing of it is stored");
    assert_eq!(home.ask("/2025-01-15?fill=guess").await.0, 400);
    assert_eq!(home.ask("/2025-01-15?fill=forecast&as_of=2025-01-01T00:00:00Z").await.0, 400);
}

#[tokio::test]
async fn a_summary_is_its_owners_and_of_whom_it_was_given_to() {
    let home = Home::new().await;
    home.usage.load(&wire("octopus_consumption.json")).await;
    let path = format!("/api/v1/usage/daily-summary/2025-01-15?meter={}", home.meter);
    assert_eq!(home.owner.get(&path).await.status(), 200);
    assert_eq!(home.server.anonymous().get(&path).await.status(), 401);
    let admin = home.server.caller(Role::Admin).await;
    assert_eq!(admin.get(&path).await.status(), 404);
    let list = "/api/v1/usage/daily-summary?from=2025-01-01&to=2025-01-31";
    let items = admin.get(list).await.json::<Value>().await.unwrap();
    assert_eq!(items, json!({"items": [], "next": null}));
    let friend = home.server.account_without_grants(Role::ReadOnly).await;
    let caller = home.server.anonymous().with_token(&friend.token);
    assert_eq!(caller.get(&path).await.status(), 404);
    sqlx::query("insert into meter_reader (meter_id, user_id) values ($1, $2)")
        .bind(&home.meter)
        .bind(friend.id)
        .execute(home.pool())
        .await
        .unwrap();
    assert_eq!(caller.get(&path).await.status(), 200);
    assert_eq!(home.ask("/2025-01-15?meter=other").await.0, 404);
    assert_eq!(home.ask("/2025-01-15?factor_set=EGRID-NY").await.0, 404);
    assert_eq!(home.ask("/2025-01-15?metre=x").await.0, 400);
}

#[tokio::test]
async fn a_list_goes_on_where_its_page_ended() {
    let home = Home::new().await;
    let days: Vec<Usage> = (1..=5)
        .map(|day| usage(&format!("2025-01-0{day}T12:00:00Z"), &format!("{day}.25")))
        .collect();
    home.usage.put(Records::Usage(days)).await;
    let mut path = "?from=2025-01-02&to=2025-01-05&limit=3".to_owned();
    let mut found = Vec::new();
    loop {
        let (status, body) = home.ask(&path).await;
        assert_eq!(status, 200, "{body}");
        let page: Value = serde_json::from_str(&body).unwrap();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 3);
        found.extend(items.iter().map(|item| item["total_energy_used"].as_f64().unwrap()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("?from=2025-01-02&to=2025-01-05&limit=3&cursor={next}");
    }
    assert_eq!(found, [2.25, 3.25, 4.25, 5.25]);
    let one_day: Value = serde_json::from_str(&home.ask("?from=2025-01-03").await.1).unwrap();
    assert_eq!(one_day["items"].as_array().unwrap().len(), 1);
    for wrong in ["", "?from=2025-01-03&to=2025-01-02", "?from=x", "?from=2025-01-03&cursor=x"] {
        assert_eq!(home.ask(wrong).await.0, 400, "{wrong}");
    }
}

#[tokio::test]
async fn what_will_be_known_is_not_told_before() {
    let home = Home::new().await;
    home.usage.put(Records::Usage(vec![usage("2025-01-03T12:00:00Z", "1.25")])).await;
    for path in ["?from=2025-01-03", "?from=2025-01-03&format=csv", "/2025-01-03"] {
        let more = if path.contains('?') { '&' } else { '?' };
        let (status, body) = home.ask(&format!("{path}{more}as_of=2999-01-01T00:00:00Z")).await;
        assert_eq!(status, 400, "{path}: {body}");
        assert!(body.contains("\"bad_parameter\"") && body.contains("future"), "{body}");
        let now = home.owner.get(&format!("/api/v1/usage/daily-summary{path}")).await;
        let known_at = now.headers()["x-known-at"].to_str().unwrap().to_owned();
        let (status, body) = home.ask(&format!("{path}{more}as_of={known_at}")).await;
        assert_eq!(status, 200, "{path}: {body}");
    }
}

#[tokio::test]
async fn two_loads_at_once_miss_nothing_of_each_other() {
    let home = Home::new().await;
    home.load_january().await;
    tokio::join!(
        async { home.usage.load(&wire("octopus_consumption.json")).await },
        async { home.carbon.load(&wire("uk_intensity_restated.json")).await },
        async { home.mix.load(&wire("uk_generation.json")).await },
    );
    let day = home.day("2025-01-15").await;
    let sum: Decimal = sqlx::query_scalar(
        "select sum(u.quantity * c.generated) from meter_usage u join carbon_intensity c using (start_at)",
    )
    .fetch_one(home.pool())
    .await
    .unwrap();
    let printed = day["carbon_grams"].to_string().parse::<Decimal>().unwrap();
    assert_eq!(printed, sum.round_dp(3));
    assert_eq!(day["complete"], true);
}

#[tokio::test]
async fn usage_that_comes_while_its_intensities_change_is_weighed_with_the_new_ones() {
    let home = Home::new().await;
    home.load_january().await;
    // The load of intensities has looked which summaries it changes, and cannot commit yet.
    let mut series = home.pool().begin().await.unwrap();
    let lock = "select pg_advisory_xact_lock(7429, hashtext('intensity/gb.intensity/GB/NESO'))";
    sqlx::query(lock).execute(&mut *series).await.unwrap();
    let waits = async |at: &str| {
        count(home.pool(), &format!("pg_locks where not granted and classid = {at}")).await > 0
    };
    tokio::join!(
        async { home.carbon.load(&wire("uk_intensity_restated.json")).await },
        async {
            until(async || waits("7429").await).await;
            home.usage.load(&wire("octopus_consumption.json")).await;
        },
        async {
            until(async || waits("7429").await).await;
            until(async || count(home.pool(), "meter_usage").await > 0 || waits("7430").await)
                .await;
            series.commit().await.unwrap();
        },
    );
    let sum = "select round(sum(u.quantity * c.generated), 3) from meter_usage u join carbon_intensity c using (start_at)";
    let stored = "select round(grams_co2, 3) from usage_daily_summary";
    assert_eq!(one(home.pool(), stored).await, one(home.pool(), sum).await);
}
