//! A platform that is made up: what it shows is set, what it is asked to do is written down.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use serde_json::Value;
use spillway_core::fault::{Fault, FaultKind, System};
use spillway_core::ledger::{Actor, Event, EventKind};
use spillway_core::policy::Mode;
use spillway_dashboard::{Answer, PageAction, PageData, PageSource, Preview, ServeSettings, Served, serve};
use spillway_view::{FirstLine, OverflowLocation, PrincipalLocation, SCHEMA, Status, Trouble};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) fn at() -> Timestamp {
    "2026-03-02T08:58:00Z".parse().unwrap()
}

pub(crate) fn empty() -> Status {
    Status {
        schema: SCHEMA,
        platform: "acme".to_owned(),
        at: at(),
        mode: Mode::Control,
        dry_run: false,
        trouble: Vec::new(),
        first: FirstLine::default(),
        principal: Vec::new(),
        overflow: Vec::new(),
        nodes: Vec::new(),
        holds: Vec::new(),
        edge: Vec::new(),
        issues: Vec::new(),
        next: Vec::new(),
    }
}

pub(crate) fn data(status: Status) -> PageData {
    PageData {
        line: "acme: room for 7 HD calls now".to_owned(),
        load: Vec::new(),
        runs: Vec::new(),
        windows: Vec::new(),
        last_event: None,
        locations_at: status.at,
        status,
    }
}

pub(crate) fn london() -> Status {
    let calls = spillway_core::ids::HdCalls;
    let mut status = empty();
    status.principal.push(PrincipalLocation {
        name: "London".into(),
        free: calls(7),
        max: calls(80),
        threshold: calls(5),
        word: spillway_core::report::ThresholdWord::ApproachingThreshold,
        overflow: "AWS burst".into(),
    });
    status.overflow.push(OverflowLocation {
        name: "AWS burst".into(),
        free: calls(0),
        max: calls(0),
        booting: calls(17),
        threshold: calls(5),
        ready: 0,
        nodes: 3,
        why: vec!["not needed".to_owned()],
    });
    status
}

pub(crate) fn down() -> Fault {
    Fault::new(System::Settings, FaultKind::Unreachable, "no route to SSM").with_remedy("look at the network")
}

/// Everything that it shows, and what it was asked.
#[derive(Debug)]
pub(crate) struct Book {
    pub(crate) read: Result<PageData, Fault>,
    pub(crate) reads: u32,
    pub(crate) done: Vec<PageAction>,
}

#[derive(Debug, Clone)]
pub(crate) struct MadeUp(pub(crate) Arc<Mutex<Book>>);

impl MadeUp {
    pub(crate) fn showing(data: PageData) -> Self {
        Self(Arc::new(Mutex::new(Book { read: Ok(data), reads: 0, done: Vec::new() })))
    }

    pub(crate) fn done(&self) -> Vec<PageAction> {
        self.0.lock().unwrap().done.clone()
    }

    pub(crate) fn set(&self, read: Result<PageData, Fault>) {
        self.0.lock().unwrap().read = read;
    }
}

impl PageSource for MadeUp {
    async fn read(&self) -> Result<PageData, Fault> {
        let mut book = self.0.lock().unwrap();
        book.reads += 1;
        book.read.clone()
    }

    async fn history(&self, _: Timestamp, _: Timestamp) -> Result<Vec<Event>, Fault> {
        Ok(vec![Event {
            id: "1".to_owned(),
            at: at(),
            kind: EventKind::Start,
            instance: Some("i-1".into()),
            node: Some("burst-1".into()),
            location: Some("AWS burst".into()),
            by: Actor::Person("user/anna".to_owned()),
            reason: "<b>a talk</b>".to_owned(),
        }])
    }

    fn now(&self) -> Timestamp {
        at()
    }

    async fn preview(&self, action: &PageAction) -> Result<Preview, Fault> {
        if action.instance().as_str() == "i-retired" {
            return Ok(Preview { plan: Vec::new(), refused: Some("it is retired".to_owned()) });
        }
        Ok(Preview { plan: vec![format!("Start {}", action.instance())], refused: None })
    }

    async fn act(&self, action: &PageAction) -> Result<Answer, Fault> {
        self.0.lock().unwrap().done.push(action.clone());
        Ok(Answer { done: true, lines: vec!["started".to_owned()] })
    }
}

/// A page that is served, and how it is spoken to.
pub(crate) struct Page {
    pub(crate) port: u16,
    pub(crate) token: String,
    pub(crate) source: MadeUp,
    _served: Served,
}

pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

impl Page {
    pub(crate) async fn of(status: Status) -> Self {
        Self::serving(MadeUp::showing(data(status))).await
    }

    pub(crate) async fn serving(source: MadeUp) -> Self {
        // Pages that ask soon after one another share a reading; here each has its own.
        let settings = ServeSettings { every: std::time::Duration::ZERO, ..ServeSettings::default() };
        Self::with(source, settings).await
    }

    pub(crate) async fn with(source: MadeUp, settings: ServeSettings) -> Self {
        let served = serve(source.clone(), settings).await.unwrap();
        let (address, token) = served.url.split_once("/#").unwrap();
        let port = address.rsplit_once(':').unwrap().1.parse().unwrap();
        assert!(address.starts_with("http://127.0.0.1:"));
        assert_eq!(token.len(), 64);
        Self { port, token: token.to_owned(), source, _served: served }
    }

    /// A request, line by line as it is.
    pub(crate) async fn raw(&self, request: &str) -> Reply {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Reply { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    pub(crate) async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        use std::fmt::Write as _;
        let mut request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        let host = format!("127.0.0.1:{}", self.port);
        if !headers.iter().any(|(name, _)| *name == "Host") {
            let _ = write!(request, "Host: {host}\r\n");
        }
        for (name, value) in headers {
            let _ = write!(request, "{name}: {value}\r\n");
        }
        let _ = write!(request, "Content-Length: {}\r\n\r\n{body}", body.len());
        self.raw(&request).await
    }

    /// As the page's own script asks.
    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, &[("X-Spillway-Token", &self.token), ("Sec-Fetch-Site", "same-origin")], "")
            .await
    }

    /// As the page's own script asks for something to be done.
    pub(crate) async fn post(&self, path: &str, body: &str) -> Reply {
        let origin = format!("http://127.0.0.1:{}", self.port);
        let headers = [
            ("X-Spillway-Token", self.token.as_str()),
            ("Content-Type", "application/json"),
            ("Origin", origin.as_str()),
            ("Sec-Fetch-Site", "same-origin"),
        ];
        self.ask("POST", path, &headers, body).await
    }
}

pub(crate) fn blind() -> Status {
    let what = "Management Node: no answer".to_owned();
    Status { trouble: vec![Trouble { what, remedy: String::new() }], ..empty() }
}
