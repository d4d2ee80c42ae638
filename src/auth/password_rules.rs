//! Which passwords a user may choose.

use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization as _;

use super::{Email, Secret};

/// The fewest characters of a password.
pub const SHORTEST: usize = 12;
/// The most characters of a password.
pub const LONGEST: usize = 128;

const PRODUCT: &str = "trueprice";

/// The bundled list; its head tells where it is from.
static COMMON: LazyLock<Vec<&str>> = LazyLock::new(|| {
    include_str!("common_passwords.txt").lines().filter(|line| !line.starts_with("# ")).collect()
});

/// Why a password is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too few characters.
    #[error("the password is too short: use at least {SHORTEST} characters; a few words will do")]
    Short,
    /// Too many characters.
    #[error("the password is too long: use at most {LONGEST} characters")]
    Long,
    /// It is on the list of common passwords.
    #[error("the password is one of the first that are guessed; choose another")]
    Common,
    /// It is made of the e-mail address or of the product's name.
    #[error("the password is made of your e-mail address or of the product's name; choose another")]
    Derived,
}

/// A password in the one form in which it is hashed (NFKC), so that it is the same on every
/// keyboard.
#[must_use]
pub fn normalized(password: &Secret) -> Secret {
    Secret::new(password.expose().nfkc().collect::<String>())
}

/// Checks a password that `email` wants to use.
pub fn check(password: &Secret, email: &Email) -> Result<(), PasswordError> {
    let normalized = normalized(password);
    match normalized.expose().chars().count() {
        ..SHORTEST => return Err(PasswordError::Short),
        SHORTEST..=LONGEST => {}
        _ => return Err(PasswordError::Long),
    }
    let folded = normalized.expose().to_lowercase();
    if COMMON.binary_search(&folded.as_str()).is_ok() {
        return Err(PasswordError::Common);
    }
    let local = email.as_str().split('@').next().unwrap_or_default();
    let derived = [email.as_str(), local, PRODUCT].iter().any(|word| is_made_of(&folded, word));
    if derived { Err(PasswordError::Derived) } else { Ok(()) }
}

/// Whether `password` is `word`, or nothing but repetitions of its letters with digits and signs
/// around them: `TruePrice2026!`.
fn is_made_of(password: &str, word: &str) -> bool {
    let letters = |text: &str| text.chars().filter(|c| c.is_alphabetic()).collect::<String>();
    let (core, word_core) = (letters(password), letters(word));
    password == word
        || (!core.is_empty() && !word_core.is_empty() && core.replace(&word_core, "").is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_for(password: &str, email: &str) -> Result<(), PasswordError> {
        check(&Secret::new(password), &email.parse().unwrap())
    }

    #[test]
    fn the_list_is_long_sorted_and_used() {
        assert!(COMMON.len() >= 10_000);
        assert!(COMMON.is_sorted());
        assert_eq!(check_for("abc123456789", "a@b"), Err(PasswordError::Common));
        assert_eq!(check_for("ASDFGHJKL123", "a@b"), Err(PasswordError::Common));
    }

    #[test]
    fn length_is_in_characters() {
        assert_eq!(check_for("elevenchars", "a@b"), Err(PasswordError::Short));
        assert_eq!(check_for("пароль·Мосты", "a@b"), Ok(()));
        assert_eq!(check_for(&"ü!".repeat(64), "a@b"), Ok(()));
        assert_eq!(check_for(&"ü!".repeat(65), "a@b"), Err(PasswordError::Long));
    }

    #[test]
    fn nothing_of_the_user_or_the_product() {
        let email = "annabella@example.com";
        for bad in
            ["annabella@example.com", "Annabella-2026", "TruePrice2026!", "truepricetrueprice"]
        {
            assert_eq!(check_for(bad, email), Err(PasswordError::Derived), "{bad}");
        }
        assert_eq!(check_for("annabella likes tea", email), Ok(()));
    }

    #[test]
    fn one_form_for_every_keyboard() {
        let composed = normalized(&Secret::new("\u{e9}"));
        assert_eq!(composed, normalized(&Secret::new("e\u{301}")));
    }
}
