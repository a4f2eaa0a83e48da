//! Snapshot versions of volumes: made and deleted with every node that serves the volume (v3.5.3 http-cluster-volume.md §8.1).

use super::Master;
use crate::ids::{Term, VolumeId};
use crate::limits;
use crate::model::{Key, VersionList, VersionStatus, VersionStrategy, VolumeVersion};
use crate::plan::versions::{deleting, deletion_due, may_delete, nodes, version_due, Standing};
use crate::view::gotext;
use crate::wire::gojson::Time;
use crate::wire::opcode::Opcode;
use crate::wire::reply::{code, fault, Fault};
use crate::wire::report::MultiVersionOpResponse;
use crate::wire::request::{version_op, MultiVersionOpRequest, VolVersionInfo};
use crate::wire::task::{task_id, Subject};

/// A volume's versions are worked on; dropped when that is over, however it ended.
struct Working<'a> {
    master: &'a Master,
    volume: VolumeId,
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.master.live().versions.end(self.volume);
    }
}

fn failed(text: impl Into<std::borrow::Cow<'static, str>>) -> Fault {
    Fault::new(code::VERSION_OP_ERROR, text)
}

/// One phase: what is asked of the nodes of a volume.
struct Phase<'a> {
    op: u8,
    ver: u64,
    list: &'a VersionList,
    /// Silent nodes count as if they had answered.
    force: bool,
}

impl Master {
    fn work_on_versions(&self, volume: VolumeId) -> Result<Working<'_>, Fault> {
        if !self.live().versions.begin(volume) {
            return Err(failed("have task still working,try it later"));
        }
        Ok(Working { master: self, volume })
    }

    fn version_list(&self, volume: VolumeId) -> VersionList {
        self.state().version_lists.get(&volume).map_or_else(|| VersionList::new(volume), |list| (**list).clone())
    }

    /// Deletes a version: the nodes are told, and what it holds is then deleted by lc nodes.
    ///
    /// # Errors
    /// Code 63 with the texts of v3.5.3.
    pub async fn delete_version(&self, actor: &str, volume: VolumeId, ver: u64, force: bool) -> Result<(), Fault> {
        let _working = self.work_on_versions(volume)?;
        let list = self.version_list(volume);
        may_delete(&list, ver).map_err(failed)?;
        self.ask_nodes(volume, Phase { op: version_op::DELETE, ver, list: &list, force }).await?;
        let wall = self.env.wall().secs();
        self.commit(actor, |_, txn| {
            let list = txn.read::<VersionList>(&Key::VersionList(volume).to_string()).ok_or_else(|| failed("not found"))?;
            may_delete(&list, ver).map_err(failed)?;
            txn.put(deleting(&list, ver, wall));
            Ok(())
        })
        .await
        .map_err(|e| e.with_code(code::VERSION_OP_ERROR))
    }

    /// Makes a version in two phases: the nodes prepare it, it is recorded, and they commit it.
    async fn create_version(&self, volume: VolumeId, ver: u64) -> Result<(), Fault> {
        let _working = self.work_on_versions(volume)?;
        let list = self.version_list(volume);
        let force = list.strategy.force_update;
        self.ask_nodes(volume, Phase { op: version_op::CREATE_PREPARE, ver, list: &list, force }).await?;
        let now = Time::from_unix_nanos(self.env.wall().0).in_zone(gotext::ZONE.whole_seconds());
        let list = self
            .commit("version of the strategy", |state, txn| {
                if !state.volumes.contains_key(&volume) {
                    return Err(fault::VOL_NOT_EXISTS);
                }
                let present = txn.read::<VersionList>(&Key::VersionList(volume).to_string());
                let mut list = present.map_or_else(|| VersionList::new(volume), |list| (*list).clone());
                if list.ver_seq >= ver {
                    return Err(failed("a newer version is there"));
                }
                list.versions.push(VolumeVersion { ver, status: VersionStatus::NORMAL, ..VolumeVersion::default() });
                list.ver_seq = ver;
                list.strategy = VersionStrategy { update_time: now, ..list.strategy };
                txn.put(list.clone());
                Ok(list)
            })
            .await?;
        self.ask_nodes(volume, Phase { op: version_op::CREATE_COMMIT, ver, list: &list, force }).await
    }

    /// Asks every node that holds a partition of the volume, and waits until all have answered.
    async fn ask_nodes(&self, volume: VolumeId, phase: Phase<'_>) -> Result<(), Fault> {
        let Phase { op, ver, list, force } = phase;
        let moment = self.moment();
        let all = nodes(&moment.scene(), &self.live().reports, volume);
        if let Some((addr, _)) = all.iter().find(|(_, alive)| !alive && !force) {
            return Err(failed(format!("node {addr} not alive")));
        }
        self.confirm_leadership(self.env.now() + limits::CONFIRM_LEADERSHIP_TIMEOUT).await?;
        let asked: Vec<String> = all.into_iter().filter(|(_, alive)| *alive).map(|(addr, _)| addr).collect();
        self.live().versions.ask(volume, op, ver, asked.iter().cloned());
        // v3.5.3 names the task after the node only, and then drops a second one that is under way for another volume.
        let name = self.volume_name(volume);
        let job = format!("{name}:{ver}_{op}");
        let known = |v: &VolumeVersion| VolVersionInfo { ver: v.ver, del_time: v.delete_time, status: v.status.0 };
        for addr in &asked {
            let vol_ver_list = list.versions.iter().map(known).collect();
            let request = MultiVersionOpRequest { volume_id: name.clone(), ver_seq: ver, op, addr: addr.clone(), vol_ver_list };
            self.enqueue(addr, Opcode::VERSION_OPERATION, Subject::Job(&job), request);
        }
        let outcome = self.wait_for_versions(volume, ver, op).await;
        // What was not answered is not sent again: it would come after the end.
        for addr in &asked {
            if let Some(sender) = self.senders.known(addr) {
                sender.answered(&task_id(Opcode::VERSION_OPERATION, addr, Subject::Job(&job)));
            }
        }
        outcome
    }

    async fn wait_for_versions(&self, volume: VolumeId, ver: u64, op: u8) -> Result<(), Fault> {
        let deadline = self.env.now() + limits::VERSION_PHASE_TIMEOUT;
        loop {
            let standing = self.live().versions.standing(volume);
            match standing {
                Standing::Done => return Ok(()),
                Standing::Failed(why) => return Err(failed(why)),
                Standing::Waiting if self.env.now() >= deadline => {
                    return Err(failed(format!("verseq {ver} op {op} be set timeout")));
                }
                Standing::Waiting => self.env.sleep(limits::VERSION_PHASE_POLL).await,
            }
        }
    }

    /// A node answered a phase.
    pub(super) fn version_answered(&self, said: &MultiVersionOpResponse) {
        let state = self.state();
        match state.volume_by_name(&said.volume_id) {
            Some(volume) => self.live().versions.answered(volume.id, said),
            // So does a data node of v3.5.3 that failed.
            None => tracing::warn!(volume = said.volume_id, result = said.result, "an answer about versions of no volume"),
        }
    }

    /// What the strategies of volumes ask for: a version each period, and the oldest deleted where there are too many.
    pub(super) async fn follow_version_strategies(&self, term: Term) {
        if !self.config.enable_snapshot || !self.live().lc_jobs.may_give(self.env.now().0) {
            return;
        }
        let volumes: Vec<VolumeId> = self.state().version_lists.keys().copied().collect();
        for id in volumes {
            if self.ready_term() != Some(term) {
                return;
            }
            let Some(volume) = self.state().volumes.get(&id).cloned() else { continue };
            match version_due(&volume, &self.version_list(id), self.env.wall().0) {
                Ok(None) => {}
                Ok(Some(ver)) => match self.create_version(id, ver).await {
                    Ok(()) => tracing::info!(volume = volume.name, ver, "version made"),
                    Err(why) => tracing::warn!(volume = volume.name, ver, %why, "version not made"),
                },
                Err(why) => tracing::warn!(volume = volume.name, why, "version not made"),
            }
            let list = self.version_list(id);
            if let Some(ver) = deletion_due(&volume, &list) {
                if let Err(why) = self.delete_version("version strategy", id, ver, list.strategy.force_update).await {
                    tracing::warn!(volume = volume.name, ver, %why, "version not deleted");
                }
            }
        }
    }
}
