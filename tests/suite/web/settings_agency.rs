//! The plan of an agency: what its mail costs.

use canopy::actions::set_plan::plan_in_force;

use crate::support::app::on_both;
use crate::support::visitor::Visitor;

const PLAN: &str = "/settings/plan";

const STEPS: [(&str, &str); 7] = [
    ("currency", "EUR"),
    ("fee", "1,234.50"),
    ("included", "10 000"),
    ("up_to", "1000"),
    ("price", "0.85"),
    ("up_to", ""),
    ("price", "0.5"),
];

fn with<'a>(fields: &[(&'a str, &'a str)], more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [fields, more].concat()
}

#[tokio::test]
async fn a_plan_is_tried_changed_row_by_row_and_saved_without_script() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        let owner = Visitor::signed_in(&app, &agency.email).await;
        owner.get(PLAN).await.shows("The cost of your mail is not set.");
        let page = owner.submit(PLAN, PLAN, &with(&STEPS, &[("do", "preview"), ("messages", "12,000")])).await;
        // 1,234.50 + 1,000 at 0.85 + 1,000 at 0.50.
        page.shows("€1,235.85").shows("Messages 10,001 to 11,000").shows("Messages from 11,001 on");
        let id = agency.id;
        let now = app.app.clock.now().naive_utc();
        assert_eq!(app.read(move |conn| plan_in_force(conn, id, now)).await, None, "a preview saves nothing");
        let page = owner.submit(PLAN, PLAN, &with(&STEPS, &[("do", "add")])).await;
        assert_eq!(page.html.matches("name=\"up_to\"").count(), 3);
        page.shows("value=\"0.85\"");
        let page = owner.submit(PLAN, PLAN, &with(&STEPS, &[("do", "remove-0")])).await;
        assert_eq!(page.html.matches("name=\"up_to\"").count(), 1);
        assert!(!page.html.contains("value=\"0.85\""));
        for (field, value) in [("fee", "12.345"), ("currency", "XAU"), ("included", "many")] {
            let wrong: Vec<_> =
                STEPS.iter().map(|(name, had)| (*name, if *name == field { value } else { *had })).collect();
            let page = owner.submit(PLAN, PLAN, &with(&wrong, &[("do", "save")])).await;
            assert_eq!(page.status, 422, "{field}");
            page.shows(&format!("{field}-error"));
        }
        let page = owner.submit_and_confirm(PLAN, PLAN, &with(&STEPS, &[("do", "save")])).await;
        assert_eq!(page.status, 303, "{}", page.html);
        owner.get("/usage").await.shows("€1,234.50");
        owner.get(PLAN).await.shows("€1,234.50").shows("0.85, then 0.50 per 1,000");
    })
    .await;
}
