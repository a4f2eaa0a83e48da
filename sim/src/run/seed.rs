//! What a seed may look like on the command line.

use crate::world::trace::hash_bytes;

/// A decimal number, or any other word (a commit hash) by its hash.
pub fn parse(text: &str) -> u64 {
    text.parse().unwrap_or_else(|_| hash_bytes(0, text.trim().to_lowercase().as_bytes()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_stand_for_themselves_and_a_commit_for_its_hash() {
        assert_eq!(super::parse("8241"), 8241);
        let commit = "88b83dc0000000000000000000000000000000aa";
        assert_eq!(super::parse(commit), super::parse(&commit.to_uppercase()));
        assert_ne!(super::parse(commit), super::parse("88b83dc0000000000000000000000000000000ab"));
    }
}
