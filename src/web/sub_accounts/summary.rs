//! What stands above the list: the period at a glance, and how many accounts need attention.

use std::sync::Arc;

use super::list::shown;
use crate::models::sub_account_list::Facet;
use crate::web::glance::Glance;

/// The facts above the list.
pub struct Summary {
    pub glance: Glance,
    pub facet: Arc<Facet>,
    /// Whether money is among them.
    pub money: bool,
}

impl Summary {
    pub fn near_or_at(&self) -> String {
        shown(self.facet.counts.near + self.facet.counts.at)
    }

    pub fn near_note(&self) -> String {
        match self.facet.counts.at {
            0 => "none at its cap".into(),
            at => format!("{} at the cap", shown(at)),
        }
    }

    pub fn held(&self) -> String {
        shown(self.facet.counts.suspended)
    }

    pub fn held_note(&self) -> &'static str {
        if self.facet.counts.suspended == 0 { "every account may send" } else { "their mail waits" }
    }
}
