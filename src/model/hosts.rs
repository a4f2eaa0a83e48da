//! The hosts of a partition as records hold them: one text, addresses joined with `_` (v3.5.3 state-machine.md §6.9).

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The text form of a list of addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Joined(String);

impl From<&Vec<String>> for Joined {
    fn from(hosts: &Vec<String>) -> Self {
        Self(hosts.join("_"))
    }
}

impl From<Joined> for Vec<String> {
    fn from(joined: Joined) -> Self {
        if joined.0.is_empty() {
            Vec::new()
        } else {
            joined.0.split('_').map(str::to_owned).collect()
        }
    }
}

impl Serialize for Joined {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Joined {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}
