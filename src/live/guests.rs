//! Who has a connection open for long: asked for all together, every other second, whether they may
//! still have it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::watch;
use uuid::Uuid;

use super::topics::Meters;
use crate::{
    app::App,
    auth::{Credential, Principal, store},
    config::LiveConfig,
    db::feeds::stream::{self, GuestList},
};

/// How often it is asked.
const EVERY: Duration = Duration::from_secs(2);

/// Everybody who is here. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Guests(Arc<Mutex<Here>>);

#[derive(Debug, Default)]
struct Here {
    /// Whether somebody asks after them.
    asked: bool,
    last: i64,
    entries: HashMap<i64, Entry>,
}

#[derive(Debug)]
struct Entry {
    who: Option<Who>,
    standing: watch::Sender<Standing>,
}

/// Rows of `app_user`, and of `user_token` or `user_session`.
#[derive(Debug, Clone, Copy)]
struct Who {
    user: Uuid,
    credential: Uuid,
}

impl Who {
    const fn of(principal: &Principal) -> Self {
        let (Credential::Session(credential) | Credential::Token(credential)) =
            principal.credential;
        Self { user: principal.user_id, credential }
    }
}

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// As many are here as may.
    All,
    /// As many of this user's are.
    OfUser,
}

impl Here {
    fn has_room(&self, who: Who, most: &LiveConfig) -> Result<(), Full> {
        let named = || self.entries.values().filter_map(|entry| entry.who);
        if named().filter(|one| one.user == who.user).count() >= most.listeners_per_user {
            return Err(Full::OfUser);
        }
        if named().count() >= most.listeners {
            return Err(Full::All);
        }
        Ok(())
    }
}

/// What somebody may: none where they have to go.
type Standing = Option<Arc<Meters>>;

/// Somebody who is here, until this is dropped.
#[derive(Debug)]
pub struct Guest {
    guests: Guests,
    number: i64,
    standing: watch::Receiver<Standing>,
}

impl Guest {
    /// The meters that they may read at this moment; `None` when they have to go.
    #[must_use]
    pub fn meters(&self) -> Standing {
        self.standing.borrow().clone()
    }

    /// Waits until they have to go.
    pub fn has_to_go(&self) -> impl Future<Output = ()> + use<> {
        let mut standing = self.standing.clone();
        async move {
            _ = standing.wait_for(Option::is_none).await;
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.guests.here(|here| _ = here.entries.remove(&self.number));
    }
}

impl Guests {
    /// Lets somebody in, who may read `meters` now. Without a principal it is a stranger: these are
    /// counted where they come in.
    pub fn enter(
        &self,
        app: &App,
        principal: Option<&Principal>,
        meters: Meters,
    ) -> Result<Guest, Full> {
        let who = principal.map(Who::of);
        let (sender, standing) = watch::channel(Some(Arc::new(meters)));
        let number = self.here(|here| {
            if let Some(who) = who {
                here.has_room(who, &app.config.live)?;
            }
            here.last += 1;
            here.entries.insert(here.last, Entry { who, standing: sender });
            if !std::mem::replace(&mut here.asked, true) {
                tokio::spawn(self.clone().ask(app.clone()));
            }
            Ok(here.last)
        })?;
        Ok(Guest { guests: self.clone(), number, standing })
    }

    fn here<T>(&self, with: impl FnOnce(&mut Here) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Asks again and again; a database that is away for a moment sends nobody away. Ends when the
    /// last has gone.
    async fn ask(self, app: App) {
        loop {
            tokio::time::sleep(EVERY).await;
            let Some(list) = self.list() else { return };
            let (now, since) = (app.clock.now(), store::in_force_since(&app));
            match stream::standing(&app.pool, &list, now, since).await {
                Ok(rows) => self.tell(
                    &list,
                    rows.into_iter()
                        .map(|row| (row.guest, row.meters.into_iter().collect()))
                        .collect(),
                ),
                Err(error) => tracing::warn!(%error, "it is not known who may still listen"),
            }
        }
    }

    /// Whom to ask after; `None`, and nobody asks any more, where all have gone.
    fn list(&self) -> Option<GuestList> {
        self.here(|here| {
            here.asked = !here.entries.is_empty();
            let mut list = GuestList::default();
            for (number, entry) in &here.entries {
                list.guests.push(*number);
                list.users.push(entry.who.map(|who| who.user));
                list.credentials.push(entry.who.map(|who| who.credential));
            }
            here.asked.then_some(list)
        })
    }

    fn tell(&self, asked: &GuestList, mut standing: HashMap<i64, Meters>) {
        self.here(|here| {
            for number in &asked.guests {
                let Some(entry) = here.entries.get(number) else { continue };
                let meters = standing.remove(number);
                entry.standing.send_if_modified(|known| {
                    let same = known.as_deref() == meters.as_ref();
                    if !same {
                        *known = meters.map(Arc::new);
                    }
                    !same
                });
            }
        });
    }
}
