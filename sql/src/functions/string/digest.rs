//! Hashes of contents: md5 and the SHA-2 family.

use md5::{Digest, Md5};
use sha2::{Sha224, Sha256, Sha384, Sha512};

use crate::functions::argument::scalar;
use crate::functions::registry::Scalars;

fn md5_text(bytes: &[u8]) -> String {
    hexadecimal(&Md5::digest(bytes))
}

/// Lower-case digits, two a byte.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // md5(text)
    (2311, scalar!(|text: &str| md5_text(text.as_bytes()))),
    // md5(bytea)
    (2321, scalar!(md5_text, &[u8])),
    // sha224(bytea)
    (3419, scalar!(|bytes: &[u8]| Sha224::digest(bytes).to_vec())),
    // sha256(bytea)
    (3420, scalar!(|bytes: &[u8]| Sha256::digest(bytes).to_vec())),
    // sha384(bytea)
    (3421, scalar!(|bytes: &[u8]| Sha384::digest(bytes).to_vec())),
    // sha512(bytea)
    (3422, scalar!(|bytes: &[u8]| Sha512::digest(bytes).to_vec())),
];
