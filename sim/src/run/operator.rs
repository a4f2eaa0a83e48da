//! The person who cares for the group of masters: removes a master, empties it if its disk cannot be trusted, and adds it again.

use super::cluster::{master_addr, Cluster};
use crate::http;
use crate::world::disk::Image;
use crate::world::trace::What;
use crate::world::{Crash, HostId};
use ::http::Method;
use bytes::Bytes;
use cfs_master::env::Env;
use cfs_master::ids::MasterId;
use cfs_master::raft::Membership;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Between two tries.
const AGAIN: Duration = Duration::from_millis(500);
const ANSWER_WITHIN: Duration = Duration::from_secs(25);
/// On one meta node. A client forgets volumes whose deletion it believes to have succeeded, so that there are more than it keeps.
const META_PARTITIONS_MAX: u32 = 3_000;

/// A master whose disk forgot what it promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Distrusted {
    pub master: usize,
    /// What the group still knows it by, although it was damaged; else the group knows another one.
    pub incarnation: Option<u64>,
}

/// One person, who repairs one master at a time.
pub struct Operator {
    cluster: Cluster,
    host: HostId,
    env: Mutex<Option<Env>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The master under repair, and since when its disk counts for nothing until it is added again.
    busy: Option<usize>,
    distrusted: Option<Distrusted>,
    /// The disks that were taken out, the last one of each master.
    former: BTreeMap<usize, Image>,
    repaired: u64,
}

impl Operator {
    pub fn new(cluster: Cluster) -> Arc<Self> {
        let host = cluster.world().add_host("operator", IpAddr::from([10, 0, 9, 202]));
        let operator = Arc::new(Self { cluster, host, env: Mutex::default(), state: Mutex::default() });
        let ready = operator.clone();
        operator.cluster.world().boot(host, |env| async move {
            *ready.env.lock().expect("lock") = Some(env);
            std::future::pending::<()>().await;
        });
        operator
    }

    /// Nobody else may be taken out of the group now.
    pub fn is_busy(&self) -> bool {
        self.state.lock().expect("lock").busy.is_some()
    }

    /// The master whose disk forgot what it promised, until it is in the group as a new member.
    pub fn distrusted(&self) -> Option<Distrusted> {
        self.state.lock().expect("lock").distrusted
    }

    pub fn repaired(&self) -> u64 {
        self.state.lock().expect("lock").repaired
    }

    /// Takes on a master. False when another one is under repair.
    pub fn take_on(&self, n: usize) -> bool {
        let mut state = self.state.lock().expect("lock");
        let free = state.busy.is_none();
        if free {
            state.busy = Some(n);
        }
        free
    }

    /// Puts another disk into a dead master; what it held is kept as the former one.
    pub fn exchange_disk(&self, n: usize, image: Image) {
        let disk = self.cluster.world().disk(self.cluster.masters()[n]);
        let mut state = self.state.lock().expect("lock");
        state.former.insert(n, disk.image());
        state.distrusted = Some(Distrusted { master: n, incarnation: None });
        disk.replace(image);
    }

    /// A master's disk was damaged.
    pub fn distrust(&self, distrusted: Distrusted) {
        self.state.lock().expect("lock").distrusted = Some(distrusted);
    }

    /// The disk that the master had before its last one.
    pub fn former(&self, n: usize) -> Option<Image> {
        self.state.lock().expect("lock").former.get(&n).cloned()
    }

    /// Lets meta nodes hold as many partitions as the clients may come to make.
    pub async fn make_room(&self) {
        while !self.ask(&format!("/admin/setNodeInfo?maxMpCntLimit={META_PARTITIONS_MAX}"), 0).await {
            self.cluster.world().sleep(AGAIN).await;
        }
    }

    /// Removes a master that was taken on, empties it if so ordered, adds it and waits until it votes.
    pub async fn replace(&self, n: usize, emptied: bool) {
        let world = self.cluster.world();
        world.note(Some(self.host), What::Node(format!("removes master {}", n + 1)));
        while self.member(n).await.is_some() {
            self.ask_about("/raftNode/remove", n).await;
        }
        if emptied {
            self.cluster.kill_master(n, Crash::Process);
            world.disk(self.cluster.masters()[n]).replace(Image::default());
        }
        self.cluster.start_master(n);
        world.note(Some(self.host), What::Node(format!("adds master {}", n + 1)));
        while self.member(n).await.is_none() {
            self.ask_about("/raftNode/add", n).await;
        }
        // From here on its disk is the one that the group knows.
        self.state.lock().expect("lock").distrusted = None;
        while self.member(n).await != Some(true) {
            self.cluster.start_master(n);
        }
        world.note(Some(self.host), What::Node(format!("master {} votes again", n + 1)));
        let mut state = self.state.lock().expect("lock");
        state.busy = None;
        state.repaired += 1;
    }

    /// Whether a ready leader knows the master, and as a voter; asks until there is a leader.
    async fn member(&self, n: usize) -> Option<bool> {
        loop {
            self.cluster.world().sleep(AGAIN).await;
            if let Some(membership) = self.membership() {
                return membership.members.get(&MasterId(n as u64 + 1)).map(|member| !member.learner);
            }
        }
    }

    fn membership(&self) -> Option<Arc<Membership>> {
        let (leader, _) = self.cluster.ready_leader()?;
        self.cluster.master(leader).map(|master| master.raft().membership())
    }

    /// Asks for a change of the group; whether it worked shows in the membership.
    async fn ask_about(&self, path: &str, n: usize) {
        self.ask(&format!("{path}?{}", http::query(&[("id", &(n + 1).to_string()), ("addr", &master_addr(n))])), n + 1).await;
    }

    /// Asks the masters in turn from one on until one says that it worked.
    async fn ask(&self, target: &str, from: usize) -> bool {
        let Some(env) = self.env.lock().expect("lock").clone() else { return false };
        let count = self.cluster.masters().len();
        for master in (0..count).map(|k| (from + k) % count) {
            let by = env.now() + ANSWER_WITHIN;
            let connect_by = env.now() + Duration::from_secs(2);
            let answer = http::call(&env, &master_addr(master), Method::GET, target, Bytes::new(), connect_by, by).await;
            let code = answer.ok().and_then(|answer| serde_json::from_slice::<Value>(&answer.body).ok()?["code"].as_i64());
            if code == Some(0) {
                return true;
            }
        }
        false
    }
}
