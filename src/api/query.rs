//! What query parameters have in common: an empty one counts as absent, a wrong one is a 400 that names it.

use chrono::NaiveDateTime;

use super::error::ApiError;
use crate::domain::email_address::EmailAddress;
use crate::domain::instants;
use crate::domain::search_words::SearchWords;

/// An empty parameter counts as absent.
pub fn given(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// The parts of a comma-separated list.
pub fn listed(text: Option<&str>) -> impl Iterator<Item = &str> {
    text.unwrap_or_default().split(',').map(str::trim).filter(|part| !part.is_empty())
}

/// An address in a query.
///
/// # Errors
/// 400 when it is none.
pub fn address(text: Option<&str>, field: &str) -> Result<Option<EmailAddress>, ApiError> {
    let parsed = given(text).map(EmailAddress::parse).transpose();
    parsed.map_err(|refusal| ApiError::bad_request(refusal.at(field).message()))
}

/// An RFC 3339 time in a query.
///
/// # Errors
/// 400 when it is none.
pub fn time(text: Option<&str>, field: &str) -> Result<Option<NaiveDateTime>, ApiError> {
    let parsed = given(text).map(instants::instant).transpose();
    let parsed = parsed.map_err(|refusal| ApiError::bad_request(refusal.at(field).message()))?;
    Ok(parsed.map(|at| at.naive_utc()))
}

/// Words to search for in a query.
///
/// # Errors
/// 400 when they are too long.
pub fn words(text: Option<&str>, field: &str) -> Result<Option<SearchWords>, ApiError> {
    let parsed = SearchWords::parse(text.unwrap_or_default());
    parsed.map_err(|refusal| ApiError::bad_request(refusal.at(field).message()))
}
