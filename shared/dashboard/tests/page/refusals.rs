//! Who is not let in.

use crate::source::{Page, empty};

const START: &str = r#"{"do":"start","instance":"i-1","hold_minutes":60,"reason":"a talk"}"#;

#[tokio::test]
async fn a_host_that_is_not_this_machine_gets_nothing_not_even_the_page() {
    let page = Page::of(empty()).await;
    let own = format!("127.0.0.1:{}", page.port);
    for host in ["evil.example", "evil.example:80", "127.0.0.1", "127.0.0.1:1", "[::1]:80"] {
        for path in ["/", "/page.js", "/api/page"] {
            let headers = [("Host", host), ("X-Spillway-Token", page.token.as_str())];
            let reply = page.ask("GET", path, &headers, "").await;
            assert_eq!(reply.status, 421, "{host} {path}");
            assert!(!reply.body.contains("<html"), "{host} {path}");
        }
    }
    let request = format!("GET / HTTP/1.1\r\nHost: {own}\r\nHost: {own}\r\nConnection: close\r\n\r\n");
    assert_ne!(page.raw(&request).await.status, 200, "two hosts");
    // An absolute target must not get past the header that is checked.
    let request = "GET http://127.0.0.1/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    assert_eq!(page.raw(request).await.status, 421);
}

#[tokio::test]
async fn nothing_is_told_without_the_token() {
    let page = Page::of(empty()).await;
    for path in ["/api/page", "/api/history?hours=1"] {
        assert_eq!(page.ask("GET", path, &[], "").await.status, 401, "{path}");
        let wrong = "0".repeat(64);
        assert_eq!(page.ask("GET", path, &[("X-Spillway-Token", &wrong)], "").await.status, 401, "{path}");
        let in_address = format!("{path}{}token={}", if path.contains('?') { '&' } else { '?' }, page.token);
        assert_eq!(page.ask("GET", &in_address, &[], "").await.status, 401, "{path}");
        assert_eq!(page.get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn a_token_is_of_one_start() {
    let (first, second) = (Page::of(empty()).await, Page::of(empty()).await);
    assert_ne!(first.token, second.token);
    assert_eq!(second.ask("GET", "/api/page", &[("X-Spillway-Token", &first.token)], "").await.status, 401);
}

#[tokio::test]
async fn no_get_changes_anything() {
    let page = Page::of(empty()).await;
    let id = page.post("/api/preview", START).await.json()["id"].as_str().unwrap().to_owned();
    for method in ["GET", "HEAD"] {
        for path in [format!("/api/act?id={id}"), "/api/preview".to_owned()] {
            let headers = [("X-Spillway-Token", page.token.as_str())];
            let reply = page.ask(method, &path, &headers, &format!(r#"{{"id":"{id}"}}"#)).await;
            assert_eq!(reply.status, 405, "{method} {path}");
        }
    }
    assert!(page.source.done().is_empty());
}

#[tokio::test]
async fn another_site_cannot_act_even_with_the_token() {
    let page = Page::of(empty()).await;
    let own = format!("http://127.0.0.1:{}", page.port);
    let json = ("Content-Type", "application/json");
    let token = ("X-Spillway-Token", page.token.as_str());
    let id = page.post("/api/preview", START).await.json()["id"].as_str().unwrap().to_owned();
    let body = format!(r#"{{"id":"{id}"}}"#);
    let cases = [
        ("no origin", vec![json, token], 403),
        ("foreign origin", vec![json, token, ("Origin", "http://evil.example")], 403),
        ("opaque origin", vec![json, token, ("Origin", "null")], 403),
        ("same site", vec![json, token, ("Origin", &own), ("Sec-Fetch-Site", "same-site")], 403),
        ("a navigation", vec![json, token, ("Origin", &own), ("Sec-Fetch-Site", "none")], 403),
        ("a form", vec![("Content-Type", "text/plain"), token, ("Origin", &own)], 415),
        ("no token", vec![json, ("Origin", &own)], 401),
    ];
    for (name, headers, status) in cases {
        assert_eq!(page.ask("POST", "/api/act", &headers, &body).await.status, status, "{name}");
    }
    assert!(page.source.done().is_empty());
    assert_eq!(page.post("/api/act", &body).await.status, 200);
    assert_eq!(page.source.done().len(), 1);
}

#[tokio::test]
async fn everything_carries_the_headers_refusals_too() {
    let page = Page::of(empty()).await;
    let replies = [
        page.get("/").await,
        page.get("/page.css").await,
        page.get("/page.js").await,
        page.get("/icon.svg").await,
        page.get("/api/page").await,
        page.get("/nothing").await,
        page.ask("GET", "/", &[("Host", "evil.example")], "").await,
        page.ask("GET", "/api/page", &[], "").await,
    ];
    for (index, reply) in replies.iter().enumerate() {
        for header in [
            "default-src 'none'",
            "script-src 'self'",
            "frame-ancestors 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "x-content-type-options: nosniff",
            "x-frame-options: deny",
            "referrer-policy: no-referrer",
            "cache-control: no-store",
            "cross-origin-resource-policy: same-origin",
        ] {
            assert!(reply.head.contains(header), "{index}: {header}\n{}", reply.head);
        }
        assert!(!reply.head.contains("unsafe"), "{}", reply.head);
        assert!(!reply.head.contains("access-control"), "{}", reply.head);
        assert!(!reply.head.contains("set-cookie"), "{}", reply.head);
    }
}

#[tokio::test]
async fn what_is_asked_is_checked() {
    let page = Page::of(empty()).await;
    for (body, says) in [
        (r#"{"do":"start","instance":"i-1","hold_minutes":0,"reason":""}"#, "1 to 1440 minutes"),
        (r#"{"do":"start","instance":"i-1","hold_minutes":1441,"reason":""}"#, "1 to 1440 minutes"),
        (r#"{"do":"stop","instance":"i-1","reason":"","now":true}"#, "now"),
        (r#"{"do":"terminate","instance":"i-1"}"#, "terminate"),
        ("", "EOF"),
    ] {
        let reply = page.post("/api/preview", body).await;
        assert_eq!(reply.status, 400, "{body}");
        assert!(reply.body.contains(says), "{body}: {}", reply.body);
    }
    let long = format!(r#"{{"do":"stop","instance":"i-1","reason":"{}"}}"#, "x".repeat(201));
    assert_eq!(page.post("/api/preview", &long).await.status, 400);
    let huge = format!(r#"{{"do":"stop","instance":"i-1","reason":"{}"}}"#, "x".repeat(5_000));
    assert_eq!(page.post("/api/preview", &huge).await.status, 413);
    for path in ["/api/history", "/api/history?hours=0", "/api/history?hours=745", "/api/history?hours=x"] {
        assert_eq!(page.get(path).await.status, 400, "{path}");
    }
    assert!(page.source.done().is_empty());
}
