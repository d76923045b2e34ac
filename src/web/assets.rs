//! The static files, in the binary. A page names them with a hash of their content, and so they are kept for a year;
//! without the hash (icons, fonts) they are kept for an hour and asked for again by ETag.

use std::sync::LazyLock;

use actix_web::http::header::{ContentEncoding, HeaderValue, IF_NONE_MATCH};
use actix_web::web::{Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::error::PageError;
use crate::secrets::{hex, sha256};

struct Asset {
    path: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
    hash: String,
}

macro_rules! assets {
    ($($path:literal $kind:literal),* $(,)?) => {
        [$(($path, $kind, include_bytes!(concat!("../../static/", $path)).as_slice())),*]
    };
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    assets![
        "canopy.css" "text/css; charset=utf-8",
        "canopy.js" "text/javascript; charset=utf-8",
        "favicon.svg" "image/svg+xml",
        "fonts/inter-latin-ext.woff2" "font/woff2",
        "fonts/inter-latin.woff2" "font/woff2",
        "icons.svg" "image/svg+xml",
        "logo.svg" "image/svg+xml",
    ]
    .map(|(path, kind, bytes)| Asset { path, kind, bytes, hash: hex(&sha256(bytes)[..8]) })
    .into()
});

fn find(path: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.path == path)
}

/// The address of a file, with its hash: for templates.
#[must_use]
pub fn url(path: &str) -> String {
    match find(path) {
        Some(asset) => format!("/static/{path}?v={}", asset.hash),
        None => format!("/static/{path}"),
    }
}

#[derive(Deserialize)]
pub struct Version {
    v: Option<String>,
}

/// `GET /static/{path}`
pub async fn serve(
    request: HttpRequest,
    path: Path<String>,
    version: Query<Version>,
) -> Result<HttpResponse, PageError> {
    let asset = find(&path).ok_or_else(PageError::not_found)?;
    let tag = format!("\"{}\"", asset.hash);
    let cache = if version.v.as_deref() == Some(&asset.hash) {
        "public, max-age=31536000, immutable"
    } else {
        "public, max-age=3600"
    };
    let known = request.headers().get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if known.is_some_and(|known| known.contains(&tag)) {
        return Ok(HttpResponse::NotModified()
            .insert_header(("etag", tag))
            .insert_header(("cache-control", cache))
            .finish());
    }
    let mut answer = HttpResponse::Ok();
    answer.content_type(HeaderValue::from_static(asset.kind));
    answer.insert_header(("etag", tag)).insert_header(("cache-control", cache));
    if asset.kind.starts_with("font/") {
        // Compressed already.
        answer.insert_header(ContentEncoding::Identity);
    }
    Ok(answer.body(asset.bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_a_template_names_is_in_the_binary() {
        let pages = [
            include_str!("../../templates/layout.html"),
            include_str!("../../templates/bare.html"),
            include_str!("../../static/canopy.css"),
        ];
        for page in pages {
            for path in page.split("/static/").skip(1) {
                let path = path.split(['"', ')', '?', '#', '\'']).next().unwrap_or_default();
                assert!(find(path).is_some(), "{path}");
            }
            for path in page.split("assets::url(\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                assert!(find(path).is_some(), "{path}");
            }
        }
    }
}
