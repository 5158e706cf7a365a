//! Whom to trust. Public authorities are left to the HTTP client's own verifier (the system's roots). For a private
//! authority and for a pinned certificate we bring a verifier of our own, which says in its refusal what certificate
//! it was shown, so that an operator can compare it with the one on the Management Node. Both verify the signature
//! of the handshake: a certificate is public, only the key behind it proves who answers.

use std::sync::Arc;

use aws_lc_rs::digest;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs as provider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::settings::{CA, MANAGEMENT, Pin, SettingError, Tls};

/// The TLS configuration for a private authority or pinned certificates; `None` leaves it to the public ones.
pub(crate) fn client_config(tls: &Tls) -> Result<Option<ClientConfig>, SettingError> {
    let crypto = Arc::new(provider::default_provider());
    let trust = match tls {
        Tls::PublicCas => return Ok(None),
        Tls::PrivateCa { pem } => {
            let roots = Arc::new(roots_from_pem(pem)?);
            let verifier = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&crypto))
                .build()
                .map_err(|error| unusable_ca(&error.to_string()))?;
            Trust::Authority(verifier)
        }
        Tls::Pinned { sha256 } if sha256.is_empty() => {
            return Err(SettingError::new(
                MANAGEMENT,
                "pin_sha256",
                "is empty",
                "write the SHA-256 of the Management Node's certificate, or leave the key out",
            ));
        }
        Tls::Pinned { sha256 } => Trust::Pins(sha256.clone()),
    };
    let config = ClientConfig::builder_with_provider(Arc::clone(&crypto))
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable_ca(&error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Verifier { trust, crypto }))
        .with_no_client_auth();
    Ok(Some(config))
}

/// The certificates in a PEM text, checked to be usable as authorities.
fn roots_from_pem(pem: &str) -> Result<RootCertStore, SettingError> {
    // Editors put a byte-order mark in front, and files that were joined have one inside: it would hide a certificate.
    let pem = pem.replace('\u{feff}', "");
    if pem.contains("PRIVATE KEY-----") {
        return Err(SettingError::new(
            CA,
            "",
            "holds a private key",
            "write the certificate of the authority alone, and treat the key as disclosed",
        ));
    }
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|_| unusable_ca("is not PEM"))?;
        roots
            .add(certificate)
            .map_err(|error| unusable_ca(&format!("holds an unusable certificate: {error}")))?;
    }
    if roots.is_empty() {
        return Err(unusable_ca("holds no certificate"));
    }
    Ok(roots)
}

fn unusable_ca(problem: &str) -> SettingError {
    SettingError::new(
        CA,
        "",
        problem,
        "write one or more PEM certificates, each from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----",
    )
}

/// Checks `ca` without building a client.
pub(crate) fn check_ca(pem: &str) -> Result<(), SettingError> {
    roots_from_pem(pem).map(drop)
}

#[derive(Debug)]
enum Trust {
    Authority(Arc<WebPkiServerVerifier>),
    Pins(Vec<Pin>),
}

#[derive(Debug)]
struct Verifier {
    trust: Trust,
    crypto: Arc<CryptoProvider>,
}

fn fingerprint(certificate: &CertificateDer<'_>) -> Pin {
    let mut sha256 = [0; 32];
    sha256.copy_from_slice(digest::digest(&digest::SHA256, certificate).as_ref());
    Pin(sha256)
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let refusal = match &self.trust {
            // Names and dates do not matter to a pin: it is this very certificate or it is not.
            Trust::Pins(pins) if pins.contains(&fingerprint(leaf)) => {
                return Ok(ServerCertVerified::assertion());
            }
            Trust::Pins(_) => "it is not the pinned one".to_owned(),
            Trust::Authority(webpki) => {
                match webpki.verify_server_cert(leaf, intermediates, server, ocsp, now) {
                    Ok(verified) => return Ok(verified),
                    Err(error) => error.to_string(),
                }
            }
        };
        let refusal = Refused(format!("{refusal}; its SHA-256 is {}", fingerprint(leaf)));
        Err(rustls::CertificateError::Other(rustls::OtherError(Arc::new(refusal))).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, leaf, signed, &self.crypto.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, leaf, signed, &self.crypto.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.crypto.signature_verification_algorithms.supported_schemes()
    }
}

/// Why a certificate was refused, and which one it was.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refused(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ca_must_hold_certificates_and_nothing_else() {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(vec!["x".into()]).unwrap().self_signed(&key).unwrap();
        assert!(check_ca(&certificate.pem()).is_ok());
        assert!(check_ca(&(certificate.pem() + &certificate.pem())).is_ok());
        let mark = "\u{feff}".to_owned();
        assert!(check_ca(&(mark.clone() + &certificate.pem() + &mark + &certificate.pem())).is_ok());
        let cut = &certificate.pem()[..100];
        for (pem, problem) in [
            ("", "no certificate"),
            ("certificate", "no certificate"),
            (cut, "PEM"),
            (&(certificate.pem() + &key.serialize_pem()), "private key"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "unusable certificate"),
        ] {
            let error = check_ca(pem).unwrap_err();
            assert!(error.problem.contains(problem), "{error}");
            assert_eq!(error.parameter, "ca");
        }
    }
}
