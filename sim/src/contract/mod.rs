//! The contract of the seams: what the program may rely on, written once and run on both sides of every seam: in the
//! simulated world (`sim/tests/contract.rs`) and on tokio with RocksDB (`tests/seams.rs`). A case panics when the
//! contract is broken.

pub mod network;
pub mod storage;
pub mod time;

use cfs_master::env::{Env, Mono};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// What a case may use.
#[derive(Clone)]
pub struct Bench {
    pub env: Env,
    /// A directory for stores; nothing is there yet.
    pub dir: PathBuf,
    /// An address of this machine.
    pub ip: IpAddr,
}

impl Bench {
    /// An address with a port that the network picks.
    fn any_port(&self) -> SocketAddr {
        SocketAddr::new(self.ip, 0)
    }

    /// Far enough away that only a hang reaches it.
    fn patience(&self) -> Mono {
        self.env.now() + Duration::from_secs(20)
    }
}

/// Expands to one `#[test]` per case; `$run` is a function that takes a case's name and the case.
#[macro_export]
macro_rules! contract_tests {
    ($run:path) => {
        $crate::contract_tests!(@each $run;
            time: monotonic_time_never_goes_back, a_sleep_lasts_at_least_its_time, sleeps_end_in_the_order_of_their_deadlines,
                a_sleep_into_the_past_ends_at_once, the_wall_clock_is_of_this_age, a_wait_ends_at_its_deadline,
                a_result_at_hand_beats_a_deadline_that_has_passed, a_spawned_task_runs_beside_its_parent,
                an_aborted_task_ends_and_drops_what_it_held, aborting_an_ended_task_is_harmless, a_task_outlives_its_handle,
                each_purpose_has_a_stream_of_its_own;
            storage: what_was_put_is_read, a_later_change_of_a_batch_wins, a_range_is_deleted_without_its_end,
                an_empty_range_deletes_nothing, a_scan_keeps_its_bounds, a_scan_stops_at_its_limit,
                keys_and_values_are_any_bytes, a_view_does_not_change, buffered_batches_keep_their_order, writes_take_effect_in_the_order_of_the_calls,
                concurrent_batches_are_never_split, install_replaces_everything, a_store_goes_on_after_install,
                a_directory_is_opened_once, contents_survive_closing, two_directories_are_two_stores, a_large_value_comes_back;
            network: bytes_arrive_in_order_both_ways, port_zero_picks_a_free_one, an_address_is_bound_once,
                dropping_a_listener_frees_its_address, connecting_to_nobody_is_refused, a_connect_deadline_that_has_passed_is_a_time_out,
                the_end_follows_the_last_byte, half_a_connection_goes_on_after_the_other_half_is_shut, nothing_is_written_after_shutdown,
                an_abort_reaches_the_peer_as_an_error, writing_to_a_peer_that_is_gone_fails_in_the_end,
                unread_bytes_wait_for_the_reader, a_slow_reader_gets_every_byte, a_writer_waits_for_its_reader,
                a_given_up_accept_loses_no_connection, what_came_before_accept_is_kept, many_connections_are_kept_apart,
                a_dropped_listener_ends_those_who_wait, an_address_in_text_form_resolves_to_itself, an_unknown_name_does_not_resolve;
        );
    };
    (@each $run:path; $($module:ident: $($case:ident),* ;)*) => {
        $(mod $module {
            $(#[test]
            fn $case() {
                $run(stringify!($case), |bench| Box::pin($crate::contract::$module::$case(bench)));
            })*
        })*
    };
}
