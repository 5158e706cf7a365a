//! Which format a client wants: `format=` first, then `Accept`, else JSON, also for who takes only
//! what cannot be written.

use super::reply::Format;

/// Reads the query and the header.
pub(super) fn wanted(query: &[(String, String)], accept: Option<&str>) -> Format {
    match query.iter().rev().find(|(key, _)| key == "format").map(|(_, value)| value.as_str()) {
        Some("json") => return Format::Json,
        Some("xml") => return Format::Xml,
        _ => {}
    }
    let accept = accept.map(str::trim).filter(|accept| !accept.is_empty()).unwrap_or("*/*");
    let mut best: Option<(f64, Format)> = None;
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
        let quality =
            parts.find_map(|part| part.strip_prefix("q=")).and_then(|q| q.parse().ok()).unwrap_or(1.0);
        let format = match kind.as_str() {
            "application/json" | "application/*" | "*/*" | "*" => Format::Json,
            "application/xml" | "text/xml" => Format::Xml,
            _ => continue,
        };
        // On a tie JSON wins: browsers name XML and only then anything.
        let better = best.is_none_or(|(other, kept)| {
            quality > other || (quality >= other && kept == Format::Xml && format == Format::Json)
        });
        if quality > 0.0 && better {
            best = Some((quality, format));
        }
    }
    best.map_or(Format::Json, |(_, format)| format)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_chosen_from_query_then_header() {
        let json = Format::Json;
        let xml = Format::Xml;
        for (format, accept, expected) in [
            (None, None, json),
            (None, Some("*/*"), json),
            (None, Some("application/json"), json),
            (None, Some("application/xml"), xml),
            (None, Some("application/xml, application/json"), json),
            (None, Some("application/xml;q=0.9, application/json;q=0.5"), xml),
            (None, Some("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"), json),
            (None, Some("image/png"), json),
            (None, Some("text/html"), json),
            (Some("json"), Some("image/png"), json),
            (Some("xml"), Some("application/json"), xml),
            (Some("toml"), None, json),
        ] {
            let query: Vec<_> =
                format.into_iter().map(|f: &str| ("format".to_owned(), f.to_owned())).collect();
            assert_eq!(wanted(&query, accept), expected, "{format:?} {accept:?}");
        }
    }
}
