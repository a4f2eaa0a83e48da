//! The HTTP service of real masters on loopback, seen through raw sockets: what connections may do, what a follower does with a request,
//! how the service stops.

use cfs_master::config::Config;
use cfs_master::env::tokio::production;
use cfs_master::start::{start, Running};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

const PATIENCE: Duration = Duration::from_secs(30);

/// Masters of one cluster. Each test has a network of its own.
struct Cluster {
    net: u8,
    /// By number; `None` when stopped.
    masters: Vec<Option<Running>>,
    _dir: TempDir,
}

impl Cluster {
    async fn start(net: u8, size: u8) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let peers: Vec<String> = (1..=size).map(|id| format!("{id}:127.0.{net}.{id}:17010")).collect();
        let mut masters = Vec::new();
        for id in 1..=size {
            let path = |name: &str| dir.path().join(format!("{id}-{name}")).display().to_string();
            let json = serde_json::json!({
                "clusterName": "test", "id": id, "ip": format!("127.0.{net}.{id}"), "bindIp": true, "listen": 17010,
                "peers": peers.join(","), "walDir": path("wal"), "storeDir": path("store"), "tickInterval": 301, "electionTick": 4,
            });
            let (config, warnings) = Config::parse("test", &json.to_string()).expect("a good configuration");
            assert_eq!(warnings, []);
            masters.push(Some(start(production(), config).await.expect("a master starts")));
        }
        let cluster = Self { net, masters, _dir: dir };
        cluster.leader().await;
        cluster
    }

    fn addr(&self, id: u8) -> String {
        format!("127.0.{}.{id}:17010", self.net)
    }

    /// Number of the master that leads and is ready, as soon as the others know it too.
    async fn leader(&self) -> u8 {
        let end = tokio::time::Instant::now() + PATIENCE;
        loop {
            let mut leaders = Vec::new();
            for id in self.running() {
                let reply = self.get(id, "/admin/getCluster", "").await;
                leaders.push(reply.split("\"LeaderAddr\":\"").nth(1).and_then(|rest| rest.split('"').next()).map(str::to_owned));
            }
            if let Some(Some(first)) = leaders.first() {
                if leaders.iter().all(|leader| leader.as_ref() == Some(first)) {
                    return first.rsplit('.').next().and_then(|rest| rest.split(':').next()).and_then(|id| id.parse().ok()).expect("an id");
                }
            }
            assert!(tokio::time::Instant::now() < end, "no leader: {leaders:?}");
            sleep(Duration::from_millis(100)).await;
        }
    }

    fn running(&self) -> Vec<u8> {
        (1..).zip(&self.masters).filter(|(_, master)| master.is_some()).map(|(id, _)| id).collect()
    }

    async fn connect(&self, id: u8) -> TcpStream {
        TcpStream::connect(self.addr(id)).await.expect("a connection")
    }

    /// The whole reply to one request.
    async fn get(&self, id: u8, target: &str, headers: &str) -> String {
        self.exchange(id, &format!("GET {target} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{headers}\r\n")).await
    }

    async fn exchange(&self, id: u8, request: &str) -> String {
        let mut stream = self.connect(id).await;
        stream.write_all(request.as_bytes()).await.expect("written");
        read_all(&mut stream).await
    }

    async fn stop(&mut self, id: u8) {
        let master = self.masters[usize::from(id) - 1].take().expect("it runs");
        timeout(PATIENCE, master.stop()).await.expect("it stops");
    }
}

async fn read_all(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("the reply ends").expect("no reset");
    String::from_utf8(bytes).expect("text")
}

/// Reads until `end` has come.
async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut bytes = Vec::new();
    while !String::from_utf8_lossy(&bytes).contains(end) {
        let byte = timeout(PATIENCE, stream.read_u8()).await.expect("in time").expect("more bytes");
        bytes.push(byte);
    }
    String::from_utf8(bytes).expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_and_their_bounds() {
    let mut cluster = Cluster::start(181, 1).await;
    let request = "GET /admin/getIp HTTP/1.1\r\nHost: test\r\n\r\n";

    // Kept alive, and pipelined.
    let mut stream = cluster.connect(1).await;
    for _ in 0..2 {
        stream.write_all(request.as_bytes()).await.expect("written");
        assert!(read_until(&mut stream, "\"Cluster\":\"test\"").await.starts_with("HTTP/1.1 200 OK\r\n"));
        read_until(&mut stream, "}}").await;
    }
    let three = request.repeat(2) + "GET /x HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
    let replies = cluster.exchange(1, &three).await;
    assert_eq!(replies.matches("HTTP/1.1 200 OK").count(), 2);
    assert!(replies.ends_with("404 page not found\n"));

    // The SDK of v3.5.3 does not encode what it puts into a query.
    let reply = cluster.get(1, "/admin/getVol?name=\"<é>#\"", "").await;
    assert!(reply.contains("name can only be number and letters"), "{reply}");
    let mut stream = cluster.connect(1).await;
    for _ in 0..2 {
        stream.write_all(b"GET /admin/getVol?name=\"<>\" HTTP/1.1\r\nHost: test\r\n\r\n").await.expect("written");
        read_until(&mut stream, "name can only be number and letters\",\"data\":null}").await;
    }

    // A client that has sent everything may close its side.
    let mut stream = cluster.connect(1).await;
    stream.write_all(request.as_bytes()).await.expect("written");
    stream.shutdown().await.expect("half closed");
    assert!(read_all(&mut stream).await.contains("\"msg\":\"success\""));

    // Bounds.
    let headers: String = (0..101).map(|n| format!("X-{n}: y\r\n")).collect();
    assert!(cluster.get(1, "/admin/getIp", &headers).await.starts_with("HTTP/1.1 431 "));
    let huge = "POST /dataNode/response HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: 999999999999\r\n\r\n";
    assert!(cluster.exchange(1, huge).await.starts_with("HTTP/1.1 413 "));
    assert!(cluster.exchange(1, "nonsense\r\n\r\n").await.starts_with("HTTP/1.1 400 "));
    let head = cluster.exchange(1, "HEAD /admin/getIp HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 405 ") && !head.to_lowercase().contains("\r\nallow:"), "{head}");

    // Metrics are there.
    let metrics = cluster.get(1, "/metrics", "").await;
    assert!(metrics.contains("\ncfs_master_vol_count 0\n") && metrics.contains("cfs_master_req_admin_getIp_count"), "{metrics}");

    // An idle connection does not hold up the stop, and is closed by it.
    let mut idle = cluster.connect(1).await;
    idle.write_all(request.as_bytes()).await.expect("written");
    read_until(&mut idle, "}}").await;
    let stopping = tokio::time::Instant::now();
    cluster.stop(1).await;
    assert!(stopping.elapsed() < Duration::from_secs(8));
    assert_eq!(read_all(&mut idle).await, "");
    assert!(TcpStream::connect(cluster.addr(1)).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_made_although_its_client_goes_away() {
    let mut cluster = Cluster::start(182, 1).await;
    let mut stream = cluster.connect(1).await;
    let body = r#"{"id":"gone","type":3}"#;
    let request = format!("POST /user/create HTTP/1.1\r\nHost: test\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).await.expect("written");
    stream.flush().await.expect("sent");
    drop(stream);
    let end = tokio::time::Instant::now() + PATIENCE;
    while !cluster.get(1, "/user/info?user=gone", "").await.contains("\"code\":0") {
        assert!(tokio::time::Instant::now() < end, "the user was never created");
        sleep(Duration::from_millis(50)).await;
    }
    cluster.stop(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn followers_pass_on_once_and_find_the_next_leader() {
    let mut cluster = Cluster::start(183, 3).await;
    let leader = cluster.leader().await;
    let follower = if leader == 1 { 2 } else { 1 };

    // Passed on, with bodies and headers both ways; a follower's own caller is what the leader hears of.
    let body = r#"{"id":"ua","type":3}"#;
    let request = format!(
        "POST /user/create HTTP/1.1\r\nHost: test\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    );
    let reply = cluster.exchange(follower, &request).await;
    assert!(reply.contains("\"user_id\":\"ua\""), "{reply}");
    let reply = cluster.get(follower, "/user/info?user=ua", "x-cfs-Accept-Encoding: other\r\n").await;
    assert!(reply.contains("X-Cfs-Content-Encoding: other"), "{reply}");
    let reply = cluster.get(follower, "/vol/list?keywords=%22<\">", "").await;
    assert!(reply.contains("\"data\":[]"), "{reply}");

    // Never passed on twice.
    let marked = "x-cfs-passed-on-by: 127.0.0.1:1\r\n";
    let reply = cluster.get(follower, "/vol/list", marked).await;
    assert!(reply.starts_with("HTTP/1.1 400 ") && reply.ends_with("no leader\n"), "{reply}");
    assert!(cluster.get(leader, "/vol/list", marked).await.contains("\"code\":0"));

    // Answered by the follower itself.
    assert!(cluster.get(follower, "/admin/getIp", "").await.contains("\"Cluster\":\"test\""));
    let reply = cluster.get(follower, "/client/partitions?name=nosuch", "").await;
    assert!(reply.starts_with("HTTP/1.1 400 ") && reply.ends_with(&format!("{}\n", cluster.addr(leader))), "{reply}");

    // The others go on without their leader.
    cluster.stop(leader).await;
    let next = cluster.leader().await;
    assert_ne!(next, leader);
    let other = 6 - leader - next;
    assert!(cluster.get(other, "/user/info?user=ua", "").await.contains("\"user_id\":\"ua\""));

    // Without a quorum nobody answers what only a leader may.
    cluster.stop(next).await;
    let end = tokio::time::Instant::now() + PATIENCE;
    loop {
        let reply = cluster.get(other, "/user/info?user=ua", "").await;
        if reply.ends_with("no leader\n") {
            break;
        }
        assert!(reply.starts_with("HTTP/1.1 502 ") || reply.starts_with("HTTP/1.1 400 "), "{reply}");
        assert!(tokio::time::Instant::now() < end, "{reply}");
        sleep(Duration::from_millis(100)).await;
    }
    assert!(cluster.get(other, "/admin/getIp", "").await.contains("\"Cluster\":\"test\""));
    cluster.stop(other).await;
}
