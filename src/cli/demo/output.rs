//! What the demo says once it serves: a page of words for a person, or one line of JSON for a program.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::json;

use super::folder::{Folder, Kept};
use crate::seed::{SignIn, SignIns, Wish};

pub struct Output {
    /// Dashboard and API: paths begin with `/v2` for the API.
    url: String,
    /// Where bounces and complaints come in.
    mx: SocketAddr,
    mailbox: PathBuf,
    file: PathBuf,
    sign_ins: SignIns,
    /// What the data was made with, where that is not what was asked for now.
    other: Option<Wish>,
}

impl Output {
    pub fn new(url: &str, mx: SocketAddr, folder: &Folder, kept: &Kept, wish: &Wish) -> Self {
        Self {
            url: url.to_owned(),
            mx,
            mailbox: folder.mailbox(),
            file: folder.sign_ins(),
            sign_ins: kept.sign_ins.clone(),
            other: (kept.wish != *wish).then_some(kept.wish),
        }
    }

    /// Prints it.
    ///
    /// # Errors
    /// When standard output is gone.
    pub fn print(&self, json: bool) -> io::Result<()> {
        if let Some(wish) = &self.other {
            log::warn!(
                "the data that is there is used: {} sub accounts, {} days, seed {}; delete the folder for another",
                wish.sub_accounts,
                wish.days,
                wish.seed
            );
        }
        let text = if json { format!("{}\n", self.json()) } else { self.words() };
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    fn json(&self) -> serde_json::Value {
        let all = &self.sign_ins;
        json!({
            "dashboard": self.url,
            "api": self.url,
            "account_id": all.account_id,
            "api_key": all.api_key,
            "users": all.users,
            "client_users": all.client_users,
            "sub_account": all.sub_account,
            "mailbox": self.mailbox,
            "mx": self.mx.to_string(),
        })
    }

    fn words(&self) -> String {
        let all = &self.sign_ins;
        let ready = &all.sub_account;
        let mut text = format!("\n{} is ready.\n\n  Dashboard  {}\n\n", all.account_name, self.url);
        for user in &all.users {
            line(&mut text, user, &user.role);
        }
        for user in &all.client_users {
            line(&mut text, user, &format!("Member of {}", user.account.as_deref().unwrap_or("a client")));
        }
        let _ = write!(
            text,
            "\n  API        {}/v2\n  Account    {}\n  API key    {}\n\n  Send as    {} (any address at {})\n  \
             Account    {}\n  API key    {}\n\n  Sent mail  {}\n  Bounces    {} (SMTP)\n  Sign-ins   {}\n\nStop with Ctrl+C. The next start \
             finds everything again; delete the folder to begin anew.\n",
            self.url,
            all.account_id,
            all.api_key,
            ready.name,
            ready.domain,
            ready.id,
            ready.api_key,
            self.mailbox.display(),
            self.mx,
            self.file.display(),
        );
        text
    }
}

/// Writing to a String cannot fail.
fn line(text: &mut String, user: &SignIn, who: &str) {
    let _ = writeln!(text, "  {:<28}  {:<16}  {who}", user.email, user.password);
}
