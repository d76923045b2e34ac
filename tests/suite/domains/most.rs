//! How many domains and members an account may have: whatever is said of all of them is a row of each in one transaction.

use canopy::domain::ids::Id;
use canopy::models::domains;
use canopy::models::memberships::{self, Membership};
use canopy::models::users::{self, User};
use serde_json::json;

use crate::support::app::{TestApp, on_both};

#[tokio::test]
async fn an_account_has_a_thousand_domains_and_no_more() {
    on_both(|app| async move {
        let client = app.client(&app.agency("harbor").await, "crowded", 0).await;
        let id = client.id;
        app.write(move |conn, cx| {
            let first = domains::find(conn, id, "crowded.example")?.expect("its domain");
            for number in 2..domains::MOST {
                let name = format!("d{number}.example");
                domains::insert(
                    conn,
                    &domains::Domain { id: Id::new(cx.now), name, verified_at: None, ..first.clone() },
                )?;
            }
            Ok(())
        })
        .await;
        let path = format!("/v2/accounts/{id}/domains");
        let add = async |name: &str| app.call("POST", &path, &client.key, Some(&json!({ "domain": name }))).await;
        let (status, answer) = add("last.example").await;
        assert_eq!(status, 201, "the thousandth: {answer}");
        let (status, answer) = add("beyond.example").await;
        assert_eq!(status, 409, "{answer}");
        assert!(answer["message"].as_str().expect("why").contains("1,000 domains at most"), "{answer}");
        assert_eq!(app.call("DELETE", &format!("{path}/d7.example"), &client.key, None).await.0, 200);
        assert_eq!(add("beyond.example").await.0, 201, "there is room again");
    })
    .await;
}

/// Members who were invited and have not come yet.
async fn invited(app: &TestApp, account: Id, many: i64) {
    app.write(move |conn, cx| {
        for number in 0..many {
            let user = User {
                id: Id::new(cx.now),
                email: format!("m{number}@harbor.example"),
                email_lower: format!("m{number}@harbor.example"),
                name: String::new(),
                password_hash: None,
                disabled_at: None,
                last_sign_in_at: None,
                created_at: cx.at(),
                updated_at: cx.at(),
            };
            users::insert(conn, &user)?;
            let member = Membership {
                account_id: account,
                user_id: user.id,
                role: "analyst".into(),
                invited_by: None,
                accepted_at: None,
                created_at: cx.at(),
                updated_at: cx.at(),
            };
            memberships::insert(conn, &member)?;
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn an_account_has_two_hundred_members_and_no_more() {
    on_both(|app| async move {
        let client = app.client(&app.agency("harbor").await, "crowded", 0).await;
        invited(&app, client.id, memberships::MOST - 1).await;
        let path = format!("/v2/accounts/{}/members", client.id);
        let add = async |email: &str| {
            let body = json!({ "email": email, "role": "Analyst" });
            app.call("POST", &path, &client.key, Some(&body)).await
        };
        let (status, answer) = add("last@harbor.example").await;
        assert_eq!(status, 201, "the two hundredth: {answer}");
        let (status, answer) = add("beyond@harbor.example").await;
        assert_eq!(status, 409, "{answer}");
        assert!(answer["message"].as_str().expect("why").contains("200 members at most"), "{answer}");
    })
    .await;
}
