//! The visitor that takes from the library the text of what it read as a number or a word.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::yaml::{Node, Value};

/// Reads a tree again and takes every scalar as text.
pub(super) struct Retrieve<'t>(pub(super) &'t mut Node);

impl<'de> DeserializeSeed<'de> for Retrieve<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match &self.0.value {
            Value::Null => deserializer.deserialize_ignored_any(IgnoredAny).map(drop),
            Value::Scalar(_) => deserializer.deserialize_str(self),
            Value::List(_) => deserializer.deserialize_seq(self),
            Value::Map(_) => deserializer.deserialize_map(self),
        }
    }
}

impl<'de> Visitor<'de> for Retrieve<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the same as before")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        if let Value::Scalar(scalar) = &mut self.0.value {
            text.clone_into(&mut scalar.text);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        if let Value::List(nodes) = &mut self.0.value {
            for node in nodes {
                access.next_element_seed(Retrieve(node))?;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        if let Value::Map(map) = &mut self.0.value {
            for entry in map.values_mut() {
                access.next_key::<IgnoredAny>()?;
                access.next_value_seed(Retrieve(&mut entry.node))?;
            }
        }
        Ok(())
    }
}
