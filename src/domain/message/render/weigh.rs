//! The scale that `guard` puts in front of operands: it walks a value, charges fuel for every item and byte, and refuses
//! what is nested too deeply. So what the engine does with a weighed value is paid for beforehand.

use std::collections::BTreeMap;

use minijinja::value::{Tuple, Value, ValueKind};
use minijinja::{Error, ErrorKind, State};

/// How deep values may be in one another; JSON of a request is at most 128 deep.
const MAX_DEPTH: usize = 128;
/// The largest text that an operator or a filter works on, in bytes.
const MAX_TEXT: usize = 1024 * 1024;
/// The longest text that a filter looks at again for each item, in bytes.
const MAX_SHORT: usize = 1000;
/// Fuel's own unit: one of fuel pays for 64 bytes.
const UNITS: u64 = 64;
/// What an item costs, in bytes.
const ITEM: u64 = 16;
/// Items between two charges.
const STRIDE: u64 = 256;

/// What a value was found to be.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weight {
    pub items: u64,
    pub bytes: u64,
    /// Lists and maps in one another.
    pub depth: usize,
}

impl Weight {
    const fn units(self) -> u64 {
        self.items * ITEM + self.bytes
    }
}

/// Walks `value` and charges for it as it goes.
///
/// # Errors
/// Out of fuel, or nested too deeply.
pub fn weigh(state: &State<'_, '_>, value: &Value) -> Result<Weight, Error> {
    let mut scale = Scale { state, found: Weight::default(), paid: 0 };
    scale.add(value, 0)?;
    scale.pay()?;
    Ok(scale.found)
}

struct Scale<'s, 't, 'e> {
    state: &'s State<'t, 'e>,
    found: Weight,
    /// Of the found, in units.
    paid: u64,
}

impl Scale<'_, '_, '_> {
    fn add(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        self.found.items += 1;
        self.found.bytes += value.as_bytes().map_or(0, |bytes| bytes.len() as u64);
        if self.found.items.is_multiple_of(STRIDE) || self.found.units() > self.paid + STRIDE * UNITS {
            self.pay()?;
        }
        let Some(object) = value.as_object() else { return Ok(()) };
        if depth == MAX_DEPTH {
            return Err(wrong(format!("values are more than {MAX_DEPTH} deep in one another")));
        }
        self.found.depth = self.found.depth.max(depth + 1);
        match value.kind() {
            ValueKind::Seq | ValueKind::Iterable => {
                for item in value.try_iter()? {
                    self.add(&item, depth + 1)?;
                }
            }
            ValueKind::Map => {
                for (key, item) in object.try_iter_pairs().into_iter().flatten() {
                    self.add(&key, depth + 1)?;
                    self.add(&item, depth + 1)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn pay(&mut self) -> Result<(), Error> {
        let fuel = self.found.units().saturating_sub(self.paid) / UNITS;
        self.paid += fuel * UNITS;
        self.state.consume_fuel(fuel)
    }
}

/// A value that was paid for, as it goes on: a lazy list as one that is there, because to go through a lazy one may cost
/// more than its items.
pub fn settled(state: &State<'_, '_>, value: Value) -> Result<Value, Error> {
    match value.kind() {
        ValueKind::String | ValueKind::Bytes => {
            let length = value.as_bytes().map_or(0, <[u8]>::len);
            if length > MAX_TEXT {
                let why = format!("a text that is worked on has more than {MAX_TEXT} bytes");
                return Err(Error::new(ErrorKind::OutOfFuel, why));
            }
            Ok(value)
        }
        ValueKind::Iterable => {
            let mut items = Vec::new();
            for item in value.try_iter()? {
                if items.len() % 64 == 0 {
                    // A place in a list is worth 32 bytes.
                    state.consume_fuel(32)?;
                }
                items.push(item);
            }
            let list = Value::from(items);
            weigh(state, &list)?;
            Ok(list)
        }
        _ if value.as_object().is_some() => weigh(state, &value).map(|_| value),
        _ => Ok(value),
    }
}

/// As [`settled`], for a factor.
pub fn factor(state: &State<'_, '_>, value: Value) -> Result<Value, Error> {
    if value.as_object().is_some() {
        return Err(wrong("a list cannot be multiplied"));
    }
    settled(state, value)
}

/// As [`settled`], for what a filter reads again for each item.
pub fn short(state: &State<'_, '_>, value: Value) -> Result<Value, Error> {
    if value.as_bytes().is_some_and(|bytes| bytes.len() > MAX_SHORT) {
        return Err(wrong(format!("a filter's argument has more than {MAX_SHORT} bytes")));
    }
    settled(state, value)
}

/// As [`settled`], for what a namespace is to keep: a namespace that holds itself would never be freed.
pub fn keep(state: &State<'_, '_>, value: Value) -> Result<Value, Error> {
    let value = settled(state, value)?;
    if is_plain(&value) { Ok(value) } else { Err(wrong("a namespace keeps texts, numbers, lists and maps alone")) }
}

/// The walk of [`settled`] has bounded how deep this goes.
fn is_plain(value: &Value) -> bool {
    let Some(object) = value.as_object() else { return true };
    let map = object.downcast_ref::<BTreeMap<Value, Value>>();
    let list = || object.downcast_ref::<Vec<Value>>().is_some() || object.downcast_ref::<Tuple>().is_some();
    match map {
        Some(map) => map.iter().all(|(key, item)| is_plain(key) && is_plain(item)),
        None => list() && value.try_iter().is_ok_and(|mut items| items.all(|item| is_plain(&item))),
    }
}

pub fn wrong(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, what.into())
}
