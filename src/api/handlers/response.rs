//! Answers of nodes to asynchronous tasks, heartbeats above all (v3.5.3 http-partitions-nodes.md §14.1).

use crate::api::reply::Reply;
use crate::api::request::Ctx;
use crate::wire::reply::Fault;
use crate::wire::report::Incoming;

/// `/dataNode/response`, `/metaNode/response`. Every answer that can be read is acknowledged; what it leads to is not the node's concern.
pub async fn take(ctx: Ctx) -> Result<Reply, Fault> {
    let task = Incoming::decode(&ctx.body).map_err(|e| Fault::param(decode_error(&ctx.body, &e)))?;
    ctx.master.task_answered(task).await;
    Ok(Reply::text("200"))
}

/// Go's words for a body that cannot be read, where they are fixed.
fn decode_error(body: &[u8], error: &crate::wire::gojson::Error) -> String {
    if body.iter().all(u8::is_ascii_whitespace) {
        return "EOF".into();
    }
    if error.is_eof() {
        return "unexpected EOF".into();
    }
    super::json_body::parse(body).err().map_or_else(|| error.to_string(), |fault| fault.msg.into_owned())
}
