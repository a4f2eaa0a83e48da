//! D2: the stores of two masters that have applied the same entries are equal byte for byte, whether they came by the log or by a
//! snapshot and the log after it.

use super::Violation;
use cfs_master::env::storage::Pair;

/// Compares what two masters' state stores hold at the same applied index.
pub fn check(names: (&str, &str), one: &[Pair], other: &[Pair]) -> Result<(), Violation> {
    if one == other {
        return Ok(());
    }
    let place = one.iter().zip(other).position(|(a, b)| a != b).unwrap_or(one.len().min(other.len()));
    let show = |pairs: &[Pair]| {
        let pair = pairs.get(place).map(|(key, value)| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
            format!("{} = {}", text(key), text(value))
        });
        pair.unwrap_or_else(|| "nothing more".into())
    };
    let text = format!("{} holds {} and {} holds {}", names.0, show(one), names.1, show(other));
    Err(Violation::new("D2", text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_value_and_a_missing_pair_are_seen() {
        let pairs =
            |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| (k.as_bytes().to_vec(), v.as_bytes().to_vec())).collect::<Vec<Pair>>();
        let judge = |a: &[(&str, &str)], b: &[(&str, &str)]| check(("a", "b"), &pairs(a), &pairs(b)).is_ok();
        assert!(judge(&[("k", "1")], &[("k", "1")]));
        assert!(!judge(&[("k", "1")], &[("k", "2")]));
        assert!(!judge(&[("k", "1"), ("l", "1")], &[("k", "1")]));
    }
}
