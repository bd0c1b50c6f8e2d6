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
        let name = addr.name.as_deref().unwrap_or_default().trim();
        let address = match addr.address.as_deref().unwrap_or_default().trim() {
            // `From: root`: one bare word is a local address, not a person's name.
            "" if !name.contains(char::is_whitespace) => name,
            address => address,
        };
        Self { name: if name.is_empty() { address } else { name }.to_owned(), address: address.to_owned() }
    }

    /// Everybody in a list of addresses, groups opened.
    pub(super) fn all(addresses: Option<&Address<'_>>) -> Vec<Self> {
        addresses.into_iter().flat_map(Address::iter).map(Self::of).filter(|found| *found != Self::default()).collect()
    }
}
