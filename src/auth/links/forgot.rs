//! "Forgot your password?": a link by mail, for whoever reads the mail of a known address.

use chrono::TimeDelta;

use super::{Email, Link, Purpose, make};
use crate::{
    app::App,
    audit::Actor,
    auth::{address, throttle::Knock},
    db::{links, users},
    error::Result,
    mail,
};

/// A second wish within this time is one with the first: nobody's mailbox is filled by others.
const APART: TimeDelta = TimeDelta::minutes(5);

/// Takes the wish of somebody who says that this is their address, and answers at once, alike for
/// every address: whether there is such a user is looked up afterwards. 429 for a network that asks
/// too often.
pub async fn forgot(app: &App, actor: Actor, email: Email) -> Result<()> {
    Knock::Forgot.count(app, address::of_actor(&actor)).await?;
    let app = app.clone();
    tokio::spawn(async move {
        match link_for(&app, &actor, &email).await {
            Ok(Some(link)) => _ = mail::send_link(&app, &link).await,
            Ok(None) => {}
            Err(problem) => tracing::warn!(code = problem.code, "a forgotten password stays so"),
        }
    });
    Ok(())
}

async fn link_for(app: &App, actor: &Actor, email: &Email) -> Result<Option<Link>> {
    let mut transaction = app.pool.begin().await?;
    let Some(found) = users::by_email(&mut *transaction, email.as_str()).await? else {
        return Ok(None);
    };
    let Some(user) = users::lock(&mut transaction, found.id).await? else { return Ok(None) };
    let since = app.clock.now() - APART;
    let purpose = Purpose::Reset;
    let again = links::has_one_since(&mut transaction, user.id, purpose.as_str(), since).await?;
    if again || user.disabled_at.is_some() {
        return Ok(None);
    }
    let user = (user.id, email.clone());
    let link = make(app, &mut transaction, actor, user, purpose).await?;
    transaction.commit().await?;
    Ok(Some(link))
}
