//! `/moves`: what is being moved, by whose wish, what it waits for, and what was moved before. A route of our own.

use crate::api::reply::Reply;
use crate::api::request::Ctx;
use crate::model::{Move, PartitionKind};
use crate::view::gotext;
use crate::view::moves::MoveView;
use crate::view::sight::Sight;
use crate::wire::reply::Fault;
use std::sync::Arc;

/// Moves shown by one request unless it says another number.
const SHOWN: u64 = 100;

/// Every move under way; with `history=true` those that are over, the newest first; with `number` one of either. `id` leaves those of one
/// partition, `count` says how many.
pub async fn list(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let history = p.bool_val_or("history", false)?;
    let number = if p.has("number") { Some(p.u64_raw("number")?) } else { None };
    let partition = if p.has("id") { Some(p.u64_raw("id")?) } else { None };
    let count = usize::try_from(p.u64_raw_or("count", SHOWN)?).unwrap_or(usize::MAX);
    let moment = ctx.master.moment();
    let live = ctx.master.live();
    let sight = Sight::new(moment.scene(), &live.reports, gotext::ZONE);
    let state = &moment.state;
    if let Some(number) = number {
        let now = state.moves.values().find(|mv| mv.number == number).map(|mv| MoveView::of(&sight, mv, live.moves.waits_for(mv)));
        let then = || state.past_moves.get(&number).map(|past| MoveView::of_past(&sight, past));
        let found = now.or_else(then).ok_or_else(|| Fault::param(format!("no move has the number {number}")))?;
        return Ok(Reply::ok(&found));
    }
    let wanted = |id: u64| partition.is_none_or(|wanted| wanted == id);
    let shown: Vec<MoveView> = if history {
        let past = state.past_moves.values().rev().filter(|past| wanted(past.partition.0));
        past.take(count).map(|past| MoveView::of_past(&sight, past)).collect()
    } else {
        let now = state.moves.values().filter(|mv| wanted(mv.partition.0));
        now.take(count).map(|mv| MoveView::of(&sight, mv, live.moves.waits_for(mv))).collect()
    };
    Ok(Reply::ok(&shown))
}

/// Ends a move: at once if it has not begun; else what was begun is taken back, or finished where the source is gone already.
pub async fn cancel(ctx: Ctx) -> Result<Reply, Fault> {
    let p = ctx.form()?;
    let number = p.u64_raw("number")?;
    let state = ctx.master.state();
    let found: Option<&Arc<Move>> = state.moves.values().find(|mv| mv.number == number);
    let mv = found.ok_or_else(|| Fault::param(format!("no move under way has the number {number}")))?;
    ctx.master.cancel_moves_of(ctx.route.path, &[(mv.kind, mv.partition)]).await?;
    let kind = match mv.kind {
        PartitionKind::Data => "data",
        PartitionKind::Meta => "meta",
    };
    Ok(Reply::text(format!("move {number} of {kind} partition {} is cancelled", mv.partition)))
}
