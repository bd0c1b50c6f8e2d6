//! What does a JSON object say, member by member? Kept as written: repeated names stay visible to the rule that refuses them.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

/// The members of a JSON object in their order, repeated ones included.
#[derive(Debug, Clone, Default)]
pub struct Members(Vec<(String, Value)>);

impl Members {
    /// The value of `name`: the last one, as most JSON readers have it.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The text of `name`. An array or a number is no text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    /// The NumericDate of `name`. Text that looks like a number is none.
    pub fn instant(&self, name: &str) -> Option<Timestamp> {
        Timestamp::from_second(self.get(name)?.as_i64()?).ok()
    }

    /// Whether no name occurs twice, in whatever case.
    pub fn are_unique(&self) -> bool {
        let mut seen = BTreeSet::new();
        self.0.iter().all(|(name, _)| seen.insert(name.to_ascii_lowercase()))
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}
