//! A person at the dashboard, without a browser: signs in through the form, keeps cookies, sends forms with the token.

use super::app::{PASSWORD, TestApp};

/// One person with a cookie jar of their own.
pub struct Visitor {
    http: reqwest::Client,
    url: String,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Where a redirect leads; empty for none.
    pub location: String,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answer {
    /// The page, which must be a 200.
    pub fn ok(self) -> String {
        assert_eq!(self.status, 200, "{}", self.text);
        self.text
    }
}

impl Visitor {
    /// Nobody yet.
    pub fn new(app: &TestApp) -> Self {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .cookie_store(true)
            .build()
            .expect("a client");
        Self { http, url: app.url.clone() }
    }

    /// Signed in as a user that `TestApp` made.
    pub async fn signed_in(app: &TestApp, email: &str) -> Self {
        let visitor = Self::new(app);
        let answer = visitor.post("/sign-in", &[("email", email), ("password", PASSWORD)]).await;
        assert_eq!(answer.status, 303, "{email} cannot sign in: {}", answer.text);
        visitor
    }

    pub async fn get(&self, path: &str) -> Answer {
        read(self.http.get(format!("{}{path}", self.url))).await
    }

    /// A form, with the token of the sign-in page or of any page of the dashboard.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.token().await;
        let mut form: Vec<(&str, &str)> = fields.to_vec();
        form.push(("csrf_token", &token));
        read(self.http.post(format!("{}{path}", self.url)).form(&form)).await
    }

    /// A page, following one redirect after a form: what the person sees next.
    pub async fn post_and_follow(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let answer = self.post(path, fields).await;
        assert_eq!(answer.status, 303, "{path}: {}", answer.text);
        self.get(&answer.location).await.ok()
    }

    async fn token(&self) -> String {
        for path in ["/settings/sessions", "/sign-in"] {
            let page = self.get(path).await.text;
            let after = page.split("name=\"csrf_token\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
            if let Some(token) = after {
                return token.to_owned();
            }
        }
        panic!("no page has a token");
    }
}

async fn read(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.expect("the program answers");
    let headers = response.headers().clone();
    let location = headers.get("location").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    Answer { status: response.status().as_u16(), location, headers, text: response.text().await.expect("a text") }
}
