//! Certificates: public authorities, a private one, a pinned certificate, and a thief of a pinned certificate.

use std::sync::Arc;

use aws_lc_rs::digest;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs as provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use spillway_core::fault::FaultKind;
use spillway_pexip::{HttpManagement, ManagementError, Pin, Tls};

use crate::support::{Server, basic, list, settings};

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate for a host, by an authority or by itself, and its key.
fn certificate(
    host: &str,
    by: Option<&CertifiedIssuer<'static, KeyPair>>,
) -> (CertificateDer<'static>, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![host.to_owned()]).unwrap();
    let certificate = match by {
        Some(authority) => params.signed_by(&key, authority).unwrap(),
        None => params.self_signed(&key).unwrap(),
    };
    (certificate.der().clone(), key)
}

#[derive(Debug)]
struct Shows(Arc<CertifiedKey>);

impl ResolvesServerCert for Shows {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

/// A server that shows a certificate and signs with a key, whether they belong together or not.
pub(crate) fn server_config(
    certificate: &CertificateDer<'static>,
    key: &KeyPair,
    version: &'static rustls::SupportedProtocolVersion,
) -> ServerConfig {
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let key = provider::sign::any_supported_type(&key).unwrap();
    ServerConfig::builder_with_provider(Arc::new(provider::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Shows(Arc::new(CertifiedKey::new(vec![certificate.clone()], key)))))
}

fn pin(certificate: &CertificateDer<'_>) -> Pin {
    let sha256 = digest::digest(&digest::SHA256, certificate);
    sha256.as_ref().iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":").parse().unwrap()
}

async fn read(config: ServerConfig, tls: Tls) -> Result<(), ManagementError> {
    let server = Server::start_tls(config, |_| list(&[]));
    let management = HttpManagement::new(settings(&[&server.address], basic(), tls)).unwrap();
    let result = management.read_licensing().await.map(drop);
    assert_eq!(
        server.seen().len(),
        usize::from(result.is_ok()),
        "nothing is sent before the certificate is accepted"
    );
    result
}

const VERSIONS: [&rustls::SupportedProtocolVersion; 2] = [&rustls::version::TLS12, &rustls::version::TLS13];

#[tokio::test]
async fn a_private_authority_is_trusted_for_the_host_and_no_other_is() {
    let (ours, theirs) = (authority("ours"), authority("theirs"));
    let (certificate_, key) = certificate("localhost", Some(&ours));
    for version in VERSIONS {
        let config = || server_config(&certificate_, &key, version);
        read(config(), Tls::PrivateCa { pem: ours.pem() }).await.unwrap();
        read(config(), Tls::PrivateCa { pem: theirs.pem() + &ours.pem() }).await.unwrap();
        let error = read(config(), Tls::PrivateCa { pem: theirs.pem() }).await.unwrap_err();
        assert_eq!(error.kind(), FaultKind::Certificate);
        assert!(
            error.to_string().contains(&pin(&certificate_).to_string()),
            "says which one it was: {error}"
        );
        assert!(error.remedy().contains("`ca`") && error.remedy().contains("`pin_sha256`"));
    }
    let (elsewhere, key) = certificate("mgr.example.com", Some(&ours));
    let config = server_config(&elsewhere, &key, &rustls::version::TLS13);
    let error = read(config, Tls::PrivateCa { pem: ours.pem() }).await.unwrap_err();
    assert_eq!(error.kind(), FaultKind::Certificate, "{error}");
    assert!(error.to_string().contains("name"), "{error}");
}

#[tokio::test]
async fn a_self_signed_certificate_is_not_trusted_by_the_public_authorities() {
    let (certificate, key) = certificate("localhost", None);
    let error =
        read(server_config(&certificate, &key, &rustls::version::TLS13), Tls::PublicCas).await.unwrap_err();
    assert_eq!(error.kind(), FaultKind::Certificate, "{error}");
}

#[tokio::test]
async fn exactly_the_pinned_certificate_is_trusted_whatever_its_name() {
    let (ours, key) = certificate("manager.local", None);
    let (other, other_key) = certificate("manager.local", None);
    for version in VERSIONS {
        let pinned = |pins: &[Pin]| Tls::Pinned { sha256: pins.to_vec() };
        read(server_config(&ours, &key, version), pinned(&[pin(&ours)])).await.unwrap();
        read(server_config(&ours, &key, version), pinned(&[pin(&other), pin(&ours)])).await.unwrap();
        let error =
            read(server_config(&other, &other_key, version), pinned(&[pin(&ours)])).await.unwrap_err();
        assert_eq!(error.kind(), FaultKind::Certificate);
        assert!(error.to_string().contains("not the pinned one"), "{error}");
        assert!(error.to_string().contains(&pin(&other).to_string()), "{error}");
    }
}

#[tokio::test]
async fn a_stolen_certificate_without_its_key_is_refused() {
    let (ours, _) = certificate("manager.local", None);
    let thief = KeyPair::generate().unwrap();
    for version in VERSIONS {
        let config = server_config(&ours, &thief, version);
        let error = read(config, Tls::Pinned { sha256: vec![pin(&ours)] }).await.unwrap_err();
        assert_eq!(error.kind(), FaultKind::Certificate, "{error}");
        assert!(error.to_string().to_lowercase().contains("signature"), "{error}");
    }
}

#[tokio::test]
async fn plain_http_behind_an_https_address_is_no_connection() {
    let plain = Server::start(|_| list(&[])).await;
    let address = plain.address.replace("http://", "https://");
    let management = HttpManagement::new(settings(&[&address], basic(), Tls::PublicCas)).unwrap();
    let error = management.read_licensing().await.unwrap_err();
    assert_eq!(error.kind(), FaultKind::Unreachable, "{error}");
}

#[test]
fn an_empty_pin_list_and_a_bad_ca_are_settings_to_correct() {
    for (tls, parameter) in
        [(Tls::Pinned { sha256: vec![] }, "management"), (Tls::PrivateCa { pem: "x".into() }, "ca")]
    {
        let error = HttpManagement::new(settings(&["https://mgr.example.com"], basic(), tls)).unwrap_err();
        assert_eq!(error.parameter, parameter);
        assert!(!error.remedy.is_empty());
    }
}
