//! The support itself: if one of these fails, look here before anywhere else.

use crate::support::browser::Browser;
use crate::support::dkim_verify::dkim_verify;
use crate::support::dns_server::{DnsServer, Record};
use crate::support::environment::helper_script;
use crate::support::mail_program::MailProgram;
use crate::support::postgres::TestPostgres;
use crate::support::process::Process;
use crate::support::smtp_sink::{Behaviour, SmtpSink};
use diesel::connection::SimpleConnection;
use diesel::sql_types::BigInt;
use diesel::{QueryableByName, RunQueryDsl, sql_query};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolverConfig};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use std::fs;
use std::time::{Duration, Instant};

fn program(sink: &SmtpSink) -> MailProgram {
    MailProgram::at(([127, 0, 0, 1], sink.port()).into())
}

/// The code that a letter to this address is answered with.
async fn write(program: MailProgram, to: &str) -> u16 {
    let letter = format!("From: Ann <ann@agency.test>\r\nTo: {to}\r\nSubject: Hello\r\n\r\n{BODY}");
    program.send("ann@agency.test", &[to], letter.as_bytes()).await.code
}

const BODY: &str = ".first line starts with a dot\r\nsecond";

#[tokio::test]
async fn a_message_sent_over_smtp_arrives_in_the_sink_whole() {
    let Some(sink) = SmtpSink::start() else { return };
    assert_eq!(write(program(&sink), "bob@client.test").await, 250);
    let messages = sink.wait_for(1).await;
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].sender, "ann@agency.test");
    assert_eq!(messages[0].recipients, ["bob@client.test"]);
    assert_eq!(messages[0].login, None);
    assert!(messages[0].text().contains("\r\n\r\n.first line starts with a dot\r\nsecond"));
}

#[tokio::test]
async fn the_sink_does_to_each_recipient_what_the_test_asked_for() {
    let Some(sink) = SmtpSink::start() else { return };
    sink.set("full@client.test", Behaviour::RefuseRecipient("452 4.2.2 mailbox full")).await;
    sink.set("gone@client.test", Behaviour::RefuseRecipient("550 5.1.1 nobody here")).await;
    sink.set("spam@client.test", Behaviour::RefuseMessage("554 5.7.1 looks like spam")).await;
    sink.set("cut@client.test", Behaviour::DropConnection).await;
    sink.set("lost@client.test", Behaviour::DropAfterMessage).await;
    sink.set("slow@client.test", Behaviour::Slow(Duration::from_millis(300))).await;
    let send = async |to: &str| write(program(&sink), to).await;
    assert_eq!(send("full@client.test").await, 452);
    assert_eq!(send("gone@client.test").await, 550);
    assert_eq!(send("spam@client.test").await, 554);
    assert_eq!(send("cut@client.test").await, 0);
    assert!(sink.messages().is_empty());
    assert_eq!(send("lost@client.test").await, 0);
    assert_eq!(sink.wait_for(1).await[0].recipients, ["lost@client.test"]);
    let before = Instant::now();
    assert_eq!(send("slow@client.test").await, 250);
    assert!(before.elapsed() >= Duration::from_millis(300));
    sink.set("gone@client.test", Behaviour::Accept).await;
    assert_eq!(send("gone@client.test").await, 250);
    assert_eq!(sink.wait_for(3).await.len(), 3);
}

#[tokio::test]
async fn the_sink_asks_for_a_login_and_counts_its_connections() {
    let Some(sink) = SmtpSink::with_login("relay", "right") else { return };
    let relay = |password: &str| program(&sink).signing_in("relay", password, "PLAIN");
    assert_eq!(write(program(&sink), "bob@client.test").await / 100, 5);
    assert_eq!(write(relay("wrong"), "bob@client.test").await, 535);
    assert_eq!(write(relay("right"), "bob@client.test").await, 250);
    let message = &sink.wait_for(1).await[0];
    assert_eq!((message.login.as_deref(), message.connection), (Some("relay"), 3));
    // What the sink tells comes in its order: what came before the message is counted by now.
    assert_eq!(sink.connections(), 3);
}

fn resolver(server: &DnsServer) -> TokioResolver {
    let address = server.address();
    let mut name_server = NameServerConfig::udp_and_tcp(address.ip());
    name_server.connections.iter_mut().for_each(|connection| connection.port = address.port());
    let config = ResolverConfig::from_parts(None, vec![], vec![name_server]);
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    builder.options_mut().cache_size = 0;
    builder.options_mut().timeout = Duration::from_secs(1);
    builder.options_mut().attempts = 1;
    builder.build().unwrap()
}

/// The data of an answer's records, as text.
fn data(answer: Lookup) -> Vec<String> {
    answer.answers().iter().map(|record| record.data.to_string()).collect()
}

#[tokio::test]
async fn the_dns_server_answers_what_it_was_given_and_changes_on_request() {
    let key = format!("v=DKIM1; k=rsa; p={}", "A".repeat(400));
    let zone = [
        Record::Txt("key.provider.test".into(), key.clone()),
        Record::Cname("s1._domainkey.client.test".into(), "alias.provider.test".into()),
        Record::Cname("alias.provider.test".into(), "key.provider.test".into()),
        Record::Mx("client.test".into(), "mx.client.test".into(), 10),
        Record::A("mx.client.test".into(), [127, 0, 0, 2].into()),
    ];
    let Some(mut server) = DnsServer::start(&zone) else { return };
    let dns = resolver(&server);
    let followed = data(dns.txt_lookup("s1._domainkey.client.test.").await.unwrap());
    assert_eq!(followed, ["alias.provider.test.", "key.provider.test.", &key]);
    assert_eq!(data(dns.mx_lookup("client.test.").await.unwrap()), ["10 mx.client.test."]);
    assert_eq!(data(dns.ipv4_lookup("mx.client.test.").await.unwrap()), ["127.0.0.2"]);
    assert!(dns.txt_lookup("other.test.").await.unwrap_err().is_nx_domain());
    let text = r#"now "here", with \ too"#;
    server.publish(&[Record::Txt("other.test".into(), text.into())]);
    assert_eq!(data(resolver(&server).txt_lookup("other.test.").await.unwrap()), [text]);
    server.stop();
    assert!(resolver(&server).txt_lookup("other.test.").await.is_err());
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

fn rows_of_things(database: &TestPostgres) -> i64 {
    let asked = sql_query("SELECT COUNT(*) AS rows FROM things");
    asked.get_result::<Count>(&mut database.connect()).unwrap().rows
}

#[test]
fn each_test_has_a_copy_of_the_postgresql_template_to_itself() {
    let build = |conn: &mut diesel::PgConnection| {
        conn.batch_execute("CREATE EXTENSION pg_trgm; CREATE TABLE things (n int); INSERT INTO things VALUES (1)")
            .unwrap();
    };
    let Some(first) = TestPostgres::copy_of("support_works", build) else { return };
    let second = TestPostgres::copy_of("support_works", |_| panic!("the template is built once")).unwrap();
    first.connect().batch_execute("INSERT INTO things VALUES (2)").unwrap();
    assert_eq!((rows_of_things(&first), rows_of_things(&second)), (2, 1));
    let gone = first.url();
    drop(first);
    assert!(<diesel::PgConnection as diesel::Connection>::establish(&gone).is_err());
    assert!(TestPostgres::empty().unwrap().connect().batch_execute("SELECT * FROM things").is_err());
}

#[test]
fn the_migrated_template_can_be_used() {
    let Some(database) = TestPostgres::migrated() else { return };
    database.connect().batch_execute("SELECT 1").unwrap();
}

#[test]
fn the_dkim_verifier_accepts_a_right_signature_and_refuses_a_touched_message() {
    let signed = fs::read(helper_script("signed.eml")).unwrap();
    let key = fs::read_to_string(helper_script("signed.txt")).unwrap();
    let records = [("s1._domainkey.client.test", key.trim())];
    let Some(verdict) = dkim_verify(&signed, &records) else { return };
    assert_eq!(verdict, Ok(()));
    let touched = String::from_utf8(signed.clone()).unwrap().replace("noon", "five");
    assert!(dkim_verify(touched.as_bytes(), &records).unwrap().is_err());
    assert!(dkim_verify(&signed, &[]).unwrap().is_err());
}

#[test]
fn a_program_is_read_told_ended_and_killed() {
    let script = r#"trap 'exit 7' TERM; echo "{\"given\": \"$GIVEN\", \"leaked\": \"$CANOPY_TEST_STRICT\"}"; read word; echo "$word"; while :; do sleep 0.05; done"#;
    let start = || Process::spawn("sh", &["-c", script], &[("GIVEN", "this")]);
    let mut asked = start();
    assert_eq!(asked.next_json(), serde_json::json!({"given": "this", "leaked": ""}));
    asked.tell("word");
    assert_eq!(asked.next_line().as_deref(), Some("word"));
    asked.terminate();
    assert_eq!(asked.wait().code(), Some(7));
    let mut killed = start();
    killed.next_json();
    assert_eq!(killed.kill().code(), None);
}

#[test]
fn the_built_program_starts() {
    assert!(Process::canopy(&["--version"], &[]).wait().success());
}

#[tokio::test]
async fn the_browser_opens_pages_and_axe_finds_what_is_wrong_with_them() {
    let Some(browser) = Browser::open().await else { return };
    let page = "data:text/html,<html lang=en><meta name=viewport content=width=device-width><title>A page</title><main><h1>Hi</h1>";
    browser.viewport(390, 844).await;
    browser
        .goto(&format!("{page}<img src=x><noscript>no</noscript><p id=w></p><script>w.textContent=innerWidth</script>"))
        .await;
    assert_eq!(browser.driver.title().await.unwrap(), "A page");
    let width = browser.driver.find(thirtyfour::By::Id("w")).await.unwrap().text().await.unwrap();
    assert_eq!(width, "390");
    let found = browser.accessibility_violations().await;
    assert_eq!(found.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["image-alt"], "{found:?}");
    assert_eq!((found[0].elements.as_slice(), found[0].help.is_empty()), (["img".to_owned()].as_slice(), false));
    assert!(fs::read(browser.screenshot("support").await).unwrap().starts_with(b"\x89PNG"));
    browser.prefer_dark(true).await;
    browser
        .goto(&format!(
            "{page}<p id=t></p><script>t.textContent=matchMedia('(prefers-color-scheme:dark)').matches</script>"
        ))
        .await;
    assert_eq!(browser.driver.find(thirtyfour::By::Id("t")).await.unwrap().text().await.unwrap(), "true");
    assert_eq!(browser.accessibility_violations().await.len(), 0);
}

#[tokio::test]
async fn the_browser_can_be_without_javascript() {
    let Some(browser) = Browser::without_javascript().await else { return };
    browser.goto("data:text/html,<title>t</title><p id=p>still</p><script>p.textContent='ran'</script>").await;
    assert_eq!(browser.driver.find(thirtyfour::By::Id("p")).await.unwrap().text().await.unwrap(), "still");
}
