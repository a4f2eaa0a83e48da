//! Storage.

use super::Bench;
use cfs_master::env::storage::Pair;
use cfs_master::env::{Batch, Durability, Store, View};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;
use Durability::{Buffered, Synced};

async fn open(bench: &Bench, name: &str) -> Arc<dyn Store> {
    bench.env.storage.open(&bench.dir.join(name)).await.expect("opens")
}

fn batch(puts: &[(&str, &str)]) -> Batch {
    let mut batch = Batch::default();
    puts.iter().for_each(|(key, value)| batch.put(*key, *value));
    batch
}

async fn write(store: &Arc<dyn Store>, puts: &[(&str, &str)], durability: Durability) {
    store.write(batch(puts), durability).await.expect("written");
}

fn get(view: &(impl View + ?Sized), key: &str) -> Option<String> {
    view.get(key.as_bytes()).expect("read").map(|value| String::from_utf8(value).expect("text"))
}

fn keys(pairs: Vec<Pair>) -> Vec<String> {
    pairs.into_iter().map(|(key, _)| String::from_utf8(key).expect("text")).collect()
}

fn all(view: &(impl View + ?Sized)) -> Vec<String> {
    keys(view.scan(Bound::Unbounded, b"", usize::MAX).expect("read"))
}

pub async fn what_was_put_is_read(bench: Bench) {
    let store = open(&bench, "s").await;
    assert_eq!(get(&*store, "a"), None);
    write(&store, &[("a", "1"), ("b", "2")], Buffered).await;
    write(&store, &[("b", "3")], Synced).await;
    assert_eq!((get(&*store, "a"), get(&*store, "b")), (Some("1".into()), Some("3".into())));
    let mut gone = Batch::default();
    gone.delete("a");
    gone.delete("never there");
    store.write(gone, Buffered).await.expect("written");
    assert_eq!(all(&*store), ["b"]);
}

pub async fn a_later_change_of_a_batch_wins(bench: Bench) {
    let store = open(&bench, "s").await;
    let mut batch = Batch::default();
    batch.put("a", "1");
    batch.delete("a");
    batch.put("b", "1");
    batch.put("b", "2");
    batch.put("c1", "x");
    batch.delete_range("c", "d");
    batch.put("c2", "y");
    store.write(batch, Synced).await.expect("written");
    assert_eq!(all(&*store), ["b", "c2"]);
    assert_eq!(get(&*store, "b"), Some("2".into()));
}

pub async fn a_range_is_deleted_without_its_end(bench: Bench) {
    let store = open(&bench, "s").await;
    write(&store, &[("a", ""), ("b", ""), ("ba", ""), ("c", ""), ("d", "")], Buffered).await;
    let mut range = Batch::default();
    range.delete_range("b", "c");
    store.write(range, Buffered).await.expect("written");
    assert_eq!(all(&*store), ["a", "c", "d"]);
}

pub async fn an_empty_range_deletes_nothing(bench: Bench) {
    let store = open(&bench, "s").await;
    write(&store, &[("a", ""), ("b", "")], Buffered).await;
    let mut range = Batch::default();
    range.delete_range("b", "b");
    range.delete_range("x", "z");
    store.write(range, Buffered).await.expect("written");
    store.write(Batch::default(), Synced).await.expect("an empty batch is written");
    assert_eq!(all(&*store), ["a", "b"]);
}

pub async fn a_scan_keeps_its_bounds(bench: Bench) {
    let store = open(&bench, "s").await;
    write(&store, &[("b", ""), ("d", ""), ("a", ""), ("c", "")], Buffered).await;
    let scan = |from: Bound<&str>, to: &str| {
        let from = from.map(str::as_bytes);
        keys(store.scan(from, to.as_bytes(), usize::MAX).expect("read"))
    };
    assert_eq!(scan(Bound::Unbounded, ""), ["a", "b", "c", "d"]);
    assert_eq!(scan(Bound::Included("b"), ""), ["b", "c", "d"]);
    assert_eq!(scan(Bound::Excluded("b"), ""), ["c", "d"]);
    assert_eq!(scan(Bound::Excluded("bb"), "d"), ["c"]);
    assert_eq!(scan(Bound::Unbounded, "b"), ["a"]);
    assert_eq!(scan(Bound::Included("c"), "c"), [""; 0]);
    assert_eq!(scan(Bound::Included("d"), "b"), [""; 0]);
    assert_eq!(scan(Bound::Included("e"), ""), [""; 0]);
}

pub async fn a_scan_stops_at_its_limit(bench: Bench) {
    let store = open(&bench, "s").await;
    let puts: Vec<String> = (0..100).map(|n| format!("k{n:03}")).collect();
    write(&store, &puts.iter().map(|key| (key.as_str(), "")).collect::<Vec<_>>(), Buffered).await;
    assert_eq!(store.scan(Bound::Unbounded, b"", 0).expect("read"), []);
    let mut seen = Vec::new();
    let mut from = Bound::Unbounded;
    loop {
        let page = keys(store.scan(from, b"", 30).expect("read"));
        if page.is_empty() {
            break;
        }
        seen.extend(page);
        from = Bound::Excluded(seen.last().expect("not empty").as_bytes());
    }
    assert_eq!(seen, puts);
}

pub async fn keys_and_values_are_any_bytes(bench: Bench) {
    let store = open(&bench, "s").await;
    let mut batch = Batch::default();
    let pairs: Vec<Pair> = vec![
        (vec![0], vec![]),
        (vec![0, 0], vec![0]),
        (vec![0, 255], (0..=255).collect()),
        (b"#vol#1".to_vec(), b"{\"a\":\"\xc3\xbc\"}".to_vec()),
        (vec![255], vec![255; 3]),
        (vec![255, 255], vec![1]),
    ];
    pairs.iter().rev().for_each(|(key, value)| batch.put(key.clone(), value.clone()));
    store.write(batch, Synced).await.expect("written");
    assert_eq!(store.scan(Bound::Unbounded, b"", usize::MAX).expect("read"), pairs);
    for (key, value) in &pairs {
        assert_eq!(store.get(key).expect("read").as_ref(), Some(value));
    }
}

pub async fn a_view_does_not_change(bench: Bench) {
    let store = open(&bench, "s").await;
    write(&store, &[("a", "1"), ("b", "1")], Buffered).await;
    let view = store.view();
    write(&store, &[("a", "2"), ("c", "2")], Synced).await;
    let mut gone = Batch::default();
    gone.delete("b");
    store.write(gone, Buffered).await.expect("written");
    assert_eq!(all(&*view), ["a", "b"]);
    assert_eq!((get(&*view, "a"), get(&*view, "c")), (Some("1".into()), None));
    assert_eq!(all(&*store), ["a", "c"]);
}

pub async fn buffered_batches_keep_their_order(bench: Bench) {
    let store = open(&bench, "s").await;
    for n in 0..200u32 {
        let value = n.to_string();
        write(&store, &[("last", &value), (&format!("k{n:03}"), &value)], Buffered).await;
        assert_eq!(get(&*store, "last"), Some(value));
    }
    write(&store, &[("end", "")], Synced).await;
    assert_eq!(all(&*store).len(), 202);
}

pub async fn writes_take_effect_in_the_order_of_the_calls(bench: Bench) {
    let store = open(&bench, "s").await;
    let first = store.write(batch(&[("a", "first")]), Synced);
    let second = store.write(batch(&[("a", "second")]), Buffered);
    second.await.expect("written");
    first.await.expect("written");
    assert_eq!(get(&*store, "a"), Some("second".into()));
}

pub async fn concurrent_batches_are_never_split(bench: Bench) {
    let store = open(&bench, "s").await;
    let mut tasks = Vec::new();
    for writer in 0..4 {
        let store = store.clone();
        tasks.push(bench.env.spawn("writer", async move {
            for n in 0..25 {
                let value = format!("{writer}/{n}");
                let durability = if n % 5 == 0 { Synced } else { Buffered };
                write(&store, &[("x", &value), ("y", &value)], durability).await;
            }
        }));
    }
    for _ in 0..50 {
        let view = store.view();
        assert_eq!(get(&*view, "x"), get(&*view, "y"));
        bench.env.sleep(Duration::from_micros(300)).await;
    }
    for task in tasks {
        task.join().await;
    }
    assert_eq!(get(&*store, "x"), get(&*store, "y"));
}

fn pairs(items: &[(&str, &str)]) -> Vec<Pair> {
    items.iter().map(|(key, value)| (key.as_bytes().to_vec(), value.as_bytes().to_vec())).collect()
}

pub async fn install_replaces_everything(bench: Bench) {
    let store = open(&bench, "s").await;
    write(&store, &[("a", "old"), ("z", "old")], Synced).await;
    let view = store.view();
    store.install(pairs(&[("b", "new"), ("a", "new")])).await.expect("installed");
    assert_eq!(all(&*store), ["a", "b"]);
    assert_eq!(get(&*store, "a"), Some("new".into()));
    assert_eq!((all(&*view).len(), get(&*view, "a")), (2, Some("old".into())));
    store.install(Vec::new()).await.expect("installed");
    assert_eq!(all(&*store), [""; 0]);
}

pub async fn a_store_goes_on_after_install(bench: Bench) {
    let store = open(&bench, "s").await;
    write(&store, &[("a", "old")], Buffered).await;
    store.install(pairs(&[("b", "new")])).await.expect("installed");
    write(&store, &[("c", "later")], Synced).await;
    drop(store);
    let store = open(&bench, "s").await;
    assert_eq!(all(&*store), ["b", "c"]);
}

pub async fn a_directory_is_opened_once(bench: Bench) {
    let store = open(&bench, "s").await;
    assert!(bench.env.storage.open(&bench.dir.join("s")).await.is_err(), "opened twice");
    write(&store, &[("a", "1")], Synced).await;
    drop(store);
    assert_eq!(all(&*open(&bench, "s").await), ["a"]);
}

pub async fn contents_survive_closing(bench: Bench) {
    let store = open(&bench, "s").await;
    write(&store, &[("a", "1")], Synced).await;
    write(&store, &[("b", "2")], Buffered).await;
    drop(store);
    let store = open(&bench, "s").await;
    assert_eq!((get(&*store, "a"), get(&*store, "b")), (Some("1".into()), Some("2".into())));
}

pub async fn two_directories_are_two_stores(bench: Bench) {
    let (one, two) = (open(&bench, "one").await, open(&bench, "deep/er/two").await);
    write(&one, &[("a", "1")], Synced).await;
    write(&two, &[("b", "2")], Synced).await;
    assert_eq!((all(&*one), all(&*two)), (vec!["a".to_owned()], vec!["b".to_owned()]));
}

pub async fn a_large_value_comes_back(bench: Bench) {
    let store = open(&bench, "s").await;
    let value: Vec<u8> = (0..3_000_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut batch = Batch::default();
    batch.put("big", value.clone());
    store.write(batch, Synced).await.expect("written");
    assert!(store.get(b"big").expect("read") == Some(value));
}
