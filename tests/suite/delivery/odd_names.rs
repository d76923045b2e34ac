//! DNS and policies with NUL in what they say: it is stored as far as a database can, or refused, and mail goes on.

use std::net::Ipv4Addr;

use canopy::models::domains;
use chrono::TimeDelta;

use super::{accept, attempts, deliver, message};
use crate::support::app::{On, TestApp};
use crate::support::odd_dns::{Odd, OddDns, labels};
use crate::support::smtp_sink::SmtpSink;

/// Where nobody listens.
const DEAD: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);

/// `nul.test` has a server with NUL in its name before one without, and a policy's id with NUL; so has what stands at the
/// client's own domain.
fn zone() -> Vec<(Vec<Vec<u8>>, Odd)> {
    let odd = vec![b"m\0x".to_vec(), b"test".to_vec()];
    vec![
        (labels("nul.test"), Odd::Mx(10, odd.clone())),
        (labels("nul.test"), Odd::Mx(20, labels("mx1.test"))),
        (odd.clone(), Odd::A(DEAD)),
        (labels("mx1.test"), Odd::A(Ipv4Addr::LOCALHOST)),
        (labels("_mta-sts.nul.test"), Odd::Txt(b"v=STSv1; id=1\x002;".to_vec())),
        (labels("odd.example"), Odd::Mx(10, odd)),
        (labels("odd.example"), Odd::Txt(b"v=spf1 a\0b -all".to_vec())),
        (labels("_dmarc.odd.example"), Odd::Txt(b"v=DMARC1; p=no\0ne".to_vec())),
    ]
}

#[tokio::test]
async fn what_dns_says_is_stored_whatever_its_bytes_are_and_mail_goes_on() {
    for on in [On::Sqlite, On::Postgres] {
        let (Some(sink), dns) = (SmtpSink::start(), OddDns::start(zone())) else { return };
        let (address, port) = (dns.address.to_string(), sink.port().to_string());
        let app = TestApp::start_with(on, move |settings| {
            settings.set("dns", address);
            settings.set("default_transport", "direct");
            settings.set("direct_port", port);
            settings.set("transport_allow", "127.0.0.0/8");
        });
        let Some(app) = app.await else { return };
        let agency = app.agency("Odd").await;
        let client = app.client(&agency, "odd", 0).await;
        for _ in 0..2 {
            let id = accept(&app, &client, &["ann@nul.test"]).await[0];
            deliver(&app).await;
            let said = attempts(&app, id).await.pop().expect("an attempt");
            assert_eq!(message(&app, id).await.status, "delivered", "{said:?}");
            assert!(said.host.starts_with("mx1.test ") && !said.log.contains('\0'), "{said:?}");
        }

        // It was looked at when it was verified.
        app.app.clock.step(TimeDelta::minutes(2));
        let path = format!("/v2/accounts/{}/domains/odd.example/check-dns", client.id);
        let (status, answer) = app.call("POST", &path, &client.key, None).await;
        assert_eq!(status, 200, "{answer}");
        let own = client.id;
        let row = app.read(move |conn| Ok(domains::find(conn, own, "odd.example")?.expect("the domain"))).await;
        let states = &row.record_states;
        assert!(states.contains("v=spf1 a\u{fffd}b -all") && !states.contains("\\u0000"), "{states}");
        println!("stored on {:?}: {states}", app.app.db.backend());
    }
}
