//! The way back in, for whoever may start this program on the machine, when no enabled administrator
//! is left.

use serde_json::json;

use super::{conflict, erased, insert, start_anew, stored_email};
use crate::{
    app::App,
    audit::{self, Act, Action, Actor},
    auth::{
        Email, Role,
        links::{self, Link, Purpose},
    },
    db::users,
    error::Result,
};

/// Makes `email` an enabled administrator, new or not, without a password and without anything that
/// they had opened; the link leads to a password. 409 `administrator_left` as long as there is one.
/// Two at once make one.
pub async fn recover(app: &App, actor: &Actor, email: &Email) -> Result<Link> {
    let mut transaction = app.pool.begin().await?;
    users::lock_and_ask_for_any(&mut transaction).await?;
    if !users::lock_administrators(&mut transaction).await?.is_empty() {
        return Err(conflict(
            "administrator_left",
            "There is an enabled administrator, who can make a link on the page Users; \
             `trueprice user list` shows who it is, and `trueprice user reset` makes a link here.",
        ));
    }
    let former = users::by_email(&mut *transaction, email.as_str()).await?;
    let (id, before) = match &former {
        None => (insert(app, &mut transaction, email, Role::Admin).await?, None),
        Some(user) if user.erased_at.is_some() => return Err(erased()),
        Some(user) => {
            users::set_role(&mut transaction, user.id, Role::Admin.as_str()).await?;
            users::set_disabled_at(&mut transaction, user.id, None).await?;
            let disabled = user.disabled_at.is_some();
            (user.id, Some(json!({ "role": user.role, "disabled": disabled })))
        }
    };
    let detail = json!({ "before": before, "after": { "role": Role::Admin, "disabled": false } });
    let act = Act::done(Action::Recover).to("user", id).with(detail);
    audit::write(app, &mut transaction, actor, act).await?;
    let link = match former {
        None => {
            let user = (id, email.clone());
            links::make(app, &mut transaction, actor, user, Purpose::Recover).await?
        }
        Some(user) => {
            let user = (id, stored_email(&user)?);
            start_anew(app, &mut transaction, actor, user, Purpose::Recover).await?
        }
    };
    transaction.commit().await?;
    Ok(link)
}
