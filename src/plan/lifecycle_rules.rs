//! Which lifecycle rules a volume may have (v3.5.3 http-cluster-volume.md §9.1).

use crate::model::{LcConfiguration, LcRule, LcTransition, StorageClass, Volume};
use crate::wire::reply::{fault, Fault};
use std::collections::BTreeSet;

const RULES_MAX: usize = 1000;
const ID_BYTES_MAX: usize = 255;
const SECS_PER_DAY: i64 = 86_400;
const MALFORMED: &str = "The XML you provided was not well-formed or did not validate against our published schema";
const HDD: &str = "HDD";
const BLOBSTORE: &str = "BLOBSTORE";

/// Whether the rules are well formed.
///
/// # Errors
/// Code 2 with the text of the first check that fails.
pub fn check(configuration: &LcConfiguration) -> Result<(), Fault> {
    let rules = &configuration.rules;
    if rules.len() > RULES_MAX {
        return Err(Fault::param("Rules number should not exceed allowed limit of 1000"));
    }
    if rules.is_empty() {
        return Err(Fault::param("No Lifecycle Rules found in request"));
    }
    let mut ids = BTreeSet::new();
    for rule in rules.iter() {
        if !ids.insert(rule.id.as_str()) {
            return Err(Fault::param("Rule ID must be unique. Found same ID for more than one rule"));
        }
        check_rule(rule)?;
    }
    check_prefixes(rules)
}

fn check_rule(rule: &LcRule) -> Result<(), Fault> {
    if rule.id.is_empty() {
        return Err(Fault::param("No Lifecycle Rule ID in request"));
    }
    if rule.id.len() > ID_BYTES_MAX {
        return Err(Fault::param("ID length should not exceed allowed limit of 255"));
    }
    if !rule.id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-') {
        return Err(Fault::param("Invalid Rule ID"));
    }
    if !matches!(rule.status.as_str(), LcRule::ENABLED | "Disabled") {
        return Err(Fault::param(MALFORMED));
    }
    if rule.expiration.is_none() && rule.transitions.is_empty() {
        return Err(Fault::param("At least one action needs to be specified in a rule"));
    }
    if rule.expiration.is_some() {
        return Err(Fault::param("expiration is temporarily disabled"));
    }
    let mut classes = BTreeSet::new();
    for transition in &rule.transitions {
        if !classes.insert(transition.storage_class.as_str()) {
            return Err(Fault::param("'StorageClass' must be different for 'Transition' actions in same 'Rule'"));
        }
        check_transition(transition)?;
    }
    let of = |class: &str| rule.transitions.iter().find(|t| t.storage_class == class);
    match (of(HDD), of(BLOBSTORE)) {
        (Some(first), Some(then)) if !follows(first, then) => Err(Fault::param(MALFORMED)),
        _ => Ok(()),
    }
}

fn check_transition(transition: &LcTransition) -> Result<(), Fault> {
    if transition.date.is_some() == transition.days.is_some() || !matches!(transition.storage_class.as_str(), HDD | BLOBSTORE) {
        return Err(Fault::param(MALFORMED));
    }
    if transition.date.is_some_and(|date| date.unix_nanos().rem_euclid(SECS_PER_DAY * 1_000_000_000) != 0) {
        return Err(Fault::param("'Date' must be at midnight GMT"));
    }
    if transition.days.is_some_and(|days| days <= 0) {
        return Err(Fault::param("'Days' for Expiration action must be a positive integer"));
    }
    Ok(())
}

/// Files move on to `then` later than to `first`, both being said in the same way.
fn follows(first: &LcTransition, then: &LcTransition) -> bool {
    match (first.date, then.date, first.days, then.days) {
        (Some(first), Some(then), None, None) => first.unix_nanos() < then.unix_nanos(),
        (None, None, Some(first), Some(then)) => first < then,
        _ => false,
    }
}

fn check_prefixes(rules: &[LcRule]) -> Result<(), Fault> {
    let conflict = || Fault::param("Conflicting rule prefix");
    let prefix = |rule: &LcRule| rule.filter.as_ref().map(|filter| filter.prefix.clone()).unwrap_or_default();
    let prefixes: Vec<String> = rules.iter().map(prefix).collect();
    for prefix in &prefixes {
        if rules.len() > 1 && prefix.is_empty() {
            return Err(conflict());
        }
        if prefix.starts_with('/') {
            return Err(Fault::param("Rule prefix cannot start with '/'"));
        }
    }
    // In order, a prefix of others stands right before the first of them.
    let mut sorted = prefixes;
    sorted.sort_unstable();
    if sorted.windows(2).any(|pair| pair[1].starts_with(&pair[0])) {
        return Err(conflict());
    }
    Ok(())
}

/// Whether the volume has the classes that the rules move files to.
///
/// # Errors
/// [`fault::NO_SUPPORT_STORAGE_CLASS`].
pub fn check_classes(configuration: &LcConfiguration, volume: &Volume) -> Result<(), Fault> {
    let allowed = &volume.allowed_storage_class;
    let known = |transition: &LcTransition| match transition.storage_class.as_str() {
        HDD => allowed.contains(&StorageClass::REPLICA_HDD),
        BLOBSTORE => allowed.contains(&StorageClass::BLOBSTORE),
        _ => false,
    };
    let mut transitions = configuration.rules.iter().flat_map(|rule| &rule.transitions);
    if allowed.len() < 2 || !transitions.all(known) {
        return Err(fault::NO_SUPPORT_STORAGE_CLASS);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::LcFilter;

    fn rule(id: &str, prefix: &str, transitions: Vec<LcTransition>) -> LcRule {
        let filter = Some(LcFilter { prefix: prefix.into(), ..LcFilter::default() });
        LcRule { id: id.into(), status: "Enabled".into(), filter, transitions, ..LcRule::default() }
    }

    fn days(days: i64, class: &str) -> LcTransition {
        LcTransition { days: Some(days), storage_class: class.into(), ..LcTransition::default() }
    }

    fn refused(rules: Vec<LcRule>) -> String {
        let configuration = LcConfiguration { rules: rules.into(), ..LcConfiguration::default() };
        check(&configuration).map_or_else(|fault| fault.msg.into_owned(), |()| String::new())
    }

    #[test]
    fn rules_are_checked_in_the_order_of_v3_5_3() {
        let good = || vec![days(1, HDD), days(2, BLOBSTORE)];
        assert_eq!(refused(vec![rule("a", "", good())]), "");
        assert_eq!(refused(vec![rule("a", "x", good()), rule("b", "y", good())]), "");
        assert_eq!(refused(Vec::new()), "No Lifecycle Rules found in request");
        assert_eq!(
            refused(vec![rule("a", "x", good()), rule("a", "y", good())]),
            "Rule ID must be unique. Found same ID for more than one rule"
        );
        assert_eq!(refused(vec![rule("a_b", "", good())]), "Invalid Rule ID");
        assert_eq!(refused(vec![rule("a", "", vec![days(2, HDD), days(2, BLOBSTORE)])]), MALFORMED);
        assert_eq!(refused(vec![rule("a", "", vec![days(0, HDD)])]), "'Days' for Expiration action must be a positive integer");
        assert_eq!(refused(vec![rule("a", "/x", good())]), "Rule prefix cannot start with '/'");
        assert_eq!(refused(vec![rule("a", "", good()), rule("b", "y", good())]), "Conflicting rule prefix");
        assert_eq!(refused(vec![rule("a", "ab", good()), rule("b", "x", good()), rule("c", "abc", good())]), "Conflicting rule prefix");
    }
}
