//! The words of `format` as askama filters. A page module says `use crate::web::filters;` to use them in its template.

use super::format;
use askama::{Result, Values};
use std::fmt::Display;

/// `{{ n|number }}`: 1,284,310.
#[askama::filter_fn]
pub fn number<T: Display>(value: T, _: &dyn Values) -> Result<String> {
    Ok(format::number(value))
}

/// `{{ n|compact }}`: 1.28 M. Takes a `u64`.
#[askama::filter_fn]
pub fn compact(value: &u64, _: &dyn Values) -> Result<String> {
    Ok(format::compact(*value))
}

/// `{{ n|bytes }}`: 1.5 KB. Takes a `u64`.
#[askama::filter_fn]
pub fn bytes(value: &u64, _: &dyn Values) -> Result<String> {
    Ok(format::bytes(*value))
}

/// `{{ part|share(whole) }}`: 0.9 %, or "no data" over nothing. Takes `u64`s.
#[askama::filter_fn]
pub fn share(part: &u64, _: &dyn Values, whole: &u64) -> Result<String> {
    Ok(format::percent(*part, *whole))
}

/// `{{ name|initials }}`: BV.
#[askama::filter_fn]
pub fn initials<T: Display>(name: T, _: &dyn Values) -> Result<String> {
    Ok(format::initials(&name.to_string()))
}

/// `{{ date|short_date }}`: 24 Nov.
#[askama::filter_fn]
pub fn short_date(date: &chrono::NaiveDate, _: &dyn Values) -> Result<String> {
    Ok(format::short_date(*date))
}

/// `{{ date|long_date }}`: 24 November 2026.
#[askama::filter_fn]
pub fn long_date(date: &chrono::NaiveDate, _: &dyn Values) -> Result<String> {
    Ok(format::long_date(*date))
}
