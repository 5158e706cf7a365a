//! An embedded DynamoDB behind a proxy that writes down each request that arrives.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use spillway_dynamodb::{DynamoLedger, LedgerSettings};
use spillway_harness::ports::SimClock;
use spillway_world::SharedWorld;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The operations that were asked of a database, in small letters, such as `query`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Operations(Arc<Mutex<Vec<String>>>);

impl Operations {
    fn list(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many there were.
    pub(crate) fn count(&self) -> u64 {
        self.list().len() as u64
    }

    /// How many of them read.
    pub(crate) fn reads(&self) -> u64 {
        let reads = ["query", "getitem", "batchgetitem", "scan", "transactgetitems"];
        self.list().iter().filter(|operation| reads.contains(&operation.as_str())).count() as u64
    }

    /// How many of them wrote.
    pub(crate) fn writes(&self) -> u64 {
        self.count() - self.reads()
    }

    /// Begins to count again.
    pub(crate) fn clear(&self) {
        self.list().clear();
    }
}

/// A ledger over a database of its own, behind a proxy that counts.
pub(crate) async fn counting_ledger(world: &SharedWorld) -> (DynamoLedger, Operations) {
    let operations = Operations::default();
    let endpoint = counting_dynamodb(operations.clone()).await;
    let settings =
        LedgerSettings { table: "spillway-test".to_owned(), endpoint: Some(endpoint), history_days: 400 };
    let ledger = DynamoLedger::connect(&config(), settings, Arc::new(SimClock::new(Arc::clone(world))));
    ledger.create_table().await.expect("a table");
    (ledger, operations)
}

/// A DynamoDB in memory, behind the proxy. Gives the endpoint.
async fn counting_dynamodb(operations: Operations) -> String {
    let inside = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = inside.local_addr().expect("its address");
    tokio::spawn(dynoxide::server::serve_on(inside, dynoxide::Database::memory().expect("a database")));
    let proxy = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let endpoint = format!("http://{}", proxy.local_addr().expect("its address"));
    tokio::spawn(async move {
        while let Ok((client, _)) = proxy.accept().await {
            let server = TcpStream::connect(address).await.expect("the database");
            tokio::spawn(pass(client, server, operations.clone()));
        }
    });
    endpoint
}

/// Passes bytes on, and notes the one header that each request of the protocol has once.
async fn pass(client: TcpStream, server: TcpStream, operations: Operations) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let back = tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
    let (mut buffer, mut rest) = (vec![0; 64 * 1024], Vec::new());
    while let Ok(read) = from_client.read(&mut buffer).await {
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        // Noted before it is passed on: whoever has the answer finds it counted.
        rest.extend(bytes.iter().map(u8::to_ascii_lowercase));
        note(&mut rest, &operations);
        if to_server.write_all(bytes).await.is_err() {
            break;
        }
    }
    back.abort();
}

/// Takes whole headers out of what was read; one that is cut in two by the end of a reading waits for the rest of it.
fn note(rest: &mut Vec<u8>, operations: &Operations) {
    // With the colon: the signature names the header once more.
    const MARK: &[u8] = b"x-amz-target:";
    while let Some(at) = rest.windows(MARK.len()).position(|window| window == MARK) {
        let value = &rest[at + MARK.len()..];
        let Some(end) = value.iter().position(|byte| *byte == b'\r') else {
            rest.drain(..at);
            return;
        };
        let text = String::from_utf8_lossy(&value[..end]);
        let operation = text.rsplit('.').next().unwrap_or_default().trim().to_owned();
        operations.list().push(operation);
        rest.drain(..at + MARK.len() + end);
    }
    let keep = rest.len().saturating_sub(MARK.len() - 1);
    rest.drain(..keep);
}

fn config() -> SdkConfig {
    let credentials = Credentials::new("AKIDEXAMPLE", "not-a-secret", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}
