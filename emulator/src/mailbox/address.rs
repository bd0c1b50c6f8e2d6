//! Who a message is from and to.

use mail_parser::{Addr, Address};

/// A name with an address: Graph's `emailAddress`. Either may be missing, and neither need be well formed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Correspondent {
    /// `name`: the display name, or the address again.
    pub name: String,
    /// `address`.
    pub address: String,
}

impl Correspondent {
    fn of(addr: &Addr<'_>) -> Self {
        let address = addr.address.as_deref().unwrap_or_default().trim().to_owned();
        let name = addr.name.as_deref().unwrap_or_default().trim();
        Self { name: if name.is_empty() { address.clone() } else { name.to_owned() }, address }
    }

    /// Everybody in a list of addresses, groups opened.
    pub(super) fn all(addresses: Option<&Address<'_>>) -> Vec<Self> {
        addresses.into_iter().flat_map(Address::iter).map(Self::of).filter(|found| *found != Self::default()).collect()
    }
}
