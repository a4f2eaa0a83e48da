//! L2: every queue, map and buffer stays within its limit.

use super::Violation;

/// Judges one filling level.
pub fn check(what: &str, level: u64, limit: u64) -> Result<(), Violation> {
    match level <= limit {
        true => Ok(()),
        false => Err(Violation::new("L2", format!("{what}: {level}, at most {limit}"))),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_overflows_is_seen() {
        assert!(super::check("queue", 4_096, 4_096).is_ok());
        assert!(super::check("queue", 4_097, 4_096).is_err());
    }
}
