//! Password verifiers: what is kept instead of a password.
//!
//! Format (PostgreSQL's, RFC 5803 in spirit): `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`, the three
//! binary parts in base64. The password itself is normalised by SASLprep (RFC 4013), and used as it is where that
//! fails, as PostgreSQL does. No password and no salted password is ever stored or logged.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// Iterations for new verifiers: PostgreSQL 15's count, which every client bears.
pub const ITERATIONS: u32 = 4096;
const SALT_LENGTH: usize = 16;

/// A SCRAM-SHA-256 verifier.
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier {
    pub iterations: u32,
    pub salt: Vec<u8>,
    pub stored_key: [u8; 32],
    pub server_key: [u8; 32],
}

impl Verifier {
    /// Derives a verifier with a fresh random salt.
    pub fn from_password(password: &str) -> Result<Verifier> {
        let mut salt = vec![0; SALT_LENGTH];
        getrandom::fill(&mut salt).map_err(|error| Error::internal(format!("no randomness: {error}")))?;
        Ok(Verifier::derive(password, salt, ITERATIONS))
    }

    fn derive(password: &str, salt: Vec<u8>, iterations: u32) -> Verifier {
        let normalised = stringprep::saslprep(password);
        let bytes = normalised.as_ref().map_or(password.as_bytes(), |text| text.as_bytes());
        let mut salted = [0; 32];
        pbkdf2::pbkdf2_hmac::<Sha256>(bytes, &salt, iterations, &mut salted);
        let stored_key = Sha256::digest(sign(&salted, &[b"Client Key"])).into();
        Verifier { iterations, salt, stored_key, server_key: sign(&salted, &[b"Server Key"]) }
    }

    /// Reads the stored form; `None` if the text is not one.
    pub fn parse(text: &str) -> Option<Verifier> {
        let rest = text.strip_prefix("SCRAM-SHA-256$")?;
        let (head, keys) = rest.split_once('$')?;
        let (iterations, salt) = head.split_once(':')?;
        let (stored, server) = keys.split_once(':')?;
        Some(Verifier {
            iterations: iterations.parse().ok().filter(|count| *count > 0)?,
            salt: BASE64.decode(salt).ok()?,
            stored_key: BASE64.decode(stored).ok()?.try_into().ok()?,
            server_key: BASE64.decode(server).ok()?.try_into().ok()?,
        })
    }

    /// A verifier that no password matches, the same for the same name: a peer that probes for names sees the same
    /// messages whether the role exists or not (as PostgreSQL's mock authentication).
    pub fn mock(role: &str, secret: &[u8; 32]) -> Verifier {
        let salt = sign(secret, &[b"salt", role.as_bytes()]);
        Verifier {
            iterations: ITERATIONS,
            salt: salt.get(..SALT_LENGTH).unwrap_or_default().to_vec(),
            stored_key: sign(secret, &[b"stored", role.as_bytes()]),
            server_key: sign(secret, &[b"server", role.as_bytes()]),
        }
    }

    /// Whether the password is the one the verifier was made from.
    pub fn matches(&self, password: &str) -> bool {
        Verifier::derive(password, self.salt.clone(), self.iterations) == *self
    }
}

/// HMAC-SHA-256 over the parts in order.
pub fn sign(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC takes keys of any length, so construction cannot fail.
    let mut mac =
        <Hmac<Sha256> as Mac>::new_from_slice(key).unwrap_or_else(|_| unreachable!("HMAC takes any key"));
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "SCRAM-SHA-256${}:{}${}:{}",
            self.iterations,
            BASE64.encode(&self.salt),
            BASE64.encode(self.stored_key),
            BASE64.encode(self.server_key)
        )
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postgresql_verifier_matches_its_password_only() {
        // Made by PostgreSQL 15: CREATE ROLE r PASSWORD 'secret'; SELECT rolpassword FROM pg_authid.
        let text = "SCRAM-SHA-256$4096:OipYmf5nT1sZbgGMpHfLYA==$8GoojTSRQAQ1FFCx2BBRdtI2b5x/gS8zzHZ0zevw+D0=:\
                    lbkVVwt8yDNz8/kDejUzlvNhDwRNf5j/tCSbd0kVBS0=";
        let verifier = Verifier::parse(text).expect("PostgreSQL's form");
        assert!(verifier.matches("secret"));
        assert!(!verifier.matches("Secret"));
        assert_eq!(verifier.to_string(), text);
    }

    #[test]
    fn malformed_verifiers_are_refused() {
        for text in ["", "md5abc", "SCRAM-SHA-256$0:AA==$AA==:AA==", "SCRAM-SHA-256$4096:AA==$AA==:AA=="] {
            assert!(Verifier::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn mock_is_stable_per_name_and_matches_nothing() {
        let secret = [7; 32];
        assert_eq!(Verifier::mock("a", &secret), Verifier::mock("a", &secret));
        assert_ne!(Verifier::mock("a", &secret), Verifier::mock("b", &secret));
        assert!(!Verifier::mock("a", &secret).matches(""));
    }
}
