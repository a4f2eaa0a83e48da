//! Masters asking each other who they are: before a disk takes part in a group it must be known that it forgot no promise.

use super::connection::{dial, read_frame, write_frame};
use super::frame::Frame;
use super::message::{Hello, HelloReply, Standing};
use super::{Membership, Options};
use crate::env::Env;
use crate::ids::MasterId;
use crate::limits;
use std::io;
use std::sync::Mutex;

/// What this master's disk holds, as far as others may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Own {
    /// It has never taken part in a group; its state was applied up to here (an imported store).
    Fresh { applied: u64 },
    /// It was in a group once, or is about to join one, and holds nothing of it.
    Waiting,
    /// It is, or was, in a group with these members.
    Member(Membership),
}

/// This master as others see it.
pub struct Identity {
    pub id: MasterId,
    pub incarnation: u64,
    /// HTTP address.
    pub addr: String,
    pub peers: Vec<String>,
    pub own: Mutex<Own>,
}

impl Identity {
    pub fn new(options: &Options, incarnation: u64, own: Own) -> Self {
        let peers = options.peers.iter().map(|(id, addr)| format!("{id}:{addr}")).collect();
        Self { id: options.id, incarnation, addr: options.peers[&options.id].clone(), peers, own: Mutex::new(own) }
    }

    /// Tells others something new from now on.
    pub fn set(&self, own: Own) {
        *self.own.lock().expect("no holder panics") = own;
    }

    fn group(&self) -> Option<u64> {
        match &*self.own.lock().expect("no holder panics") {
            Own::Member(membership) => Some(membership.group),
            Own::Fresh { .. } | Own::Waiting => None,
        }
    }

    fn hello(&self) -> Hello {
        Hello { from: self.id.0, incarnation: self.incarnation, addr: self.addr.clone(), peers: self.peers.clone(), group: self.group() }
    }

    /// The answer to who asks.
    pub fn answer(&self, hello: &Hello) -> HelloReply {
        let own = self.own.lock().expect("no holder panics");
        let (standing, applied, group) = match &*own {
            Own::Fresh { applied } => (Standing::Fresh, *applied, None),
            Own::Waiting => (Standing::Waiting, 0, None),
            Own::Member(membership) => (standing_of(membership, hello), 0, Some(membership.group)),
        };
        let same_peers = hello.peers == self.peers;
        HelloReply { id: self.id.0, incarnation: self.incarnation, same_peers, standing: standing as i32, applied, group }
    }
}

fn standing_of(membership: &Membership, hello: &Hello) -> Standing {
    match membership.members.get(&MasterId(hello.from)).map(|member| member.incarnation) {
        None => Standing::Stranger,
        Some(None) => Standing::Unbound,
        Some(Some(incarnation)) if incarnation == hello.incarnation => Standing::Known,
        Some(Some(_)) => Standing::OtherDisk,
    }
}

/// Asks the master at an HTTP address who it is.
///
/// # Errors
/// It cannot be reached or does not answer within [`limits::HELLO_TIMEOUT`].
pub async fn ask(env: &Env, identity: &Identity, addr: &str, replica_port: u16) -> io::Result<HelloReply> {
    let deadline = env.now() + limits::HELLO_TIMEOUT;
    let exchange = async {
        let mut stream = dial(env, addr, replica_port).await?;
        write_frame(env, &mut stream, &Frame::Hello(identity.hello())).await?;
        match read_frame(env, &mut stream, deadline).await? {
            Frame::HelloReply(reply) => Ok(reply),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    };
    env.until(deadline, exchange).await?
}
