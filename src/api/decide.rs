//! Who answers a request: the decision table of v3.5.3 http-general.md §4. Pure.

use super::route::{Route, Served};
use crate::master::leadership::Leadership;
use crate::mutants::mutant;

/// What is done with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The handler answers here.
    Handle,
    /// Status 400 with this line: the client asks the address in it, or another master.
    Elsewhere(String),
    /// The leader at this address answers.
    Proxy(String),
}

/// True when this master applies the limits of the API to the route.
pub fn is_limited(route: &Route, leadership: &Leadership) -> bool {
    route.limiter.is_some()
        && (matches!(leadership, Leadership::Leader { .. }) || matches!(route.served, Served::Any | Served::LeaderOrView))
}

/// Decides about a request to `route`. `view_ready` says whether a follower holds a ready view for it.
pub fn decide(route: &Route, leadership: &Leadership, own: &str, follower_cache: bool, view_ready: bool) -> Decision {
    let here = match route.served {
        Served::Any => true,
        Served::AnyWithCache => follower_cache,
        Served::LeaderOrView => follower_cache && view_ready && matches!(leadership, Leadership::Follower { .. }),
        Served::Leader => false,
    };
    match leadership {
        _ if here => Decision::Handle,
        Leadership::Leader { ready: true, .. } => Decision::Handle,
        Leadership::Leader { ready: false, .. } => Decision::Elsewhere(own.to_owned()),
        Leadership::Follower { .. } if mutant!("follower answers for the leader") => Decision::Handle,
        Leadership::Follower { leader: None } => Decision::Elsewhere("no leader".into()),
        Leadership::Follower { leader: Some(leader) } if route.served == Served::LeaderOrView && follower_cache => {
            Decision::Elsewhere(leader.clone())
        }
        Leadership::Follower { leader: Some(leader) } if leader == own => Decision::Elsewhere("no leader".into()),
        Leadership::Follower { leader: Some(leader) } => Decision::Proxy(leader.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::table::find;
    use crate::ids::Term;

    const OWN: &str = "1.1.1.1:80";
    const OTHER: &str = "2.2.2.2:80";

    fn decided(path: &str, standing: &Leadership, follower_cache: bool, view_ready: bool) -> String {
        match decide(find(path).unwrap(), standing, OWN, follower_cache, view_ready) {
            Decision::Handle => "here".into(),
            Decision::Elsewhere(text) => format!("400 {text}"),
            Decision::Proxy(addr) => format!("proxy {addr}"),
        }
    }

    fn leader(ready: bool) -> Leadership {
        Leadership::Leader { term: Term(1), ready }
    }

    fn follower(leader: &str) -> Leadership {
        Leadership::Follower { leader: Some(leader).filter(|leader| !leader.is_empty()).map(str::to_owned) }
    }

    #[test]
    fn the_decision_table() {
        let ready = leader(true);
        let unready = leader(false);
        let (vols, ip, view, push, campaign) =
            ("/vol/list", "/admin/getIp", "/client/partitions", "/dataPartitions/set", "/master/changeleader");
        for (path, standing, follower_cache, view_ready, want) in [
            (vols, &ready, true, false, "here"),
            (vols, &unready, true, false, "400 1.1.1.1:80"),
            (vols, &follower(OTHER), true, false, "proxy 2.2.2.2:80"),
            (vols, &follower(OWN), true, false, "400 no leader"),
            (vols, &follower(""), true, false, "400 no leader"),
            (ip, &unready, false, false, "here"),
            (ip, &follower(""), false, false, "here"),
            (campaign, &follower(""), false, false, "here"),
            ("/metrics", &follower(OTHER), false, false, "here"),
            (view, &ready, true, false, "here"),
            (view, &unready, true, true, "400 1.1.1.1:80"),
            (view, &follower(OTHER), true, true, "here"),
            (view, &follower(OTHER), true, false, "400 2.2.2.2:80"),
            (view, &follower(OTHER), false, true, "proxy 2.2.2.2:80"),
            (view, &follower(""), true, true, "here"),
            (view, &follower(""), true, false, "400 no leader"),
            (push, &follower(OTHER), true, false, "here"),
            (push, &follower(OTHER), false, false, "proxy 2.2.2.2:80"),
            (push, &ready, true, false, "here"),
        ] {
            assert_eq!(decided(path, standing, follower_cache, view_ready), want, "{path} {standing:?} {follower_cache} {view_ready}");
        }
    }

    #[test]
    fn a_follower_limits_only_what_it_may_answer_itself() {
        let limited = |path, standing| is_limited(find(path).unwrap(), &standing);
        for path in ["/admin/getIp", "/client/partitions", "/vol/list"] {
            assert!(limited(path, leader(true)));
        }
        assert!(limited("/admin/getIp", follower(OTHER)));
        assert!(limited("/client/partitions", follower("")));
        assert!(!limited("/vol/list", follower(OTHER)));
        assert!(!limited("/metrics", leader(true)));
    }
}
