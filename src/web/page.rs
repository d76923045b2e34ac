//! From a template to an answer.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use askama::Template;

use super::error::{PageError, PageResult};

/// Bytes that are set aside for a page: most fit, and a long list grows from there.
const PAGE: usize = 64 * 1024;

/// The page with status 200.
///
/// # Errors
/// 500 when it cannot be drawn.
pub fn html(page: &impl Template) -> PageResult {
    html_with(StatusCode::OK, page)
}

/// The page with another status: a form with errors is 422.
///
/// # Errors
/// 500 when it cannot be drawn.
pub fn html_with(status: StatusCode, page: &impl Template) -> PageResult {
    let mut body = String::with_capacity(PAGE);
    page.render_into(&mut body).map_err(PageError::from)?;
    Ok(HttpResponse::build(status).content_type("text/html; charset=utf-8").body(body))
}

/// After a form was taken: to a page of ours (303, so that a reload sends nothing twice).
#[must_use]
pub fn see_other(address: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, address)).finish()
}

/// `address` when it is a path of this site, else the overview: a `next` from a link must lead nowhere else.
#[must_use]
pub fn own_path(address: &str) -> &str {
    let second = address.as_bytes().get(1);
    let ours = address.starts_with('/') && !matches!(second, Some(b'/' | b'\\')) && !address.contains(char::is_control);
    if ours && address.is_ascii() { address } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_back_leads_to_this_site_only() {
        for foreign in ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:x", "", "/a\r\nb"] {
            assert_eq!(own_path(foreign), "/", "{foreign}");
        }
        assert_eq!(own_path("/usage?period=2026-10"), "/usage?period=2026-10");
    }
}
