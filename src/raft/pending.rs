//! Stands where the driver will be; goes away with it.

use super::*;
use crate::env::{Env, Mono, Store};
use std::sync::Arc;
#[derive(Clone)]
pub struct Raft<O>(std::marker::PhantomData<fn() -> O>);
impl<O> Raft<O> {
    pub async fn propose(&self, _c: Bytes, _d: Mono) -> Result<(Index, O), ProposeError> {
        Err(ProposeError::Unknown)
    }
    pub async fn read_index(&self, _d: Mono) -> Result<Index, Refusal> {
        Err(Refusal::Stopped)
    }
    pub fn role(&self) -> Role {
        Role::default()
    }
    pub fn watch(&self) -> tokio::sync::watch::Receiver<Role> {
        tokio::sync::watch::channel(Role::default()).1
    }
    pub fn status(&self) -> Status {
        Status::default()
    }
    pub fn membership(&self) -> Membership {
        Membership::default()
    }
    pub async fn stop(&self) {}
    pub async fn stopped(&self) -> Stopped {
        Stopped::Requested
    }
}
pub async fn start<M: StateMachine>(_e: Env, _o: Options, _s: Arc<dyn Store>, _m: M) -> Result<Raft<M::Outcome>, Stopped> {
    Err(Stopped::Requested)
}
