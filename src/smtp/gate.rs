//! How many may talk at once, in total and from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::load::network;

/// Counts those inside.
#[derive(Debug)]
pub struct Gate {
    total: usize,
    per_address: usize,
    inside: Mutex<HashMap<IpAddr, usize>>,
}

/// One that was let in; its place is free again when this is dropped.
#[derive(Debug)]
pub struct Pass {
    gate: Arc<Gate>,
    network: IpAddr,
}

impl Gate {
    pub fn new(total: usize, per_address: usize) -> Arc<Self> {
        Arc::new(Self { total, per_address, inside: Mutex::default() })
    }

    /// A place for `address`, if there is one.
    pub fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Pass> {
        let network = network(address);
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let total: usize = inside.values().sum();
        let here = inside.get(&network).copied().unwrap_or(0);
        if total >= self.total || here >= self.per_address {
            return None;
        }
        inside.insert(network, here + 1);
        Some(Pass { gate: Arc::clone(self), network })
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut inside = self.gate.inside.lock().unwrap_or_else(PoisonError::into_inner);
        match inside.get_mut(&self.network) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(inside.remove(&self.network)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_total_and_by_network_and_come_back() {
        let gate = Gate::new(3, 2);
        let enter = |text: &str| gate.enter(text.parse().unwrap());
        let one = enter("2001:db8::1");
        let other = enter("2001:db8::ffff");
        assert!(one.is_some() && other.is_some());
        assert!(enter("2001:db8::2").is_none(), "two of one network");
        let third = enter("192.0.2.1");
        assert!(third.is_some());
        assert!(enter("192.0.2.2").is_none(), "three in total");
        drop(other);
        assert!(enter("::ffff:192.0.2.1").is_some(), "the same address, its second place");
        drop((one, third));
        assert!(gate.inside.lock().unwrap().is_empty());
    }
}
