//! The address of a Management Node: a scheme, a host and perhaps a port, nothing else. A password must not travel
//! in the clear, so plain HTTP is refused except on loopback or where the settings allow it.

use std::fmt;

use reqwest::Url;

use crate::path::ApiPath;

/// A checked address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    origin: Url,
}

/// Why an address was refused. Never quotes the address where it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AddressError {
    #[error("is not an address")]
    NotAnAddress,
    #[error("holds a user name or a password")]
    Credentials,
    #[error("has a path, a query or a fragment")]
    MoreThanAnOrigin,
    #[error("has the scheme {0}, not https")]
    Scheme(String),
    #[error("is plain HTTP: the credentials would travel in the clear")]
    PlainHttp,
}

impl Address {
    /// Takes an address such as `https://mgr.example.com`. A bare host name is taken as HTTPS.
    pub(crate) fn parse(text: &str, allow_plain_http: bool) -> Result<Self, AddressError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(AddressError::NotAnAddress);
        }
        let spelt = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        let url = Url::parse(&spelt).map_err(|_| AddressError::NotAnAddress)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressError::Credentials);
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(AddressError::NotAnAddress);
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(AddressError::MoreThanAnOrigin);
        }
        match url.scheme() {
            "https" => {}
            "http" if allow_plain_http || is_loopback(&url) => {}
            "http" => return Err(AddressError::PlainHttp),
            other => return Err(AddressError::Scheme(other.to_owned())),
        }
        Ok(Self { origin: url })
    }

    /// The URL of a path on this Management Node. The host is ours whatever the path or query says.
    pub(crate) fn url(&self, path: &ApiPath, query: &str) -> Url {
        let mut url = self.origin.clone();
        url.set_path(path.as_str());
        url.set_query((!query.is_empty()).then_some(query));
        url
    }

    /// The query of a `next` link, if the link stays on this host and on this list. `next` is host-relative in
    /// every known release; an absolute one is accepted only for the same host. The request is then built from
    /// our own address and path, so that no reply can lead the credentials elsewhere.
    pub(crate) fn next_query(&self, path: &ApiPath, next: &str) -> Result<String, String> {
        let url = self.url(path, "").join(next).map_err(|_| "the link to the next page is not a link")?;
        if url.host_str() != self.origin.host_str() || !matches!(url.scheme(), "http" | "https") {
            return Err("the link to the next page leads to another host".to_owned());
        }
        if url.path().trim_end_matches('/') != path.as_str().trim_end_matches('/') {
            return Err("the link to the next page leads to another list".to_owned());
        }
        match url.query() {
            Some(query) if !query.is_empty() => Ok(query.to_owned()),
            _ => Err("the link to the next page leads to the first page".to_owned()),
        }
    }

    /// Host name or IP address, lower case, without brackets.
    pub(crate) fn host(&self) -> &str {
        self.origin.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.origin.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::Family;

    #[test]
    fn addresses_are_origins_over_https() {
        for (text, expected) in [
            ("https://mgr.example.com", Ok("https://mgr.example.com")),
            (" https://mgr.example.com/ ", Ok("https://mgr.example.com")),
            ("mgr.example.com", Ok("https://mgr.example.com")),
            ("https://10.0.0.4:8443", Ok("https://10.0.0.4:8443")),
            ("https://[2001:db8::4]", Ok("https://[2001:db8::4]")),
            ("http://127.0.0.1:8080", Ok("http://127.0.0.1:8080")),
            ("http://[::1]:8080", Ok("http://[::1]:8080")),
            ("http://localhost:8080", Ok("http://localhost:8080")),
            ("http://mgr.example.com", Err(AddressError::PlainHttp)),
            ("http://localhost.example.com", Err(AddressError::PlainHttp)),
            ("http://10.0.0.4", Err(AddressError::PlainHttp)),
            ("ftp://mgr.example.com", Err(AddressError::Scheme("ftp".into()))),
            ("https://admin:s3cret@mgr.example.com", Err(AddressError::Credentials)),
            ("https://mgr.example.com/api/admin/", Err(AddressError::MoreThanAnOrigin)),
            ("https://mgr.example.com/?x=1", Err(AddressError::MoreThanAnOrigin)),
            ("https://", Err(AddressError::NotAnAddress)),
            ("", Err(AddressError::NotAnAddress)),
            ("not a host", Err(AddressError::NotAnAddress)),
        ] {
            let got = Address::parse(text, false).map(|address| address.to_string());
            assert_eq!(got, expected.map(str::to_owned), "{text:?}");
        }
        assert!(Address::parse("http://mgr.example.com", true).is_ok());
    }

    #[test]
    fn a_next_link_never_leaves_the_host_or_the_list() {
        let address = Address::parse("https://mgr.example.com", false).unwrap();
        let path = ApiPath::list(Family::Status, "worker_vm");
        for (next, expected) in [
            ("/api/admin/status/v1/worker_vm/?limit=500&offset=500", Some("limit=500&offset=500")),
            ("/api/admin/status/v1/worker_vm?limit=500&offset=500", Some("limit=500&offset=500")),
            ("?limit=500&offset=500", Some("limit=500&offset=500")),
            ("https://mgr.example.com/api/admin/status/v1/worker_vm/?offset=20", Some("offset=20")),
            ("http://mgr.example.com/api/admin/status/v1/worker_vm/?offset=20", Some("offset=20")),
            ("https://evil.example.com/api/admin/status/v1/worker_vm/?offset=20", None),
            ("//evil.example.com/api/admin/status/v1/worker_vm/?offset=20", None),
            (r"\\evil.example.com/api/admin/status/v1/worker_vm/?offset=20", None),
            ("https://mgr.example.com@evil.example.com/api/admin/status/v1/worker_vm/?offset=20", None),
            ("file:///api/admin/status/v1/worker_vm/?offset=20", None),
            ("/api/admin/configuration/v1/global/1/?offset=20", None),
            ("/api/admin/status/v1/worker_vm/../alarm/?offset=20", None),
            ("/api/admin/status/v1/worker_vm/", None),
            ("https://[", None),
        ] {
            assert_eq!(address.next_query(&path, next).ok().as_deref(), expected, "{next}");
        }
    }
}
