//! A mail server in the test process, which keeps what it is given.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};
use trueprice::{auth::Secret, config::MailConfig};

/// A running mail server. It speaks as much SMTP as one mail needs, without TLS.
#[derive(Clone)]
pub struct SmtpServer {
    port: u16,
    mails: Arc<Mutex<Vec<Mail>>>,
}

/// A mail that it took.
#[derive(Debug, Clone)]
pub struct Mail {
    /// Whom it is for, as the envelope says.
    pub to: String,
    /// Head and body.
    pub text: String,
}

impl Mail {
    /// The link in it, from `/link/` on.
    pub fn link(&self) -> String {
        let line = self.text.lines().find(|line| line.contains("/link/")).expect("a link");
        line[line.find("/link/").unwrap()..].to_owned()
    }
}

impl SmtpServer {
    /// A server on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Self { port, mails: Arc::default() };
        let mails = Arc::clone(&server.mails);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk(stream, Arc::clone(&mails)));
            }
        });
        server
    }

    /// The settings that send mail there.
    pub fn config(&self) -> MailConfig {
        MailConfig {
            smtp_url: Secret::new(format!("smtp://127.0.0.1:{}", self.port)),
            from: "TRUEPrice <curves@example.com>".parse().unwrap(),
        }
    }

    /// What it took so far.
    pub fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn talk(stream: TcpStream, mails: Arc<Mutex<Vec<Mail>>>) -> Option<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut to = String::new();
    write.write_all(b"220 test ESMTP\r\n").await.ok()?;
    while let Some(line) = lines.next_line().await.ok()? {
        let answer = match line.get(..4)? {
            "EHLO" => "250 test",
            "RCPT" => {
                let address = line.split(['<', '>']).nth(1)?;
                address.clone_into(&mut to);
                "250 ok"
            }
            "DATA" => {
                write.write_all(b"354 go on\r\n").await.ok()?;
                let mut text = String::new();
                while let Some(line) = lines.next_line().await.ok()?.filter(|line| line != ".") {
                    text.push_str(line.strip_prefix('.').unwrap_or(&line));
                    text.push('\n');
                }
                let mail = Mail { to: to.clone(), text };
                mails.lock().unwrap_or_else(PoisonError::into_inner).push(mail);
                "250 taken"
            }
            "QUIT" => "221 bye",
            _ => "250 ok",
        };
        write.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
    }
    Some(())
}
