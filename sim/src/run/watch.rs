//! Checks that see every step: what masters write to their state stores, and what they send to storage nodes.

use super::cluster::Cluster;
use super::crash_point::STATE_DIR;
use crate::checks::durable::Writes;
use crate::checks::tasks::Tasks;
use crate::checks::Violation;
use crate::world::probe::Seen;
use crate::world::HostId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

#[derive(Default)]
struct Inner {
    writes: BTreeMap<HostId, Writes>,
    tasks: Tasks,
    found: Option<Violation>,
}

/// What they found. Clones are the same.
#[derive(Clone, Default)]
pub struct Watch(Arc<Mutex<Inner>>);

impl Watch {
    /// Looks at every write from now on.
    pub fn begin(&self, cluster: &Cluster) {
        let (watch, masters) = (self.clone(), cluster.masters().to_vec());
        cluster.world().set_watch(Box::new(move |host, dir, seen| {
            if !masters.contains(&host) || dir.as_os_str() != STATE_DIR {
                return;
            }
            let mut inner = watch.0.lock().expect("lock");
            let writes = inner.writes.entry(host).or_default();
            let judged = match seen {
                Seen::Opened | Seen::Installed => {
                    writes.reset();
                    Ok(())
                }
                Seen::Wrote(batch) => writes.observe(batch),
            };
            inner.note(
                judged.map_err(|violation| Violation::new(violation.invariant, format!("{}: {}", name(&masters, host), violation.text))),
            );
        }));
    }

    /// A master sends something to a storage node.
    pub fn task_goes_out(&self, cluster: &Cluster, master: usize) {
        let leads = cluster.master(master).is_some_and(|master| master.raft().role().leads());
        let mut inner = self.0.lock().expect("lock");
        let judged = inner.tasks.sent(cluster.world().now(), master, leads);
        inner.note(judged);
    }

    /// A master was seen leading.
    pub fn leads(&self, cluster: &Cluster, master: usize) {
        self.0.lock().expect("lock").tasks.leads(cluster.world().now(), master);
    }

    /// What storage nodes got since the last call.
    pub fn tasks_arrived(&self, cluster: &Cluster) {
        let mut inner = self.0.lock().expect("lock");
        for entry in cluster.fleet().take_log() {
            let judged = inner.tasks.received(&entry.node, entry.id.as_str().unwrap_or_default(), &entry.uuid);
            inner.note(judged);
        }
    }

    /// The first violation.
    pub fn verdict(&self) -> Result<(), Violation> {
        self.0.lock().expect("lock").found.clone().map_or(Ok(()), Err)
    }
}

fn name(masters: &[HostId], host: HostId) -> String {
    masters.iter().position(|master| *master == host).map(|n| format!("master {}", n + 1)).unwrap_or_default()
}

impl Inner {
    fn note(&mut self, judged: Result<(), Violation>) {
        if let (Err(violation), None) = (judged, &self.found) {
            self.found = Some(violation);
        }
    }
}
