//! The encoded message of the auth protocol (v3.5.3 http-general.md §6): 8 random bytes, an MD5 sum over everything with the sum itself
//! zero, the payload; AES-CBC with the IV in front; base64. Pure.

use crate::api::go_base64;
use aes::cipher::{BlockDecrypt, BlockEncrypt, KeyInit};
use aes::{Aes128, Aes192, Aes256, Block};
use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use md5::{Digest, Md5};

const BLOCK: usize = 16;
const RANDOM: usize = 8;
const SUM: usize = 16;
const HEAD: usize = RANDOM + SUM;
/// The largest payload, bytes.
const PAYLOAD_MAX: usize = 50 << 20;

/// AES with any of its key lengths.
enum Cipher {
    Aes128(Box<Aes128>),
    Aes192(Box<Aes192>),
    Aes256(Box<Aes256>),
}

impl Cipher {
    fn new(key: &[u8]) -> Result<Self, String> {
        let wrong = |_| format!("crypto/aes: invalid key size {}", key.len());
        match key.len() {
            16 => Aes128::new_from_slice(key).map(|aes| Self::Aes128(Box::new(aes))).map_err(wrong),
            24 => Aes192::new_from_slice(key).map(|aes| Self::Aes192(Box::new(aes))).map_err(wrong),
            _ => Aes256::new_from_slice(key).map(|aes| Self::Aes256(Box::new(aes))).map_err(wrong),
        }
    }

    fn encrypt(&self, block: &mut Block) {
        match self {
            Self::Aes128(aes) => aes.encrypt_block(block),
            Self::Aes192(aes) => aes.encrypt_block(block),
            Self::Aes256(aes) => aes.encrypt_block(block),
        }
    }

    fn decrypt(&self, block: &mut Block) {
        match self {
            Self::Aes128(aes) => aes.decrypt_block(block),
            Self::Aes192(aes) => aes.decrypt_block(block),
            Self::Aes256(aes) => aes.decrypt_block(block),
        }
    }
}

/// `payload` as a message under `key` (16, 24 or 32 bytes). Two messages never share `random` and the IV in `iv`.
///
/// # Errors
/// A key of another length, or a payload of more than 50 MiB.
pub fn encode(payload: &[u8], key: &[u8], random: u64, iv: [u8; BLOCK]) -> Result<String, String> {
    if payload.len() > PAYLOAD_MAX {
        return Err(format!("too max packet len {}", payload.len()));
    }
    let cipher = Cipher::new(key)?;
    let mut text = Vec::with_capacity(HEAD + payload.len() + BLOCK);
    text.extend_from_slice(&random.to_le_bytes());
    text.extend_from_slice(&[0; SUM]);
    text.extend_from_slice(payload);
    let sum = Md5::digest(&text);
    text[RANDOM..HEAD].copy_from_slice(&sum);
    let padding = BLOCK - text.len() % BLOCK;
    text.extend(std::iter::repeat_n(padding as u8, padding));

    let mut out = iv.to_vec();
    let mut before = iv;
    for chunk in text.chunks_exact(BLOCK) {
        let mut block = xor(chunk, before);
        cipher.encrypt(&mut block);
        before = block.into();
        out.extend_from_slice(&before);
    }
    Ok(STANDARD.encode(out))
}

/// The payload of a message.
///
/// # Errors
/// The texts of v3.5.3; where it would panic (half a block, senseless padding), `checksum not match`.
pub fn decode(message: &str, key: &[u8]) -> Result<Vec<u8>, String> {
    let bytes = go_base64::decode(message)?;
    let cipher = Cipher::new(key)?;
    let Some((iv, body)) = bytes.split_first_chunk::<BLOCK>() else {
        return Err(format!("ciphertext [len={}] too short; should greater than blocksize", bytes.len()));
    };
    let mismatch = || "checksum not match".to_owned();
    let mut text = Vec::with_capacity(body.len());
    let mut before = *iv;
    for chunk in body.chunks(BLOCK) {
        let encrypted: [u8; BLOCK] = chunk.try_into().map_err(|_| mismatch())?;
        let mut block = Block::from(encrypted);
        cipher.decrypt(&mut block);
        text.extend_from_slice(&xor(&block, before));
        before = encrypted;
    }
    let padding = usize::from(text.last().copied().unwrap_or_default());
    let kept = text.len().checked_sub(padding).ok_or_else(mismatch)?;
    text.truncate(kept);
    if text.len() <= HEAD {
        return Err(format!("invalid json format with size [{}] less than message meta data size", text.len()));
    }
    let sum: [u8; SUM] = text[RANDOM..HEAD].try_into().map_err(|_| mismatch())?;
    text[RANDOM..HEAD].fill(0);
    if Md5::digest(&text)[..] != sum {
        return Err(mismatch());
    }
    Ok(text.split_off(HEAD))
}

fn xor(bytes: &[u8], with: [u8; BLOCK]) -> Block {
    Block::from_iter(bytes.iter().zip(with).map(|(a, b)| a ^ b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: &[u8] = b"0123456789abcdef0123456789abcdef";
    /// Made with Go's crypto/aes and crypto/md5.
    const MESSAGE: &str = "AQIDBAUGBwgJCgsMDQ4PEFBflO0AOB/O3oD4R/4BXN1Rw1nEIKRGqlFFu30VCA6D";

    #[test]
    fn a_message_is_that_of_go() {
        let iv = std::array::from_fn(|at| at as u8 + 1);
        assert_eq!(encode(br#"{"a":1}"#, KEY, 0x0102_0304_0506_0708, iv).unwrap(), MESSAGE);
        assert_eq!(decode(MESSAGE, KEY).unwrap(), br#"{"a":1}"#);
    }

    #[test]
    fn errors_have_their_texts() {
        let error = |message: &str, key: &[u8]| decode(message, key).unwrap_err();
        assert_eq!(error("***", KEY), "illegal base64 data at input byte 0");
        assert_eq!(error("eHl6", KEY), "ciphertext [len=3] too short; should greater than blocksize");
        assert_eq!(error(MESSAGE, b"short"), "crypto/aes: invalid key size 5");
        let size = error(&STANDARD.encode([0; 16]), KEY);
        assert_eq!(size, "invalid json format with size [0] less than message meta data size");
        assert_eq!(error(&STANDARD.encode([0; 17]), KEY), "checksum not match");
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_read_back_and_no_other_key_reads_it(
            payload in proptest::collection::vec(any::<u8>(), 1..100), random in any::<u64>(), iv in any::<[u8; 16]>(), long in any::<bool>()
        ) {
            let key = if long { KEY } else { &KEY[..16] };
            let message = encode(&payload, key, random, iv).unwrap();
            prop_assert_eq!(decode(&message, key).unwrap(), payload);
            prop_assert!(decode(&message, &[7; 24]).is_err());
        }

        #[test]
        fn no_message_panics(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = decode(&STANDARD.encode(bytes), KEY);
        }
    }
}
