//! The whole site: its switches are turned here, and the server says here in which zone its days are.

use serde_json::json;

use crate::{
    app::App,
    audit::{self, Act, Action, Actor},
    db::site::{self, Switch, Switches},
    error::{Problem, Result},
};

/// Characters of a message at the most.
pub const LONGEST_MESSAGE: usize = 1000;

/// What is told while a switch is off without a message of its own.
pub const DEFAULT_MESSAGE: &str =
    "TRUEPrice is closed for maintenance just now. Please come back in a few minutes.";

/// What those who are not let in are told: `message`, or where it is empty the server's own words.
#[must_use]
pub fn told(message: &str) -> &str {
    if message.is_empty() { DEFAULT_MESSAGE } else { message }
}

/// Turns the switches, from the next request on and on every server of the database. 400 for a
/// message that cannot be.
pub async fn switch(app: &App, actor: &Actor, wanted: Switches) -> Result<()> {
    let after = Switches { ui: checked("ui", wanted.ui)?, api: checked("api", wanted.api)? };
    let mut transaction = app.pool.begin().await?;
    let before = site::lock(&mut transaction).await?;
    if before != after {
        site::turn(&mut transaction, &after).await?;
        let detail = json!({ "before": before, "after": after });
        let act = Act::done(Action::SiteSwitched).to("site", "switches").with(detail);
        audit::write(app, &mut transaction, actor, act).await?;
    }
    Ok(transaction.commit().await?)
}

/// A switch with its message trimmed, line ends as one character.
fn checked(name: &str, Switch { open, message }: Switch) -> Result<Switch> {
    let message = message.replace("\r\n", "\n").trim().to_owned();
    let fault = if message.chars().count() > LONGEST_MESSAGE {
        format!("a message has at most {LONGEST_MESSAGE} characters")
    } else if message.contains(|c: char| c.is_control() && c != '\n') {
        "a message holds no control characters".to_owned()
    } else {
        return Ok(Switch { open, message });
    };
    Err(Problem::bad_parameter(&format!("{name}.message"), &message, fault))
}

/// Tells the database in which zone this server's days are: the windows of grants are counted in it.
pub async fn settle_timezone(app: &App) -> sqlx::Result<()> {
    let zone = app.config.curve_timezone.name();
    let mut transaction = app.pool.begin().await?;
    if let Some(before) = site::set_timezone(&mut transaction, zone).await? {
        let detail = json!({ "before": before, "after": zone });
        let act = Act::done(Action::SettingChanged).to("site", "curve_timezone").with(detail);
        audit::write(app, &mut transaction, &Actor::SERVER, act).await?;
        tracing::warn!(before, zone, "the time zone of operating days has changed");
    }
    transaction.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_plain_text_of_bounded_length() {
        let check = |message: &str| {
            checked("ui", Switch { open: false, message: message.to_owned() })
                .map(|switch| switch.message)
                .map_err(|problem| problem.code)
        };
        assert_eq!(check("  Back\r\nat 14:00. "), Ok("Back\nat 14:00.".to_owned()));
        assert_eq!(check(&"é".repeat(1000)), Ok("é".repeat(1000)));
        assert_eq!(check(&"e".repeat(1001)), Err("bad_parameter"));
        assert_eq!(check("a\u{1b}[2J"), Err("bad_parameter"));
        assert_eq!(told(""), DEFAULT_MESSAGE);
        assert_eq!(told("x"), "x");
    }
}
