//! What this master is creating right now: whose intents somebody still sees to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// The creations of one reign, by the key of what is to be.
#[derive(Clone)]
pub struct Creations<K: Ord + Copy>(Arc<Mutex<BTreeMap<K, usize>>>);

impl<K: Ord + Copy> Default for Creations<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

/// One creation. It ends when this is dropped, however that comes: a commit whose outcome is not known, a caller that went away.
pub struct Creation<K: Ord + Copy> {
    all: Creations<K>,
    key: K,
}

impl<K: Ord + Copy> Creations<K> {
    /// Two may have the same key until one of them is refused it.
    pub fn begin(&self, key: K) -> Creation<K> {
        *self.0.lock().expect("no holder panics").entry(key).or_default() += 1;
        Creation { all: self.clone(), key }
    }

    pub fn contains(&self, key: K) -> bool {
        self.0.lock().expect("no holder panics").contains_key(&key)
    }
}

impl<K: Ord + Copy> Drop for Creation<K> {
    fn drop(&mut self) {
        let mut all = self.all.0.lock().expect("no holder panics");
        if let Some(count) = all.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_creation_lasts_until_the_last_who_has_its_key_is_dropped() {
        let all = Creations::default();
        let (refused, goes_on) = (all.begin(84), all.begin(84));
        assert!(all.contains(84) && !all.contains(85));
        drop(refused);
        assert!(all.contains(84));
        drop(goes_on);
        assert!(!all.contains(84));
    }
}
