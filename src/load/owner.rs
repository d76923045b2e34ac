//! On whose behalf a node does something: of nobody else's share may it take.

use std::net::{IpAddr, Ipv6Addr};

use crate::domain::ids::Id;

/// Who.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    Account(Id),
    /// Somebody at the dashboard.
    Person(Id),
    /// Nobody we know, from this network.
    Stranger(IpAddr),
}

impl Owner {
    /// Nobody we know, at `address`.
    #[must_use]
    pub fn stranger(address: IpAddr) -> Self {
        Self::Stranger(network(address))
    }

    pub(super) const fn is_stranger(self) -> bool {
        matches!(self, Self::Stranger(_))
    }
}

/// The address, or its network: one customer of IPv6 has a /64 at least.
#[must_use]
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from(u128::from(address) & !u128::from(u64::MAX))),
        address => address,
    }
}
