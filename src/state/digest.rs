//! The fingerprint of a state: a sum of one number per key, so that a write changes it in O(1) and the order of keys does not matter.
//!
//! The function is our own and fixed: it must give the same on every machine and in every release, because masters compare
//! their digests with each other. It is no defence against someone who chooses the values.

const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
const STEP: u64 = 0xbf58_476d_1ce4_e5b9;
const FINISH: u64 = 0x94d0_49bb_1331_11eb;

/// Both halves of a product, folded: every bit of either factor moves every bit of the result.
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}

fn absorb(state: u64, bytes: &[u8]) -> u64 {
    let mut state = state ^ bytes.len() as u64;
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        state = fold(state ^ u64::from_le_bytes(word), MULTIPLIER).wrapping_add(STEP);
    }
    state
}

/// The fingerprint of a key with its value.
pub(super) fn of_pair(key: &[u8], value: &[u8]) -> u64 {
    fold(absorb(absorb(STEP, key), value) ^ FINISH, MULTIPLIER)
}

/// What a pair with this fingerprint, written at this revision, adds to the digest.
pub(super) fn share(pair: u64, revision: u64) -> u64 {
    fold(pair ^ FINISH, revision.wrapping_add(MULTIPLIER)).wrapping_add(pair)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed apart from this code. A change here is a change of what masters of different releases agree on.
    #[test]
    fn numbers_are_pinned() {
        assert_eq!(of_pair(b"", b""), PINNED[0]);
        assert_eq!(of_pair(b"#vol#8", b"{}"), PINNED[1]);
        assert_eq!(of_pair(b"#vol#", b"8{}"), PINNED[2]);
        assert_eq!(share(of_pair(b"#vol#8", b"{}"), 7), PINNED[3]);
    }

    const PINNED: [u64; 4] = [0xba2d989c1b264103, 0x432430a8604bce6f, 0xbe0b61e7cbb80c3c, 0x749374dc91b1df89];

    #[test]
    fn every_byte_counts() {
        let value = b"some value that is longer than a word";
        let was = of_pair(b"key", value);
        for at in 0..value.len() {
            let mut changed = *value;
            changed[at] ^= 1;
            assert_ne!(of_pair(b"key", &changed), was, "byte {at}");
        }
        assert_ne!(share(was, 0), share(was, 1));
    }
}
