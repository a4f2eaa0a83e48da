//! Addresses of nodes as v3.5.3 checks them (http-partitions-nodes.md §0.3).

use crate::wire::reply::Fault;

/// Least port of a node.
const PORT_MIN: u16 = 1024;

/// `checkIp`: begins with four decimal octets, the first not 0; what follows does not matter.
pub fn check_ip(text: &str) -> Result<(), Fault> {
    if begins_with_ip(text.trim()) {
        Ok(())
    } else {
        Err(not_legal())
    }
}

/// `checkIpPort`: an ip, `:` and a port from 1024.
pub fn check_ip_port(text: &str) -> Result<(), Fault> {
    let mut parts = text.split(':');
    let (ip, port) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let port_ok = !port.starts_with('+') && port.parse::<u16>().is_ok_and(|port| port >= PORT_MIN);
    if port_ok {
        check_ip(ip)
    } else {
        Err(not_legal())
    }
}

fn not_legal() -> Fault {
    Fault::param("addr not legal")
}

fn begins_with_ip(text: &str) -> bool {
    let mut rest = text;
    for at in 0..4 {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).take(3).count();
        // Like a regular expression: a shorter number is taken where the longer one is too large. Only the last may be followed by digits.
        let octet = |len: usize| {
            rest[..len].parse::<u16>().ok().filter(|n| *n <= 255 && (len == 1 || !rest.starts_with('0')) && (at > 0 || *n > 0))
        };
        let follows = |len: usize| at == 3 || rest[len..].starts_with('.');
        let Some(len) = (1..=digits).rev().find(|len| octet(*len).is_some() && follows(*len)) else { return false };
        rest = rest[len..].strip_prefix('.').unwrap_or(&rest[len..]);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ip_is_checked_at_the_start_only() {
        for good in ["1.2.3.4", "10.0.0.1:17310", "1.2.3.4abc", " 1.2.3.4 ", "255.255.255.255", "1.2.3.400"] {
            assert!(check_ip(good).is_ok(), "{good}");
        }
        for bad in ["", "x", "1.2.3", "300.1.1.1", "0.1.2.3", "1.2.3.", "1..2.3", "é.1.1.1"] {
            assert!(check_ip(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_node_needs_a_port_that_is_not_reserved() {
        assert!(check_ip_port("10.0.0.1:17310").is_ok());
        for bad in ["10.0.0.1", "10.0.0.1:80", "10.0.0.1:x", "10.0.0.1:65536", "300.1.1.1:17310", "10.0.0.1:+17310", ":17310"] {
            assert!(check_ip_port(bad).is_err(), "{bad}");
        }
    }
}
