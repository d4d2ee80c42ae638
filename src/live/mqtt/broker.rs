//! The broker: what is retained, and what goes to all who are here.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use tokio::sync::{broadcast, watch};
use uuid::Uuid;

use super::filter::Filter;
use crate::feeds::numbers;

/// How many messages may wait for a client, here and with it: then it is let go. What is told of a page
/// of events at once is far less, so that a client falls behind by being slow alone.
pub const PATIENCE: usize = 10_000;

/// A message.
#[derive(Debug)]
pub struct Message {
    /// In the order in which they were published, from 1.
    pub number: u64,
    /// The topic.
    pub topic: String,
    /// The content; of a retained one that is empty the topic is cleared.
    pub payload: Bytes,
    /// Whether it is kept for those who come later.
    pub retain: bool,
}

/// Who a client is: its user, and its name for itself.
type Name = (Option<Uuid>, String);

/// The broker. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Broker(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    kept: Mutex<Kept>,
    messages: broadcast::Sender<Arc<Message>>,
    clients: Mutex<HashMap<Name, watch::Sender<bool>>>,
    ended: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Kept {
    last: u64,
    retained: BTreeMap<String, Arc<Message>>,
}

/// What somebody gets who subscribes: what is retained, and the number after which messages come.
#[derive(Debug)]
pub struct Snapshot {
    /// Retained messages.
    pub retained: Vec<Arc<Message>>,
    /// The number of the last message that they reflect.
    pub upto: u64,
}

impl Default for Broker {
    fn default() -> Self {
        Self(Arc::new(Parts {
            kept: Mutex::default(),
            messages: broadcast::Sender::new(PATIENCE),
            clients: Mutex::default(),
            ended: watch::Sender::default(),
        }))
    }
}

impl Broker {
    /// Publishes.
    pub fn publish(&self, topic: &str, payload: Bytes, retain: bool) {
        let mut kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.last += 1;
        let message =
            Arc::new(Message { number: kept.last, topic: topic.to_owned(), payload, retain });
        if retain && message.payload.is_empty() {
            kept.retained.remove(topic);
        } else if retain {
            kept.retained.insert(topic.to_owned(), message.clone());
        }
        // Nobody may be here just now. Still under the lock: all see one order.
        _ = self.0.messages.send(message);
        metrics::counter!(numbers::MQTT_PUBLISHED).increment(1);
    }

    /// All messages from now on.
    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<Arc<Message>> {
        self.0.messages.subscribe()
    }

    /// What is retained of a filter.
    #[must_use]
    pub fn snapshot(&self, filter: &Filter) -> Snapshot {
        let kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let matching = kept.retained.values().filter(|message| filter.matches(&message.topic));
        Snapshot { retained: matching.cloned().collect(), upto: kept.last }
    }

    /// Lets a client in; one of the same name has to go. `None` where `most` are here.
    #[must_use]
    pub fn enter(&self, name: Name, most: usize) -> Option<Place> {
        let mut clients = self.0.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if clients.len() >= most && !clients.contains_key(&name) {
            return None;
        }
        let (replaced, told) = watch::channel(false);
        if let Some(former) = clients.insert(name.clone(), replaced) {
            former.send_replace(true);
        }
        metrics::gauge!(numbers::MQTT_CONNECTED).set(u32::try_from(clients.len()).unwrap_or(0));
        Some(Place { broker: self.clone(), name, told })
    }

    /// Sends everybody away: the server ends.
    pub fn end(&self) {
        self.0.ended.send_replace(true);
    }

    /// Waits until the server ends.
    pub fn ended(&self) -> impl Future<Output = ()> + use<> {
        let mut ended = self.0.ended.subscribe();
        async move {
            _ = ended.wait_for(|ended| *ended).await;
        }
    }
}

/// The place of a client, until this is dropped.
#[derive(Debug)]
pub struct Place {
    broker: Broker,
    name: Name,
    told: watch::Receiver<bool>,
}

impl Place {
    /// Waits until another has taken the name.
    pub fn is_taken(&self) -> impl Future<Output = ()> + use<> {
        let mut told = self.told.clone();
        async move {
            _ = told.wait_for(|taken| *taken).await;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let clients = &self.broker.0.clients;
        let mut clients = clients.lock().unwrap_or_else(PoisonError::into_inner);
        // Unless the place is another's by now.
        if !*self.told.borrow() {
            clients.remove(&self.name);
        }
        metrics::gauge!(numbers::MQTT_CONNECTED).set(u32::try_from(clients.len()).unwrap_or(0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_retained_stays_until_it_is_cleared() {
        let broker = Broker::default();
        let all: Filter = "#".parse().unwrap();
        broker.publish("a", Bytes::from_static(b"1"), true);
        broker.publish("b", Bytes::from_static(b"1"), false);
        broker.publish("a", Bytes::from_static(b"2"), true);
        let snapshot = broker.snapshot(&all);
        assert_eq!((snapshot.retained.len(), snapshot.upto), (1, 3));
        assert_eq!(snapshot.retained[0].payload, "2");
        broker.publish("a", Bytes::new(), true);
        assert!(broker.snapshot(&all).retained.is_empty());
    }

    #[tokio::test]
    async fn a_name_is_one_clients_and_another_users_is_another_name() {
        let broker = Broker::default();
        let name = (Some(Uuid::nil()), "me".to_owned());
        let first = broker.enter(name.clone(), 2).unwrap();
        let _other = broker.enter((None, "me".to_owned()), 2).unwrap();
        assert!(broker.enter((None, "third".to_owned()), 2).is_none());
        let second = broker.enter(name, 2).unwrap();
        first.is_taken().await;
        drop(first);
        // The first has not taken the second's place away with it.
        assert!(broker.enter((None, "third".to_owned()), 2).is_none());
        drop(second);
        assert!(broker.enter((None, "third".to_owned()), 2).is_some());
    }
}
