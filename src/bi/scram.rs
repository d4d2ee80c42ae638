//! What PostgreSQL stores of a password: the verifier of SCRAM-SHA-256 (RFC 5802, RFC 7677), made
//! here so that the password itself never travels to the database, nor into its log.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use rand::{TryRng as _, rngs::SysRng};
use sha2::{Digest as _, Sha256};

use crate::auth::{NoRandomness, Secret};

/// Rounds of PBKDF2: PostgreSQL's own. The passwords have 256 random bits, which no rounds protect.
const ITERATIONS: u32 = 4096;

/// The verifier of `password` (of plain ASCII, so that `SASLprep` changes nothing) under a new salt.
pub fn verifier(password: &Secret) -> Result<String, NoRandomness> {
    let mut salt = [0; 16];
    SysRng.try_fill_bytes(&mut salt).map_err(|_| NoRandomness)?;
    Ok(with_salt(password, &salt, ITERATIONS))
}

fn with_salt(password: &Secret, salt: &[u8], iterations: u32) -> String {
    let salted = salted(password.expose().as_bytes(), salt, iterations);
    let stored: [u8; 32] = Sha256::digest(mac(&salted, b"Client Key")).into();
    let server = mac(&salted, b"Server Key");
    let [salt, stored, server] =
        [salt, &stored, &server].map(|bytes| BASE64_STANDARD.encode(bytes));
    format!("SCRAM-SHA-256${iterations}:{salt}${stored}:{server}")
}

/// PBKDF2 with HMAC-SHA-256, of which the first block is all that is needed.
fn salted(password: &[u8], salt: &[u8], iterations: u32) -> [u8; 32] {
    let mut block = mac(password, &[salt, &1_u32.to_be_bytes()].concat());
    let mut sum = block;
    for _ in 1..iterations {
        block = mac(password, &block);
        sum.iter_mut().zip(block).for_each(|(sum, byte)| *sum ^= byte);
    }
    sum
}

fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    // Any length will do for a key: this cannot fail.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verifier_is_that_of_the_standard() {
        // RFC 7677, section 3: user, pencil, and the salt W22ZaJ0SNY7soEsUEjb6gQ==.
        let salt = BASE64_STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let verifier = with_salt(&Secret::new("pencil"), &salt, 4096);
        let expected = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$\
                        WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:\
                        wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
        assert_eq!(verifier, expected);
    }

    #[test]
    fn two_verifiers_of_one_password_differ() {
        let password = Secret::new("four words of a song");
        assert_ne!(verifier(&password).unwrap(), verifier(&password).unwrap());
    }
}
