//! Clients that mean no good, or know no better.

use super::caller::History;
use super::cluster::master_addr;
use super::crash_point::{HTTP_PORT, RAFT_PORT};
use super::fault::Hostile;
use super::history::{Event, Op, Outcome};
use crate::checks::envelope;
use crate::checks::Violation;
use crate::http;
use crate::world::entropy::Stream as Random;
use crate::world::World;
use ::http::Method;
use bytes::Bytes;
use cfs_master::env::{Env, Stream};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Connections of a crowd, and requests of one who reads no answer.
const CROWD: usize = 60;
const UNREAD: usize = 300;

/// Requests that make little sense. None of them may change anything.
const ODD: [&str; 14] = [
    "/admin/createVol?name=%00&owner=o&capacity=1",
    "/admin/createVol?name=odd&owner=o&capacity=18446744073709551616",
    "/admin/createVol?name=odd&owner=o&capacity=-1",
    "/admin/createVol?name=odd%20name%21&owner=o&capacity=10",
    "/admin/getVol?name=../../etc",
    "/admin/getVol",
    "/vol/delete?name=vol-0-1&authKey=wrong",
    "/dataPartition/create?name=vol-0-1&count=99999999999999999999",
    "/metaPartition/get?id=-1",
    "/dataNode/add?addr=not-an-address&zoneName=default",
    "/dataNode/get?addr=",
    "/raftNode/add?id=0&addr=nowhere",
    "/raftNode/remove?id=abc&addr=10.0.0.9:17010",
    "/no/such/route?x=1",
];

/// The host of all hostile clients.
pub struct Villain {
    world: World,
    history: History,
    env: Mutex<Option<Env>>,
    /// Replies that are none (A2).
    found: Mutex<Option<Violation>>,
}

impl Villain {
    pub fn new(world: World, history: History) -> Arc<Self> {
        let host = world.add_host("hostile", IpAddr::from([10, 0, 9, 201]));
        let villain = Arc::new(Self { world, history, env: Mutex::default(), found: Mutex::default() });
        let ready = villain.clone();
        villain.world.boot(host, |env| async move {
            *ready.env.lock().expect("lock") = Some(env);
            std::future::pending::<()>().await;
        });
        villain
    }

    /// A reply that was none, if there was one.
    pub fn found(&self) -> Option<Violation> {
        self.found.lock().expect("lock").clone()
    }

    /// Begins; goes on in the background until `until`.
    pub fn begin(self: &Arc<Self>, number: usize, master: usize, what: Hostile, until: Duration) {
        let Some(env) = self.env.lock().expect("lock").clone() else { return };
        let villain = self.clone();
        let random = self.world.stream(&["hostile", &number.to_string()]);
        drop(env.clone().spawn("hostile client", async move {
            // Whatever becomes of it: nobody promised it anything.
            let _ = villain.act(&env, number, master, what, until, random).await;
        }));
    }

    async fn connect(&self, env: &Env, master: usize, port: u16) -> std::io::Result<Stream> {
        let addr: SocketAddr = master_addr(master).parse().expect("an address of ours");
        env.network.connect(SocketAddr::new(addr.ip(), port), env.now() + CONNECT_WITHIN).await
    }

    async fn act(
        &self,
        env: &Env,
        number: usize,
        master: usize,
        what: Hostile,
        until: Duration,
        mut random: Random,
    ) -> std::io::Result<()> {
        match what {
            Hostile::Garbage | Hostile::RaftGarbage => {
                let port = if what == Hostile::Garbage { HTTP_PORT } else { RAFT_PORT };
                let mut stream = self.connect(env, master, port).await?;
                let bytes: Vec<u8> = (0..random.range(1, 4_096)).map(|_| random.below(256) as u8).collect();
                stream.write_all(&bytes).await?;
                self.world.sleep_until(until).await;
            }
            Hostile::HalfHead => {
                let mut stream = self.connect(env, master, HTTP_PORT).await?;
                stream.write_all(b"GET /admin/getCluster HTTP/1.1\r\nHost: x\r\nX-Sl").await?;
                self.world.sleep_until(until).await;
            }
            Hostile::HugeHead => {
                let mut stream = self.connect(env, master, HTTP_PORT).await?;
                stream.write_all(b"GET /admin/getCluster HTTP/1.1\r\nHost: x\r\n").await?;
                for n in 0..5_000 {
                    stream.write_all(format!("X-{n}: {}\r\n", "y".repeat(100)).as_bytes()).await?;
                }
            }
            Hostile::HugeBody => {
                let mut stream = self.connect(env, master, HTTP_PORT).await?;
                stream.write_all(b"POST /dataNode/response HTTP/1.1\r\nHost: x\r\nContent-Length: 400000000\r\n\r\n").await?;
                for _ in 0..40 {
                    stream.write_all(&[b'['; 10_000]).await?;
                }
                stream.abort();
            }
            Hostile::NeverReads => {
                let mut stream = self.connect(env, master, HTTP_PORT).await?;
                for _ in 0..UNREAD {
                    let request = b"GET /vol/list?keywords= HTTP/1.1\r\nHost: x\r\n\r\n";
                    if env.until(env.now() + Duration::from_secs(1), stream.write_all(request)).await.is_err() {
                        break;
                    }
                }
                self.world.sleep_until(until).await;
            }
            Hostile::Abandons => self.abandon(env, number, master).await?,
            Hostile::OddParameters => self.ask_odd(env, master).await,
            Hostile::Crowd => {
                let mut crowd = Vec::new();
                for _ in 0..CROWD {
                    crowd.push(self.connect(env, master, HTTP_PORT).await?);
                }
                self.world.sleep_until(until).await;
            }
        }
        Ok(())
    }

    /// Asks for a volume and is gone before the answer: it may come to be.
    async fn abandon(&self, env: &Env, number: usize, master: usize) -> std::io::Result<()> {
        let volume = format!("abandoned-{number}");
        let op = Op::Create { volume: volume.clone() };
        let begun = self.world.now();
        // Whoever reads the history takes it for an operation of a client behind the others.
        let event = Event { client: usize::MAX, master, op, begun, ended: None, outcome: Outcome::Unknown("abandoned".into()) };
        self.history.begin(event);
        let mut stream = self.connect(env, master, HTTP_PORT).await?;
        stream
            .write_all(format!("GET /admin/createVol?name={volume}&owner=owner1&capacity=10 HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes())
            .await?;
        self.world.sleep(Duration::from_millis(3)).await;
        stream.abort();
        Ok(())
    }

    async fn ask_odd(&self, env: &Env, master: usize) {
        for target in ODD {
            let (connect_by, by) = (env.now() + CONNECT_WITHIN, env.now() + Duration::from_secs(40));
            let Ok(answer) = http::call(env, &master_addr(master), Method::GET, target, Bytes::new(), connect_by, by).await else { return };
            if let Err(violation) = envelope::check(target, &answer) {
                self.found.lock().expect("lock").get_or_insert(violation);
            }
        }
    }

    /// Sends again what others sent, on connections of its own.
    pub fn replay(self: &Arc<Self>, master: usize, port: u16, streams: Vec<Vec<u8>>) {
        let Some(env) = self.env.lock().expect("lock").clone() else { return };
        let villain = self.clone();
        drop(env.clone().spawn("replay", async move {
            for bytes in streams {
                let Ok(mut stream) = villain.connect(&env, master, port).await else { return };
                let by = env.now() + Duration::from_secs(3);
                let mut answer = [0; 1_024];
                let exchange = async {
                    stream.write_all(&bytes).await?;
                    stream.shutdown().await?;
                    while stream.read(&mut answer).await? > 0 {}
                    std::io::Result::Ok(())
                };
                // What comes of it is for the checks to see.
                let _ = env.until(by, exchange).await;
            }
        }));
    }
}
