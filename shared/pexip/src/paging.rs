//! Whole lists. The default page is 20 rows, so a client that does not follow pages sees 20 nodes of 21 and never
//! knows: we ask for 500 and follow `next` to the end. Pages are offsets into live data: rows that come or go while
//! we read shift the others, so rows are dropped when seen twice, and a list that moved is read again and the two
//! readings are joined. Nothing is ever taken for absent because a page moved under us.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use reqwest::Url;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::{ManagementError, Problem};
use crate::path::ApiPath;
use crate::retry::parse_http_date;
use crate::tolerant::{text, whole};
use crate::transport::{Call, Target, Transport};
use crate::wire::{Reply, Verb};

/// Rows asked for at a time: what the vendor's own client asks for.
const PAGE: &str = "500";

/// More pages than this is not a list but a loop: 200 pages are 100,000 rows.
const MOST_PAGES: usize = 200;

/// A row with its own address in the API.
pub(crate) trait Row: DeserializeOwned + Send {
    fn uri(&self) -> Option<&str>;
}

/// A list to read.
#[derive(Debug, Clone)]
pub(crate) struct ListOf {
    pub(crate) path: ApiPath,
    /// A field to sort by, so that pages do not overlap at the server's whim.
    pub(crate) order: Option<&'static str>,
    /// Filters. The server ignores those it does not know: whoever filters has to filter again on what comes back.
    pub(crate) filters: Vec<(&'static str, String)>,
}

/// A whole list.
#[derive(Debug)]
pub(crate) struct Listing<T> {
    pub(crate) rows: Vec<T>,
    /// The server's clock when it answered the first page.
    pub(crate) server_time: Option<Timestamp>,
}

/// Lists whose `order_by` the server refused; asked for without from then on.
#[derive(Debug, Default)]
pub(crate) struct Unsortable(Mutex<BTreeSet<ApiPath>>);

impl Unsortable {
    fn holds(&self, path: &ApiPath) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(path)
    }

    fn add(&self, path: &ApiPath) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(path.clone());
    }
}

#[derive(Deserialize)]
struct Page<T> {
    #[serde(default)]
    meta: Option<Meta>,
    objects: Vec<T>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Meta {
    #[serde(deserialize_with = "text")]
    next: Option<String>,
    #[serde(deserialize_with = "whole")]
    total_count: Option<u64>,
}

/// One reading of a list.
struct Pass<T> {
    rows: Vec<T>,
    server_time: Option<Timestamp>,
    /// Whether `total_count` changed between the first page and the last.
    moved: bool,
    /// Rows that `total_count` promised and no page had.
    missing: u64,
}

impl Transport {
    /// Reads a whole list.
    pub(crate) async fn list<T: Row>(
        &self,
        target: Target,
        list: &ListOf,
        unsortable: &Unsortable,
    ) -> Result<Listing<T>, ManagementError> {
        let order = list.order.filter(|_| !unsortable.holds(&list.path));
        let first = match self.pass(target, list, order).await {
            // An unknown or unsortable field in `order_by` is a 400. Which fields can be sorted by is not documented.
            Err(error) if order.is_some() && is_bad_request(&error) => {
                unsortable.add(&list.path);
                self.pass(target, list, None).await?
            }
            other => other?,
        };
        let Pass { mut rows, server_time, moved, missing } = first;
        if moved || missing > 0 {
            let order = list.order.filter(|_| !unsortable.holds(&list.path));
            let again = self.pass(target, list, order).await?;
            if again.missing > 0 && !again.moved {
                let what = format!("the list has {} rows fewer than its total_count", again.missing);
                return Err(self.malformed_list(target, list, what));
            }
            // The later reading of a row counts.
            rows = again.rows.into_iter().chain(rows).collect();
        }
        Ok(Listing { rows: without_duplicates(rows), server_time })
    }

    async fn pass<T: Row>(
        &self,
        target: Target,
        list: &ListOf,
        order: Option<&str>,
    ) -> Result<Pass<T>, ManagementError> {
        let mut query = first_query(list, order);
        let mut asked = HashSet::new();
        let mut rows = Vec::new();
        let (mut server_time, mut first_total, mut moved) = (None, None, false);
        loop {
            let read = |reply: &Reply| read_page::<T>(reply).map(|page| (page, date(reply)));
            let (page, answered_at) = self.send(target, Call::get(&list.path, &query), read).await?;
            server_time = server_time.or(answered_at);
            let Meta { next, total_count } = page.meta.unwrap_or_default();
            rows.extend(page.objects);
            if let Some(total) = total_count {
                moved |= *first_total.get_or_insert(total) != total;
            }
            asked.insert(query);
            let Some(next) = next.filter(|next| !next.is_empty()) else {
                let missing = total_count.unwrap_or(0).saturating_sub(rows.len() as u64);
                return Ok(Pass { rows, server_time, moved, missing });
            };
            query = self.follow(target, list, &next, &asked)?;
        }
    }

    /// The query of the next page, checked to stay on this list and to be a new page.
    fn follow(
        &self,
        target: Target,
        list: &ListOf,
        next: &str,
        asked: &HashSet<String>,
    ) -> Result<String, ManagementError> {
        let address = self.addresses().get(target.address);
        let what = match address.map(|address| address.next_query(&list.path, next)) {
            Some(Ok(query)) if asked.contains(&query) => {
                "the link to the next page leads in a circle".to_owned()
            }
            Some(Ok(_)) if asked.len() >= MOST_PAGES => format!("the list has more than {MOST_PAGES} pages"),
            Some(Ok(query)) => return Ok(query),
            Some(Err(what)) => what,
            None => "there is no such address".to_owned(),
        };
        Err(self.malformed_list(target, list, what))
    }

    fn malformed_list(&self, target: Target, list: &ListOf, what: String) -> ManagementError {
        ManagementError::new(self.line(target, Verb::Get, &list.path), Problem::Malformed(what))
    }
}

fn is_bad_request(error: &ManagementError) -> bool {
    matches!(error.problem, Problem::Rejected { status: 400, .. })
}

fn first_query(list: &ListOf, order: Option<&str>) -> String {
    // A URL is only borrowed for its spelling of queries.
    let Ok(mut url) = Url::parse("http://localhost/") else { return String::new() };
    {
        let mut pairs = url.query_pairs_mut();
        for (field, value) in &list.filters {
            pairs.append_pair(field, value);
        }
        if let Some(order) = order {
            pairs.append_pair("order_by", order);
        }
        pairs.append_pair("limit", PAGE);
    }
    url.query().unwrap_or_default().to_owned()
}

fn without_duplicates<T: Row>(rows: Vec<T>) -> Vec<T> {
    let mut seen = HashSet::new();
    rows.into_iter().filter(|row| row.uri().is_none_or(|uri| seen.insert(uri.to_owned()))).collect()
}

/// The server's clock.
pub(crate) fn date(reply: &Reply) -> Option<Timestamp> {
    reply.header("date").and_then(parse_http_date)
}

fn read_page<T: DeserializeOwned>(reply: &Reply) -> Result<Page<T>, String> {
    read_json(reply)
}

/// Reads a success as JSON. What it holds is never quoted: a configuration object holds stored secrets.
pub(crate) fn read_json<T: DeserializeOwned>(reply: &Reply) -> Result<T, String> {
    serde_json::from_slice(&reply.body).map_err(|error| {
        use serde_json::error::Category;
        let start = String::from_utf8_lossy(reply.body.get(..400.min(reply.body.len())).unwrap_or_default());
        match error.classify() {
            _ if reply.body.is_empty() => "it is empty".to_owned(),
            _ if crate::answer::looks_like_html(&start) => {
                "it is an HTML page where JSON was expected".to_owned()
            }
            Category::Eof => "it is cut off".to_owned(),
            Category::Data => "it is JSON of another shape".to_owned(),
            Category::Syntax | Category::Io => "it is not JSON".to_owned(),
        }
    })
}
