//! The server's side of SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677), as a state machine over bytes.
//!
//! PLUS binds the exchange to the TLS certificate (`tls-server-end-point`, RFC 5929). It is offered over TLS only, and
//! a client over TLS that says `y` (the server does not support binding) although PLUS was offered is refused, since
//! somebody removed the offer on the way. Proofs are compared in constant time. An unknown role runs the same exchange
//! against a verifier that nothing matches.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest, Sha256};
use sql::password::{Verifier, sign};
use sql::{Error, Result, SqlState};
use subtle::ConstantTimeEq;

pub const MECHANISM: &str = "SCRAM-SHA-256";
pub const MECHANISM_PLUS: &str = "SCRAM-SHA-256-PLUS";

/// An exchange that waits for the client's final message.
pub struct Exchange {
    verifier: Verifier,
    client_first_bare: String,
    server_first: String,
    nonce: String,
    /// What the client must repeat, base64, in `c=`.
    binding: String,
}

impl Exchange {
    /// Takes the client's first message; answers with the server's first.
    ///
    /// `end_point` is the hash of the server's certificate where the connection is TLS.
    pub fn start(
        mechanism: &str,
        message: &[u8],
        verifier: Verifier,
        end_point: Option<&[u8]>,
    ) -> Result<(Exchange, String)> {
        let message = std::str::from_utf8(message).map_err(|_| malformed("invalid UTF-8"))?;
        let (flag, rest) = message.split_once(',').ok_or_else(|| malformed("no channel binding flag"))?;
        let (authorization, bare) =
            rest.split_once(',').ok_or_else(|| malformed("no authorization identity"))?;
        if !authorization.is_empty() {
            return Err(Error::unsupported("a client authorization identity in SCRAM"));
        }
        let mut bound = format!("{flag},{authorization},").into_bytes();
        match (mechanism, flag, end_point) {
            (MECHANISM_PLUS, "p=tls-server-end-point", Some(hash)) => bound.extend_from_slice(hash),
            (MECHANISM_PLUS, _, _) => return Err(malformed("unsupported channel binding")),
            (_, "n", _) | (_, "y", None) => {}
            (_, "y", Some(_)) => {
                return Err(Error::new(
                    SqlState::InvalidAuthorizationSpecification,
                    "SCRAM channel binding negotiation error",
                )
                .detail(
                    "The client supports SCRAM channel binding but thinks the server does not.  However, this server \
                     does support channel binding.",
                ));
            }
            (_, _, _) => return Err(malformed("unexpected channel binding flag")),
        }
        let client_nonce = attributes(bare)?
            .iter()
            .find_map(|(name, value)| (*name == 'r').then_some(*value))
            .filter(|nonce| !nonce.is_empty() && nonce.bytes().all(|byte| byte.is_ascii_graphic()))
            .ok_or_else(|| malformed("no nonce"))?;
        let mut random = [0; 18];
        getrandom::fill(&mut random).map_err(|error| Error::internal(format!("no randomness: {error}")))?;
        let nonce = format!("{client_nonce}{}", BASE64.encode(random));
        let server_first = format!("r={nonce},s={},i={}", BASE64.encode(&verifier.salt), verifier.iterations);
        let exchange = Exchange {
            verifier,
            client_first_bare: bare.to_owned(),
            server_first: server_first.clone(),
            nonce,
            binding: BASE64.encode(bound),
        };
        Ok((exchange, server_first))
    }

    /// Takes the client's final message; answers with the server's signature, or `None` for a wrong password.
    pub fn finish(self, message: &[u8]) -> Result<Option<String>> {
        let message = std::str::from_utf8(message).map_err(|_| malformed("invalid UTF-8"))?;
        let (without_proof, proof) = message.rsplit_once(",p=").ok_or_else(|| malformed("no proof"))?;
        let fields = attributes(without_proof)?;
        let field = |name: char| fields.iter().find_map(|(key, value)| (*key == name).then_some(*value));
        if field('c') != Some(self.binding.as_str()) {
            return Err(malformed("SCRAM channel binding check failed"));
        }
        if field('r') != Some(self.nonce.as_str()) {
            return Err(malformed("Nonce does not match"));
        }
        let proof: [u8; 32] = BASE64
            .decode(proof)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| malformed("Malformed proof in client-final-message"))?;
        let signed = format!("{},{},{without_proof}", self.client_first_bare, self.server_first);
        let signature = sign(&self.verifier.stored_key, &[signed.as_bytes()]);
        let mut client_key = [0; 32];
        for ((key, proof), signature) in client_key.iter_mut().zip(proof).zip(signature) {
            *key = proof ^ signature;
        }
        let stored: [u8; 32] = Sha256::digest(client_key).into();
        if !bool::from(stored.ct_eq(&self.verifier.stored_key)) {
            return Ok(None);
        }
        let server = sign(&self.verifier.server_key, &[signed.as_bytes()]);
        Ok(Some(format!("v={}", BASE64.encode(server))))
    }
}

/// `a=value` pairs; mandatory extensions (`m=`) are refused, as RFC 5802 demands.
fn attributes(text: &str) -> Result<Vec<(char, &str)>> {
    text.split(',')
        .map(|part| {
            let (name, value) = part.split_once('=').ok_or_else(|| malformed("attribute expected"))?;
            let mut letters = name.chars();
            match (letters.next(), letters.next()) {
                (Some('m'), None) => Err(malformed("mandatory extension")),
                (Some(letter), None) => Ok((letter, value)),
                _ => Err(malformed("attribute expected")),
            }
        })
        .collect()
}

fn malformed(detail: &str) -> Error {
    Error::new(SqlState::ProtocolViolation, "malformed SCRAM message").detail(detail.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client_final(
        password_verifier: &Verifier,
        client_key: &[u8; 32],
        bare: &str,
        first: &str,
        c: &str,
    ) -> String {
        let nonce = first.strip_prefix("r=").and_then(|rest| rest.split(',').next()).unwrap();
        let without = format!("c={c},r={nonce}");
        let signature =
            sign(&password_verifier.stored_key, &[format!("{bare},{first},{without}").as_bytes()]);
        let proof: Vec<u8> = client_key.iter().zip(signature).map(|(a, b)| a ^ b).collect();
        format!("{without},p={}", BASE64.encode(proof))
    }

    fn verifier_of(client_key: &[u8; 32]) -> Verifier {
        let stored_key = Sha256::digest(client_key).into();
        Verifier { iterations: 4096, salt: vec![1; 16], stored_key, server_key: [9; 32] }
    }

    #[test]
    fn right_proof_is_answered_and_wrong_proof_is_not() {
        let key = [5; 32];
        let verifier = verifier_of(&key);
        for (client_key, accepted) in [(key, true), ([6; 32], false)] {
            let (exchange, first) =
                Exchange::start(MECHANISM, b"n,,n=,r=abc", verifier.clone(), None).unwrap();
            let last = client_final(&verifier, &client_key, "n=,r=abc", &first, &BASE64.encode("n,,"));
            assert_eq!(exchange.finish(last.as_bytes()).unwrap().is_some(), accepted);
        }
    }

    #[test]
    fn plus_needs_the_certificate_in_the_binding() {
        let key = [5; 32];
        let verifier = verifier_of(&key);
        let message = b"p=tls-server-end-point,,n=,r=abc";
        let mut bound = b"p=tls-server-end-point,,".to_vec();
        bound.extend_from_slice(b"hash");
        let (exchange, first) =
            Exchange::start(MECHANISM_PLUS, message, verifier.clone(), Some(b"hash")).unwrap();
        let last = client_final(&verifier, &key, "n=,r=abc", &first, &BASE64.encode(&bound));
        assert!(exchange.finish(last.as_bytes()).unwrap().is_some());
        let (exchange, first) =
            Exchange::start(MECHANISM_PLUS, message, verifier.clone(), Some(b"other")).unwrap();
        let last = client_final(&verifier, &key, "n=,r=abc", &first, &BASE64.encode(&bound));
        assert!(exchange.finish(last.as_bytes()).is_err());
        assert!(Exchange::start(MECHANISM_PLUS, message, verifier, None).is_err());
    }

    #[test]
    fn a_stripped_offer_is_noticed() {
        let verifier = verifier_of(&[5; 32]);
        assert!(Exchange::start(MECHANISM, b"y,,n=,r=abc", verifier.clone(), Some(b"hash")).is_err());
        assert!(Exchange::start(MECHANISM, b"y,,n=,r=abc", verifier, None).is_ok());
    }

    #[test]
    fn garbage_never_panics() {
        for message in
            [&b""[..], b"n", b"n,", b"n,,", b"n,,r=", b"n,,=", b"\xff", b"n,a=b,n=,r=x", b"n,,m=x,r=y"]
        {
            assert!(Exchange::start(MECHANISM, message, verifier_of(&[1; 32]), None).is_err());
        }
    }
}
