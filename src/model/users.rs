//! Users, their access keys, and which users a volume has (v3.5.3 state-machine.md §6.12).

use super::codes::UserType;
use super::key::Key;
use super::record::{record, JsonRecord};
use std::collections::BTreeMap;

record! {
    /// `#user#<id>`.
    pub struct User {
        user_id: String = "user_id";
        access_key: String = "access_key";
        secret_key: String = "secret_key";
        policy: UserPolicy = "policy";
        user_type: UserType = "user_type";
        /// Local time, `2006-01-02 15:04:05`.
        create_time: String = "create_time";
        description: String = "description";
        empty: bool = "EMPTY";
    }
}

record! {
    /// What a user owns and may do.
    pub struct UserPolicy {
        own_vols: Vec<String> = "own_vols";
        /// Permissions and actions by volume.
        authorized_vols: BTreeMap<String, Vec<String>> = "authorized_vols";
    }
}

impl JsonRecord for User {
    fn place(&self) -> Key {
        Key::User(self.user_id.clone())
    }
}

record! {
    /// `#ak#<access key>`: whose key it is.
    pub struct AccessKey {
        access_key: String = "access_key";
        user_id: String = "user_id";
        /// SHA-1 of the password, hexadecimal.
        password: String = "password";
    }
}

impl JsonRecord for AccessKey {
    fn place(&self) -> Key {
        Key::AccessKey(self.access_key.clone())
    }
}

record! {
    /// `#voluser#<volume>`: the users that own or may use a volume.
    pub struct VolumeUsers {
        volume: String = "vol";
        user_ids: Vec<String> = "user_id";
    }
}

impl JsonRecord for VolumeUsers {
    fn place(&self) -> Key {
        Key::VolumeUsers(self.volume.clone())
    }
}
