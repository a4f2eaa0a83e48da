//! G5: statuses and ranges change as written down: a volume is made, marked deleted, and gone; a meta partition keeps its start, and its
//! end only comes down, when it is split. Two looks may lie several changes apart: legal is what legal steps can lead to.

use super::Violation;

/// What of a record may not change at will.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// 0: in use, 1: marked deleted.
    Volume {
        name: String,
        status: u64,
    },
    MetaPartition {
        volume: u64,
        start: u64,
        end: u64,
    },
    DataPartition {
        volume: u64,
        replicas: u64,
    },
}

/// Legal changes of a volume's status.
const VOLUME: [(u64, u64); 1] = [(0, 1)];

/// Judges what became of one record between two looks; `None`: not there, before it was made or after it was gone.
pub fn check(id: u64, before: Option<&Shape>, after: Option<&Shape>) -> Result<(), Violation> {
    use Shape::*;
    let legal = match (before, after) {
        (Some(Volume { name, status }), Some(Volume { name: other, status: next })) => {
            name == other && (status == next || VOLUME.contains(&(*status, *next)))
        }
        (Some(MetaPartition { volume, start, end }), Some(MetaPartition { volume: other, start: begins, end: ends })) => {
            volume == other && start == begins && ends <= end
        }
        (Some(DataPartition { volume, replicas }), Some(DataPartition { volume: other, replicas: count })) => {
            volume == other && replicas == count
        }
        _ => true,
    };
    match legal {
        true => Ok(()),
        false => Err(Violation::new("G5", format!("{id} goes from {before:?} to {after:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_in_the_table_is_seen() {
        let volume = |status| Some(Shape::Volume { name: "v".into(), status });
        let meta = |start, end| Some(Shape::MetaPartition { volume: 1, start, end });
        let judge = |a: Option<Shape>, b: Option<Shape>| check(7, a.as_ref(), b.as_ref()).is_ok();
        assert!(judge(None, volume(0)) && judge(volume(0), volume(1)) && judge(volume(1), None));
        assert!(!judge(volume(1), volume(0)), "undone");
        assert!(judge(meta(0, 100), meta(0, 50)) && judge(None, meta(51, 100)));
        assert!(!judge(meta(0, 50), meta(0, 100)) && !judge(meta(0, 50), meta(1, 50)));
    }
}
