//! Addresses that an account sends nothing to.

use super::Op;
use crate::api::suppressions::{
    CreateSuppressionRequest, DeleteSuppressionQuery, SuppressionQuery, WipeSuppressionsQuery,
};
use crate::api::views::{CreateSuppressionResponse, SuccessResponse, Suppression};

const ALL: &str = "/v2/accounts/{account_id}/suppressions";
const WIPE: &str = "/v2/accounts/{account_id}/suppressions/all";

pub(super) fn all() -> Vec<Op> {
    vec![
        Op::get(ALL, "getSuppressions", "List suppressed addresses.")
            .scope("suppressions:read")
            .query::<SuppressionQuery>()
            .page::<Suppression>("PaginatedSuppressionsResponse")
            .not_found(),
        Op::post(ALL, "createSuppression", "Suppress an address.")
            .about("Without a domain it holds for every domain of the account, those added later included.")
            .scope("suppressions:write")
            .body::<CreateSuppressionRequest>()
            .creates::<CreateSuppressionResponse>("201", "A row for each domain.")
            .not_found(),
        Op::delete(ALL, "deleteSuppression", "Let an address go.")
            .scope("suppressions:delete")
            .query::<DeleteSuppressionQuery>()
            .answers::<SuccessResponse>("200", "It may be sent to again.")
            .not_found(),
        Op::delete(WIPE, "deleteAllSuppressions", "Let every address go.")
            .scope("suppressions:wipe")
            .query::<WipeSuppressionsQuery>()
            .answers::<SuccessResponse>("200", "Nothing is suppressed any more.")
            .not_found(),
    ]
}
