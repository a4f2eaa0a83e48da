//! Clock, Tasks and Entropy.

use super::Bench;
use cfs_master::env::{Elapsed, Mono, Purpose};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{oneshot, Notify};

const MS: Duration = Duration::from_millis(1);

pub async fn monotonic_time_never_goes_back(bench: Bench) {
    let mut last = bench.env.now();
    for _ in 0..20 {
        bench.env.sleep(MS).await;
        let now = bench.env.now();
        assert!(now > last, "{now:?} after {last:?}");
        last = now;
    }
}

pub async fn a_sleep_lasts_at_least_its_time(bench: Bench) {
    for ms in [1, 7, 40] {
        let start = bench.env.now();
        bench.env.sleep(MS * ms).await;
        assert!(bench.env.now().since(start) >= MS * ms);
    }
}

pub async fn sleeps_end_in_the_order_of_their_deadlines(bench: Bench) {
    let order = Arc::new(Mutex::new(Vec::new()));
    let start = bench.env.now();
    let mut tasks = Vec::new();
    for n in [3u32, 1, 4, 2] {
        let (env, order) = (bench.env.clone(), order.clone());
        tasks.push(bench.env.spawn("sleeper", async move {
            env.clock.sleep_until(start + MS * 60 * n).await;
            order.lock().expect("lock").push(n);
        }));
    }
    for task in tasks {
        task.join().await;
    }
    assert_eq!(*order.lock().expect("lock"), [1, 2, 3, 4]);
}

pub async fn a_sleep_into_the_past_ends_at_once(bench: Bench) {
    bench.env.sleep(MS * 5).await;
    let start = bench.env.now();
    bench.env.clock.sleep_until(Mono::default()).await;
    assert!(bench.env.now().since(start) < Duration::from_secs(1));
}

pub async fn the_wall_clock_is_of_this_age(bench: Bench) {
    let (year_2024, year_2100) = (1_704_067_200, 4_102_444_800);
    let before = bench.env.wall();
    assert!((year_2024..year_2100).contains(&before.secs()), "{before:?}");
    bench.env.sleep(MS * 30).await;
    assert!(bench.env.wall().0 - before.0 >= 20_000_000);
}

pub async fn a_wait_ends_at_its_deadline(bench: Bench) {
    let start = bench.env.now();
    let waited = bench.env.until(start + MS * 20, std::future::pending::<()>()).await;
    assert_eq!(waited, Err(Elapsed));
    assert!(bench.env.now().since(start) >= MS * 20);
}

pub async fn a_result_at_hand_beats_a_deadline_that_has_passed(bench: Bench) {
    assert_eq!(bench.env.until(Mono::default(), std::future::ready(7)).await, Ok(7));
}

pub async fn a_spawned_task_runs_beside_its_parent(bench: Bench) {
    let (to_child, from_parent) = oneshot::channel();
    let (to_parent, from_child) = oneshot::channel();
    let task = bench.env.spawn("child", async move {
        let got: u32 = from_parent.await.expect("the parent lives");
        to_parent.send(got + 1).expect("the parent waits");
    });
    to_child.send(1).expect("the child waits");
    assert_eq!(from_child.await, Ok(2));
    task.join().await;
}

/// Counts when it is dropped.
struct Held(Arc<AtomicU64>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

pub async fn an_aborted_task_ends_and_drops_what_it_held(bench: Bench) {
    let (drops, started) = (Arc::new(AtomicU64::new(0)), Arc::new(Notify::new()));
    let (held, signal) = (Held(drops.clone()), started.clone());
    let task = bench.env.spawn("held", async move {
        let _held = held;
        signal.notify_one();
        std::future::pending::<()>().await;
    });
    started.notified().await;
    assert_eq!(drops.load(Ordering::SeqCst), 0);
    task.abort();
    task.join().await;
    assert_eq!(drops.load(Ordering::SeqCst), 1);
}

pub async fn aborting_an_ended_task_is_harmless(bench: Bench) {
    let done = Arc::new(Notify::new());
    let signal = done.clone();
    let task = bench.env.spawn("short", async move { signal.notify_one() });
    done.notified().await;
    bench.env.sleep(MS * 5).await;
    task.abort();
    task.abort();
    task.join().await;
}

pub async fn a_task_outlives_its_handle(bench: Bench) {
    let (send, receive) = oneshot::channel();
    let env = bench.env.clone();
    drop(bench.env.spawn("orphan", async move {
        env.sleep(MS * 5).await;
        let _ = send.send(());
    }));
    assert_eq!(receive.await, Ok(()));
}

pub async fn each_purpose_has_a_stream_of_its_own(bench: Bench) {
    let purposes = [Purpose::Election, Purpose::Incarnation, Purpose::Placement, Purpose::Secret, Purpose::Request];
    let drawn: BTreeSet<u64> = (0..200).flat_map(|_| purposes).map(|purpose| bench.env.entropy.next_u64(purpose)).collect();
    assert_eq!(drawn.len(), 1_000, "64-bit numbers came twice");
}
