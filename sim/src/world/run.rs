//! One run: a thread of its own with a madsim runtime, and the task there that drives the world's timers.

use super::hosts::World;
use super::timers::Timers;
use madsim::runtime::{Handle, Runtime};
use madsim::time::{Sleep, TimeHandle};
use std::future::{poll_fn, Future};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// Runs `f` in the world of `seed`. A panic inside comes out again.
pub fn run<F, T>(seed: u64, f: impl FnOnce(World) -> F + Send + 'static) -> T
where
    F: Future<Output = T>,
    T: Send + 'static,
{
    // A fresh thread: madsim seeds std's hash maps once per thread.
    let thread = std::thread::Builder::new().name(format!("seed {seed}")).stack_size(8 << 20);
    let run = thread.spawn(move || {
        let runtime = Runtime::with_seed_and_config(seed, madsim::Config::default());
        runtime.block_on(async move {
            let time = TimeHandle::current();
            let source = time.clone();
            let timers = Arc::new(Timers::new(move || source.elapsed()));
            drop(madsim::task::spawn(drive(timers.clone(), time)));
            let world = World::new(seed, timers, Handle::current());
            if let Some(path) = std::env::var_os("SIM_TRACE") {
                world.write_trace(std::fs::File::create(path).expect("SIM_TRACE can be written"));
            }
            f(world).await
        })
    });
    match run.expect("a thread").join() {
        Ok(value) => value,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// Keeps one madsim timer armed for what is due next.
async fn drive(timers: Arc<Timers>, time: TimeHandle) {
    let mut armed: Option<(Duration, Pin<Box<Sleep>>)> = None;
    poll_fn(|cx| loop {
        let Some(next) = timers.turn(cx.waker()) else { return Poll::<()>::Pending };
        if let Some((at, _)) = &armed {
            if *at == next {
                return Poll::Pending;
            }
        }
        let start = time.now_instant() - time.elapsed();
        let mut sleep = Box::pin(time.sleep(Duration::ZERO));
        // madsim sleeps for a millisecond at least unless it is told again.
        sleep.as_mut().reset(start + next);
        let fired = sleep.as_mut().poll(cx).is_ready();
        armed = Some((next, sleep));
        if !fired {
            return Poll::Pending;
        }
    })
    .await
}
