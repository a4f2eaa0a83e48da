//! Clients that asked for a volume's statistics lately (v3.5.3 background-tasks.md §20). Memory of the leader only.

use std::collections::BTreeMap;
use std::sync::Mutex;

/// Clients remembered at most.
const CLIENTS_MAX: usize = 1_000_000;
/// A client that did not ask for this long is forgotten, seconds.
const CLIENT_KEPT_SECS: i64 = 3_600;

/// Clients by their describing text, with the unix time of their last question.
#[derive(Default)]
pub struct Clients(Mutex<BTreeMap<String, i64>>);

impl Clients {
    /// Remembers a client. Dropped when there are [`CLIENTS_MAX`] others.
    pub fn saw(&self, client: String, wall_secs: i64) {
        let mut seen = self.0.lock().expect("no holder panics");
        if seen.len() >= CLIENTS_MAX && !seen.contains_key(&client) {
            seen.retain(|_, at| wall_secs - *at < CLIENT_KEPT_SECS);
            if seen.len() >= CLIENTS_MAX {
                return;
            }
        }
        seen.insert(client, wall_secs);
    }

    /// The clients seen within the last hour whose text contains `part`.
    pub fn seen(&self, part: &str, wall_secs: i64) -> BTreeMap<String, i64> {
        let mut seen = self.0.lock().expect("no holder panics");
        seen.retain(|_, at| wall_secs - *at < CLIENT_KEPT_SECS);
        seen.iter().filter(|(client, _)| client.contains(part)).map(|(client, at)| (client.clone(), *at)).collect()
    }
}
