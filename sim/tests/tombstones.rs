//! A partition that was given up stays known for as long as a delayed packet can still create it, whatever wall clocks do.
#![cfg(madsim)]

use ::http::Method;
use bytes::Bytes;
use cfs_master::wire::opcode::Opcode;
use cfs_sim::http;
use cfs_sim::nodes::{Kind, Mishap};
use cfs_sim::run::options::{Options, Profile};
use cfs_sim::run::{master_addr, Cluster};
use cfs_sim::world::{self, Crash};
use std::net::IpAddr;
use std::time::Duration;

const SEC: Duration = Duration::from_secs(1);

#[test]
fn a_packet_that_comes_after_the_wall_clock_jumped_leaves_no_orphan() {
    world::run(1, |world| async move {
        let options =
            Options { data_nodes: 3, meta_nodes: 3, clients: 1, zones: 1, faults: Vec::new(), ..Options::draw(1, Profile::Survivable) };
        let cluster = Cluster::new(world.clone(), &options);
        cluster.start_all();
        world.sleep(SEC * 30).await;
        let fleet = cluster.fleet();
        let late = fleet.dump().into_iter().find(|node| node.kind == Kind::Data).expect("a data node").addr;
        fleet.mishap(&late, Opcode::CREATE_DATA_PARTITION.0, Mishap::DoLate(SEC * 60), 100);

        let (first, _) = cluster.ready_leader().expect("somebody leads");
        let host = world.add_host("visitor", IpAddr::from([10, 0, 9, 200]));
        world.boot(host, move |env| async move {
            let (by, target) = (env.now() + SEC * 5, "/admin/createVol?name=vol1&owner=alice&capacity=10");
            // The leader dies before it can answer.
            let _ = http::call(&env, &master_addr(first), Method::GET, target, Bytes::new(), by, by).await;
        });
        world.sleep(SEC * 5).await;
        cluster.kill_master(first, Crash::Power);
        world.sleep(SEC * 20).await;
        let (second, state) = cluster.ready_leader().expect("somebody leads");
        assert!(!state.tombstones.is_empty(), "what the first leader began is given up");
        world.clock(cluster.masters()[second]).jump(3_600 * 1_000_000_000);

        world.sleep(SEC * 60).await;
        let (_, state) = cluster.ready_leader().expect("somebody leads");
        let orphans: Vec<u64> =
            fleet.dump().iter().filter(|node| node.kind == Kind::Data).flat_map(|node| node.parts.keys().copied()).collect();
        assert_eq!(orphans, Vec::<u64>::new(), "{} tombstones are left", state.tombstones.len());
    });
}
