//! Users, their keys and what they may do with volumes (v3.5.3 http-cluster-volume.md §3).
//!
//! Every operation is one transaction over the records it concerns: the user, its access key, the list of users of a volume, the volume.
//! An operation that is refused has changed nothing.
//!
//! Invariant: no password and no secret key reaches a log or the text of an error; passwords are kept as SHA-1 only.

pub mod policy;

use super::Master;
use crate::env::Purpose;
use crate::model::{AccessKey, Key, User, UserType, Volume, VolumeUsers};
use crate::state::Txn;
use crate::view::gotext;
use crate::wire::reply::{fault, Fault};
use sha1::{Digest, Sha1};
use std::sync::Arc;

/// Id of the root user.
pub const ROOT_ID: &str = "root";
const ROOT_PASSWORD: &str = "CubeFSRoot";
const DEFAULT_PASSWORD: &str = "CubeFSUser";
/// Characters of an access key.
const ACCESS_KEY_CHARS: usize = 16;
/// Characters of a secret key.
const SECRET_KEY_CHARS: usize = 32;
/// Fresh key pairs drawn for one operation: a clash of two random keys is already beyond belief.
const SPARE_KEYS: usize = 3;

/// `count` random letters and digits.
pub fn random_text(count: usize, random: &mut impl FnMut() -> u64) -> String {
    const CHARS: &[u8; 62] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    (0..count).map(|_| char::from(CHARS[(random() % CHARS.len() as u64) as usize])).collect()
}

/// How a password is stored: the hexadecimal SHA-1 of it.
pub fn password_hash(password: &str) -> String {
    Sha1::digest(password.as_bytes()).iter().map(|b| format!("{b:02x}")).collect()
}

/// Random key pairs, drawn before a transaction because building one must have no effect besides it.
#[derive(Clone)]
pub struct NewKeys {
    pairs: Vec<(String, String)>,
    created: String,
}

impl NewKeys {
    /// Draws from the master's source of secrets.
    pub fn draw(master: &Master) -> Self {
        let mut random = || master.env.entropy.next_u64(Purpose::Secret);
        let pairs =
            (0..SPARE_KEYS).map(|_| (random_text(ACCESS_KEY_CHARS, &mut random), random_text(SECRET_KEY_CHARS, &mut random))).collect();
        Self { pairs, created: gotext::date_time(master.env.wall().secs(), gotext::ZONE) }
    }

    /// The first access key that nobody uses.
    fn free_access_key(&self, txn: &mut Txn) -> Result<&str, Fault> {
        let mut keys = self.pairs.iter().map(|(access, _)| access.as_str());
        keys.find(|key| access_key(txn, key).is_none()).ok_or(fault::DUPLICATE_ACCESS_KEY)
    }

    fn secret_key(&self) -> &str {
        &self.pairs[0].1
    }
}

/// A user to create; what is absent is chosen at random, the password is the default one.
#[derive(Clone, Default)]
pub struct NewUser {
    pub id: String,
    pub password: Option<String>,
    pub access_key: Option<String>,
    pub secret_key: Option<String>,
    pub kind: UserType,
    pub description: String,
}

/// What to change of a user; what is absent stays.
#[derive(Clone, Default)]
pub struct UserChange {
    pub id: String,
    pub access_key: Option<String>,
    pub secret_key: Option<String>,
    pub kind: Option<UserType>,
    pub password: Option<String>,
    pub description: Option<String>,
}

/// Who gives a volume to whom.
#[derive(Clone, Default)]
pub struct Transfer {
    pub volume: String,
    pub from: String,
    pub to: String,
    /// Skips the checks of the giving side.
    pub force: bool,
}

/// Whether an id may name a user: `^[A-Za-z][A-Za-z0-9_]{0,20}$`.
pub fn is_user_id(id: &str) -> bool {
    let bytes = id.as_bytes();
    matches!(bytes, [first, rest @ ..] if first.is_ascii_alphabetic() && rest.len() <= 20
        && rest.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_'))
}

/// Whether a text has the form of an access key.
pub fn is_access_key(text: &str) -> bool {
    is_key(text, ACCESS_KEY_CHARS)
}

fn is_key(text: &str, chars: usize) -> bool {
    text.len() == chars && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// The root user of a new cluster, with its key record (v3.5.3 http-cluster-volume.md §3.3).
pub fn new_root(master: &Master) -> (User, AccessKey) {
    let keys = NewKeys::draw(master);
    let (access, secret) = &keys.pairs[0];
    records(ROOT_ID, access, secret, UserType::ROOT, "", &keys.created, &password_hash(ROOT_PASSWORD))
}

fn records(id: &str, access: &str, secret: &str, kind: UserType, description: &str, created: &str, hash: &str) -> (User, AccessKey) {
    let user = User {
        user_id: id.to_owned(),
        access_key: access.to_owned(),
        secret_key: secret.to_owned(),
        user_type: kind,
        create_time: created.to_owned(),
        description: description.to_owned(),
        ..User::default()
    };
    let key = AccessKey { access_key: access.to_owned(), user_id: id.to_owned(), password: hash.to_owned(), ..AccessKey::default() };
    (user, key)
}

fn access_key(txn: &mut Txn, key: &str) -> Option<Arc<AccessKey>> {
    txn.read(&Key::AccessKey(key.to_owned()).to_string())
}

fn volume_users(txn: &mut Txn, volume: &str) -> Option<Arc<VolumeUsers>> {
    txn.read(&Key::VolumeUsers(volume.to_owned()).to_string())
}

fn known_user(txn: &mut Txn, id: &str) -> Result<User, Fault> {
    txn.user(id).map(|user| (*user).clone()).ok_or(fault::USER_NOT_EXISTS)
}

/// Gives a volume to its owner, who is created when missing. Part of creating a volume.
///
/// # Errors
/// No access key could be found for a new user.
pub fn add_own_volume(txn: &mut Txn, owner: &str, volume: &str, keys: &NewKeys) -> Result<(), Fault> {
    let mut user = match txn.user(owner) {
        Some(user) => (*user).clone(),
        None => {
            let access = keys.free_access_key(txn)?;
            let hash = password_hash(DEFAULT_PASSWORD);
            let (user, key) = records(owner, access, keys.secret_key(), UserType::NORMAL, "", &keys.created, &hash);
            txn.put(key);
            user
        }
    };
    own(&mut user, volume);
    txn.put(user);
    list_user(txn, volume, owner);
    Ok(())
}

fn own(user: &mut User, volume: &str) {
    if !user.policy.own_vols.iter().any(|v| v == volume) {
        user.policy.own_vols.push(volume.to_owned());
    }
    user.policy.authorized_vols.remove(volume);
}

fn list_user(txn: &mut Txn, volume: &str, id: &str) {
    let mut users = match volume_users(txn, volume) {
        Some(users) => (*users).clone(),
        None => VolumeUsers { volume: volume.to_owned(), ..VolumeUsers::default() },
    };
    if !users.user_ids.iter().any(|u| u == id) {
        users.user_ids.push(id.to_owned());
        txn.put(users);
    }
}

fn unlist_user(txn: &mut Txn, volume: &str, id: &str) -> Result<(), Fault> {
    let mut users = (*volume_users(txn, volume).ok_or(fault::HAVE_NO_POLICY)?).clone();
    users.user_ids.retain(|u| u != id);
    txn.put(users);
    Ok(())
}

/// Drops a volume from all its users. Part of deleting a volume.
///
/// # Errors
/// [`fault::HAVE_NO_POLICY`] when the volume has no list of users.
pub fn drop_volume(txn: &mut Txn, volume: &str) -> Result<(), Fault> {
    let users = volume_users(txn, volume).ok_or(fault::HAVE_NO_POLICY)?;
    for id in &users.user_ids {
        let Some(user) = txn.user(id) else { continue };
        let mut user = (*user).clone();
        user.policy.own_vols.retain(|v| v != volume);
        user.policy.authorized_vols.remove(volume);
        txn.put(user);
    }
    txn.remove(&*users);
    Ok(())
}

impl Master {
    /// Creates a user. An access key that is in use is replaced by a random one, as in v3.5.3.
    ///
    /// # Errors
    /// A malformed id, type or key; the id is in use.
    pub async fn create_user(&self, new: NewUser) -> Result<User, Fault> {
        if !is_user_id(&new.id) {
            return Err(fault::INVALID_USER_ID);
        }
        if new.kind != UserType::ADMIN && new.kind != UserType::NORMAL {
            return Err(fault::INVALID_USER_TYPE);
        }
        check_keys(new.access_key.as_deref(), new.secret_key.as_deref())?;
        let keys = NewKeys::draw(self);
        let hash = password_hash(new.password.as_deref().unwrap_or(DEFAULT_PASSWORD));
        self.commit("create user", |_, txn| {
            if txn.user(&new.id).is_some() {
                return Err(fault::DUPLICATE_USER_ID);
            }
            let wished = new.access_key.as_deref().filter(|key| access_key(txn, key).is_none());
            let access = match wished {
                Some(key) => key,
                None => keys.free_access_key(txn)?,
            };
            let secret = new.secret_key.as_deref().unwrap_or(keys.secret_key());
            let (user, key) = records(&new.id, access, secret, new.kind, &new.description, &keys.created, &hash);
            txn.put(user.clone());
            txn.put(key);
            Ok(user)
        })
        .await
    }

    /// Deletes a user that owns no volume, with its access key and its place in the lists of volumes.
    ///
    /// # Errors
    /// Unknown; owns volumes; root; its key record is missing.
    pub async fn delete_user(&self, id: &str) -> Result<(), Fault> {
        self.commit("delete user", |state, txn| {
            let user = known_user(txn, id)?;
            if !user.policy.own_vols.is_empty() {
                return Err(fault::OWN_VOL_EXISTS);
            }
            if user.user_type == UserType::ROOT {
                return Err(fault::NO_PERMISSION);
            }
            let key = access_key(txn, &user.access_key).ok_or(fault::ACCESS_KEY_NOT_EXISTS)?;
            txn.remove(&*key);
            txn.remove(&user);
            for (volume, users) in &state.volume_users {
                if users.user_ids.iter().any(|u| u == id) {
                    unlist_user(txn, volume, id)?;
                }
            }
            Ok(())
        })
        .await
    }

    /// Changes keys, type, password or description of a user other than root.
    ///
    /// # Errors
    /// Unknown; root; a malformed or used key; a wrong type; its present key record is missing.
    pub async fn update_user(&self, change: UserChange) -> Result<User, Fault> {
        if change.kind == Some(UserType::ROOT) {
            return Err(fault::INVALID_USER_TYPE);
        }
        if change.id.is_empty() {
            return Err(fault::INVALID_USER_ID);
        }
        self.commit("update user", |_, txn| {
            let mut user = known_user(txn, &change.id)?;
            if user.user_type == UserType::ROOT {
                return Err(fault::NO_PERMISSION);
            }
            if let Some(key) = &change.access_key {
                check_keys(Some(key), None)?;
                if access_key(txn, key).is_some() {
                    return Err(fault::DUPLICATE_ACCESS_KEY);
                }
            }
            check_keys(None, change.secret_key.as_deref())?;
            if change.kind.is_some_and(|kind| kind != UserType::ADMIN && kind != UserType::NORMAL) {
                return Err(fault::INVALID_USER_TYPE);
            }
            let old_key = access_key(txn, &user.access_key).ok_or(fault::ACCESS_KEY_NOT_EXISTS)?;
            let mut key = (*old_key).clone();
            if let Some(access) = &change.access_key {
                txn.remove(&*old_key);
                key.access_key.clone_from(access);
                user.access_key.clone_from(access);
            }
            if let Some(password) = &change.password {
                key.password = password_hash(password);
            }
            if let Some(secret) = &change.secret_key {
                user.secret_key.clone_from(secret);
            }
            user.user_type = change.kind.unwrap_or(user.user_type);
            if let Some(description) = &change.description {
                user.description.clone_from(description);
            }
            txn.put(key);
            txn.put(user.clone());
            Ok(user)
        })
        .await
    }

    /// Sets what a user may do with a volume, dropping permissions that are unknown.
    ///
    /// # Errors
    /// Unknown volume or user; the user owns the volume.
    pub async fn update_user_policy(&self, id: &str, volume: &str, permissions: &[String]) -> Result<User, Fault> {
        let kept: Vec<String> = permissions.iter().filter(|text| policy::is_known(text)).cloned().collect();
        self.commit("update user policy", |_, txn| {
            txn.volume_by_name(volume).ok_or(fault::VOL_NOT_EXISTS)?;
            let mut user = not_owner(txn, id, volume)?;
            user.policy.authorized_vols.insert(volume.to_owned(), kept.clone());
            txn.put(user.clone());
            list_user(txn, volume, id);
            Ok(user)
        })
        .await
    }

    /// Takes from a user what it may do with a volume.
    ///
    /// # Errors
    /// As [`Master::update_user_policy`]; the volume has no list of users.
    pub async fn remove_user_policy(&self, id: &str, volume: &str) -> Result<User, Fault> {
        self.commit("remove user policy", |_, txn| {
            txn.volume_by_name(volume).ok_or(fault::VOL_NOT_EXISTS)?;
            let mut user = not_owner(txn, id, volume)?;
            user.policy.authorized_vols.remove(volume);
            txn.put(user.clone());
            unlist_user(txn, volume, id)?;
            Ok(user)
        })
        .await
    }

    /// Drops a volume from all its users.
    ///
    /// # Errors
    /// [`fault::HAVE_NO_POLICY`] when it has no list of users.
    pub async fn delete_volume_policy(&self, volume: &str) -> Result<(), Fault> {
        self.commit("delete volume policy", |_, txn| drop_volume(txn, volume)).await
    }

    /// Gives a volume to another user; the owner decides the key that clients prove ownership with.
    ///
    /// # Errors
    /// Unknown volume or users; the giver does not own it. Nothing is taken from the giver then.
    pub async fn transfer_volume(&self, transfer: &Transfer) -> Result<User, Fault> {
        let Transfer { volume: name, from, to, force } = transfer;
        self.commit("transfer volume", |_, txn| {
            let volume = txn.volume_by_name(name).ok_or(fault::VOL_NOT_EXISTS)?;
            if !force && volume.owner != *from {
                return Err(fault::HAVE_NO_POLICY);
            }
            let giver = txn.user(from);
            let owns = giver.as_ref().is_some_and(|user| user.policy.own_vols.contains(name));
            match &giver {
                None if !force => return Err(fault::USER_NOT_EXISTS),
                Some(_) if !owns && !force && from != to => return Err(fault::HAVE_NO_POLICY),
                _ => {}
            }
            if let Some(user) = giver.filter(|_| owns) {
                let mut user = (*user).clone();
                user.policy.own_vols.retain(|v| v != name);
                txn.put(user);
                unlist_user(txn, name, from)?;
            }
            let mut taker = known_user(txn, to)?;
            own(&mut taker, name);
            txn.put(taker.clone());
            list_user(txn, name, to);
            txn.put(Volume { owner: to.clone(), ..(*volume).clone() });
            Ok(taker)
        })
        .await
    }
}

fn not_owner(txn: &mut Txn, id: &str, volume: &str) -> Result<User, Fault> {
    let user = known_user(txn, id)?;
    if user.policy.own_vols.iter().any(|v| v == volume) {
        return Err(fault::IS_OWNER);
    }
    Ok(user)
}

fn check_keys(access: Option<&str>, secret: Option<&str>) -> Result<(), Fault> {
    if access.is_some_and(|key| !is_access_key(key)) {
        return Err(fault::INVALID_ACCESS_KEY);
    }
    if secret.is_some_and(|key| !is_key(key, SECRET_KEY_CHARS)) {
        return Err(fault::INVALID_SECRET_KEY);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::ids::Index;
    use crate::state::State;

    fn keys(first: u64) -> NewKeys {
        let mut seed = first;
        let mut random = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            seed >> 20
        };
        let pairs = (0..SPARE_KEYS).map(|_| (random_text(16, &mut random), random_text(32, &mut random))).collect();
        NewKeys { pairs, created: "2024-01-01 00:00:00".into() }
    }

    fn apply<T>(state: &mut State, build: impl FnOnce(&mut Txn) -> Result<T, Fault>) -> Result<T, Fault> {
        let base = state.clone();
        let mut txn = Txn::new(&base);
        let value = build(&mut txn)?;
        let command = txn.finish("test", 0);
        let next = Index(state.applied.0 + 1);
        state.apply(next, &command);
        Ok(value)
    }

    #[test]
    fn a_password_is_kept_as_its_sha1() {
        assert_eq!(password_hash(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    }

    #[test]
    fn the_first_volume_of_an_unknown_owner_makes_the_user() {
        let mut state = State::new();
        apply(&mut state, |txn| add_own_volume(txn, "alice", "vol1", &keys(1))).unwrap();
        apply(&mut state, |txn| add_own_volume(txn, "alice", "vol2", &keys(2))).unwrap();
        let alice = &state.users["alice"];
        assert_eq!(alice.policy.own_vols, ["vol1", "vol2"]);
        assert_eq!(alice.user_type, UserType::NORMAL);
        assert_eq!(state.access_keys.len(), 1);
        assert_eq!(state.volume_users["vol2"].user_ids, ["alice"]);
    }

    #[test]
    fn a_dropped_volume_leaves_no_trace_at_its_users() {
        let mut state = State::new();
        apply(&mut state, |txn| add_own_volume(txn, "alice", "vol1", &keys(1))).unwrap();
        apply(&mut state, |txn| drop_volume(txn, "vol1")).unwrap();
        assert!(state.users["alice"].policy.own_vols.is_empty());
        assert!(state.volume_users.is_empty());
        assert_eq!(apply(&mut state, |txn| drop_volume(txn, "vol1")), Err(fault::HAVE_NO_POLICY));
    }

    #[test]
    fn ids_of_users_have_one_form() {
        for good in ["a", "Z_9", "aaaaaaaaaaaaaaaaaaaaa"] {
            assert!(is_user_id(good), "{good}");
        }
        for bad in ["", "1a", "a-b", "aaaaaaaaaaaaaaaaaaaaaa", "é"] {
            assert!(!is_user_id(bad), "{bad}");
        }
    }
}
