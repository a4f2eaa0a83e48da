//! Limits on requests: to this master's API by path, and to S3 by API and user (v3.5.3 state-machine.md §6.15).

use super::key::Key;
use super::record::{belongs, decimal, record, JsonRecord, Record, Unreadable};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `#al#<cluster>`: limits by path.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ApiLimits {
    pub limits: BTreeMap<String, ApiLimit>,
    /// The cluster's name.
    #[serde(skip)]
    pub cluster: String,
}

record! {
    /// The limit of one path.
    pub struct ApiLimit {
        /// Lower case.
        api_name: String = "api_name";
        query_path: String = "query_path";
        /// Requests per second.
        limit: u32 = "limit";
        /// Seconds that a request waits at most.
        limiter_timeout: u32 = "limiter_timeout";
    }
}

impl JsonRecord for ApiLimits {
    fn place(&self) -> Key {
        Key::ApiLimits(self.cluster.clone())
    }

    fn adopt(&mut self, key: &Key) {
        if let Key::ApiLimits(cluster) = key {
            self.cluster.clone_from(cluster);
        }
    }
}

/// `#s3qos#<api>#<user>#<kind>`: a limit of the object gateways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Limit {
    /// Lower case.
    pub api: String,
    /// A user, or `default`.
    pub user: String,
    /// `f` flow, `q` requests per second, `c` concurrency.
    pub kind: char,
    pub limit: u64,
}

impl Record for S3Limit {
    fn place(&self) -> Key {
        Key::S3Limit(self.api.clone(), self.user.clone(), self.kind)
    }

    fn decode(key: &Key, value: &[u8]) -> Result<Self, Unreadable> {
        match key {
            Key::S3Limit(api, user, kind) => Ok(Self { api: api.clone(), user: user.clone(), kind: *kind, limit: decimal(value)? }),
            _ => Err(Unreadable("not the key of an S3 limit".into())),
        }
        .and_then(|record| belongs(record, key))
    }

    fn encode(&self) -> Vec<u8> {
        self.limit.to_string().into_bytes()
    }
}

/// `#s3qos#s3nodes`: the number of object gateways that share the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct S3Nodes {
    pub count: u64,
}

impl Record for S3Nodes {
    fn place(&self) -> Key {
        Key::S3Nodes
    }

    fn decode(key: &Key, value: &[u8]) -> Result<Self, Unreadable> {
        belongs(Self { count: decimal(value)? }, key)
    }

    fn encode(&self) -> Vec<u8> {
        self.count.to_string().into_bytes()
    }
}
