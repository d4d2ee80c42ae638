//! One-time links by mail: plain text, to one person. Nothing of a mail is ever logged but that it
//! could not be sent.

use std::time::Duration;

use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor, message::header::ContentType,
    transport::smtp::extension::ClientId,
};

use crate::{
    app::App,
    auth::links::{Link, Purpose},
    config::MailConfig,
};

/// How long the mail server may take for one mail.
const PATIENCE: Duration = Duration::from_secs(10);

/// A mail was not sent.
#[derive(Debug, thiserror::Error)]
enum MailError {
    #[error("the address cannot be written to: {0}")]
    Address(#[from] lettre::address::AddressError),
    #[error("the mail cannot be written: {0}")]
    Message(#[from] lettre::error::Error),
    #[error("the mail server did not take it: {0}")]
    Server(#[from] lettre::transport::smtp::Error),
    #[error("the mail server took longer than {} s", PATIENCE.as_secs())]
    Slow,
}

/// Mails a link to its user. False when no mail server is set up, or when it did not take the mail:
/// then whoever made the link has to hand it on.
pub async fn send_link(app: &App, link: &Link) -> bool {
    let Some(config) = &app.config.mail else { return false };
    match send(config, link, &link.url(&app.config)).await {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!(user = %link.user_id, %error, "a link could not be mailed");
            false
        }
    }
}

async fn send(config: &MailConfig, link: &Link, url: &str) -> Result<(), MailError> {
    let message = Message::builder()
        .from(config.from.clone())
        .to(link.email.as_str().parse()?)
        .subject(subject(link.purpose))
        .header(ContentType::TEXT_PLAIN)
        .body(body(link, url))?;
    let name = ClientId::Domain(config.from.email.domain().to_owned());
    let transport: AsyncSmtpTransport<Tokio1Executor> =
        config.transport()?.hello_name(name).timeout(Some(PATIENCE)).build();
    let sending = tokio::time::timeout(PATIENCE, transport.send(message));
    sending.await.map_err(|_| MailError::Slow)??;
    Ok(())
}

const fn subject(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Invite => "Your invitation to TRUEPrice",
        Purpose::Reset | Purpose::Recover => "A new password for TRUEPrice",
    }
}

fn body(link: &Link, url: &str) -> String {
    let until = link.expires_at.format("%-d %B %Y, %H:%M UTC");
    let (why, otherwise) = match link.purpose {
        Purpose::Invite => (
            "you are invited to TRUEPrice, the forward curves of your company. Choose a password \
             to begin:",
            "If you did not expect this invitation, you need not do anything.",
        ),
        Purpose::Reset | Purpose::Recover => (
            "a new password was asked for your account at TRUEPrice. Choose it here:",
            "If you did not ask for it, you need not do anything; tell your administrator if it \
             happens again.",
        ),
    };
    format!(
        "Hello,\n\n{why}\n\n{url}\n\nThe link works once, until {until}. Afterwards you sign in as \
         {email}.\n\nNobody needs to know your password, and nobody will ask you for it.\n\
         {otherwise}\n",
        email = link.email,
    )
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::auth::Secret;

    #[test]
    fn a_mail_says_what_to_do_until_when_and_as_whom() {
        let link = Link {
            user_id: uuid::Uuid::nil(),
            email: "ann@example.com".parse().unwrap(),
            purpose: Purpose::Invite,
            secret: Secret::new("x"),
            expires_at: DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
        };
        let text = body(&link, "https://curves.example.com/link/x");
        assert!(text.contains("\n\nhttps://curves.example.com/link/x\n\n"), "{text}");
        assert!(text.contains("until 14 November 2023, 22:13 UTC"), "{text}");
        assert!(text.contains("sign in as ann@example.com"), "{text}");
        let reset = body(&Link { purpose: Purpose::Reset, ..link }, "u");
        assert!(reset.contains("new password") && !reset.contains("invited"), "{reset}");
    }
}
