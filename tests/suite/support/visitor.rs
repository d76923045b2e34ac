//! A person at a browser without script: cookies, forms with their tokens, no redirects followed unless asked.

use reqwest::header::LOCATION;
use reqwest::redirect::Policy;

use super::app::{PASSWORD, TestApp};

/// One browser.
pub struct Visitor {
    http: reqwest::Client,
    url: String,
}

/// What a request got.
#[derive(Debug)]
pub struct Page {
    pub status: u16,
    /// Of a redirect.
    pub location: String,
    pub headers: reqwest::header::HeaderMap,
    pub html: String,
}

impl Page {
    /// The token of the first form.
    #[must_use]
    pub fn token(&self) -> String {
        let after = self.html.split("name=\"csrf_token\" value=\"").nth(1).unwrap_or_default();
        after.split('"').next().unwrap_or_default().to_owned()
    }

    /// The value of the first hidden field of that name, or nothing.
    #[must_use]
    pub fn hidden(&self, name: &str) -> String {
        let after = self.html.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap_or_default();
        after.split('"').next().unwrap_or_default().to_owned()
    }

    /// The page, which must be a 200.
    #[must_use]
    pub fn ok(self) -> String {
        assert_eq!(self.status, 200, "{}", self.html);
        self.html
    }

    /// Fails unless `text` is on the page.
    pub fn shows(&self, text: &str) -> &Self {
        assert!(self.html.contains(text), "{:?} is not on the page ({}): {}", text, self.status, self.html);
        self
    }

    /// The value of the cookie that this answer set.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<String> {
        let all = self.headers.get_all("set-cookie");
        all.iter()
            .filter_map(|value| value.to_str().ok())
            .find(|text| text.starts_with(&format!("{name}=")))
            .map(Into::into)
    }
}

impl Visitor {
    #[must_use]
    pub fn new(app: &TestApp) -> Self {
        let http = reqwest::Client::builder().cookie_store(true).redirect(Policy::none()).build();
        Self { http: http.expect("a client"), url: app.url.clone() }
    }

    /// The same browser at another node, with its cookies.
    #[must_use]
    pub fn at(&self, url: &str) -> Self {
        Self { http: self.http.clone(), url: url.to_owned() }
    }

    /// Somebody who signed in with the tests' password.
    pub async fn signed_in(app: &TestApp, email: &str) -> Self {
        let visitor = Self::new(app);
        let page = visitor.sign_in(email, PASSWORD).await;
        assert_eq!(page.status, 303, "{}", page.html);
        visitor
    }

    pub async fn get(&self, path: &str) -> Page {
        self.send(self.http.get(format!("{}{path}", self.url))).await
    }

    /// A file that a page offers, which must be there.
    pub async fn file(&self, path: &str) -> Vec<u8> {
        let answer = self.http.get(format!("{}{path}", self.url)).send().await.expect("the program answers");
        assert_eq!(answer.status().as_u16(), 200, "{path}");
        let named = answer.headers().get("content-disposition").and_then(|value| value.to_str().ok());
        assert!(named.is_some_and(|name| name.starts_with("attachment; filename=")), "{named:?}");
        answer.bytes().await.expect("a whole file").to_vec()
    }

    /// Fills in the form that `page` shows and sends it to `path`.
    pub async fn submit(&self, page: &str, path: &str, fields: &[(&str, &str)]) -> Page {
        let token = self.get(page).await.token();
        let mut all = vec![("csrf_token", token.as_str())];
        all.extend_from_slice(fields);
        self.post(path, &all).await
    }

    /// The same, saying yes to the page that shows what was understood where there is one.
    pub async fn submit_and_confirm(&self, page: &str, path: &str, fields: &[(&str, &str)]) -> Page {
        let answer = self.submit(page, path, fields).await;
        let understood = answer.hidden("understood");
        if answer.status != 200 || understood.is_empty() {
            return answer;
        }
        self.submit(page, path, &[fields, &[("understood", &understood)]].concat()).await
    }

    /// Sends a form with the token of a page that every session has: for whoever is signed in, and for strangers.
    pub async fn fill(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let token = self.token().await;
        let mut all = vec![("csrf_token", token.as_str())];
        all.extend_from_slice(fields);
        self.post(path, &all).await
    }

    /// The same, which must be answered with a redirect: what the person sees next.
    pub async fn fill_and_follow(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let answer = self.fill(path, fields).await;
        assert_eq!(answer.status, 303, "{path}: {}", answer.html);
        self.get(&answer.location).await.ok()
    }

    /// A token of this session as it is now; there is always one to be had.
    pub async fn token(&self) -> String {
        for path in ["/settings/sessions", "/sign-in"] {
            let token = self.get(path).await.token();
            if !token.is_empty() {
                return token;
            }
        }
        panic!("no page has a token");
    }

    /// Sends these fields and no other.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.send(self.http.post(format!("{}{path}", self.url)).form(fields)).await
    }

    /// The same with headers of its own.
    pub async fn post_with(&self, path: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Page {
        let mut request = self.http.post(format!("{}{path}", self.url)).form(fields);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request).await
    }

    /// Sends a body as it is, encoded or not as a browser would.
    pub async fn post_raw(&self, path: &str, kind: &str, body: Vec<u8>) -> Page {
        self.send(self.http.post(format!("{}{path}", self.url)).header("content-type", kind).body(body)).await
    }

    pub async fn sign_in(&self, email: &str, password: &str) -> Page {
        self.submit("/sign-in", "/sign-in", &[("email", email), ("password", password)]).await
    }

    /// A form with a file.
    pub async fn upload(&self, page: &str, path: &str, fields: &[(&str, &str)], file: (&str, Vec<u8>)) -> Page {
        let token = self.get(page).await.token();
        let mut form = reqwest::multipart::Form::new().text("csrf_token", token);
        for (name, value) in fields {
            form = form.text((*name).to_owned(), (*value).to_owned());
        }
        let part = reqwest::multipart::Part::bytes(file.1).file_name("file");
        let form = form.part(file.0.to_owned(), part);
        self.send(self.http.post(format!("{}{path}", self.url)).multipart(form)).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Page {
        let answer = request.send().await.expect("the program answers");
        let status = answer.status().as_u16();
        let headers = answer.headers().clone();
        let location = headers.get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        Page { status, location, headers, html: answer.text().await.unwrap_or_default() }
    }
}
