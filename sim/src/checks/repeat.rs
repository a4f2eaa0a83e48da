//! A3: repeating an idempotent call changes nothing more: a node that registers again keeps its id, and no id is used up.

use super::Violation;
use std::collections::BTreeMap;

/// Nodes by address with their ids, and the last id given, before and after every node has registered once more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registered {
    pub nodes: BTreeMap<String, u64>,
    pub last_id: u64,
}

pub fn check(before: &Registered, after: &Registered) -> Result<(), Violation> {
    for (addr, id) in &before.nodes {
        if after.nodes.get(addr) != Some(id) {
            let text = format!("node {addr} had id {id} and registered again with {:?}", after.nodes.get(addr));
            return Err(Violation::new("A3", text));
        }
    }
    match before.last_id == after.last_id && before.nodes.len() == after.nodes.len() {
        true => Ok(()),
        false => Err(Violation::new("A3", format!("registering again used up ids: {} and then {}", before.last_id, after.last_id))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_id_and_an_id_used_up_are_seen() {
        let one = Registered { nodes: [("a".to_owned(), 7)].into(), last_id: 9 };
        assert_eq!(check(&one, &one.clone()), Ok(()));
        assert!(check(&one, &Registered { nodes: [("a".to_owned(), 8)].into(), ..one.clone() }).is_err());
        assert!(check(&one, &Registered { last_id: 10, ..one.clone() }).is_err());
    }
}
