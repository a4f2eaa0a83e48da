//! Client views kept as ready replies on the leader (v3.5.3 http-general.md §11): a mounted client of a big volume reads them often, and
//! building one walks its partitions. They are rebuilt by the five-second checks and when a volume is created.

use super::Master;
use crate::ids::VolumeId;
use crate::view::client;
use crate::wire::gojson;
use crate::wire::reply::{fault, Fault};
use bytes::Bytes;
use flate2::write::GzEncoder;
use flate2::Compression;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Mutex;

/// The ready replies of one volume; `None` before the first build.
#[derive(Clone, Default)]
struct Views {
    volume: Option<Bytes>,
    meta_partitions: Option<Bytes>,
    data_partitions: Option<DataPartitions>,
}

/// The ready reply of `/client/partitions`, plain and as gzip.
#[derive(Clone)]
pub struct DataPartitions {
    pub plain: Bytes,
    pub gzip: Bytes,
}

/// Ready replies by volume.
#[derive(Default)]
pub struct Cached(Mutex<BTreeMap<VolumeId, Views>>);

impl Cached {
    /// Forgets everything, at the end of a reign.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// The volume is gone.
    pub fn forget_volume(&self, id: VolumeId) {
        self.lock().remove(&id);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<VolumeId, Views>> {
        self.0.lock().expect("no holder panics")
    }

    /// Rebuilds the volume's own view and that of its meta partitions.
    pub fn refresh_volume(&self, master: &Master, id: VolumeId) {
        let moment = master.moment();
        let Some(volume) = moment.state.volumes.get(&id) else { return self.forget_volume(id) };
        let (view, partitions) = {
            let live = master.live();
            (client::volume(&moment.scene(), &live.reports, volume), client::meta_partitions(&moment.scene(), &live.reports, volume))
        };
        let (view, partitions) = (envelope(&view), envelope(&partitions));
        let mut views = self.lock();
        let views = views.entry(id).or_default();
        (views.volume, views.meta_partitions) = (Some(view), Some(partitions));
    }

    /// Rebuilds the view of the volume's data partitions; what is there stays while a hot volume has none.
    pub fn refresh_data_partitions(&self, master: &Master, id: VolumeId) {
        let moment = master.moment();
        let Some(volume) = moment.state.volumes.get(&id) else { return self.forget_volume(id) };
        let Some(view) = client::data_partitions(&moment.scene(), &master.live().reports, volume) else { return };
        let plain = envelope(&view);
        let gzip = gzip(&plain);
        self.lock().entry(id).or_default().data_partitions = Some(DataPartitions { plain, gzip });
    }
}

impl Master {
    /// The ready reply of `/client/vol`.
    ///
    /// # Errors
    /// [`fault::VOL_NOT_EXISTS`].
    pub fn volume_reply(&self, name: &str) -> Result<Bytes, Fault> {
        let id = self.volume_id(name)?;
        self.ready(id, |views| views.volume.clone(), |cached| cached.refresh_volume(self, id)).ok_or(fault::VOL_NOT_EXISTS)
    }

    /// The ready reply of `/client/metaPartitions`.
    ///
    /// # Errors
    /// [`fault::VOL_NOT_EXISTS`].
    pub fn meta_partitions_reply(&self, name: &str) -> Result<Bytes, Fault> {
        let id = self.volume_id(name)?;
        self.ready(id, |views| views.meta_partitions.clone(), |cached| cached.refresh_volume(self, id)).ok_or(fault::VOL_NOT_EXISTS)
    }

    /// The ready reply of `/client/partitions`.
    ///
    /// # Errors
    /// [`fault::VOL_NOT_EXISTS`]; [`fault::NO_AVAIL_DATA_PARTITION`] for a hot volume without data partitions.
    pub fn data_partitions_reply(&self, name: &str) -> Result<DataPartitions, Fault> {
        let id = self.volume_id(name)?;
        let ready = self.ready(id, |views| views.data_partitions.clone(), |cached| cached.refresh_data_partitions(self, id));
        ready.ok_or(fault::NO_AVAIL_DATA_PARTITION)
    }

    fn volume_id(&self, name: &str) -> Result<VolumeId, Fault> {
        self.state().volume_by_name(name).map(|v| v.id).ok_or(fault::VOL_NOT_EXISTS)
    }

    /// A ready reply, built now when there is none yet.
    fn ready<T>(&self, id: VolumeId, get: impl Fn(&Views) -> Option<T>, build: impl FnOnce(&Cached)) -> Option<T> {
        let there = self.cached.lock().get(&id).and_then(&get);
        there.or_else(|| {
            build(&self.cached);
            self.cached.lock().get(&id).and_then(&get)
        })
    }
}

/// A whole success reply around `data`.
fn envelope(data: &impl Serialize) -> Bytes {
    #[derive(Serialize)]
    struct Envelope<'a, T> {
        code: i32,
        msg: &'static str,
        data: &'a T,
    }
    gojson::to_vec(&Envelope { code: 0, msg: "success", data }).expect("views have string keys and finite numbers").into()
}

fn gzip(plain: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).and_then(|()| encoder.finish()).expect("writing to memory does not fail").into()
}
