//! Flow limits of a volume or a zone, given in MB (v3.5.3 http-cluster-volume.md §2.1.1 rows 15 and 16).

use crate::api::go_parse::atoi;
use crate::api::params::Params;
use crate::wire::reply::Fault;

const MB: u64 = 1 << 20;
/// Bytes per second.
const FLOW_MIN: u64 = 100 * MB;
/// Bytes per second.
const FLOW_MAX: u64 = 10 << 40;

/// Limits in bytes per second; `None` where the request says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    pub read: Option<u64>,
    pub write: Option<u64>,
}

/// Reads `flowRKey` and `flowWKey`. A read limit that is no number is forgotten when the write limit is one, as in v3.5.3.
///
/// # Errors
/// A limit out of range, or the last text that is no number; code 2.
pub fn read(p: &Params) -> Result<Flow, Fault> {
    let mut flow = Flow::default();
    let mut not_a_number = None;
    for (key, slot, word, end) in [("flowRKey", &mut flow.read, "read", " "), ("flowWKey", &mut flow.write, "write", "")] {
        let Some(text) = p.optional(key) else { continue };
        match atoi(text) {
            Ok(mb) => {
                not_a_number = None;
                // A negative number is a huge one here, and out of range.
                let bytes = (mb as u64).saturating_mul(MB);
                if !(FLOW_MIN..=FLOW_MAX).contains(&bytes) {
                    return Err(Fault::param(format!("flow {word} {mb} should be between 100M and 10TB{end}")));
                }
                *slot = Some(bytes);
            }
            Err(e) => not_a_number = Some(Fault::param(e.to_string())),
        }
    }
    match not_a_number {
        Some(fault) => Err(fault),
        None => Ok(flow),
    }
}
