//! Connections that do not keep up: requests of which only a part arrives.

mod common;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use common::Bench;
use spillway_pexip_server::ServeOptions;

const PATIENCE: Duration = Duration::from_millis(200);

/// Sends the parts with a pause before each; gives what comes back until the server closes.
async fn sent(address: SocketAddr, parts: &'static [&'static str]) -> std::io::Result<String> {
    let talk = move || {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        for part in parts {
            std::thread::sleep(PATIENCE / 2 * 3);
            stream.write_all(part.as_bytes())?;
        }
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    tokio::task::spawn_blocking(talk).await?
}

#[tokio::test]
async fn half_a_request_is_given_up_and_an_idle_connection_is_not() {
    let options = ServeOptions { read_timeout: PATIENCE, ..Default::default() };
    let bench = Bench::with(1, options).await;
    let address = bench.server.addr;
    assert_eq!(sent(address, &["GET /api/admin/status/v1/ HTTP/1.1\r\nHost: x\r\n"]).await.unwrap(), "");
    let half = &[
        "PATCH /api/admin/configuration/v1/global/1/ HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n{\"a",
    ];
    let answer = sent(address, half).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    let twice = &[
        "GET /api/admin/status/v1/ HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /api/admin/status/v1/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    ];
    let answer = sent(address, twice).await.unwrap();
    assert_eq!(answer.matches("HTTP/1.1 401 ").count(), 2, "{answer}");
}
