//! What the Management Node reads out of a certificate that is uploaded: whose it is, by whom, and for how long it is good.
//! Hashes and the long text stay empty. Whether the real one takes what is no certificate is not known: this one stores it, and
//! knows nothing about it.

use jiff::Timestamp;
use serde_json::{Value, json};
use x509_parser::prelude::*;

use super::schema::Resource;
use spillway_pexip_model::Row;

/// Adds the derived fields to a row that brings a certificate; of a chain the first is meant.
pub(super) fn derive(resource: &Resource, fields: &mut Row) {
    if resource.name != "tls_certificate" {
        return;
    }
    let Some(derived) = fields.get("certificate").and_then(Value::as_str).and_then(read) else { return };
    fields.extend(derived);
}

fn read(pem: &str) -> Option<Row> {
    let (_, pem) = parse_x509_pem(pem.trim_start().as_bytes()).ok()?;
    let certificate = pem.parse_x509().ok()?;
    let Validity { not_before, not_after } = certificate.validity();
    let names = certificate.subject_alternative_name().ok().flatten();
    let names: Vec<String> = names
        .iter()
        .flat_map(|extension| &extension.value.general_names)
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            _ => None,
        })
        .collect();
    let fields = json!({
        "start_date": naive(not_before.timestamp())?,
        "end_date": naive(not_after.timestamp())?,
        "subject_name": name_of(certificate.subject()),
        "subject_alt_names": names.join(","),
        "issuer_name": name_of(certificate.issuer()),
        "serial_no": certificate.raw_serial_as_string(),
        "raw_subject": certificate.subject().to_string(),
        "raw_issuer": certificate.issuer().to_string(),
    });
    fields.as_object().cloned()
}

/// The common name, else the whole.
fn name_of(name: &X509Name<'_>) -> String {
    let common = name.iter_common_name().find_map(|part| part.as_str().ok().map(ToOwned::to_owned));
    common.unwrap_or_else(|| name.to_string())
}

/// As the API writes instants: UTC without a zone.
fn naive(seconds: i64) -> Option<String> {
    let at = Timestamp::from_second(seconds).ok()?;
    Some(at.strftime("%Y-%m-%dT%H:%M:%S").to_string())
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};

    use super::*;

    #[test]
    fn whose_it_is_and_until_when_and_nothing_of_what_is_no_certificate() {
        let mut params = CertificateParams::new(vec!["conf.example.com".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "*.example.com");
        params.not_before = date_time_ymd(2025, 5, 4);
        params.not_after = date_time_ymd(2026, 5, 4);
        let pem = params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem();
        let read = read(&pem).unwrap();
        assert_eq!(read["end_date"], "2026-05-04T00:00:00");
        assert_eq!(read["start_date"], "2025-05-04T00:00:00");
        assert_eq!(read["subject_name"], "*.example.com");
        assert_eq!(read["subject_alt_names"], "conf.example.com");
        assert_eq!(super::read("-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----"), None);
    }
}
