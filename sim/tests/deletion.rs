//! A delayed deletion of a volume is carried out by whoever leads when its time has come, whole: users, replicas, records.
#![cfg(madsim)]

use ::http::Method;
use bytes::Bytes;
use cfs_master::env::Env;
use cfs_master::model::Volume;
use cfs_master::state::State;
use cfs_master::wire::gojson::Time;
use cfs_sim::http;
use cfs_sim::run::options::{Options, Profile};
use cfs_sim::run::{master_addr, Cluster};
use cfs_sim::world::{self, Crash};
use serde_json::Value;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

const SEC: Duration = Duration::from_secs(1);

/// A client's request to the leader; the `data` of a success.
async fn done(cluster: &Cluster, env: &Env, target: &str) -> Value {
    let leader = cluster.leader().expect("somebody leads");
    let (connect_by, answer_by) = (env.now() + SEC * 5, env.now() + SEC * 60);
    let answer = http::call(env, &master_addr(leader), Method::GET, target, Bytes::new(), connect_by, answer_by).await.expect("answers");
    let reply: Value = serde_json::from_slice(&answer.body).expect("an envelope");
    assert_eq!(reply["code"], 0, "{target}: {reply}");
    reply["data"].clone()
}

/// Waits for a leader that serves.
async fn led(cluster: &Cluster) -> (usize, Arc<State>) {
    loop {
        match cluster.ready_leader() {
            Some(ready) => return ready,
            None => cluster.world().sleep(SEC).await,
        }
    }
}

fn replicas(cluster: &Cluster) -> usize {
    cluster.fleet().dump().iter().map(|node| node.parts.len()).sum()
}

#[test]
fn a_delayed_deletion_outlives_the_leader_that_took_the_order_and_takes_the_volume_from_its_users() {
    world::run(1, |world| async move {
        let options =
            Options { data_nodes: 3, meta_nodes: 3, clients: 1, zones: 1, faults: Vec::new(), ..Options::draw(1, Profile::Survivable) };
        let cluster = Cluster::new(world.clone(), &options);
        cluster.start_all();
        let host = world.add_host("visitor", IpAddr::from([10, 0, 9, 200]));
        let (send, receive) = tokio::sync::oneshot::channel();
        world.boot(host, |env| async move {
            let _ = send.send(env);
            std::future::pending::<()>().await;
        });
        let env = receive.await.expect("boots");
        world.sleep(SEC * 30).await;

        done(&cluster, &env, "/admin/createVol?name=vol1&owner=alice&capacity=10").await;
        let (first, state) = led(&cluster).await;
        assert!(state.volume_users.contains_key("vol1") && replicas(&cluster) > 0);
        let master = cluster.master(first).expect("it runs");
        master.delete_volume_later("test", "vol1", "key", |_| true).await.expect("marked");
        // Minutes instead of hours.
        let due = Time::from_unix_nanos(master.env.wall().0 + 120_000_000_000);
        let hastened = master.commit("test", |_, txn| {
            let volume = txn.volume_by_name("vol1").expect("it waits");
            txn.put(Volume { delete_exec_time: due, ..(*volume).clone() });
            Ok(())
        });
        hastened.await.expect("committed");
        drop(master);
        let before = replicas(&cluster);
        cluster.kill_master(first, Crash::Power);

        world.sleep(SEC * 100).await;
        let (second, state) = led(&cluster).await;
        assert_ne!(second, first);
        assert!(state.volume_by_name("vol1").is_some_and(|volume| volume.waits_for_deletion()));
        assert!(state.volume_users.contains_key("vol1"));
        assert_eq!(replicas(&cluster), before, "nothing is deleted before its time");

        world.sleep(SEC * 60).await;
        let (_, state) = led(&cluster).await;
        assert!(state.volume_by_name("vol1").is_none() && state.data_partitions.is_empty() && state.meta_partitions.is_empty());
        assert!(!state.volume_users.contains_key("vol1"));
        assert!(state.users.get("alice").is_some_and(|user| user.policy.own_vols.iter().next().is_none()));
        assert_eq!(replicas(&cluster), 0);
    });
}
