//! Who is let in. The page can start and stop machines with the operator's own AWS identity, and a browser carries out
//! what any site tells it to: so each request has to show that it comes from the page itself.
//!
//! * **Host** is this machine's, with the port: a name that an attacker points at 127.0.0.1 (DNS rebinding) is refused.
//! * **The token** is new at each start, travels in the fragment of the address that the operator opens (no server
//!   and no `Referer` sees a fragment) and then in a header. Not in a cookie: cookies do not know ports, and any other
//!   server on this machine would be sent it. Another site cannot set the header, and another user of the machine does
//!   not know the token.
//! * **Origin** and **Sec-Fetch-Site**, which a script cannot forge, are the page's own for everything that acts, and
//!   the body is JSON, which no form sends.

use axum::http::header::{CONTENT_TYPE, HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode};

/// The header with the token.
pub(crate) const TOKEN_HEADER: &str = "x-spillway-token";

/// What everything that is served carries. `require-trusted-types-for` makes the browser itself refuse markup made
/// from text, whatever the script does.
pub(crate) const HEADERS: [(&str, &str); 8] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
         trusted-types 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), microphone=(), geolocation=()"),
    ("cache-control", "no-store"),
];

/// The door.
#[derive(Clone)]
pub(crate) struct Guard {
    port: u16,
    token: String,
}

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Not this machine's own name.
    Host,
    /// No token, or another one.
    Token,
    /// Not from the page.
    Origin,
    /// Not JSON.
    NotJson,
}

impl Refused {
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::Host => StatusCode::MISDIRECTED_REQUEST,
            Self::Token => StatusCode::UNAUTHORIZED,
            Self::Origin => StatusCode::FORBIDDEN,
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        }
    }

    pub(crate) fn sentence(self) -> &'static str {
        match self {
            Self::Host => "this page answers only to 127.0.0.1 and localhost, with its own port",
            Self::Token => {
                "the token is missing or belongs to an earlier start: open the address that the command printed"
            }
            Self::Origin => "only the page itself may send this request",
            Self::NotJson => "the body of this request must be JSON",
        }
    }
}

impl Guard {
    pub(crate) fn new(port: u16, token: String) -> Self {
        Self { port, token }
    }

    /// Everything that comes in.
    pub(crate) fn check(&self, method: &Method, path: &str, headers: &HeaderMap) -> Result<(), Refused> {
        let host = self.host(headers).ok_or(Refused::Host)?;
        if !path.starts_with("/api/") {
            // The page itself, its style and its script hold no secret.
            return Ok(());
        }
        let site = only(headers, &HeaderName::from_static("sec-fetch-site"));
        if site.is_some_and(|site| site != "same-origin") {
            return Err(Refused::Origin);
        }
        if *method != Method::GET && *method != Method::HEAD {
            let own = format!("http://{host}");
            if only(headers, &ORIGIN) != Some(own.as_str()) {
                return Err(Refused::Origin);
            }
            if only(headers, &CONTENT_TYPE).and_then(|kind| kind.split(';').next())
                != Some("application/json")
            {
                return Err(Refused::NotJson);
            }
        }
        match only(headers, &HeaderName::from_static(TOKEN_HEADER)) {
            Some(token) if same(token, &self.token) => Ok(()),
            _ => Err(Refused::Token),
        }
    }

    /// The host that was asked for, if it is ours.
    fn host<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        let host = only(headers, &HOST)?;
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) => (name, port.parse::<u16>().ok()?),
            // What a browser leaves out.
            None => (host, 80),
        };
        (port == self.port && matches!(name, "127.0.0.1" | "localhost")).then_some(host)
    }
}

/// A header that is there once; one that comes twice is nobody's.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut all = headers.get_all(name).iter();
    let first = all.next()?;
    if all.next().is_some() { None } else { first.to_str().ok() }
}

/// Compares without telling by the time it takes how much is right.
fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const TOKEN: &str = "0123456789abcdef";

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers
    }

    fn check(method: &Method, path: &str, pairs: &[(&'static str, &'static str)]) -> Result<(), Refused> {
        Guard::new(8400, TOKEN.to_owned()).check(method, path, &headers(pairs))
    }

    #[test]
    fn only_this_machines_own_names_with_the_port() {
        for host in ["127.0.0.1:8400", "localhost:8400"] {
            assert_eq!(check(&Method::GET, "/", &[("host", host)]), Ok(()), "{host}");
        }
        for host in [
            "127.0.0.1",
            "127.0.0.1:8401",
            "localhost:80",
            "localhost.evil.example:8400",
            "evil.example:8400",
            "evil.example",
            "127.0.0.1.evil.example:8400",
            "127.0.0.1:8400:8400",
            "LOCALHOST:8400",
            "",
        ] {
            assert_eq!(check(&Method::GET, "/", &[("host", host)]), Err(Refused::Host), "{host}");
        }
        assert_eq!(check(&Method::GET, "/", &[]), Err(Refused::Host));
        let twice = [("host", "127.0.0.1:8400"), ("host", "127.0.0.1:8400")];
        assert_eq!(check(&Method::GET, "/", &twice), Err(Refused::Host));
    }

    #[test]
    fn no_data_without_the_token_of_this_start() {
        let host = ("host", "127.0.0.1:8400");
        assert_eq!(check(&Method::GET, "/api/page", &[host]), Err(Refused::Token));
        for token in ["", "0123456789abcdee", "0123456789abcdef0", "0123456789ABCDEF"] {
            assert_eq!(check(&Method::GET, "/api/page", &[host, (TOKEN_HEADER, token)]), Err(Refused::Token));
        }
        assert_eq!(check(&Method::GET, "/api/page", &[host, (TOKEN_HEADER, TOKEN)]), Ok(()));
        let cross = [host, (TOKEN_HEADER, TOKEN), ("sec-fetch-site", "cross-site")];
        assert_eq!(check(&Method::GET, "/api/page", &cross), Err(Refused::Origin));
    }

    #[test]
    fn what_acts_comes_from_the_page_itself_and_is_json() {
        let host = ("host", "127.0.0.1:8400");
        let token = (TOKEN_HEADER, TOKEN);
        let json = ("content-type", "application/json");
        let own = ("origin", "http://127.0.0.1:8400");
        let post = |pairs: &[(&'static str, &'static str)]| check(&Method::POST, "/api/act", pairs);
        assert_eq!(post(&[host, token, json, own]), Ok(()));
        assert_eq!(post(&[host, token, json, own, ("sec-fetch-site", "same-origin")]), Ok(()));
        assert_eq!(post(&[host, token, json]), Err(Refused::Origin));
        for origin in [
            "null",
            "http://evil.example",
            "http://localhost:8400",
            "https://127.0.0.1:8400",
            "http://127.0.0.1:8401",
        ] {
            assert_eq!(post(&[host, token, json, ("origin", origin)]), Err(Refused::Origin), "{origin}");
        }
        let site = ("sec-fetch-site", "same-site");
        assert_eq!(post(&[host, token, json, own, site]), Err(Refused::Origin));
        assert_eq!(post(&[host, token, own]), Err(Refused::NotJson));
        assert_eq!(post(&[host, token, own, ("content-type", "text/plain")]), Err(Refused::NotJson));
        assert_eq!(post(&[host, json, own]), Err(Refused::Token));
    }
}
