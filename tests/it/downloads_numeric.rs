//! Numbers in PostgreSQL's binary form: what is written is what PostgreSQL reads, and back.

use rust_decimal::Decimal;
use sqlx::Row as _;
use trueprice::db::numeric::{Values, put_numeric, put_numeric_array};

use crate::support::empty_database;

const NUMBERS: [&str; 16] = [
    "0",
    "0.00",
    "1",
    "-1",
    "9999",
    "10000",
    "10001",
    "0.0001",
    "0.00001",
    "-0.000000000000001",
    "82.66",
    "100000000",
    "-12345.6780",
    "999999999999.123456789012345",
    "79228162514264337593543950335",
    "0.0000000000000000000000000001",
];

#[tokio::test]
async fn postgresql_reads_what_is_copied_and_sends_what_is_read() {
    let pool = empty_database().await;
    let mut connection = pool.acquire().await.unwrap();
    sqlx::query("create table sample (place int, one numeric, all_of_them numeric[])")
        .execute(&mut *connection)
        .await
        .unwrap();
    let numbers: Vec<Decimal> = NUMBERS.iter().map(|text| text.parse().unwrap()).collect();
    let mut array: Vec<Option<Decimal>> = numbers.iter().copied().map(Some).collect();
    array.insert(3, None);
    let mut bytes = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
    for (place, number) in (0_i32..).zip(&numbers) {
        bytes.extend_from_slice(&3_i16.to_be_bytes());
        bytes.extend_from_slice(&4_i32.to_be_bytes());
        bytes.extend_from_slice(&place.to_be_bytes());
        put_numeric(&mut bytes, number);
        put_numeric_array(&mut bytes, if place == 0 { &[] } else { &array });
    }
    bytes.extend_from_slice(&(-1_i16).to_be_bytes());
    let mut copy =
        connection.copy_in_raw("copy sample from stdin with (format binary)").await.unwrap();
    copy.send(bytes).await.unwrap();
    copy.finish().await.unwrap();

    let rows = sqlx::query("select one::text, all_of_them, array[one] from sample order by place")
        .fetch_all(&mut *connection)
        .await
        .unwrap();
    assert_eq!(rows.len(), NUMBERS.len());
    for (place, row) in rows.iter().enumerate() {
        assert_eq!(row.get::<String, _>(0), NUMBERS[place]);
        let expected = if place == 0 { Vec::new() } else { array.clone() };
        assert_eq!(row.get::<Values, _>(1).0, expected);
        let alone = row.get::<Values, _>(2).0;
        assert_eq!(alone[0].unwrap().to_string(), NUMBERS[place]);
    }
    // Numbers that PostgreSQL itself computes may have fewer digits than decimals, and the reverse.
    let computed =
        "select array[1e10::numeric, 1/3::numeric, -0.5, 1e-20, 100000000 * 10000.5, null]";
    let row = sqlx::query(computed).fetch_one(&mut *connection).await.unwrap();
    let texts: Vec<Option<String>> =
        row.get::<Values, _>(0).0.iter().map(|v| v.map(|v| v.normalize().to_string())).collect();
    let expected = [
        "10000000000",
        "0.33333333333333333333",
        "-0.5",
        "0.00000000000000000001",
        "1000050000000",
    ];
    let expected = expected.map(|text| Some(text.to_owned()));
    assert_eq!(texts[..5], expected);
    assert_eq!(texts[5], None);
    let nan =
        sqlx::query("select array['NaN'::numeric]").fetch_one(&mut *connection).await.unwrap();
    assert!(nan.try_get::<Values, _>(0).is_err());
}
