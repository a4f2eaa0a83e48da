//! What the clients will do, as values: drawn before the first event, without regard to how it will go, so that one operation taken out
//! leaves all others as they were.

use super::history::Op;
use crate::world::entropy::Stream;
use std::time::Duration;

/// Volumes that one client keeps; then it deletes before it creates.
const VOLUMES_MAX: usize = 10;
/// Users that one client keeps.
const USERS_MAX: usize = 4;
/// Requests that only look.
const LOOKS: [&str; 12] = [
    "/admin/getCluster",
    "/admin/getNodeInfo",
    "/admin/getIp",
    "/cluster/stat",
    "/dataPartition/diagnose",
    "/get/raftStatus",
    "/metaPartition/diagnose",
    "/nodeSet/list",
    "/topo/get",
    "/user/list?keywords=",
    "/zone/list",
    "/admin/getClusterValue",
];
/// The shortest pause between two operations of a client.
const THINK_MIN: Duration = Duration::from_millis(20);

/// An operation in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Not before this time; a client that still waits for an answer begins a little later, or leaves it out.
    pub at: Duration,
    pub client: usize,
    /// The master that is asked, by position.
    pub master: usize,
    pub op: Op,
}

/// The steps of all clients until `until`, in the order of their times.
pub fn draw(seed: u64, clients: usize, masters: usize, until: Duration, think_max: Duration) -> Vec<Step> {
    let mut steps: Vec<Step> = (0..clients).flat_map(|client| of_client(seed, client, masters, until, think_max)).collect();
    steps.sort_by_key(|step| (step.at, step.client));
    steps
}

/// What one client has asked for, as far as it knows.
#[derive(Default)]
struct Mine {
    volumes: Vec<String>,
    users: Vec<String>,
    made: u32,
}

fn of_client(seed: u64, client: usize, masters: usize, until: Duration, think_max: Duration) -> Vec<Step> {
    let mut stream = Stream::new(seed, &["options", "client", &client.to_string()]);
    let (mut at, mut mine, mut steps) = (Duration::ZERO, Mine::default(), Vec::new());
    loop {
        at += stream.millis(THINK_MIN, think_max);
        if at >= until {
            return steps;
        }
        for op in choose(&mut stream, client, &mut mine) {
            steps.push(Step { at, client, master: stream.below(masters as u64) as usize, op });
        }
    }
}

/// The next operations of a client that believes that all its operations succeed: one, or a sequence as `cfs-cli` sends it.
fn choose(stream: &mut Stream, client: usize, mine: &mut Mine) -> Vec<Op> {
    if mine.volumes.is_empty() || (mine.volumes.len() < VOLUMES_MAX && stream.chance(300)) {
        mine.made += 1;
        let volume = format!("vol-{client}-{}", mine.made);
        mine.volumes.push(volume.clone());
        return vec![Op::Create { volume }];
    }
    let one = stream.below(mine.volumes.len() as u64) as usize;
    let volume = mine.volumes[one].clone();
    match stream.below(100) {
        0..=17 => vec![Op::Delete { volume: mine.volumes.swap_remove(one) }],
        18..=40 => vec![Op::Get { volume }],
        41..=53 => vec![Op::List],
        54..=67 => vec![Op::Grow { volume }],
        68..=74 => vec![Op::View { volume }],
        75..=79 => vec![Op::Expand { volume, capacity: stream.range(11, 1_000) }],
        80..=89 => of_user(stream, client, mine),
        90..=94 => vec![Op::Other { target: (*stream.pick(&LOOKS)).to_owned() }],
        _ => sequence(stream, client, volume),
    }
}

fn of_user(stream: &mut Stream, client: usize, mine: &mut Mine) -> Vec<Op> {
    if mine.users.is_empty() || (mine.users.len() < USERS_MAX && stream.chance(400)) {
        mine.made += 1;
        let user = format!("user{client}x{}", mine.made);
        mine.users.push(user.clone());
        return vec![Op::CreateUser { user }];
    }
    let one = stream.below(mine.users.len() as u64) as usize;
    match stream.below(3) {
        0 => vec![Op::DeleteUser { user: mine.users.swap_remove(one) }],
        _ => vec![Op::GetUser { user: mine.users[one].clone() }],
    }
}

/// What `cfs-cli` asks for one command, or what a mounting client does.
fn sequence(stream: &mut Stream, client: usize, volume: String) -> Vec<Op> {
    let other = |target: String| Op::Other { target };
    let get = Op::Get { volume: volume.clone() };
    match stream.below(4) {
        // volume info
        0 => vec![get, Op::View { volume: volume.clone() }, other(format!("/client/metaPartitions?name={volume}"))],
        // A mount.
        1 => vec![
            other("/admin/getIp".into()),
            other(format!("/client/vol?name={volume}&authKey=")),
            Op::View { volume: volume.clone() },
            other(format!("/client/volStat?name={volume}&version=0")),
        ],
        // cluster info, node list
        2 => vec![other("/admin/getCluster".into()), other("/topo/get".into()), other("/cluster/stat".into())],
        // Two of them make the same volume; nobody deletes it.
        _ => {
            let shared = format!("shared-{}", stream.below(6));
            vec![
                Op::Create { volume: shared.clone() },
                Op::Get { volume: shared.clone() },
                Op::Grow { volume: shared },
                Op::GetUser { user: format!("user{client}x1") },
            ]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_more_leaves_the_others_as_they_were() {
        let steps = |clients| draw(7, clients, 3, Duration::from_secs(60), Duration::from_secs(1));
        let (few, many) = (steps(2), steps(3));
        assert!(few.len() > 100 && few.windows(2).all(|pair| pair[0].at <= pair[1].at));
        let of_the_few: Vec<Step> = many.into_iter().filter(|step| step.client < 2).collect();
        assert_eq!(few, of_the_few);
    }
}
