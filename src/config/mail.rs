//! How mail is sent.

use lettre::{
    AsyncSmtpTransport, Tokio1Executor, message::Mailbox,
    transport::smtp::AsyncSmtpTransportBuilder,
};

use super::{ConfigError, Sources};
use crate::auth::Secret;

/// Why mail behind a proxy needs `public_url`.
pub(super) const NO_PUBLIC_URL: &str = "is missing, and smtp_url is set behind a proxy: give the \
     address that links in mails lead to, such as https://curves.example.com";

/// The mail server, and who writes.
#[derive(Debug, Clone)]
pub struct MailConfig {
    /// `smtp://` or `smtps://`, with user and password where the server wants them. Under `smtp://`
    /// a password travels only after STARTTLS; without one, STARTTLS is used where it is offered.
    pub smtp_url: Secret,
    /// The sender.
    pub from: Mailbox,
}

impl MailConfig {
    /// A connection to be made, as the address says.
    pub fn transport(&self) -> Result<AsyncSmtpTransportBuilder, lettre::transport::smtp::Error> {
        transport(&self.smtp_url)
    }
}

fn transport(url: &Secret) -> Result<AsyncSmtpTransportBuilder, lettre::transport::smtp::Error> {
    let url = url.expose();
    let says_tls = url.split_once('?').is_some_and(|(_, query)| query.contains("tls="));
    let tls = match url.strip_prefix("smtp://") {
        Some(rest) if !says_tls && rest.contains('@') => "required",
        Some(_) if !says_tls => "opportunistic",
        _ => return AsyncSmtpTransport::<Tokio1Executor>::from_url(url),
    };
    let joint = if url.contains('?') { '&' } else { '?' };
    AsyncSmtpTransport::<Tokio1Executor>::from_url(&format!("{url}{joint}tls={tls}"))
}

/// Mail is sent when there is a server; then there must be a sender, and an address that the links
/// in the mails can lead to. The server's address is not repeated when it is wrong: it may hold a
/// password.
pub(super) fn read(s: &mut Sources) -> Result<Option<MailConfig>, ConfigError> {
    const WANTED: &str = "give an address such as smtps://user:password@mail.example.com";
    let smtp_url: Option<Secret> = s.value("smtp_url")?;
    let from: Option<Mailbox> = s.value("mail_from")?;
    let Some(smtp_url) = smtp_url else { return Ok(None) };
    let known = ["smtp://", "smtps://"].iter().any(|scheme| smtp_url.expose().starts_with(scheme));
    if !known || transport(&smtp_url).is_err() {
        return Err(s.error("smtp_url", WANTED));
    }
    let missing = "is missing, and smtp_url is set: name the sender, such as TRUEPrice \
                   <trueprice@example.com>";
    let from = from.ok_or_else(|| s.error("mail_from", missing))?;
    Ok(Some(MailConfig { smtp_url, from }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_travels_only_under_tls() {
        let shown = |url: &str| format!("{:?}", transport(&Secret::new(url)).unwrap());
        assert!(shown("smtp://u:p@mail.example.com").contains("Required"));
        assert!(shown("smtp://mail.example.com").contains("Opportunistic"));
        assert!(shown("smtps://u:p@mail.example.com").contains("Wrapper"));
        assert!(shown("smtp://u:p@localhost?tls=opportunistic").contains("Opportunistic"));
    }
}
