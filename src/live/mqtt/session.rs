//! One client of the broker: who it is, what it may read, and what it gets.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    io,
    sync::Arc,
    time::Duration,
};

use axum::http::request::Parts;
use bytes::BytesMut;
use tokio::{
    sync::broadcast::{self, error::TryRecvError},
    time::{Instant, sleep_until, timeout},
};
use uuid::Uuid;

use super::{
    broker::{Broker, Message, PATIENCE, Place},
    filter::Filter,
    packet::{
        self, Connect, Incoming, Malformed, Refusal, SUBSCRIPTION_REFUSED, Version, Wish, Writer,
    },
    wire::Wire,
};
use crate::{
    app::App,
    auth::{Principal, Role, Scope, Secret, token},
    config::BrokerConfig,
    db::site,
    live::{
        guests::{Full, Guest},
        topics::Meters,
    },
};

/// How long a client may take to introduce itself.
const FIRST_WORD: Duration = Duration::from_secs(10);

/// The most subscriptions of a client.
const MOST_SUBSCRIPTIONS: usize = 100;

/// Messages that wait for the client's word at the most; it may want fewer.
const WINDOW: usize = 100;

/// How long a client whose window is full may be silent.
const DEAF: Duration = Duration::from_mins(1);

/// Longer than any connection.
const FOREVER: Duration = Duration::from_hours(24 * 365);

/// Bytes that are written at once.
const AT_ONCE: usize = 64 << 10;

/// What sessions share.
#[derive(Debug, Clone)]
pub struct Hall {
    /// The parts of the server.
    pub app: App,
    /// The broker.
    pub broker: Broker,
    /// Its settings.
    pub config: Arc<BrokerConfig>,
    /// What everybody may read who is signed in.
    pub readable: Arc<Vec<Filter>>,
}

/// Why a session is over.
#[derive(Debug, thiserror::Error)]
enum Over {
    #[error("the client is gone")]
    Gone,
    #[error("the client is not understood: {0}")]
    Malformed(#[from] Malformed),
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
    #[error("the client is too slow")]
    Slow,
    #[error("the client published")]
    Published,
    #[error("the client was silent for too long")]
    Silent,
    #[error("the client was not let in: {0:?}")]
    Refused(Refusal),
    #[error("the client may not be here any more")]
    ShutOut,
    #[error("another has come under the client's name")]
    Replaced,
}

/// Why a client that was let in has to go: the codes of version 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Farewell {
    /// It sent what is no packet.
    Malformed = 0x81,
    /// Nobody may do what it did.
    NotAuthorized = 0x87,
    /// It was silent for longer than it said it would be.
    Silent = 0x8d,
    /// Another has come under its name.
    TakenOver = 0x8e,
    /// More waits for it than may.
    QuotaExceeded = 0x97,
    /// Its account, its credential or the site was closed.
    Administrative = 0x98,
}

impl Over {
    /// What is said to the client before the connection ends.
    const fn farewell(&self) -> Option<Farewell> {
        match self {
            Self::Gone | Self::Io(_) | Self::Refused(_) => None,
            Self::Malformed(_) => Some(Farewell::Malformed),
            Self::Slow => Some(Farewell::QuotaExceeded),
            Self::Published => Some(Farewell::NotAuthorized),
            Self::Silent => Some(Farewell::Silent),
            Self::ShutOut => Some(Farewell::Administrative),
            Self::Replaced => Some(Farewell::TakenOver),
        }
    }
}

impl Hall {
    /// Serves one client until it is gone. `parts` tell where it comes from.
    pub async fn serve(self, wire: Wire, parts: Parts) {
        let ended = self.broker.ended();
        tokio::select! {
            over = self.session(wire, parts) => {
                if let Err(error) = over {
                    tracing::debug!(%error, "an MQTT session is over");
                }
            }
            () = ended => {}
        }
    }

    async fn session(self, mut wire: Wire, parts: Parts) -> Result<(), Over> {
        let mut buffer = BytesMut::new();
        let first = timeout(FIRST_WORD, next(&mut wire, &mut buffer, None)).await;
        let Incoming::Connect(connect) = first.map_err(|_| Over::Silent)?? else {
            return Err(Malformed("the first word is no connect").into());
        };
        let writer = Writer(connect.version.unwrap_or(Version::V4));
        let mut out = BytesMut::new();
        let admitted = match self.admit(&connect, &parts).await {
            Ok(admitted) => admitted,
            Err(why) => {
                writer.refuse(&mut out, why);
                wire.write(out.freeze()).await?;
                return Err(Over::Refused(why));
            }
        };
        let assigned = connect.client_id.is_empty().then_some(admitted.name.as_str());
        writer.welcome(&mut out, assigned);
        wire.write(out.freeze()).await?;
        let has_to_go = admitted.guest.has_to_go();
        let taken = admitted.place.is_taken();
        let mut session = Session {
            messages: self.broker.listen(),
            hall: self,
            writer,
            wire,
            buffer,
            admitted,
            subscriptions: BTreeMap::new(),
            waiting: VecDeque::new(),
            unheard: BTreeSet::new(),
            last_id: 0,
            window: usize::from(connect.receive_maximum).min(WINDOW),
            patience: patience(connect.keep_alive),
            heard: Instant::now(),
            full_since: None,
        };
        let over = tokio::select! {
            over = session.run() => over,
            () = has_to_go => Err(Over::ShutOut),
            () = taken => Err(Over::Replaced),
        };
        if let Some(why) = over.as_ref().err().and_then(Over::farewell) {
            let mut out = BytesMut::new();
            writer.send_away(&mut out, why as u8);
            session.wire.write(out.freeze()).await?;
        }
        over
    }

    /// Lets a client in, or says why not. Nobody may publish, not even when they are gone.
    async fn admit(&self, connect: &Connect, parts: &Parts) -> Result<Admitted, Refusal> {
        connect.version.ok_or(Refusal::Version)?;
        if connect.has_will {
            return Err(Refusal::NotAuthorized);
        }
        let principal = self.principal(connect, parts).await?;
        let readable = match &principal {
            Some(_) => self.readable.clone(),
            None => self.for_strangers().await?,
        };
        let name = match connect.client_id.as_str() {
            "" => format!("anon-{}", Uuid::new_v4().simple()),
            name => name.to_owned(),
        };
        let user = principal.as_ref().map(|principal| principal.user_id);
        let guest = self.app.guests.enter(&self.app, principal.as_ref(), Meters::new());
        let guest = guest.map_err(|full| match full {
            Full::All => Refusal::Unavailable,
            Full::OfUser => Refusal::QuotaExceeded,
        })?;
        // Somebody without a name of a user is nobody in particular: names do not collide.
        let key = if user.is_some() { name.clone() } else { Uuid::new_v4().to_string() };
        let place = self.broker.enter((user, key), self.config.clients);
        Ok(Admitted { place: place.ok_or(Refusal::Unavailable)?, name, guest, readable })
    }

    /// What a stranger may read, while the site is open to the API.
    async fn for_strangers(&self) -> Result<Arc<Vec<Filter>>, Refusal> {
        if self.config.anonymous_read.is_empty() {
            return Err(Refusal::NotAuthorized);
        }
        let site = site::read(&self.app.pool).await.map_err(|_| Refusal::Unavailable)?;
        if !site.switches.api.open {
            return Err(Refusal::Unavailable);
        }
        Ok(Arc::new(self.config.anonymous_read.clone()))
    }

    /// Who signs in: any name, and a token as the password.
    async fn principal(
        &self,
        connect: &Connect,
        parts: &Parts,
    ) -> Result<Option<Principal>, Refusal> {
        let secret = match (&connect.user, &connect.password) {
            (None, None) => return Ok(None),
            (_, Some(password)) => Secret::new(password),
            (Some(_), None) => return Err(Refusal::BadCredential),
        };
        let found = token::principal(&self.app, parts, &secret).await;
        let principal = found.map_err(|_| Refusal::Unavailable)?.ok_or(Refusal::BadCredential)?;
        let is_shut_out = principal.shut.is_some() && principal.role != Role::Admin;
        if is_shut_out {
            return Err(Refusal::Unavailable);
        }
        if principal.must_change_password || !principal.may(Scope::Read) {
            return Err(Refusal::NotAuthorized);
        }
        Ok(Some(principal))
    }
}

/// A client that was let in.
#[derive(Debug)]
struct Admitted {
    place: Place,
    name: String,
    guest: Guest,
    readable: Arc<Vec<Filter>>,
}

/// Half as long again as a client says that it is silent at the most.
fn patience(keep_alive: u16) -> Option<Duration> {
    (keep_alive > 0).then(|| Duration::from_millis(u64::from(keep_alive) * 1500))
}

async fn next(
    wire: &mut Wire,
    buffer: &mut BytesMut,
    version: Option<Version>,
) -> Result<Incoming, Over> {
    loop {
        if let Some((first, body)) = packet::take(buffer)? {
            return Ok(packet::decode(first, body, version)?);
        }
        if !wire.read(buffer).await? {
            return Err(Over::Gone);
        }
    }
}

struct Subscription {
    filter: Filter,
    qos: u8,
    /// Messages up to this number came with what was retained.
    since: u64,
    keeps_mark: bool,
}

/// A message on its way.
struct Waiting {
    message: Arc<Message>,
    qos: u8,
    retain: bool,
}

struct Session {
    hall: Hall,
    admitted: Admitted,
    writer: Writer,
    wire: Wire,
    buffer: BytesMut,
    messages: broadcast::Receiver<Arc<Message>>,
    subscriptions: BTreeMap<String, Subscription>,
    waiting: VecDeque<Waiting>,
    /// Ids of messages that the client has not said to have.
    unheard: BTreeSet<u16>,
    last_id: u16,
    window: usize,
    patience: Option<Duration>,
    /// When the client was last heard.
    heard: Instant,
    /// Since when it has as much as it takes.
    full_since: Option<Instant>,
}

impl Session {
    async fn run(&mut self) -> Result<(), Over> {
        loop {
            let mut out = BytesMut::new();
            self.gather(&mut out)?;
            if !out.is_empty() {
                self.wire.write(out.freeze()).await?;
                // More may wait that there was no room for.
                if self.has_room() && !self.waiting.is_empty() {
                    continue;
                }
            }
            let has_room = self.has_room();
            // Who has taken its fill has to say so before long, whatever it announced.
            let silence = sleep_until(if has_room {
                self.full_since = None;
                self.heard + self.patience.unwrap_or(FOREVER)
            } else {
                let since = *self.full_since.get_or_insert_with(Instant::now);
                self.heard.max(since) + DEAF
            });
            tokio::select! {
                incoming = next(&mut self.wire, &mut self.buffer, Some(self.writer.0)) => {
                    self.heard = Instant::now();
                    if !self.take(incoming?).await? {
                        return Ok(());
                    }
                }
                // Also where there is no room: what others cause does not make this one fall behind.
                message = self.messages.recv() => self.sort(message.map_err(|_| Over::Slow)?)?,
                () = silence => return Err(Over::Silent),
            }
        }
    }

    fn has_room(&self) -> bool {
        self.unheard.len() < self.window
    }

    /// Writes what waits, as far as there is room.
    fn gather(&mut self, out: &mut BytesMut) -> Result<(), Over> {
        while self.has_room() && out.len() < AT_ONCE {
            let Some(waiting) = self.waiting.pop_front() else {
                match self.messages.try_recv() {
                    Ok(message) => self.sort(message)?,
                    Err(TryRecvError::Empty) => return Ok(()),
                    Err(_) => return Err(Over::Slow),
                }
                continue;
            };
            let id = (waiting.qos > 0).then(|| self.new_id());
            let message = &waiting.message;
            self.writer.message(out, &message.topic, &message.payload, id, waiting.retain);
        }
        Ok(())
    }

    /// The window is far smaller than the ids are many.
    fn new_id(&mut self) -> u16 {
        loop {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            if self.unheard.insert(self.last_id) {
                return self.last_id;
            }
        }
    }

    /// Puts a message behind the others if a subscription wants it: once, as well as any wants it.
    fn sort(&mut self, message: Arc<Message>) -> Result<(), Over> {
        let wants =
            |one: &&Subscription| message.number > one.since && one.filter.matches(&message.topic);
        let wanting: Vec<_> = self.subscriptions.values().filter(wants).collect();
        let Some(qos) = wanting.iter().map(|one| one.qos).max() else { return Ok(()) };
        let retain = message.retain && wanting.iter().any(|one| one.keeps_mark);
        if self.waiting.len() >= PATIENCE {
            return Err(Over::Slow);
        }
        self.waiting.push_back(Waiting { message, qos, retain });
        Ok(())
    }

    /// Does what the client wants; false where it goes.
    async fn take(&mut self, incoming: Incoming) -> Result<bool, Over> {
        let mut out = BytesMut::new();
        match incoming {
            Incoming::Subscribe(id, wishes) => {
                let codes: Vec<u8> = wishes.into_iter().map(|wish| self.subscribe(wish)).collect();
                self.writer.subscribed(&mut out, id, &codes);
                if self.waiting.len() > PATIENCE {
                    return Err(Over::Slow);
                }
            }
            Incoming::Unsubscribe(id, filters) => {
                for filter in &filters {
                    self.subscriptions.remove(filter);
                }
                self.writer.unsubscribed(&mut out, id, filters.len());
            }
            Incoming::Ack(id) => _ = self.unheard.remove(&id),
            Incoming::Ping => self.writer.pong(&mut out),
            Incoming::Disconnect => return Ok(false),
            Incoming::Publish => return Err(Over::Published),
            Incoming::Connect(_) => return Err(Malformed("a second connect").into()),
        }
        if !out.is_empty() {
            self.wire.write(out.freeze()).await?;
        }
        Ok(true)
    }

    /// The quality of service that a filter gets, or a refusal.
    fn subscribe(&mut self, wish: Wish) -> u8 {
        let Ok(filter) = wish.filter.parse::<Filter>() else { return SUBSCRIPTION_REFUSED };
        let is_new = !self.subscriptions.contains_key(&wish.filter);
        let is_let = self.admitted.readable.iter().any(|readable| readable.covers(&filter));
        if !is_let || is_new && self.subscriptions.len() >= MOST_SUBSCRIPTIONS {
            return SUBSCRIPTION_REFUSED;
        }
        let snapshot = self.hall.broker.snapshot(&filter);
        if wish.retain_handling == 0 || wish.retain_handling == 1 && is_new {
            let qos = wish.qos;
            let retained = snapshot.retained.into_iter();
            self.waiting.extend(retained.map(|message| Waiting { message, qos, retain: true }));
        }
        let (qos, keeps_mark) = (wish.qos, wish.retain_as_published);
        let subscription = Subscription { filter, qos, since: snapshot.upto, keeps_mark };
        self.subscriptions.insert(wish.filter, subscription);
        qos
    }
}
