//! Changing the replicated state: build a transaction on the newest state, propose it, and build again when another one came first.

use super::Master;
use crate::limits;
use crate::mutants::mutant;
use crate::raft::ProposeError;
use crate::state::{Outcome, State, Txn};
use crate::wire::reply::{fault, Fault};
use std::time::Duration;

impl Master {
    /// Commits what `build` puts into the transaction and returns its value, after the change is applied here.
    ///
    /// `build` sees the newest state and may run several times: it must have no effect besides the transaction. What it reads through
    /// the transaction is expected to be unchanged when the command is applied. `actor` says who asked, for the audit.
    ///
    /// # Errors
    /// Whatever `build` refuses; [`fault::PERSISTENCE_BY_RAFT`] when this master does not lead, or when the outcome is not known.
    pub async fn commit<T>(&self, actor: &str, mut build: impl FnMut(&State, &mut Txn) -> Result<T, Fault> + Send) -> Result<T, Fault>
    where
        T: Send,
    {
        let deadline = self.env.now() + limits::PROPOSAL_DEADLINE;
        for _ in 0..limits::CONFLICT_RETRIES_MAX {
            // The transaction borrows the state, and neither may live across the wait for raft.
            let (value, bytes) = {
                let state = self.state();
                let mut txn = Txn::new(&state);
                let value = build(&state, &mut txn)?;
                if txn.is_empty() {
                    return Ok(value);
                }
                (value, txn.finish(actor, self.env.wall().0).to_bytes())
            };
            if bytes.len() > limits::COMMAND_BYTES_MAX {
                return Err(Fault::internal(format!("the change takes {} bytes, more than {}", bytes.len(), limits::COMMAND_BYTES_MAX)));
            }
            let proposed = match mutant!("acknowledge before commit") {
                false => self.raft.propose(bytes, deadline).await,
                true => match self.env.until(self.env.now() + Duration::from_millis(30), self.raft.propose(bytes, deadline)).await {
                    Ok(proposed) => proposed,
                    Err(_) => return Ok(value),
                },
            };
            match proposed {
                Ok((_, Outcome::Done)) => return Ok(value),
                Ok((_, Outcome::Conflict { .. })) if mutant!("conflict answered as done") => return Ok(value),
                Ok((_, Outcome::Conflict { key })) => tracing::debug!(actor, key, "another change came first"),
                Ok((_, Outcome::Invalid { key, reason })) => {
                    return Err(Fault::internal(format!("the change of {key} was refused: {reason}")))
                }
                Err(ProposeError::Refused(why)) => {
                    tracing::warn!(actor, %why, "not proposed");
                    return Err(fault::PERSISTENCE_BY_RAFT);
                }
                Err(ProposeError::Unknown) if mutant!("unknown outcome answered as done") => return Ok(value),
                Err(ProposeError::Unknown) => {
                    tracing::warn!(actor, "proposed, and the outcome is not known");
                    return Err(fault::PERSISTENCE_BY_RAFT);
                }
            }
        }
        tracing::warn!(actor, "gave up after {} conflicts", limits::CONFLICT_RETRIES_MAX);
        Err(fault::PERSISTENCE_BY_RAFT)
    }
}
