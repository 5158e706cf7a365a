//! Who gets in, how fast, and what goes wrong on purpose: authentication, permissions, rate, faults, TLS.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "helpers of tests are parts of tests")]

mod common;

use std::time::{Duration, Instant};

use common::{Bench, header, outcome};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Response;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use spillway_pexip_server::{
    Account, Audience, Fault, FaultKind, IssuedClient, KeyForm, Rights, ServeOptions,
};

const NODES: &str = "/api/admin/configuration/v1/worker_vm/";
const STATUS: &str = "/api/admin/status/v1/worker_vm/";
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

fn claims(bench: &Bench, client: &str) -> Value {
    let audience = format!("{}/oauth/token/", bench.server.base_url);
    json!({"iss": client, "sub": client, "aud": audience, "iat": now(), "exp": now() + 3600,
        "jti": uuid::Uuid::new_v4().simple().to_string()})
}

fn sign(pem: &str, claims: &Value) -> String {
    let key = EncodingKey::from_ec_pem(pem.as_bytes()).expect("a PKCS#8 key");
    jsonwebtoken::encode(&Header::new(Algorithm::ES256), claims, &key).expect("a signed assertion")
}

async fn exchange(bench: &Bench, assertion: &str) -> Response {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", ASSERTION),
        ("client_assertion", assertion),
    ];
    bench.bare("POST", "/oauth/token/").form(&form).send().await.expect("an answer")
}

async fn token(bench: &Bench, client: &IssuedClient) -> String {
    let assertion = sign(client.private_key.expose_secret(), &claims(bench, &client.client_id));
    let response = exchange(bench, &assertion).await;
    assert_eq!(response.status(), 200);
    response.json::<Value>().await.unwrap()["access_token"].as_str().unwrap().to_owned()
}

async fn with_token(bench: &Bench, token: &str, method: &str, path: &str, body: Value) -> u16 {
    bench.bare(method, path).bearer_auth(token).json(&body).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn no_or_wrong_credentials_are_a_401_with_a_challenge() {
    let bench = Bench::new(1).await;
    for request in [
        bench.bare("GET", STATUS),
        bench.bare("GET", STATUS).basic_auth("admin", Some("wrong")),
        bench.bare("GET", STATUS).basic_auth("root", Some("admin")),
        bench.bare("GET", STATUS).header("authorization", "Basic %%%"),
        bench.bare("GET", "/api/admin/status/v1/"),
        bench.bare("GET", &format!("{STATUS}schema/")),
        bench.bare("DELETE", NODES),
    ] {
        let response = request.send().await.unwrap();
        assert!(header(&response, "www-authenticate").starts_with("Basic "));
        assert_eq!(outcome(response).await, (401, String::new()));
    }
    let response = bench.bare("GET", STATUS).bearer_auth("nonsense").send().await.unwrap();
    assert_eq!(response.status(), 401);
    assert_eq!(bench.get(NODES).await["meta"]["total_count"], 1, "nothing was deleted");
}

#[tokio::test]
async fn an_oauth2_client_is_created_with_a_key_that_is_shown_once() {
    let bench = Bench::new(1).await;
    let list = "/api/admin/configuration/v1/oauth2_client/";
    let role = "/api/admin/configuration/v1/role/1/";
    let response = bench.body("POST", list, json!({"client_name": "spillway", "role": role})).await;
    assert_eq!(response.status(), 201);
    let uri = header(&response, "location");
    let made: Value = response.json().await.unwrap();
    let (id, pem) = (made["client_id"].as_str().unwrap(), made["private_key_jwt"].as_str().unwrap());
    assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----"));
    assert_eq!(bench.get(&uri).await["private_key_jwt"], "");
    assert_eq!(bench.get(&uri).await["client_id"], id);

    let response = exchange(&bench, &sign(pem, &claims(&bench, id))).await;
    assert_eq!((response.status().as_u16(), header(&response, "cache-control").as_str()), (200, "no-store"));
    let reply: Value = response.json().await.unwrap();
    assert_eq!((&reply["token_type"], &reply["expires_in"]), (&json!("Bearer"), &json!(3600)));
    let token = reply["access_token"].as_str().unwrap();
    assert_eq!(with_token(&bench, token, "GET", STATUS, json!({})).await, 200);
    assert_eq!(
        with_token(&bench, token, "PATCH", &format!("{NODES}1/"), json!({"description": "x"})).await,
        202
    );
    bench.send("DELETE", &uri).await;
    assert_eq!(
        with_token(&bench, token, "GET", STATUS, json!({})).await,
        401,
        "a client that is gone has no token"
    );
}

#[tokio::test]
async fn assertions_that_are_not_right_in_every_claim_are_refused() {
    let bench = Bench::new(1).await;
    let client = bench.server.issue_client("test", Some("client-1".into()), Rights::ReadWrite).unwrap();
    let other = bench.server.issue_client("other", None, Rights::ReadWrite).unwrap();
    let pem = client.private_key.expose_secret();
    let cases: Vec<(&str, Value, &str)> = vec![
        ("aud", json!("https://alias.example.com/oauth/token/"), "aud"),
        ("aud", json!("127.0.0.1"), "aud"),
        ("sub", json!("somebody"), "sub"),
        ("iss", json!("nobody"), "unknown client"),
        ("exp", json!(now() - 120), "exp"),
        ("exp", json!(now() + 8000), "exp"),
        ("iat", json!(now() + 600), "iat"),
        ("nbf", json!(now() + 600), "nbf"),
        ("jti", Value::Null, "jti"),
        ("exp", Value::Null, "exp"),
    ];
    for (claim, value, word) in cases {
        let mut wrong = claims(&bench, "client-1");
        wrong[claim] = value;
        let response = exchange(&bench, &sign(pem, &wrong)).await;
        assert_eq!(response.status(), 401, "{wrong}");
        let reply: Value = response.json().await.unwrap();
        assert_eq!(reply["error"], "invalid_client");
        assert!(reply["error_description"].as_str().unwrap().contains(word), "{claim}: {reply}");
    }
    let right = claims(&bench, "client-1");
    assert_eq!(
        exchange(&bench, &sign(other.private_key.expose_secret(), &right)).await.status(),
        401,
        "another's key"
    );
    let hmac = jsonwebtoken::encode(&Header::default(), &right, &EncodingKey::from_secret(b"x")).unwrap();
    assert_eq!(exchange(&bench, &hmac).await.status(), 401, "another algorithm");
    let assertion = sign(pem, &right);
    assert_eq!(exchange(&bench, &assertion).await.status(), 200);
    assert_eq!(exchange(&bench, &assertion).await.status(), 401, "used twice");
    let form = [("grant_type", "password")];
    let response = bench.bare("POST", "/oauth/token/").form(&form).send().await.unwrap();
    assert_eq!(response.json::<Value>().await.unwrap()["error"], "unsupported_grant_type");
    assert_eq!(bench.bare("POST", "/oauth/token").send().await.unwrap().status(), 301);
}

#[tokio::test]
async fn the_audience_may_be_a_bare_name_when_told_so_and_the_key_a_jwk() {
    let options =
        ServeOptions { audience: Audience::TokenUrlOrName, key_form: KeyForm::Jwk, ..Default::default() };
    let bench = Bench::with(1, options).await;
    let client = bench.server.issue_client("jwk", None, Rights::ReadWrite).unwrap();
    let jwk: Value = serde_json::from_str(client.private_key.expose_secret()).unwrap();
    assert_eq!(
        (&jwk["kty"], &jwk["crv"], jwk["d"].as_str().unwrap().len()),
        (&json!("EC"), &json!("P-256"), 43)
    );
    let refused = exchange(&bench, "a.b.c").await;
    assert_eq!(refused.status(), 401);
}

#[tokio::test]
async fn settings_of_the_authentication_singleton_take_effect() {
    let bench = Bench::new(1).await;
    let settings = "/api/admin/configuration/v1/authentication/1/";
    let client = bench.server.issue_client("test", None, Rights::ReadWrite).unwrap();
    assert_eq!(bench.body("PATCH", settings, json!({"api_oauth2_expiration": 120})).await.status(), 202);
    let first = token(&bench, &client).await;
    bench.advance(119);
    assert_eq!(with_token(&bench, &first, "GET", STATUS, json!({})).await, 200);
    bench.advance(2);
    assert_eq!(with_token(&bench, &first, "GET", STATUS, json!({})).await, 401, "expired");
    assert_eq!(bench.body("PATCH", settings, json!({"api_oauth2_disable_basic": true})).await.status(), 202);
    assert_eq!(bench.send("GET", STATUS).await.status(), 401, "basic is off");
    let second = token(&bench, &client).await;
    assert_eq!(with_token(&bench, &second, "GET", STATUS, json!({})).await, 200);
    let change = json!({"api_oauth2_disable_basic": false});
    assert_eq!(with_token(&bench, &second, "PATCH", settings, change).await, 403, "not even with the right");
}

#[tokio::test]
async fn rights_are_those_of_the_role() {
    let account =
        |name: &str, rights| Account { name: name.into(), password: "pw".to_owned().into(), rights };
    let accounts = vec![account("reader", Rights::ReadOnly), account("nobody", Rights::None)];
    let bench = Bench::with(1, ServeOptions { accounts, ..Default::default() }).await;
    let ask = async |name: &str, method: &str, path: &str| {
        let request =
            bench.bare(method, path).basic_auth(name, Some("pw")).json(&json!({"instance_id": "i-0abc"}));
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(ask("reader", "GET", STATUS).await, 200);
    assert_eq!(ask("reader", "PATCH", &format!("{NODES}1/")).await, 403);
    assert_eq!(ask("reader", "POST", "/api/admin/command/v1/platform/start_cloudnode/").await, 403);
    assert_eq!(ask("nobody", "GET", STATUS).await, 403);
    let client = bench.server.issue_client("reader", None, Rights::ReadOnly).unwrap();
    let token = token(&bench, &client).await;
    assert_eq!(with_token(&bench, &token, "GET", NODES, json!({})).await, 200);
    assert_eq!(with_token(&bench, &token, "DELETE", &format!("{NODES}1/"), json!({})).await, 403);
}

#[tokio::test]
async fn a_token_is_for_known_scopes_and_an_audience_of_the_right_scheme() {
    let bench = Bench::with(1, ServeOptions { https: true, ..Default::default() }).await;
    let client = bench.server.issue_client("test", None, Rights::ReadWrite).unwrap();
    let pem = client.private_key.expose_secret();
    let mut plain = claims(&bench, &client.client_id);
    plain["aud"] = json!(plain["aud"].as_str().unwrap().replace("https://", "http://"));
    assert_eq!(exchange(&bench, &sign(pem, &plain)).await.status(), 401);
    for (scope, code) in [("use_api", 200), ("is_admin use_api", 200), ("use_api everything", 400)] {
        let assertion = sign(pem, &claims(&bench, &client.client_id));
        let form = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", ASSERTION),
            ("client_assertion", assertion.as_str()),
            ("scope", scope),
        ];
        let response = bench.bare("POST", "/oauth/token/").form(&form).send().await.unwrap();
        assert_eq!(response.status(), code, "{scope}");
        let reply: Value = response.json().await.unwrap();
        assert_eq!(reply.get("error").is_some_and(|error| error == "invalid_scope"), code == 400);
    }
}

#[tokio::test]
async fn permissions_and_roles_are_resources() {
    let bench = Bench::new(1).await;
    let permissions = bench.get("/api/admin/configuration/v1/permission/").await;
    assert!(common::column(&permissions, "codename").contains(&json!("use_api")));
    let roles = "/api/admin/configuration/v1/role/";
    let two = [&permissions["objects"][0], &permissions["objects"][1]];
    let uris = two.map(|permission| permission["resource_uri"].clone());
    let made = bench.body("POST", roles, json!({"name": "Least", "permissions": uris})).await;
    assert_eq!(bench.get(&header(&made, "location")).await["permissions"], json!(two));
}

#[tokio::test]
async fn the_rate_limit_is_by_minute_of_the_models_clock() {
    let bench = Bench::with(1, ServeOptions { rate_limit: Some(5), ..Default::default() }).await;
    for _ in 0..4 {
        assert_eq!(bench.send("GET", STATUS).await.status(), 200);
    }
    let bulk = json!({"objects": [{"resource_uri": format!("{NODES}1/"), "description": "a"}]});
    assert_eq!(bench.body("PATCH", NODES, bulk).await.status(), 202, "a bulk change counts once");
    bench.advance(20);
    let response = bench.send("GET", STATUS).await;
    assert_eq!((response.status().as_u16(), header(&response, "retry-after").as_str()), (429, "41"));
    bench.advance(41);
    assert_eq!(bench.send("GET", STATUS).await.status(), 200);
}

#[tokio::test]
async fn faults_give_the_answers_of_a_bad_day() {
    let bench = Bench::new(1).await;
    let faults = &bench.server.faults;
    faults.add(Fault::always(FaultKind::Unauthorized).under(STATUS).after(1).times(1));
    let codes =
        [bench.send("GET", STATUS).await, bench.send("GET", STATUS).await, bench.send("GET", STATUS).await];
    assert_eq!(codes.map(|response| response.status().as_u16()), [200, 401, 200]);
    faults.clear();
    faults.add(Fault::always(FaultKind::TooManyRequests { retry_after: Some(7) }).times(1));
    let response = bench.send("GET", STATUS).await;
    assert_eq!((response.status().as_u16(), header(&response, "retry-after").as_str()), (429, "7"));
    faults.add(Fault::always(FaultKind::Unavailable).times(1));
    let response = bench.send("GET", STATUS).await;
    assert_eq!(
        (response.status().as_u16(), header(&response, "content-type").as_str()),
        (503, "text/html; charset=utf-8")
    );
    faults.add(Fault::always(FaultKind::Status { code: 502 }).times(1));
    assert_eq!(bench.send("GET", STATUS).await.status(), 502);
    faults.add(Fault::always(FaultKind::Status { code: 500 }).times(1));
    let (status, body) = outcome(bench.send("GET", STATUS).await).await;
    assert!(status == 500 && body.starts_with(r#"{"error_message":"#), "{status} {body}");
    faults.clear();
    faults.add(Fault::always(FaultKind::NullMediaLoad));
    assert_eq!(bench.get(STATUS).await["objects"][0]["media_load"], Value::Null);
    faults.clear();
    let start = Instant::now();
    faults.add(Fault::always(FaultKind::Slow { delay_ms: 150 }).times(1));
    assert_eq!(bench.send("GET", STATUS).await.status(), 200);
    assert!(start.elapsed() >= Duration::from_millis(150));
}

#[tokio::test]
async fn a_truncated_answer_and_a_reset_break_the_connection() {
    for https in [false, true] {
        let bench = Bench::with(30, ServeOptions { https, ..Default::default() }).await;
        assert_eq!(bench.send("GET", STATUS).await.status(), 200);
        bench.server.faults.add(Fault::always(FaultKind::Truncated).times(1));
        let response = bench.send("GET", STATUS).await;
        let announced = response.content_length();
        let error = response.bytes().await.expect_err("half a body");
        assert!(announced > Some(1000) && error.is_body() || error.is_decode(), "{announced:?} {error:?}");
        bench.server.faults.add(Fault::always(FaultKind::Reset));
        let error = bench.ask("GET", STATUS).send().await.expect_err("no answer");
        assert!(error.is_request(), "{error:?}");
        bench.server.faults.clear();
        assert_eq!(bench.send("GET", STATUS).await.status(), 200, "the next connection is sound");
    }
}

#[tokio::test]
async fn ec2_out_of_reach_is_told_to_the_model_by_time() {
    let bench = Bench::new(1).await;
    let cloud = "/api/admin/status/v1/cloud_node/i-0abc/";
    let mut fault = Fault::always(FaultKind::Ec2Unreachable);
    fault.from_s = Some(10.0);
    fault.until_s = Some(20.0);
    bench.server.faults.add(fault);
    assert_eq!(bench.get(cloud).await["cloud_instance_state"], "stopped");
    bench.advance(15);
    assert_eq!(bench.get(cloud).await["cloud_instance_state"], "unknown");
    bench.advance(15);
    bench.server.tick();
    assert!(bench.tables.lock().unwrap().ec2_reachable);
    assert_eq!(bench.get(cloud).await["cloud_instance_state"], "stopped");
}

#[tokio::test]
async fn switches_make_the_token_endpoint_refuse() {
    let bench = Bench::new(1).await;
    let client = bench.server.issue_client("test", None, Rights::ReadWrite).unwrap();
    let held = token(&bench, &client).await;
    for (kind, word) in [(FaultKind::WrongAudience, "aud"), (FaultKind::ExpiredAssertion, "exp")] {
        bench.server.faults.add(Fault::always(kind).times(1));
        let assertion = sign(client.private_key.expose_secret(), &claims(&bench, &client.client_id));
        let (status, body) = outcome(exchange(&bench, &assertion).await).await;
        assert!(status == 401 && body.contains(word), "{body}");
        assert_eq!(exchange(&bench, &assertion).await.status(), 200, "only for once");
    }
    bench.server.faults.add(Fault::always(FaultKind::ExpiredToken).times(1));
    assert_eq!(with_token(&bench, &held, "GET", STATUS, json!({})).await, 401);
    assert_eq!(with_token(&bench, &held, "GET", STATUS, json!({})).await, 200);
}

#[tokio::test]
async fn the_log_has_paths_and_key_names_and_counts_what_is_under_way() {
    let bench = Bench::new(1).await;
    bench.server.faults.add(Fault::always(FaultKind::Slow { delay_ms: 200 }));
    let path = format!("{STATUS}?name=secret&limit=5");
    let (first, second) = tokio::join!(bench.send("GET", &path), bench.send("GET", "/nowhere/"));
    assert_eq!((first.status().as_u16(), second.status().as_u16()), (200, 404));
    assert_eq!(bench.server.log.most_in_flight(), 2);
    let requests = bench.server.log.requests();
    let status = requests.iter().find(|request| request.path == STATUS).unwrap();
    assert_eq!((status.query_keys.join(" ").as_str(), status.status), ("name limit", 200));
    assert!(!format!("{requests:?}").contains("secret"));
    assert_eq!(bench.server.log.count(), 2);
}

#[tokio::test]
async fn https_is_verified_against_the_ca_that_was_written_out() {
    let folder = tempfile::tempdir().unwrap();
    let ca_out = folder.path().join("ca.pem");
    let names = vec!["manager.example.com".into(), "localhost".into(), "127.0.0.1".into()];
    let bench = Bench::with(
        1,
        ServeOptions { https: true, names, ca_out: Some(ca_out.clone()), ..Default::default() },
    )
    .await;
    assert!(bench.server.base_url.starts_with("https://127.0.0.1:"));
    assert_eq!(bench.get(STATUS).await["meta"]["total_count"], 1);
    assert_eq!(&std::fs::read_to_string(ca_out).unwrap(), bench.server.ca_pem.as_ref().unwrap());
    let stranger =
        reqwest::Client::new().get(&bench.server.base_url).send().await.expect_err("an unknown CA");
    assert!(stranger.is_connect(), "{stranger:?}");
    let by_name = format!("https://manager.example.com:{}{STATUS}", bench.server.addr.port());
    let ca = reqwest::Certificate::from_pem(bench.server.ca_pem.as_ref().unwrap().as_bytes()).unwrap();
    let client = reqwest::Client::builder()
        .tls_certs_only([ca])
        .resolve("manager.example.com", bench.server.addr)
        .build()
        .unwrap();
    let response = client.get(by_name).basic_auth("admin", Some("admin")).send().await.unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn an_address_that_is_taken_is_said() {
    let bench = Bench::new(1).await;
    let options = ServeOptions { listen: bench.server.addr, ..Default::default() };
    let error =
        spillway_pexip_server::ManagementServer::start(bench.tables.clone(), options).await.unwrap_err();
    assert!(error.to_string().contains(&bench.server.addr.to_string()), "{error}");
}
