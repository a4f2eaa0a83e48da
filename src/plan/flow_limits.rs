//! Sharing a volume's flow limits among its clients (v3.5.3 http-cluster-volume.md §5, background-tasks.md §17.1).
//!
//! A client reports what it used and what it needs, and gets a limit and a buffer above it. Twice a second the limits of all clients are
//! computed again from their reports.

use crate::ids::VolumeId;
use crate::model::{MediaType, Volume};
use crate::wire::qos::VersionInfo;
use std::collections::BTreeMap;

/// Clients of one volume. Further ones are refused.
pub const CLIENTS_MAX: usize = 100_000;
/// A client that is silent for longer is forgotten, seconds.
const CLIENT_KEPT_SECS: i64 = 600;
/// Clients that a limit is divided by at least.
const CLIENTS_MIN: u64 = 100;
/// A new client's operations per second at most.
const FIRST_IOPS_MAX: u64 = 200;
/// 1 Gbit/s, bytes per second: a new client's flow at most.
const GBIT: u64 = (1 << 30) / 8;
const MBIT: u64 = (1 << 20) / 8;

/// What is limited, by its number on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Factor {
    IopsRead = 1,
    IopsWrite = 2,
    FlowRead = 3,
    FlowWrite = 4,
}

impl Factor {
    pub const ALL: [Factor; 4] = [Factor::IopsRead, Factor::IopsWrite, Factor::FlowRead, Factor::FlowWrite];

    /// The factor with this number.
    pub fn with_number(number: u32) -> Option<Factor> {
        Self::ALL.into_iter().find(|factor| *factor as u32 == number)
    }

    pub fn name(self) -> &'static str {
        match self {
            Factor::IopsRead => "IopsRead",
            Factor::IopsWrite => "IopsWrite",
            Factor::FlowRead => "FlowRead",
            Factor::FlowWrite => "FlowWrite",
        }
    }

    fn is_flow(self) -> bool {
        matches!(self, Factor::FlowRead | Factor::FlowWrite)
    }

    fn index(self) -> usize {
        self as usize - 1
    }

    /// What a client with this use should have in all.
    fn wanted(self, share: Share) -> u64 {
        if self.is_flow() {
            let x = share.need.min(share.used).saturating_add(share.used);
            match x {
                _ if x < 10 * MBIT => x * 2,
                _ if x < 50 * MBIT => scaled(x, 1.5),
                _ if x < 100 * MBIT => scaled(x, 1.2),
                _ if x < GBIT => scaled(x, 1.1),
                _ => x.saturating_add(GBIT),
            }
        } else {
            let x = share.need.saturating_add(share.used);
            match x {
                _ if x < 100 => x * 2,
                _ if x < 500 => scaled(x, 1.5),
                _ if x < 5000 => scaled(x, 1.2),
                _ => x.saturating_add(1000),
            }
        }
    }
}

fn scaled(x: u64, by: f64) -> u64 {
    (x as f64 * by) as u64
}

/// What a client used and needs, and what it was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    pub limit: u64,
    pub buffer: u64,
    pub used: u64,
    pub need: u64,
}

/// One value of each factor.
pub type Shares = [Share; 4];

/// The limit of a volume and what is left of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pool {
    pub total: u64,
    pub buffer: u64,
    pub used: u64,
    pub need: u64,
    pub allocated: u64,
    pub need_after: u64,
    pub limit_rate: f32,
    pub last_magnify: u64,
}

impl Pool {
    fn new(total: u64) -> Self {
        Self { total, buffer: total, ..Self::default() }
    }

    fn first_share(&mut self, factor: Factor, clients: u64) -> Share {
        let mut limit = self.total / clients.max(CLIENTS_MIN);
        if self.buffer > limit {
            self.buffer -= limit;
        } else {
            limit = self.buffer;
            self.buffer = 0;
        }
        self.allocated = self.allocated.saturating_add(limit);
        let most = if factor.is_flow() { GBIT } else { FIRST_IOPS_MAX };
        Share { limit: limit.min(most), ..Share::default() }
    }

    fn grant(&mut self, factor: Factor, reported: Share, given: Share) -> Share {
        let mut share = Share { limit: given.limit, buffer: given.buffer, ..Share::default() };
        let has = given.limit.saturating_add(given.buffer);
        if reported.need.saturating_add(reported.used) <= has {
            return share;
        }
        let wanted = factor.wanted(reported);
        if wanted <= has || self.buffer == 0 {
            return share;
        }
        let wanted = match self.allocated {
            0 => wanted,
            allocated => wanted.min((wanted as f64 * self.buffer as f64 / allocated as f64 * 0.5) as u64),
        };
        if share.buffer < wanted {
            let add = (wanted - share.buffer).min(self.buffer);
            share.buffer += add;
            self.buffer -= add;
            self.allocated = self.allocated.saturating_add(add);
        }
        share
    }

    /// Divides the limit anew by what all clients use and need together.
    fn divide(&mut self, used: u64, need: u64) {
        (self.used, self.need) = (used, need);
        let (mut taken, mut need, mut rest) = (used, need, 0);
        if self.total >= taken {
            rest = self.total - taken;
            if need > rest {
                need -= rest;
                taken += rest;
                rest = 0;
            } else {
                rest -= need;
                taken += need;
                need = 0;
            }
        } else {
            need = need.saturating_add(taken - self.total);
            taken = self.total;
        }
        (self.buffer, self.allocated, self.need_after) = (rest, taken, need);
        self.limit_rate = 0.0;
        if need == 0 {
            self.last_magnify = 0;
            return;
        }
        let wanted = taken.saturating_add(need) as f32;
        self.limit_rate = need as f32 / wanted;
        if used < self.total && self.last_magnify < self.total.saturating_mul(10) {
            self.last_magnify = self.last_magnify.saturating_add(((self.total - used) as f64 * 0.1) as u64);
        } else if used >= self.total && self.last_magnify > 0 {
            let excess = self.last_magnify.min(used - self.total);
            self.last_magnify -= (excess as f64 * 0.1) as u64;
        }
        self.limit_rate *= 1.0 - self.last_magnify as f32 / wanted;
    }

    fn share_out(&self, share: &mut Share, reported: Share) {
        let wanted = reported.used.saturating_add(reported.need);
        if wanted == 0 {
            *share = Share::default();
            return;
        }
        share.limit = (wanted as f64 * f64::from(1.0 - self.limit_rate)) as u64;
        if self.allocated > 0 {
            share.buffer = (self.buffer as f64 * share.limit as f64 / self.allocated as f64 * 0.5) as u64;
        }
        share.buffer = share.buffer.min(share.limit);
    }
}

/// What a client sent last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub id: u64,
    pub shares: Shares,
    pub status: u8,
    pub version: Option<VersionInfo>,
}

/// What a client was told last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Assignment {
    pub id: u64,
    pub enable: bool,
    pub req_period: u32,
    pub hit_trigger_cnt: u8,
    pub shares: Shares,
}

/// A client of a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    pub host: String,
    /// Unix seconds.
    pub heard_at: i64,
    pub reported: Report,
    pub assigned: Assignment,
}

/// The limits of one volume and its clients. Memory of the leader only.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowLimits {
    pub enabled: bool,
    pub req_period: u32,
    pub hit_trigger_cnt: u32,
    pools: [Pool; 4],
    clients: BTreeMap<u64, Client>,
}

impl FlowLimits {
    /// Without clients.
    pub fn new(volume: &Volume) -> Self {
        let totals = totals(volume);
        let pools = totals.map(Pool::new);
        Self { enabled: volume.vol_qos_enable, req_period: 1, hit_trigger_cnt: 1, pools, clients: BTreeMap::new() }
    }

    /// Takes over what the volume's record says.
    pub fn follow(&mut self, volume: &Volume) {
        if self.enabled && !volume.vol_qos_enable {
            for client in self.clients.values_mut() {
                client.assigned.shares = Shares::default();
            }
        }
        self.enabled = volume.vol_qos_enable;
        for (pool, total) in self.pools.iter_mut().zip(totals(volume)) {
            if pool.total != total {
                (pool.total, pool.buffer, pool.last_magnify) = (total, total, 0);
            }
        }
    }

    pub fn pool(&self, factor: Factor) -> Pool {
        self.pools[factor.index()]
    }

    /// Clients by id.
    pub fn clients(&self) -> &BTreeMap<u64, Client> {
        &self.clients
    }

    /// There is room for another client.
    pub fn has_room(&self) -> bool {
        self.clients.len() < CLIENTS_MAX
    }

    /// A client that is not known yet: its first limits.
    pub fn welcome(&mut self, id: u64, host: String, wall_secs: i64) -> Assignment {
        let count = self.clients.len() as u64;
        let mut shares = Shares::default();
        if self.enabled {
            for factor in Factor::ALL {
                shares[factor.index()] = self.pools[factor.index()].first_share(factor, count);
            }
        }
        let assigned = Assignment { id, enable: self.enabled, shares, ..Assignment::default() };
        let reported = Report { id: 0, shares: Shares::default(), status: 0, version: None };
        self.clients.insert(id, Client { host, heard_at: wall_secs, reported, assigned });
        assigned
    }

    /// A known client's report: its new limits. `None` for an unknown one.
    pub fn report(&mut self, report: Report, wall_secs: i64) -> Option<Assignment> {
        let client = self.clients.get_mut(&report.id)?;
        let mut shares = Shares::default();
        for factor in Factor::ALL {
            let (at, said) = (factor.index(), report.shares[factor.index()]);
            shares[at] = if self.enabled {
                self.pools[at].grant(factor, said, client.assigned.shares[at])
            } else {
                Share { limit: said.used, buffer: said.need, ..said }
            };
        }
        let assigned = Assignment {
            id: report.id,
            enable: self.enabled,
            req_period: self.req_period,
            // One byte on the wire.
            hit_trigger_cnt: self.hit_trigger_cnt as u8,
            shares,
        };
        (client.heard_at, client.reported, client.assigned) = (wall_secs, report, assigned);
        Some(assigned)
    }

    /// Every half second: forgets silent clients and computes everyone's limits again.
    pub fn tick(&mut self, wall_secs: i64) {
        self.clients.retain(|_, client| wall_secs.saturating_sub(client.heard_at) < CLIENT_KEPT_SECS);
        for factor in Factor::ALL {
            let at = factor.index();
            let sum = |of: fn(Share) -> u64| self.clients.values().fold(0_u64, |sum, c| sum.saturating_add(of(c.reported.shares[at])));
            let (used, need) = (sum(|share| share.used), sum(|share| share.need));
            let pool = &mut self.pools[at];
            (pool.used, pool.need) = (used, need);
            if !self.enabled {
                continue;
            }
            pool.divide(used, need);
            let mut lent = 0_u64;
            for client in self.clients.values_mut() {
                let share = &mut client.assigned.shares[at];
                pool.share_out(share, client.reported.shares[at]);
                lent = lent.saturating_add(share.buffer);
            }
            pool.buffer = pool.buffer.saturating_sub(lent);
        }
    }
}

fn totals(volume: &Volume) -> [u64; 4] {
    let v = volume.effective(MediaType::UNSPECIFIED);
    [v.iops_r_limit, v.iops_w_limit, v.flow_r_limit, v.flow_w_limit]
}

/// The limits of all volumes whose clients or settings are known.
pub type ByVolume = BTreeMap<VolumeId, FlowLimits>;

#[cfg(test)]
mod tests {
    use super::*;

    fn volume() -> Volume {
        Volume { vol_qos_enable: true, flow_r_limit: 1000 << 20, flow_w_limit: 300 << 20, ..Volume::default() }
    }

    fn using(id: u64, used: u64, need: u64) -> Report {
        Report { id, shares: [Share { used, need, ..Share::default() }; 4], status: 0, version: None }
    }

    #[test]
    fn a_client_gets_what_v3_5_3_gives_it() {
        let mut limits = FlowLimits::new(&volume());
        let first = limits.welcome(1001, "1.1.1.1".into(), 0);
        assert_eq!(first.shares.map(|share| share.limit), [200, 200, 10_485_760, 3_145_728]);
        limits.report(using(1001, 0, 0), 0);
        limits.tick(1);
        let idle = limits.report(using(1001, 0, 0), 1).unwrap();
        assert_eq!(idle.shares, Shares::default());
        let more = limits.report(using(1001, 1_000_000, 500_000), 2).unwrap();
        assert_eq!(more.shares.map(|share| share.buffer), [1_501_000, 1_501_000, 2_250_000, 2_250_000]);
        limits.tick(3);
        let same = limits.report(using(1001, 1_000_000, 500_000), 3).unwrap();
        assert_eq!(same.shares[2], Share { limit: 1_500_000, buffer: 1_500_000, ..Share::default() });
        let pool = limits.pool(Factor::FlowRead);
        assert_eq!((pool.allocated, pool.buffer), (1_500_000, 1_045_576_000));
    }

    #[test]
    fn more_need_than_there_is_lowers_everyone() {
        let mut limits = FlowLimits::new(&volume());
        for id in 1..=2 {
            limits.welcome(id, String::new(), 0);
            limits.report(using(id, 400 << 20, 400 << 20), 0);
        }
        limits.tick(1);
        let pool = limits.pool(Factor::FlowRead);
        assert_eq!(pool.allocated, pool.total);
        assert!(pool.limit_rate > 0.0 && pool.buffer == 0);
        let given = limits.clients()[&1].assigned.shares[2];
        assert!(given.limit < 800 << 20 && given.buffer == 0);
    }

    #[test]
    fn off_means_as_much_as_asked_for() {
        let mut limits = FlowLimits::new(&Volume { vol_qos_enable: false, ..volume() });
        limits.welcome(1, String::new(), 0);
        let echoed = limits.report(using(1, 7, 9), 0).unwrap();
        assert_eq!(echoed.shares[0], Share { limit: 7, buffer: 9, used: 7, need: 9 });
        assert!(limits.report(using(2, 7, 9), 0).is_none());
    }

    #[test]
    fn silent_clients_are_forgotten() {
        let mut limits = FlowLimits::new(&volume());
        limits.welcome(1, String::new(), 0);
        limits.tick(599);
        assert_eq!(limits.clients().len(), 1);
        limits.tick(600);
        assert!(limits.clients().is_empty());
    }
}
