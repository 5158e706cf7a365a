//! Which resource a path means. The rules are strict, as on the real one: the trailing slash is part of the path, a
//! path without it is sent to the one with it, and only a doubled slash at the very start is forgiven.

use super::schema::{self, Resource};
use super::text::decode;
use spillway_pexip_model::Family;

/// What a path names.
#[derive(Debug, Clone)]
pub(super) enum Route {
    /// The map of a family's resources.
    Root(Family),
    /// The map of a command group.
    CommandRoot(&'static schema::Group),
    /// A list.
    List(Family, &'static Resource),
    /// A schema, of a resource or (no family) an action.
    Schema(Option<Family>, &'static Resource),
    /// One row.
    Detail(Family, &'static Resource, String),
    /// Several rows by key.
    Set(Family, &'static Resource, Vec<String>),
    /// An address under one row.
    Sub(Family, &'static Resource, String, &'static str),
    /// A command.
    Command(&'static schema::Group, &'static Resource),
    /// Where access tokens are given out.
    Token,
}

/// What becomes of a path.
#[derive(Debug, Clone)]
pub(super) enum Resolution {
    /// It names something.
    Found(Route),
    /// It would, with a slash at its end.
    NeedsSlash,
    /// It names nothing.
    Missing,
}

/// Removes the doubled slashes that a client makes when it joins a base address and a path.
pub(super) fn collapse(path: &str) -> &str {
    let slashes = path.len() - path.trim_start_matches('/').len();
    if slashes > 1 { &path[slashes - 1..] } else { path }
}

/// Resolves a collapsed path.
pub(super) fn resolve(path: &str) -> Resolution {
    if let Some(bare) = path.strip_suffix('/') {
        return find(bare).map_or(Resolution::Missing, Resolution::Found);
    }
    if find(path).is_some() { Resolution::NeedsSlash } else { Resolution::Missing }
}

fn find(path: &str) -> Option<Route> {
    if path == "/oauth/token" {
        return Some(Route::Token);
    }
    let mut parts = path.strip_prefix("/api/admin/")?.split('/');
    let family = match (parts.next()?, parts.next()?) {
        ("status", "v1") => Family::Status,
        ("configuration", "v1") => Family::Configuration,
        ("history", "v1") => Family::History,
        ("command", "v1") => return find_command(&parts.collect::<Vec<_>>()),
        _ => return None,
    };
    let Some(name) = parts.next() else { return Some(Route::Root(family)) };
    let resource = schema::resource(family, name)?;
    let rest: Vec<String> = parts.map(|part| decode(part, false)).collect();
    match rest.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Some(Route::List(family, resource)),
        ["schema"] => Some(Route::Schema(Some(family), resource)),
        [""] => None,
        [key] => Some(Route::Detail(family, resource, key.to_owned())),
        ["set", keys] => Some(Route::Set(family, resource, keys.split(';').map(str::to_owned).collect())),
        [key, sub] => {
            let sub = resource.subs.iter().find(|known| **known == sub)?;
            Some(Route::Sub(family, resource, key.to_owned(), sub))
        }
        _ => None,
    }
}

fn find_command(parts: &[&str]) -> Option<Route> {
    let (name, rest) = parts.split_first()?;
    let group = schema::groups().iter().find(|group| group.name == *name)?;
    let action = |wanted: &str| group.actions.iter().find(|action| action.name == wanted);
    match rest {
        [] => Some(Route::CommandRoot(group)),
        [name] => Some(Route::Command(group, action(name)?)),
        [name, "schema"] => Some(Route::Schema(None, action(name)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(path: &str) -> String {
        match resolve(collapse(path)) {
            Resolution::Missing => "missing".into(),
            Resolution::NeedsSlash => "slash".into(),
            Resolution::Found(Route::Root(family)) => format!("root {}", schema::family_word(family)),
            Resolution::Found(Route::CommandRoot(group)) => format!("commands {}", group.name),
            Resolution::Found(Route::List(_, resource)) => format!("list {}", resource.name),
            Resolution::Found(Route::Schema(_, resource)) => format!("schema {}", resource.name),
            Resolution::Found(Route::Detail(_, resource, key)) => format!("one {} {key}", resource.name),
            Resolution::Found(Route::Set(_, _, keys)) => format!("set {}", keys.join(" ")),
            Resolution::Found(Route::Sub(_, _, key, sub)) => format!("sub {key} {sub}"),
            Resolution::Found(Route::Command(group, action)) => format!("run {} {}", group.name, action.name),
            Resolution::Found(Route::Token) => "token".into(),
        }
    }

    #[test]
    fn paths_are_read_strictly() {
        for (path, wanted) in [
            ("/api/admin/status/v1/", "root status"),
            ("/api/admin/status/v1", "slash"),
            ("/api/admin/status/", "missing"),
            ("//api/admin/history/v1/conference/", "list conference"),
            ("/api//admin/history/v1/conference/", "missing"),
            ("/api/admin/status/v1/worker_vm", "slash"),
            ("/api/admin/status/v1/worker_vm/1/", "one worker_vm 1"),
            ("/api/admin/status/v1/worker_vm/1", "slash"),
            ("/api/admin/status/v1/worker_vm//", "missing"),
            ("/api/admin/status/v1/worker_vm/schema/", "schema worker_vm"),
            ("/api/admin/status/v1/worker_vm/set/1;3/", "set 1 3"),
            ("/api/admin/status/v1/worker_vm/set/1%3B3/", "set 1 3"),
            ("/api/admin/status/v1/worker_vm/1/statistics/", "sub 1 statistics"),
            ("/api/admin/status/v1/worker_vm/1/media_stream/", "missing"),
            ("/api/admin/status/v1/system_status/", "missing"),
            ("/api/admin/command/v1/platform/", "commands platform"),
            ("/api/admin/command/v1/", "missing"),
            ("/api/admin/command/v1/platform/start_cloudnode/", "run platform start_cloudnode"),
            ("/api/admin/command/v1/platform/start_cloudnode/schema/", "schema start_cloudnode"),
            ("/api/admin/command/v1/cloudnode/start/", "missing"),
            ("/oauth/token/", "token"),
            ("/api/oauth/token/", "missing"),
        ] {
            assert_eq!(shape(path), wanted, "{path}");
        }
    }
}
