//! Every bound and interval of the program, named with its unit. A limit that a user sets lives in the configuration;
//! its default and its range stand here.

use std::time::Duration;

// ---- raft -------------------------------------------------------------------------------------------------------

/// Log entries kept behind the applied index when the configuration does not say (`retainLogs`).
pub const RETAIN_LOGS_DEFAULT: u64 = 20_000;
/// `tickInterval` when missing or not above [`TICK_INTERVAL_FLOOR`].
pub const TICK_INTERVAL_DEFAULT: Duration = Duration::from_millis(500);
/// v3.5.3 takes the default for any tick of 300 ms or less (state-machine.md §1.2).
pub const TICK_INTERVAL_FLOOR: Duration = Duration::from_millis(300);
/// `electionTick` when missing or 3 or less.
pub const ELECTION_TICK_DEFAULT: usize = 5;
/// The largest command that is proposed, bytes.
pub const COMMAND_BYTES_MAX: usize = 64 << 20;
/// Proposals waiting in the raft driver; a further one is refused.
pub const PROPOSALS_PENDING_MAX: usize = 4_096;
/// How long a proposal may take before its outcome is called unknown.
pub const PROPOSAL_DEADLINE: Duration = Duration::from_secs(20);
/// Commands waiting in the raft driver, bytes; a further one is refused.
pub const PROPOSAL_BYTES_PENDING_MAX: usize = 256 << 20;
/// Reads waiting in the raft driver; a further one is refused.
pub const READS_PENDING_MAX: usize = 16_384;
/// Membership changes waiting in the raft driver; a further one is refused.
pub const MEMBERSHIP_CHANGES_PENDING_MAX: usize = 16;
/// Requests and messages that the driver takes in before it writes to the log.
pub const RAFT_INPUTS_PER_ROUND_MAX: usize = 1_024;
/// Messages received and not yet taken in by the driver; connections wait for room.
pub const RAFT_INBOX_MAX: usize = 1_024;
/// Entries of one message to a peer, bytes (v3.5.3 state-machine.md §3), unless a single one is larger.
pub const RAFT_MESSAGE_ENTRIES_BYTES_MAX: u64 = 1 << 20;
/// Messages with entries on their way to one peer (v3.5.3 state-machine.md §3).
pub const RAFT_INFLIGHT_MAX: usize = 128;
/// Committed entries handed to the state machine at a time, bytes, unless a single one is larger.
pub const APPLY_BYTES_PER_BATCH_MAX: u64 = 16 << 20;
/// Committed entries that wait for the state machine, bytes; the driver waits when there are more.
pub const APPLY_BACKLOG_BYTES_MAX: usize = 64 << 20;
/// Entries of the raft log kept in memory, bytes.
pub const LOG_CACHE_BYTES_MAX: usize = 64 << 20;
/// Messages waiting for one peer; the oldest is dropped for a further one.
pub const PEER_QUEUE_MAX: usize = 512;
/// Messages waiting for one peer, bytes.
pub const PEER_QUEUE_BYTES_MAX: usize = 128 << 20;
/// A frame between masters, bytes: the largest command and what is around it.
pub const RAFT_FRAME_BYTES_MAX: usize = COMMAND_BYTES_MAX + (4 << 20);
/// Connections from other masters; a further one is closed.
pub const RAFT_CONNECTIONS_MAX: usize = 128;
/// Connecting to another master.
pub const RAFT_CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Writing one frame to another master, reading one that has begun, and waiting for the answer to a whole snapshot.
pub const RAFT_FRAME_TIMEOUT: Duration = Duration::from_secs(20);
/// How often a connection to another master is tried out.
pub const RAFT_PING_INTERVAL: Duration = Duration::from_secs(1);
/// A connection to another master on which a ping is not answered for this long is closed.
pub const RAFT_PONG_TIMEOUT: Duration = Duration::from_secs(4);
/// A connection from another master on which nothing comes for this long is closed.
pub const RAFT_IDLE_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause after a failed connection to another master, at first and at most.
pub const RAFT_BACKOFF_MIN: Duration = Duration::from_millis(50);
pub const RAFT_BACKOFF_MAX: Duration = Duration::from_secs(1);
/// Asking another master who it is.
pub const HELLO_TIMEOUT: Duration = Duration::from_secs(3);
/// Pause between rounds of asking the other masters who they are.
pub const HELLO_INTERVAL: Duration = Duration::from_millis(500);
/// How long a leader that stops waits for another to take over.
pub const HANDOVER_TIMEOUT: Duration = Duration::from_secs(1);
/// A complaint that stands is repeated this often.
pub const COMPLAINT_INTERVAL: Duration = Duration::from_secs(60);
/// A snapshot's pairs in one frame, bytes, unless a single one is larger.
pub const SNAPSHOT_FRAME_BYTES: usize = 1 << 20;
/// A snapshot that is received, bytes.
pub const SNAPSHOT_BYTES_MAX: usize = 16 << 30;
/// Sending a whole snapshot.
pub const SNAPSHOT_TIMEOUT: Duration = Duration::from_secs(600);
/// A snapshot that nobody is being sent is kept this long for the next one who needs it.
pub const SNAPSHOT_KEPT_FOR: Duration = Duration::from_secs(10);
/// A learner whose log is this close to the leader's is made a voter, entries.
pub const PROMOTION_LAG_MAX: u64 = 256;
/// How often a transaction is built again after a conflict.
pub const CONFLICT_RETRIES_MAX: usize = 64;

// ---- storage nodes ----------------------------------------------------------------------------------------------

/// Period of heartbeat tasks to every kind of node (v3.5.3 admin-tasks.md §6.1).
pub const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(6);
/// A node without a good heartbeat response for this long is inactive.
pub const NODE_TIMEOUT: Duration = Duration::from_secs(18);
/// Period of a node's task queue: expire, then send what is due.
pub const TASK_ROUND_INTERVAL: Duration = Duration::from_secs(2);
/// A task is sent again when more than this many whole seconds passed since it was sent.
pub const TASK_RESEND_AFTER_SECS: i64 = 5;
/// A task leaves the queue this many seconds after its last sending.
pub const TASK_EXPIRES_AFTER_SECS: i64 = 100;
/// A task is sent at most this often.
pub const TASK_SENDS_MAX: u8 = 5;
/// Tasks picked in one round, counted after heartbeats and urgent ones too.
pub const TASKS_PER_ROUND_MAX: usize = 30;
/// Tasks waiting in one node's queue.
pub const TASKS_PER_NODE_MAX: usize = 4_096;
/// Idle connections kept per node.
pub const POOL_IDLE_MAX: usize = 80;
/// An idle connection is closed after this time.
pub const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(90);
/// Connecting to a node.
pub const NODE_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Writing a packet to a node.
pub const NODE_WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// Waiting for the acknowledgement of an asynchronous task.
pub const NODE_ACK_TIMEOUT: Duration = Duration::from_secs(5);
/// Waiting for the result of a synchronous task.
pub const NODE_REPLY_TIMEOUT: Duration = Duration::from_secs(30);
/// The largest reply of a node that is read, bytes (v3.5.3 packet.md §4: far above anything a node sends).
pub const PACKET_BODY_BYTES_MAX: usize = 256 << 20;
/// The largest argument of a packet that is read, bytes.
pub const PACKET_ARG_BYTES_MAX: usize = 1 << 20;

// ---- HTTP -------------------------------------------------------------------------------------------------------

/// A request body, bytes. Heartbeat responses of a full data node are many MiB (admin-tasks.md §5).
pub const HTTP_BODY_BYTES_MAX: usize = 256 << 20;
/// A form-encoded body, bytes (v3.5.3 http-general.md §10.1).
pub const HTTP_FORM_BYTES_MAX: usize = 10 << 20;
/// Headers of one request.
pub const HTTP_HEADERS_MAX: usize = 100;
/// Connections served at a time; a further one is closed.
pub const HTTP_CONNECTIONS_MAX: usize = 16_384;
/// Reading a whole request, and writing a whole reply.
pub const HTTP_TIMEOUT: Duration = Duration::from_secs(300);
/// Resolving a host name in a parameter.
pub const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);
/// A follower's view of a volume is served no longer than this after the leader gave it.
pub const FOLLOWER_VIEW_AGE_MAX: Duration = Duration::from_secs(300);
/// Fetching one view from the leader.
pub const FOLLOWER_FETCH_TIMEOUT: Duration = Duration::from_secs(30);
/// One request to an auth node.
pub const AUTH_TIMEOUT: Duration = Duration::from_secs(30);
/// Between two rounds over the auth nodes.
pub const AUTH_RETRY_PAUSE: Duration = Duration::from_millis(100);
/// How long requests may go on while the service stops.
pub const HTTP_STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// Connecting to the leader as a proxy.
pub const PROXY_CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

// ---- cluster ----------------------------------------------------------------------------------------------------

/// Period of the partition checks and of the views.
pub const CHECK_INTERVAL: Duration = Duration::from_secs(5);
/// Period of loading every meta partition (v3.5.3 admin-tasks.md §8.4).
pub const META_LOAD_INTERVAL: Duration = Duration::from_secs(10);
/// Period of dividing flow limits among clients.
pub const FLOW_LIMITS_INTERVAL: Duration = Duration::from_millis(500);
/// Period of looking at lifecycle scans that are under way, and of asking whether the daily scan is due.
pub const LC_CHECK_INTERVAL: Duration = Duration::from_secs(60);
/// A new leader starts no scan by hand before this (v3.5.3 http-partitions-nodes.md §15.2).
pub const LC_START_AFTER: Duration = Duration::from_secs(12);
/// A new leader gives no job to lc nodes before this (v3.5.3 background-tasks.md §15).
pub const LC_JOBS_AFTER: Duration = Duration::from_secs(600);
/// A scan of which nothing is heard for this long waits again.
pub const LC_SCAN_LOST_AFTER: Duration = Duration::from_secs(1200);
/// A deletion of a version that ended, or of which nothing is heard, is forgotten after this.
pub const LC_DELETION_KEPT: Duration = Duration::from_secs(600);
/// Versions that wait for deletion at a time.
pub const LC_DELETIONS_WAITING_MAX: usize = 10_000;
/// One request by HTTP to an lc node or a flash node (v3.5.3 admin-tasks.md §9.4).
pub const NODE_HTTP_TIMEOUT: Duration = Duration::from_secs(5);
/// A reply by HTTP of an lc node or a flash node, bytes.
pub const NODE_HTTP_BYTES_MAX: usize = 64 << 10;
/// How often an lc node is asked to stop a scan that it says it does not have, with this pause between.
pub const LC_STOP_TRIES: usize = 4;
pub const LC_STOP_PAUSE: Duration = Duration::from_secs(1);
/// Period of looking at flash groups and manual flash tasks.
pub const FLASH_CHECK_INTERVAL: Duration = Duration::from_secs(10);
/// A flash group that gains or loses its slots gradually takes a step this often (v3.5.3 http-partitions-nodes.md §16.2).
pub const FLASH_STEP_INTERVAL: Duration = Duration::from_secs(60);
/// A flash group without a node that serves begins to give up its slots after this.
pub const FLASH_GROUP_LOST_AFTER: Duration = Duration::from_secs(600);
/// Between two parts of the slots that such a group gives up.
pub const FLASH_REDUCE_INTERVAL: Duration = Duration::from_secs(30);
/// Between two parts of the slots that a group takes back which had none for [`FLASH_EMPTY_FOR_LONG_SECS`].
pub const FLASH_RESTORE_INTERVAL: Duration = Duration::from_secs(20);
/// Seconds.
pub const FLASH_EMPTY_FOR_LONG_SECS: i64 = 2 * 86_400;
/// The cache of a flash node that left its group is emptied after this: its clients know of it by then.
pub const FLASH_EVICT_AFTER: Duration = Duration::from_secs(65);
/// Slots of a flash group for each unit of its weight.
pub const FLASH_SLOTS_PER_WEIGHT: usize = 32;
/// The largest weight of a flash group: 2^20 slots.
pub const FLASH_WEIGHT_MAX: u32 = 1 << 15;
/// Slots that a request may name.
pub const FLASH_SLOTS_NAMED_MAX: usize = 32;
/// Manual flash tasks at a time.
pub const FLASH_TASKS_MAX: i32 = 8;
/// Between two looks for a manual flash task that can begin, and after one that was begun.
pub const FLASH_DISPATCH_INTERVAL: Duration = Duration::from_secs(120);
pub const FLASH_DISPATCH_AGAIN: Duration = Duration::from_secs(60);
/// A manual flash task of which nothing is heard for this long failed.
pub const FLASH_TASK_LOST_AFTER: Duration = Duration::from_secs(300);
/// Warming up needs a volume whose blocks stay in the cache for at least this long, seconds.
pub const FLASH_WARMUP_TTL_MIN_SECS: i64 = 600;
/// Period of looking at what volumes' strategies for versions ask for (v3.5.3 background-tasks.md §16).
pub const VERSION_STRATEGY_INTERVAL: Duration = Duration::from_secs(300);
/// Every node answers a phase of the work on a version within this.
pub const VERSION_PHASE_TIMEOUT: Duration = Duration::from_secs(6);
/// Between two looks whether they did.
pub const VERSION_PHASE_POLL: Duration = Duration::from_millis(100);
/// The last inode number of a volume.
pub const INODE_MAX: u64 = i64::MAX as u64;
/// 1 GiB.
pub const GIB: u64 = 1 << 30;
/// Size of a data partition when the volume does not say, bytes.
pub const DATA_PARTITION_SIZE_DEFAULT: u64 = 120 * GIB;
/// What a data node must have free to take a data partition, bytes.
pub const DATA_NODE_RESERVED: u64 = 10 * GIB;
/// Data partitions created by one request.
pub const DATA_PARTITIONS_PER_REQUEST_MAX: u64 = 200;
/// A volume starts with at least this many data partitions.
pub const DATA_PARTITIONS_INITIAL_MIN: u64 = 3;
/// Period of the cluster statistics.
pub const STATISTICS_INTERVAL: Duration = Duration::from_secs(120);
/// A tombstone of a partition stays at least this long: longer than any packet that could bring a replica back.
pub const TOMBSTONE_KEPT: Duration = Duration::from_secs(600);
/// Replicas that tombstones have deleted in one round.
pub const DELETIONS_PER_ROUND_MAX: usize = 1_024;
/// Deletions that wait for nodes at a time.
pub const DELETIONS_AT_A_TIME: usize = 16;
/// Records that one commit of a background task changes.
pub const RECORDS_PER_COMMIT_MAX: usize = 256;
/// Confirming leadership with a quorum before nodes are told to change something.
pub const CONFIRM_LEADERSHIP_TIMEOUT: Duration = Duration::from_secs(5);
/// Moves of replicas and deletions of what they left that are worked on at a time.
pub const MOVES_AT_A_TIME: usize = 64;
/// Repairing flags that nobody took back are looked for this often (v3.5.3 background-tasks.md §1, no. 26).
pub const REPAIRING_CHECK_INTERVAL: Duration = Duration::from_secs(300);
/// Moves are looked at this often when nothing happens.
pub const MOVES_LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Pause of a move whose step could not be taken because nothing could be committed.
pub const MOVES_REST: Duration = Duration::from_secs(1);
/// A plan for balancing meta nodes is looked at this often while it runs.
pub const BALANCE_LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Plans are drawn up where that is switched on, and old ones deleted, this often (v3.5.3 background-tasks.md §1, no. 33).
pub const BALANCE_PLANS_INTERVAL: Duration = Duration::from_secs(60);
/// Moves that have ended and are remembered.
pub const MOVES_REMEMBERED: usize = 4_096;
/// A request to add or delete a replica waits this long for another move of the partition to end (v3.5.3: five tries, a second apart).
pub const MOVE_TURN_TIMEOUT: Duration = Duration::from_secs(5);
/// How long one for a meta replica does: that one has to catch up before the next begins.
pub const META_MOVE_TURN_TIMEOUT: Duration = Duration::from_secs(30);
/// A request to add or delete a replica waits this long for its own move; the move goes on without it.
pub const MOVE_REPLY_TIMEOUT: Duration = Duration::from_secs(120);
/// Between the hosts of a raft group without a leader that are asked to change its members (v3.5.3 admin-tasks.md §7.4).
pub const MEMBER_ASK_PAUSE: Duration = Duration::from_secs(3);
/// Empty meta partitions are frozen this long after they became read-only (v3.5.3 http-partitions-nodes.md §8).
pub const FREEZE_AFTER: Duration = Duration::from_secs(600);
/// How freezing or cleaning them ended is remembered this long.
pub const CLEAN_TASK_KEPT: Duration = Duration::from_secs(24 * 3600);
/// Requests to stop or resume a repair (v3.5.3 admin-tasks.md §7.6).
pub const STOP_REPAIR_TRIES: u32 = 6;
/// Disks and nodes that are taken out of service are looked at this often.
pub const DISKS_LOOK_INTERVAL: Duration = Duration::from_secs(2);
/// The record of a disk that was emptied is kept this long, seconds (v3.5.3 background-tasks.md §10.1).
pub const EMPTIED_DISK_KEPT_SECS: i64 = 120 * 3_600;
