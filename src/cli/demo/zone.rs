//! The demo's DNS: it answers for every domain that the database holds as verified.

use super::folder::Folder;
use crate::actions::domain_records;
use crate::dns::{PlatformNames, ZoneMap};
use crate::models::{Db, domains};

/// Domains read at once.
const PAGE: i64 = 1000;

/// A zone with all records of all verified domains.
///
/// # Errors
/// When the database cannot be read.
pub fn of_verified(folder: &Folder, platform: &PlatformNames) -> Result<ZoneMap, Box<dyn std::error::Error>> {
    let db = Db::open(&folder.database_url(), 1)?;
    let mut zone = ZoneMap::default();
    let mut after = None;
    loop {
        let page = db.read(|conn| domains::verified(conn, after, PAGE))?;
        let Some(last) = page.last() else { return Ok(zone) };
        after = Some(last.id);
        for domain in &page {
            zone.publish(&domain_records::setup(domain, platform));
        }
    }
}
