//! The description of the API.

use crate::api::openapi;
use crate::api::reply::Reply;
use crate::api::request::Ctx;
use crate::wire::reply::Fault;

/// `/openapi.json`.
pub async fn openapi(_: Ctx) -> Result<Reply, Fault> {
    Ok(Reply::cached(openapi::text()))
}
