//! The settings of signing in.

use std::time::Duration;

use super::Network;

/// The settings of signing in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthConfig {
    /// Memory of a password hash in KiB; less than the default is raised to it.
    pub argon2_memory_kib: u32,
    /// Passes of a password hash; fewer than the default are raised to it.
    pub argon2_iterations: u32,
    /// Lanes of a password hash.
    pub argon2_lanes: u32,
    /// Password hashes at once; each takes `argon2_memory_kib`.
    pub hashing_concurrency: usize,
    /// A browser's session ends when nothing was asked for this long.
    pub session_idle: Duration,
    /// A browser's session ends this long after signing in.
    pub session_absolute: Duration,
    /// How long the token of a script's `POST /login` lives.
    pub login_token_life: Duration,
    /// The networks whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// A proxy in front speaks TLS: the cookie is `Secure` and has its `__Host-` prefix.
    pub behind_tls_proxy: bool,
}

impl AuthConfig {
    /// The least memory of a password hash in KiB.
    pub const LEAST_MEMORY_KIB: u32 = 19_456;
    /// The least passes of a password hash.
    pub const LEAST_ITERATIONS: u32 = 2;
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self {
            argon2_memory_kib: Self::LEAST_MEMORY_KIB,
            argon2_iterations: Self::LEAST_ITERATIONS,
            argon2_lanes: 1,
            hashing_concurrency: 4,
            session_idle: Duration::from_hours(2),
            session_absolute: Duration::from_hours(12),
            login_token_life: Duration::from_hours(24),
            trusted_proxies: Vec::new(),
            behind_tls_proxy: false,
        }
    }
}
