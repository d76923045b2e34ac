//! The own account and its members.

use super::Op;
use crate::api::account::UpdateAccountRequest;
use crate::api::members::{AccountMembersResponse, AddMemberRequest};
use crate::api::views::{Account, Member, SuccessResponse};

const ACCOUNT: &str = "/v2/accounts/{account_id}";
const MEMBERS: &str = "/v2/accounts/{account_id}/members";
const MEMBER: &str = "/v2/accounts/{account_id}/members/{user_id}";

pub(super) fn all() -> Vec<Op> {
    vec![
        Op::get(ACCOUNT, "getAccount", "Read the account.")
            .scope("accounts:read")
            .answers::<Account>("200", "The account.")
            .not_found(),
        Op::put(ACCOUNT, "updateAccount", "Change the account's settings.")
            .about("What is left out stays as it is.")
            .scope("accounts:write")
            .body::<UpdateAccountRequest>()
            .answers::<Account>("200", "The account as it is now.")
            .not_found(),
        Op::get(MEMBERS, "getAccountMembers", "List the members.")
            .about("Those who have not accepted their invitation yet are among them.")
            .scope("accounts:members:read")
            .answers::<AccountMembersResponse>("200", "All members."),
        Op::post(MEMBERS, "addAccountMember", "Add a member.")
            .about("The person is invited by mail, listed at once, and may do nothing before they accept.")
            .scope("accounts:members:add")
            .body::<AddMemberRequest>()
            .creates::<Member>("201", "The new member."),
        Op::delete(MEMBER, "removeAccountMember", "Remove a member.")
            .about("The owner stays.")
            .scope("accounts:members:remove")
            .answers::<SuccessResponse>("200", "They are no member any more.")
            .not_found(),
    ]
}
