//! Hashing of passwords: argon2id, off the async threads, a few at a time.

use std::{sync::Arc, time::Duration};

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version,
    password_hash::phc::PasswordHash,
};
use tokio::sync::Semaphore;

use super::{Secret, password_rules::normalized, secret::NoRandomness};
use crate::{config::AuthConfig, error::Problem};

/// How long a request waits for its turn to hash before it is told to come back.
const PATIENCE: Duration = Duration::from_secs(2);

/// Hashes and verifies passwords. Cheap to clone; all clones share the bound.
#[derive(Debug, Clone)]
pub struct Passwords {
    argon2: Argon2<'static>,
    turns: Arc<Semaphore>,
    dummy: Arc<str>,
    patience: Duration,
}

/// A password could not be hashed or looked at.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// As many hashes as are allowed are being made.
    #[error("too many sign-ins at once")]
    Busy,
    /// The parameters or a stored hash make no sense.
    #[error("argon2: {0}")]
    Argon2(String),
    /// No salt.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}

/// What looking at a password told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is the password.
    Right,
    /// It is the password, but it was hashed with weaker parameters than today's.
    RightButWeak,
    /// It is not.
    Wrong,
}

impl Passwords {
    /// Takes the parameters and makes the hash that unknown users are compared with.
    pub fn new(config: &AuthConfig) -> Result<Self, HashError> {
        let params = Params::new(
            config.argon2_memory_kib,
            config.argon2_iterations,
            config.argon2_lanes,
            Some(Params::DEFAULT_OUTPUT_LEN),
        )
        .map_err(argon2_error)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let dummy = hash_now(&argon2, &Secret::random("")?)?.into();
        let turns = Arc::new(Semaphore::new(config.hashing_concurrency.max(1)));
        Ok(Self { argon2, turns, dummy, patience: PATIENCE })
    }

    /// The PHC string of a password, with a new salt.
    pub async fn hash(&self, password: &Secret) -> Result<String, HashError> {
        let password = normalized(password);
        self.in_turn(move |argon2| hash_now(argon2, &password)).await
    }

    /// Compares a password with a stored hash. Without one it takes as long and is wrong.
    pub async fn verify(
        &self,
        password: &Secret,
        stored: Option<String>,
    ) -> Result<Verdict, HashError> {
        let password = normalized(password);
        let dummy = Arc::clone(&self.dummy);
        self.in_turn(move |argon2| {
            let (known, stored) = match &stored {
                Some(stored) => (true, stored.as_str()),
                None => (false, &*dummy),
            };
            let hash = PasswordHash::new(stored).map_err(argon2_error)?;
            if argon2.verify_password(password.expose().as_bytes(), &hash).is_err() || !known {
                return Ok(Verdict::Wrong);
            }
            let weak = is_weaker(&hash, argon2.params());
            Ok(if weak { Verdict::RightButWeak } else { Verdict::Right })
        })
        .await
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Argon2<'static>) -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, HashError> {
        let turn =
            tokio::time::timeout(self.patience, Arc::clone(&self.turns).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(HashError::Busy) };
        let argon2 = self.argon2.clone();
        // The turn moves along: it must outlive a request that is dropped half-way.
        tokio::task::spawn_blocking(move || {
            let result = work(&argon2);
            drop(turn);
            result
        })
        .await
        .map_err(argon2_error)?
    }
}

fn hash_now(argon2: &Argon2<'static>, password: &Secret) -> Result<String, HashError> {
    let hash = argon2.hash_password(password.expose().as_bytes()).map_err(argon2_error)?;
    Ok(hash.to_string())
}

fn is_weaker(hash: &PasswordHash, today: &Params) -> bool {
    if hash.algorithm != Algorithm::Argon2id.ident() {
        return true;
    }
    match Params::try_from(hash) {
        Ok(then) => then.m_cost() < today.m_cost() || then.t_cost() < today.t_cost(),
        Err(_) => true,
    }
}

fn argon2_error(error: impl std::fmt::Display) -> HashError {
    HashError::Argon2(error.to_string())
}

impl From<HashError> for Problem {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Busy => Self::unavailable(
                "busy",
                "Many people are signing in at this moment. Please try again in a few seconds.",
                5,
            ),
            error => Self::internal(&error),
        }
    }
}

impl From<NoRandomness> for Problem {
    fn from(error: NoRandomness) -> Self {
        Self::internal(&error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passwords(hashing_concurrency: usize) -> Passwords {
        let config = crate::config::Config::under(std::path::Path::new("unused")).unwrap().auth;
        Passwords::new(&AuthConfig { hashing_concurrency, ..config }).unwrap()
    }

    #[tokio::test]
    async fn a_weak_hash_is_told_from_a_strong_one() {
        let passwords = passwords(4);
        let password = Secret::new("correct horse battery");
        let strong = passwords.hash(&password).await.unwrap();
        assert!(strong.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{strong}");
        assert_eq!(passwords.verify(&password, Some(strong)).await.unwrap(), Verdict::Right);
        let params = Params::new(8, 1, 1, None).unwrap();
        let weak =
            hash_now(&Argon2::new(Algorithm::Argon2id, Version::V0x13, params), &password).unwrap();
        assert_eq!(passwords.verify(&password, Some(weak)).await.unwrap(), Verdict::RightButWeak);
        assert_eq!(passwords.verify(&password, None).await.unwrap(), Verdict::Wrong);
    }

    #[tokio::test]
    async fn over_the_bound_nobody_waits_for_long() {
        let mut passwords = passwords(1);
        passwords.patience = Duration::ZERO;
        let _turn = Arc::clone(&passwords.turns).try_acquire_owned().unwrap();
        let refused = passwords.verify(&Secret::new("x"), None).await;
        assert!(matches!(refused, Err(HashError::Busy)));
    }
}
