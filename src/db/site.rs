//! What belongs to the whole site: its two switches, its time zone.
//!
//! The switches are read with the identity of each request (`sessions::live`, `tokens::live`); here
//! are those who look at them and turn them.

use sqlx::{PgConnection, PgPool};

/// One switch.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Switch {
    /// Whether everybody is let in, or only administrators.
    #[schema(example = true)]
    pub open: bool,
    /// What the others are told, 1000 characters at the most; empty: words of the server's own.
    #[serde(default)]
    #[schema(example = "Back at 14:00.")]
    pub message: String,
}

/// The two switches.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Switches {
    /// For those who come with a browser's cookie.
    pub ui: Switch,
    /// For those who come with a token, and for BI.
    pub api: Switch,
}

/// The row of the site.
#[derive(Debug, Clone)]
pub struct Site {
    /// The switches.
    pub switches: Switches,
    /// The zone whose days are operating days, as the server told it that started last.
    pub curve_timezone: String,
}

/// The site as it is.
pub async fn read(pool: &PgPool) -> sqlx::Result<Site> {
    let row =
        sqlx::query!("select ui_open, ui_message, api_open, api_message, curve_timezone from site")
            .fetch_one(pool)
            .await?;
    let ui = Switch { open: row.ui_open, message: row.ui_message };
    let api = Switch { open: row.api_open, message: row.api_message };
    Ok(Site { switches: Switches { ui, api }, curve_timezone: row.curve_timezone })
}

/// The switches as they are; nobody else turns them until the transaction ends.
pub async fn lock(connection: &mut PgConnection) -> sqlx::Result<Switches> {
    let row =
        sqlx::query!("select ui_open, ui_message, api_open, api_message from site for update")
            .fetch_one(connection)
            .await?;
    let ui = Switch { open: row.ui_open, message: row.ui_message };
    Ok(Switches { ui, api: Switch { open: row.api_open, message: row.api_message } })
}

/// Turns the switches.
pub async fn turn(connection: &mut PgConnection, to: &Switches) -> sqlx::Result<()> {
    sqlx::query!(
        "update site set ui_open = $1, ui_message = $2, api_open = $3, api_message = $4",
        to.ui.open,
        to.ui.message,
        to.api.open,
        to.api.message,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Sets the time zone; the one before, where that was another.
pub async fn set_timezone(
    connection: &mut PgConnection,
    zone: &str,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "update site set curve_timezone = $1
         from (select curve_timezone from site for update) before
         where before.curve_timezone <> $1
         returning before.curve_timezone",
        zone
    )
    .fetch_optional(connection)
    .await
}
