//! A client: carries out its steps of the workload, one at a time, and remembers what it was told.

use super::caller::Caller;
use super::history::{Event, Op};
use super::workload::Step;
use crate::world::trace::What;
use crate::world::{HostId, World};
use std::time::Duration;

/// A step that is later than this is left out: who waited does not make up for it.
const LATE_MAX: Duration = Duration::from_secs(2);

/// One client.
pub struct Client {
    pub world: World,
    pub host: HostId,
    pub caller: Caller,
}

impl Client {
    /// Carries out its steps until `until`, but for those that came while it waited for an answer.
    pub async fn work(self, steps: Vec<Step>, until: Duration) {
        for step in steps {
            if self.world.now() > step.at + LATE_MAX {
                continue;
            }
            self.world.sleep_until(step.at).await;
            if self.world.now() >= until {
                return;
            }
            self.perform(step.master, step.op).await;
        }
    }

    /// Performs one operation and writes it into the history.
    pub async fn perform(&self, master: usize, op: Op) -> Event {
        let event = self.caller.perform(master, op, || self.world.now()).await;
        self.world.note(Some(self.host), What::Client(event.to_string()));
        event
    }
}
