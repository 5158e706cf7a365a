//! Paging: 20 rows unless asked otherwise, never more than the maximum, and links to the neighbours that are paths on
//! this host, keep the rest of the query and end in `limit` and `offset`.

use serde_json::{Value, json};

use super::text::encode;

/// Which rows to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) limit: u64,
    pub(super) offset: u64,
}

/// A whole number of any size: more than can be counted is the most that can.
fn whole(name: &str, text: &str) -> Result<u64, String> {
    let digits = text.trim();
    let (negative, digits) = match digits.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, digits.strip_prefix('+').unwrap_or(digits)),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("Invalid {name} '{text}' provided. Please provide a positive integer."));
    }
    if negative && digits.bytes().any(|digit| digit != b'0') {
        return Err(format!("Invalid {name} '{text}' provided. Please provide a positive integer >= 0."));
    }
    // Digits alone: all that can fail is the size.
    Ok(digits.parse().unwrap_or(u64::MAX))
}

impl Page {
    /// Reads `limit` and `offset`; 0 and anything above the maximum mean the maximum.
    pub(super) fn read(query: &[(String, String)], default: u64, maximum: u64) -> Result<Self, String> {
        let last =
            |name: &str| query.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let limit = last("limit").map_or(Ok(default), |text| whole("limit", text))?;
        let offset = last("offset").map_or(Ok(0), |text| whole("offset", text))?;
        let limit = if limit == 0 || limit > maximum { maximum } else { limit };
        Ok(Self { limit, offset })
    }

    /// The rows of this page.
    pub(super) fn cut<T>(self, rows: &[T]) -> &[T] {
        let start = usize::try_from(self.offset).unwrap_or(usize::MAX).min(rows.len());
        let end = start.saturating_add(usize::try_from(self.limit).unwrap_or(usize::MAX)).min(rows.len());
        &rows[start..end]
    }

    /// The `meta` object.
    pub(super) fn meta(self, path: &str, query: &[(String, String)], total: usize) -> Value {
        let link = |offset: u64| {
            let mut pairs: Vec<String> = query
                .iter()
                .filter(|(key, _)| key != "limit" && key != "offset")
                .map(|(key, value)| format!("{}={}", encode(key), encode(value)))
                .collect();
            pairs.push(format!("limit={}&offset={offset}", self.limit));
            json!(format!("{path}?{}", pairs.join("&")))
        };
        let after = self.offset.saturating_add(self.limit);
        let next = if after >= total as u64 { Value::Null } else { link(after) };
        let previous = self.offset.checked_sub(self.limit).map_or(Value::Null, link);
        json!({"limit": self.limit, "offset": self.offset, "total_count": total, "next": next, "previous": previous})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::parameters;

    #[test]
    fn links_keep_the_query_and_end_in_limit_and_offset() {
        let query = parameters("limit=2&name__contains=a+b&offset=2&order_by=name");
        let page = Page::read(&query, 20, 10_000).unwrap();
        let meta = page.meta("/x/", &query, 5);
        assert_eq!(meta["next"], "/x/?name__contains=a+b&order_by=name&limit=2&offset=4");
        assert_eq!(meta["previous"], "/x/?name__contains=a+b&order_by=name&limit=2&offset=0");
        assert_eq!(Page { limit: 3, offset: 2 }.meta("/x/", &[], 5)["previous"], Value::Null);
        assert_eq!(Page { limit: 3, offset: 2 }.meta("/x/", &[], 5)["next"], Value::Null);
    }

    #[test]
    fn limits_are_checked_and_cut_down() {
        for (query, wanted) in [("", 20), ("limit=0", 100), ("limit=500", 100), ("limit=7", 7)] {
            assert_eq!(Page::read(&parameters(query), 20, 100).unwrap().limit, wanted, "{query}");
        }
        let huge = format!("limit={0}&offset={0}", "9".repeat(60));
        let page = Page::read(&parameters(&huge), 20, 100).unwrap();
        assert_eq!((page.limit, page.offset, page.cut(&[1, 2]).len()), (100, u64::MAX, 0));
        for query in
            ["limit=-1", "limit=-", "limit=+", "limit=x", "limit=", "offset=-1", "offset=1.5", "limit=NaN"]
        {
            assert!(Page::read(&parameters(query), 20, 100).is_err(), "{query}");
        }
    }
}
