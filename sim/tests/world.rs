//! The world is as unkind as it says, and the same twice.
#![cfg(madsim)]

use cfs_master::env::{Batch, Durability, Env, Listener, Mono, Stream};
use cfs_sim::world::probe::{Point, Verdict};
use cfs_sim::world::{self, Crash, HostId, World};
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::ops::Bound;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const SEC: Duration = Duration::from_secs(1);

fn addr(host: HostId) -> SocketAddr {
    SocketAddr::new(IpAddr::from([10, 0, 0, host.0 as u8 + 1]), 80)
}

/// Two hosts whose programs hand out their Env and then do nothing.
async fn two(world: &World) -> [(HostId, Env); 2] {
    [start(world, "a", 1).await, start(world, "b", 2).await]
}

async fn start(world: &World, name: &str, n: u8) -> (HostId, Env) {
    let host = world.add_host(name, IpAddr::from([10, 0, 0, n]));
    (host, boot(world, host).await)
}

async fn boot(world: &World, host: HostId) -> Env {
    let (send, receive) = tokio::sync::oneshot::channel();
    world.boot(host, |env| async move {
        let _ = send.send(env);
        std::future::pending::<()>().await;
    });
    receive.await.expect("boots")
}

async fn listen(host: HostId, env: &Env) -> Box<dyn Listener> {
    env.network.listen(addr(host)).await.expect("listens")
}

async fn connect(env: &Env, to: HostId) -> std::io::Result<Stream> {
    env.network.connect(addr(to), env.now() + SEC * 1_000).await
}

async fn joined(world: &World) -> ([(HostId, Env); 2], Stream, Stream, Box<dyn Listener>) {
    let hosts = two(world).await;
    let mut listener = listen(hosts[1].0, &hosts[1].1).await;
    let client = connect(&hosts[0].1, hosts[1].0).await.expect("connects");
    let server = listener.accept().await.expect("accepts").0;
    (hosts, client, server, listener)
}

#[test]
fn connecting_over_a_cut_link_hangs_until_the_deadline_and_comes_through_after_healing() {
    world::run(1, |world| async move {
        let [(a, env), (b, server)] = two(&world).await;
        let _listener = listen(b, &server).await;
        world.cut(a, b);
        let start = env.now();
        let error = env.network.connect(addr(b), env.now() + SEC * 5).await.err().expect("cut");
        assert_eq!((error.kind(), env.now().since(start).as_secs()), (ErrorKind::TimedOut, 5));
        let error = env.network.connect(addr(b), env.now() + SEC * 1_000).await.err().expect("cut");
        assert_eq!((error.kind(), env.now().since(start).as_secs()), (ErrorKind::TimedOut, 132));
        let healer = world.clone();
        world.call(world.now() + SEC * 2, move || healer.heal());
        let start = env.now();
        connect(&env, b).await.expect("connects once healed");
        assert_eq!(env.now().since(start).as_secs(), 3, "the SYN that is sent after 3 s comes through");
    });
}

#[test]
fn a_cut_withholds_bytes_the_end_and_a_reset_until_it_heals() {
    world::run(2, |world| async move {
        for end in ["end", "reset"] {
            let (a, env) = start(&world, "a", if end == "end" { 1 } else { 3 }).await;
            let (b, senv) = start(&world, "b", if end == "end" { 2 } else { 4 }).await;
            let mut listener = listen(b, &senv).await;
            let mut client = connect(&env, b).await.expect("connects");
            let mut server = listener.accept().await.expect("accepts").0;
            world.cut_one_way(a, b);
            client.write_all(b"late").await.expect("writes");
            if end == "reset" {
                client.abort();
            }
            drop(client);
            let mut all = Vec::new();
            let quiet = senv.until(senv.now() + SEC * 30, server.read_to_end(&mut all)).await;
            assert!(quiet.is_err() && all.is_empty(), "{end}: something passed the cut");
            world.join(a, b);
            let read = senv.until(senv.now() + SEC * 60, server.read_to_end(&mut all)).await.expect("comes in the end");
            match end {
                "end" => assert_eq!((read.expect("reads"), all.as_slice()), (4, b"late".as_slice())),
                _ => assert_eq!(read.expect_err("reset").kind(), ErrorKind::ConnectionReset),
            }
        }
    });
}

#[test]
fn a_killed_program_s_peers_see_its_sockets_close_but_a_dead_machine_is_silent() {
    world::run(3, |world| async move {
        let ([_, (b, _)], mut client, _server, _listener) = joined(&world).await;
        let env = boot(&world, world.add_host("c", IpAddr::from([10, 0, 0, 3]))).await;
        world.kill(b, Crash::Process);
        let mut buf = [0; 1];
        assert_eq!(client.read(&mut buf).await.expect("an end"), 0);
        let refused = connect(&env, b).await.err().expect("nobody listens");
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);

        let again = boot(&world, b).await;
        let mut listener = listen(b, &again).await;
        let mut client = connect(&env, b).await.expect("connects");
        let _server = listener.accept().await.expect("accepts");
        world.kill(b, Crash::Power);
        client.write_all(b"hello").await.expect("the buffer takes it");
        assert!(env.until(env.now() + SEC * 100, client.read(&mut buf)).await.is_err(), "a dead machine spoke");
        let timed_out = env.network.connect(addr(b), env.now() + SEC * 3).await.err().expect("dead");
        assert_eq!(timed_out.kind(), ErrorKind::TimedOut);
        boot(&world, b).await;
        let reset = env.until(env.now() + SEC * 200, client.read(&mut buf)).await.expect("the new kernel answers");
        assert_eq!(reset.expect_err("it knows no such connection").kind(), ErrorKind::ConnectionReset);
    });
}

async fn put(store: &Arc<dyn cfs_master::env::Store>, key: u32, durability: Durability) -> bool {
    let mut batch = Batch::default();
    batch.put(format!("{key:04}/a"), "");
    batch.put(format!("{key:04}/b"), "");
    store.write(batch, durability).await.is_ok()
}

#[test]
fn a_crash_keeps_what_was_synced_and_whole_batches_of_the_rest_in_order() {
    let mut kept = std::collections::BTreeSet::new();
    for seed in 0..40 {
        kept.insert(world::run(seed, |world| async move {
            let (host, env) = start(&world, "a", 1).await;
            let store = env.storage.open(Path::new("/d")).await.expect("opens");
            for key in 0..30 {
                put(&store, key, if key == 9 { Durability::Synced } else { Durability::Buffered }).await;
            }
            world.kill(host, Crash::Power);
            world.sleep(Duration::from_millis(5)).await;
            let env = boot(&world, host).await;
            let store = env.storage.open(Path::new("/d")).await.expect("opens");
            let keys: Vec<_> = store.scan(Bound::Unbounded, b"", 1_000).expect("reads").into_iter().map(|(k, _)| k).collect();
            let batches = keys.len() / 2;
            assert!(batches >= 10, "synced batches were lost");
            let whole = (0..batches).flat_map(|n| [format!("{n:04}/a").into_bytes(), format!("{n:04}/b").into_bytes()]);
            assert_eq!(keys, whole.collect::<Vec<_>>());
            batches
        }));
    }
    assert!(kept.contains(&10) && kept.contains(&30) && kept.len() > 4, "{kept:?}");
}

#[test]
fn a_killed_process_loses_nothing_and_frees_its_locks() {
    world::run(1, |world| async move {
        let (host, env) = start(&world, "a", 1).await;
        let store = env.storage.open(Path::new("/d")).await.expect("opens");
        assert!(put(&store, 0, Durability::Buffered).await);
        world.kill(host, Crash::Process);
        let env = boot(&world, host).await;
        let store = env.storage.open(Path::new("/d")).await.expect("opens again");
        assert_eq!(store.scan(Bound::Unbounded, b"", 10).expect("reads").len(), 2);
    });
}

#[test]
fn a_probe_crashes_before_a_sync_and_after_it() {
    for (point, kept) in [(Point::SyncBegin, false), (Point::SyncEnd, true)] {
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..20 {
            seen.insert(world::run(seed, move |world| async move {
                let (host, env) = start(&world, "a", 1).await;
                let store = env.storage.open(Path::new("/d")).await.expect("opens");
                world.set_hook(Some(Box::new(move |_, at, _| if at == point { Verdict::Crash } else { Verdict::Go })));
                let acknowledged = Arc::new(Mutex::new(false));
                let flag = acknowledged.clone();
                drop(env.spawn("writer", async move { *flag.lock().expect("lock") = put(&store, 0, Durability::Synced).await }));
                world.sleep(SEC).await;
                assert!(!world.is_up(host) && !*acknowledged.lock().expect("lock"));
                world.set_hook(None);
                let env = boot(&world, host).await;
                let store = env.storage.open(Path::new("/d")).await.expect("opens");
                !store.scan(Bound::Unbounded, b"", 10).expect("reads").is_empty()
            }));
        }
        assert_eq!(seen.contains(&false), !kept, "{point:?}: {seen:?}");
        assert!(seen.contains(&true), "{point:?}: an unsynced batch may survive too");
    }
}

#[test]
fn a_failed_sync_ends_the_store_s_use() {
    world::run(1, |world| async move {
        let (_, env) = start(&world, "a", 1).await;
        let store = env.storage.open(Path::new("/d")).await.expect("opens");
        world.set_hook(Some(Box::new(|_, at, _| if at == Point::SyncBegin { Verdict::Fail } else { Verdict::Go })));
        assert!(!put(&store, 0, Durability::Synced).await);
        world.set_hook(None);
        assert!(!put(&store, 1, Durability::Synced).await, "a store goes on after a disk error");
        drop(store);
        let store = env.storage.open(Path::new("/d")).await.expect("opens");
        assert!(put(&store, 2, Durability::Synced).await);
    });
}

#[test]
fn a_paused_program_hears_nothing_until_it_goes_on() {
    world::run(4, |world| async move {
        let ([(_, env), (b, benv)], mut client, mut server, _listener) = joined(&world).await;
        let heard = Arc::new(Mutex::new(Mono::default()));
        let (flag, clock) = (heard.clone(), benv.clone());
        drop(benv.spawn("reader", async move {
            let mut buf = [0; 1];
            server.read_exact(&mut buf).await.expect("reads");
            *flag.lock().expect("lock") = clock.now();
        }));
        world.sleep(SEC).await;
        world.pause(b);
        client.write_all(b"x").await.expect("writes");
        env.sleep(SEC * 10).await;
        assert_eq!(*heard.lock().expect("lock"), Mono::default());
        world.resume(b);
        env.sleep(SEC).await;
        assert!(heard.lock().expect("lock").0 > SEC * 11);
    });
}

#[test]
fn the_same_seed_gives_the_same_trace_and_another_one_does_not() {
    let trace = |seed| {
        world::run(seed, |world| async move {
            let ([(_, env), (b, _)], mut client, mut server, _listener) = joined(&world).await;
            drop(env.spawn("writer", async move {
                for n in 0..200u8 {
                    client.write_all(&[n; 777]).await.expect("writes");
                }
            }));
            let mut all = Vec::new();
            server.read_to_end(&mut all).await.expect("reads");
            assert_eq!(all.len(), 200 * 777);
            world.kill(b, Crash::Power);
            world.trace_hash()
        })
    };
    assert_eq!(trace(8), trace(8));
    assert_ne!(trace(8), trace(9));
}
