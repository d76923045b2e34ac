//! The ceiling of everything that is asked over HTTP: a handler that reads the request and answers so many bytes. It
//! runs in a process of its own, as the program does.

use actix_web::{App, HttpResponse, HttpServer, web};

use crate::support::process::Process;

/// Turns this executable into the bare server.
pub const WORD: &str = "bare";

/// Serves until killed, and says its port first.
pub fn serve(size: usize) {
    let body = web::Bytes::from("x".repeat(size));
    let answer =
        move |_: web::Bytes| std::future::ready(HttpResponse::Ok().content_type("text/html").body(body.clone()));
    actix_web::rt::System::new().block_on(async move {
        let app = move || App::new().default_service(web::to(answer.clone()));
        let server = HttpServer::new(app).workers(2).bind("127.0.0.1:0").expect("a free port");
        println!("{}", server.addrs().first().expect("it is bound"));
        server.run().await.expect("it serves");
    });
}

/// The running bare server.
pub struct Bare {
    pub address: std::net::SocketAddr,
    _process: Process,
}

impl Bare {
    pub fn start(size: usize) -> Self {
        let itself = std::env::current_exe().expect("this program knows its file");
        let process = Process::spawn(itself, &[WORD, &size.to_string()], &[]);
        let address = process.next_line().and_then(|line| line.parse().ok()).expect("it says its address");
        Self { address, _process: process }
    }
}
