//! What an environment for clients' templates has: the scales, asked together with whether the work goes on, and our own
//! form of the few filters whose work is not bounded by what they read.

use std::collections::BTreeMap;

use minijinja::value::{Kwargs, Rest, Value, ValueKind, ValueOrKwargs};
use minijinja::{Environment, Error, ErrorKind, Output, State, escape_formatter, filters};

use super::Halt;
use super::guard::{FACTOR, KEEP, SHORT, TEXT, WEIGH};
use super::weigh::{factor, keep, settled, short, weigh, wrong};

/// How far `tojson` and `pprint` may indent a line for each level.
const MAX_INDENT: u64 = 8;

/// What is the same for all requests.
pub fn ours(env: &mut Environment<'static>) {
    env.add_filter("sum", sum);
    env.add_filter("chain", chain);
    env.add_filter("format", format);
    env.add_filter("tojson", tojson);
    env.add_filter("pprint", pprint);
}

type Scale = fn(&State<'_, '_>, Value) -> Result<Value, Error>;

/// The scales of one request: they stop where `halt` says so.
pub fn scales(env: &mut Environment<'static>, halt: &Halt) {
    let all: [(&'static str, Scale); 5] =
        [(WEIGH, settled), (FACTOR, factor), (SHORT, short), (KEEP, keep), (TEXT, |_, value| Ok(value))];
    for (name, scale) in all {
        let halt = Halt::clone(halt);
        env.add_filter(name, move |state: &State<'_, '_>, value: Value| {
            go_on(&halt)?;
            scale(state, value)
        });
    }
    let halt = Halt::clone(halt);
    env.set_formatter(move |out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value| {
        go_on(&halt)?;
        if value.as_object().is_some() {
            weigh(state, value)?;
        }
        escape_formatter(out, state, value)
    });
}

fn go_on(halt: &Halt) -> Result<(), Error> {
    if halt() { Err(Error::from(ErrorKind::OutOfFuel)) } else { Ok(()) }
}

/// Of numbers alone: a sum of texts or lists copies all that came before with each one.
fn sum(
    state: &State<'_, '_>,
    values: Value,
    attribute: Option<&str>,
    start: Option<Value>,
    kwargs: Kwargs,
) -> Result<Value, Error> {
    let start = match start {
        Some(start) => Some(start),
        None => kwargs.get::<Option<Value>>("start")?,
    };
    if start.as_ref().is_some_and(|start| !start.is_number()) {
        return Err(wrong("sum begins with a number"));
    }
    filters::sum(state, values, attribute, start, kwargs)
}

/// Lists one behind another, or maps, whose later ones win: made at once, where the engine's own looks through all that
/// were chained before each time.
fn chain(_state: &State<'_, '_>, value: &Value, others: Rest<Value>) -> Result<Value, Error> {
    let all = || std::iter::once(value).chain(others.0.iter());
    if all().all(|one| one.kind() == ValueKind::Map) {
        let pairs = all().filter_map(|one| one.as_object()?.try_iter_pairs()).flatten();
        return Ok(Value::from_object(pairs.collect::<BTreeMap<Value, Value>>()));
    }
    let mut items = Vec::new();
    for one in all() {
        items.extend(one.try_iter()?);
    }
    Ok(Value::from(items))
}

/// A format may name one value again and again.
fn format(state: &mut State<'_, '_>, form: &Value, values: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let signs = form.as_str().map_or(0, |form| form.bytes().filter(|byte| *byte == b'%').count() as u64);
    let mut bytes = 0;
    for value in values.iter() {
        bytes += weigh(state, value)?.bytes;
    }
    state.consume_fuel(signs.saturating_mul(bytes) / 64)?;
    filters::format(state, form, values)
}

fn tojson(state: &State<'_, '_>, value: &Value, indent: Option<Value>, kwargs: Kwargs) -> Result<Value, Error> {
    let indent = match indent {
        Some(indent) => Some(indent),
        None => kwargs.get::<Option<Value>>("indent")?,
    };
    let columns = indent.as_ref().and_then(|indent| u64::try_from(indent.clone()).ok());
    if columns.is_some_and(|columns| columns > MAX_INDENT) {
        return Err(wrong(format!("tojson indents by {MAX_INDENT} at most")));
    }
    pay_for_lines(state, value, columns.unwrap_or(2))?;
    filters::tojson(value, indent, kwargs)
}

fn pprint(state: &State<'_, '_>, value: &Value) -> Result<String, Error> {
    pay_for_lines(state, value, 4)?;
    Ok(filters::pprint(value))
}

/// Each item is on a line, as far to the right as it is deep, and each byte may be written as six.
fn pay_for_lines(state: &State<'_, '_>, value: &Value, columns: u64) -> Result<(), Error> {
    let weight = weigh(state, value)?;
    let lines = weight.items.saturating_mul(columns.saturating_mul(weight.depth as u64 + 1) + 16);
    state.consume_fuel(lines.saturating_add(weight.bytes * 6) / 64)
}
