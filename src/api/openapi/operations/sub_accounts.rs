//! Sub accounts of a parent, and what they use.

use super::Op;
use crate::api::sub_accounts::{CreateSubAccountRequest, SuspendSubAccountRequest, UpdateSubAccountRequest};
use crate::api::views::{SubAccount, SuccessResponse, Usage};

const ALL: &str = "/v2/accounts/{account_id}/sub-accounts";
const USAGE: &str = "/v2/accounts/{account_id}/sub-accounts/usage";
const ONE: &str = "/v2/accounts/{account_id}/sub-accounts/{sub_account_id}";
const SUSPEND: &str = "/v2/accounts/{account_id}/sub-accounts/{sub_account_id}/suspend";
const UNSUSPEND: &str = "/v2/accounts/{account_id}/sub-accounts/{sub_account_id}/unsuspend";

pub(super) fn all() -> Vec<Op> {
    vec![
        Op::get(ALL, "listSubAccounts", "List the sub accounts.")
            .scope("sub-accounts:read")
            .page::<SubAccount>("PaginatedSubAccountsResponse"),
        Op::post(ALL, "createSubAccount", "Create a sub account.")
            .about("It is an account of its own: its keys, domains and mail are apart from everybody else's.")
            .scope("sub-accounts:write")
            .body::<CreateSubAccountRequest>()
            .creates::<SubAccount>("201", "The sub account."),
        Op::get(USAGE, "getSubAccountsUsage", "Read usage and allocated cost of the running billing period.")
            .about(
                "All accounts share one bill; each one's cost is its part by volume, and the parts add up to the bill.",
            )
            .scope("sub-accounts:usage")
            .answers::<Usage>("200", "Usage by account.")
            .not_found(),
        Op::get(ONE, "getSubAccount", "Read a sub account.")
            .scope("sub-accounts:read")
            .answers::<SubAccount>("200", "The sub account.")
            .not_found(),
        Op::put(ONE, "updateSubAccount", "Change a sub account's name, website or monthly cap.")
            .about("At least one value must differ. A new cap holds from this answer on.")
            .scope("sub-accounts:write")
            .body::<UpdateSubAccountRequest>()
            .answers::<SubAccount>("200", "The sub account as it is now.")
            .not_found(),
        Op::delete(ONE, "deleteSubAccount", "Delete a sub account.")
            .about("Its keys stop, its queue is cancelled; what it used stays on the bill.")
            .scope("sub-accounts:delete")
            .answers::<SuccessResponse>("200", "It is gone.")
            .not_found(),
        Op::post(SUSPEND, "suspendSubAccount", "Put a sub account on hold.")
            .about("Its keys are refused and nothing of its queue leaves. One on hold already keeps its first hold.")
            .scope("sub-accounts:suspend")
            .body::<SuspendSubAccountRequest>()
            .answers::<SubAccount>("200", "The sub account, suspended.")
            .not_found(),
        Op::post(UNSUSPEND, "unsuspendSubAccount", "Lift every hold of a sub account.")
            .scope("sub-accounts:suspend")
            .answers::<SubAccount>("200", "The sub account, without a hold.")
            .not_found(),
    ]
}
