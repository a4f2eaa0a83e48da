//! Network.

use super::Bench;
use cfs_master::env::{Listener, Mono, Stream};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const MS: Duration = Duration::from_millis(1);

async fn listen(bench: &Bench) -> Box<dyn Listener> {
    bench.env.network.listen(bench.any_port()).await.expect("listens")
}

async fn connect(bench: &Bench, addr: SocketAddr) -> io::Result<Stream> {
    bench.env.network.connect(addr, bench.patience()).await
}

/// Within a time that only a hang exceeds.
async fn soon<T>(bench: &Bench, what: impl std::future::Future<Output = T>) -> T {
    bench.env.until(bench.patience(), what).await.expect("hangs")
}

async fn pair(bench: &Bench) -> (Stream, Stream) {
    let mut listener = listen(bench).await;
    let client = connect(bench, listener.local_addr()).await.expect("connects");
    let (server, peer) = soon(bench, listener.accept()).await.expect("accepts");
    assert_eq!(peer.ip(), bench.ip);
    assert_ne!(peer.port(), 0);
    (client, server)
}

async fn read_all(bench: &Bench, stream: &mut Stream) -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    soon(bench, stream.read_to_end(&mut all)).await?;
    Ok(all)
}

fn noise(len: usize) -> Vec<u8> {
    (0..len as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

pub async fn bytes_arrive_in_order_both_ways(bench: Bench) {
    let (mut client, mut server) = pair(&bench).await;
    for round in 0..10u8 {
        client.write_all(&[round; 100]).await.expect("writes");
        client.flush().await.expect("flushes");
        let mut got = [0; 100];
        soon(&bench, server.read_exact(&mut got)).await.expect("reads");
        assert_eq!(got, [round; 100]);
        server.write_all(&[round, round]).await.expect("writes");
        server.flush().await.expect("flushes");
        let mut got = [0; 2];
        soon(&bench, client.read_exact(&mut got)).await.expect("reads");
        assert_eq!(got, [round, round]);
    }
}

pub async fn port_zero_picks_a_free_one(bench: Bench) {
    let (one, two) = (listen(&bench).await, listen(&bench).await);
    assert_ne!(one.local_addr().port(), 0);
    assert_ne!(one.local_addr().port(), two.local_addr().port());
    assert_eq!(one.local_addr().ip(), bench.ip);
}

pub async fn an_address_is_bound_once(bench: Bench) {
    let listener = listen(&bench).await;
    let again = bench.env.network.listen(listener.local_addr()).await;
    assert_eq!(again.err().map(|error| error.kind()), Some(ErrorKind::AddrInUse));
}

pub async fn dropping_a_listener_frees_its_address(bench: Bench) {
    let mut listener = listen(&bench).await;
    let addr = listener.local_addr();
    let client = connect(&bench, addr).await.expect("connects");
    let server = soon(&bench, listener.accept()).await.expect("accepts").0;
    drop(listener);
    // Even while a connection made through it lives.
    let mut listener = bench.env.network.listen(addr).await.expect("listens again");
    drop((client, server));
    let _client = connect(&bench, addr).await.expect("connects");
    soon(&bench, listener.accept()).await.expect("accepts");
}

pub async fn connecting_to_nobody_is_refused(bench: Bench) {
    let listener = listen(&bench).await;
    let addr = listener.local_addr();
    drop(listener);
    assert_eq!(connect(&bench, addr).await.err().map(|error| error.kind()), Some(ErrorKind::ConnectionRefused));
}

pub async fn a_connect_deadline_that_has_passed_is_a_time_out(bench: Bench) {
    let listener = listen(&bench).await;
    bench.env.sleep(MS).await;
    let error = bench.env.network.connect(listener.local_addr(), Mono::default()).await.err().expect("it is too late");
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
}

pub async fn the_end_follows_the_last_byte(bench: Bench) {
    let (mut client, mut server) = pair(&bench).await;
    client.write_all(b"all of it").await.expect("writes");
    client.flush().await.expect("flushes");
    drop(client);
    assert_eq!(read_all(&bench, &mut server).await.expect("reads"), b"all of it");
    let mut more = [0; 1];
    assert_eq!(server.read(&mut more).await.expect("the end stays the end"), 0);
}

pub async fn half_a_connection_goes_on_after_the_other_half_is_shut(bench: Bench) {
    let (mut client, mut server) = pair(&bench).await;
    client.write_all(b"request").await.expect("writes");
    client.shutdown().await.expect("shuts");
    assert_eq!(read_all(&bench, &mut server).await.expect("reads"), b"request");
    server.write_all(&noise(100_000)).await.expect("writes");
    server.shutdown().await.expect("shuts");
    assert_eq!(read_all(&bench, &mut client).await.expect("reads"), noise(100_000));
}

pub async fn nothing_is_written_after_shutdown(bench: Bench) {
    let (mut client, _server) = pair(&bench).await;
    client.shutdown().await.expect("shuts");
    assert!(client.write(b"late").await.is_err());
}

pub async fn an_abort_reaches_the_peer_as_an_error(bench: Bench) {
    let (mut client, mut server) = pair(&bench).await;
    client.write_all(b"hello").await.expect("writes");
    client.flush().await.expect("flushes");
    let mut got = [0; 5];
    soon(&bench, server.read_exact(&mut got)).await.expect("reads");
    client.abort();
    drop(client);
    let error = soon(&bench, server.read(&mut got)).await.expect_err("a reset, not an end");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

pub async fn writing_to_a_peer_that_is_gone_fails_in_the_end(bench: Bench) {
    let (mut client, server) = pair(&bench).await;
    drop(server);
    let fails = async {
        loop {
            if let Err(error) = client.write_all(b"is anybody there").await {
                return error;
            }
            bench.env.sleep(MS).await;
        }
    };
    let error = soon(&bench, fails).await;
    assert!(matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset), "{error}");
}

pub async fn unread_bytes_wait_for_the_reader(bench: Bench) {
    let (mut client, mut server) = pair(&bench).await;
    client.write_all(&noise(10_000)).await.expect("writes");
    client.shutdown().await.expect("shuts");
    bench.env.sleep(MS * 50).await;
    let mut first = [0; 1];
    soon(&bench, server.read_exact(&mut first)).await.expect("reads");
    assert_eq!(read_all(&bench, &mut server).await.expect("reads"), noise(10_000)[1..]);
}

pub async fn a_slow_reader_gets_every_byte(bench: Bench) {
    let (mut client, mut server) = pair(&bench).await;
    let all = noise(3_000_000);
    let sent = all.clone();
    let writer = bench.env.spawn("writer", async move {
        client.write_all(&sent).await.expect("writes");
        client.shutdown().await.expect("shuts");
        // Keep the other half until the reader is through.
        let mut end = [0; 1];
        let _ = client.read(&mut end).await;
    });
    let (mut got, mut buf) = (Vec::new(), vec![0; 70_001]);
    loop {
        let n = soon(&bench, server.read(&mut buf)).await.expect("reads");
        if n == 0 {
            break;
        }
        got.extend_from_slice(&buf[..n]);
        bench.env.sleep(MS).await;
    }
    assert!(got == all, "{} bytes of {} came", got.len(), all.len());
    drop(server);
    soon(&bench, writer.join()).await;
}

pub async fn a_writer_waits_for_its_reader(bench: Bench) {
    let (mut client, mut server) = pair(&bench).await;
    let chunk = vec![7; 1 << 20];
    let mut written = 0;
    while bench.env.until(bench.env.now() + MS * 300, client.write(&chunk)).await.map(|n| written += n.expect("writes")).is_ok() {
        assert!(written < 256 << 20, "nothing holds the writer back");
    }
    drop(client);
    assert_eq!(read_all(&bench, &mut server).await.expect("reads").len(), written);
}

pub async fn a_given_up_accept_loses_no_connection(bench: Bench) {
    let mut listener = listen(&bench).await;
    for _ in 0..5 {
        assert!(bench.env.until(bench.env.now() + MS * 3, listener.accept()).await.is_err());
        let mut client = connect(&bench, listener.local_addr()).await.expect("connects");
        let mut server = soon(&bench, listener.accept()).await.expect("accepts").0;
        client.write_all(b"x").await.expect("writes");
        client.shutdown().await.expect("shuts");
        assert_eq!(read_all(&bench, &mut server).await.expect("reads"), b"x");
    }
}

pub async fn what_came_before_accept_is_kept(bench: Bench) {
    let mut listener = listen(&bench).await;
    let mut client = connect(&bench, listener.local_addr()).await.expect("connects before anybody accepts");
    client.write_all(b"early").await.expect("writes");
    client.shutdown().await.expect("shuts");
    bench.env.sleep(MS * 20).await;
    let mut server = soon(&bench, listener.accept()).await.expect("accepts").0;
    assert_eq!(read_all(&bench, &mut server).await.expect("reads"), b"early");
}

pub async fn many_connections_are_kept_apart(bench: Bench) {
    let mut listener = listen(&bench).await;
    let addr = listener.local_addr();
    let (mut clients, good) = (Vec::new(), Arc::new(AtomicU64::new(0)));
    for n in 0..40u8 {
        let (bench, good) = (bench.clone(), good.clone());
        clients.push(bench.env.clone().spawn("client", async move {
            let mut stream = connect(&bench, addr).await.expect("connects");
            stream.write_all(&[n; 1_000]).await.expect("writes");
            stream.shutdown().await.expect("shuts");
            if read_all(&bench, &mut stream).await.expect("reads") == [n; 1_000] {
                good.fetch_add(1, Ordering::SeqCst);
            }
        }));
    }
    for _ in 0..40 {
        let mut stream = soon(&bench, listener.accept()).await.expect("accepts").0;
        let server = bench.clone();
        drop(bench.env.spawn("server", async move {
            let all = read_all(&server, &mut stream).await.expect("reads");
            stream.write_all(&all).await.expect("writes");
            stream.shutdown().await.expect("shuts");
        }));
    }
    for client in clients {
        soon(&bench, client.join()).await;
    }
    assert_eq!(good.load(Ordering::SeqCst), 40);
}

pub async fn a_dropped_listener_ends_those_who_wait(bench: Bench) {
    let listener = listen(&bench).await;
    let mut client = connect(&bench, listener.local_addr()).await.expect("connects");
    drop(listener);
    let mut buf = [0; 1];
    let ended = soon(&bench, client.read(&mut buf)).await;
    assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
}

pub async fn an_address_in_text_form_resolves_to_itself(bench: Bench) {
    let ips = bench.env.network.resolve(&bench.ip.to_string(), bench.patience()).await.expect("resolves");
    assert_eq!(ips, [bench.ip]);
}

pub async fn an_unknown_name_does_not_resolve(bench: Bench) {
    let answer = soon(&bench, bench.env.network.resolve("no-such-host.invalid", bench.patience())).await;
    assert!(answer.is_err(), "{answer:?}");
}
