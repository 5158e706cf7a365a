//! Names of nodes, locations and conferences are typed by people and by callers. On a terminal a control character in
//! one can move the cursor, change the title or hide a line; so none reaches it.

/// The text without control characters, escape sequences and characters that change the direction of what follows.
/// Line ends and tabs become spaces: a name is one line.
pub fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            // An escape sequence goes whole: what is left of it would be read as text.
            '\u{1b}' => match rest.next_if(|c| matches!(c, '[' | ']' | 'P' | 'X' | '^' | '_')) {
                Some('[') => skip_control_sequence(&mut rest),
                Some(_) => skip_string(&mut rest),
                None => {}
            },
            '\u{9b}' => skip_control_sequence(&mut rest),
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => skip_string(&mut rest),
            '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => cleaned.push(' '),
            _ if is_unseen(c) => {}
            _ => cleaned.push(c),
        }
    }
    cleaned
}

type Rest<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// Parameters and one final byte (ECMA-48). What does not fit ends the sequence and is kept.
fn skip_control_sequence(rest: &mut Rest<'_>) {
    while rest.next_if(|c| matches!(c, ' '..='?')).is_some() {}
    rest.next_if(|c| matches!(c, '@'..='~'));
}

/// To its end mark. One without an end is only a mark: a name must not swallow what follows it.
fn skip_string(rest: &mut Rest<'_>) {
    let mut ahead = rest.clone();
    while let Some(c) = ahead.next() {
        match c {
            '\u{7}' | '\u{9c}' => {}
            '\u{1b}' if ahead.next_if_eq(&'\\').is_some() => {}
            _ => continue,
        }
        *rest = ahead;
        return;
    }
}

/// Whether a character shows nothing itself and changes what is around it: controls, direction marks, what joins,
/// separates and annotates.
pub fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

/// As much of a text as fits where it is shown, cleaned, with a mark where something is left out.
pub fn clip(text: &str, most: usize) -> String {
    let text = clean(text);
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_moves_a_cursor_or_turns_text_round_is_left() {
        let table = [
            ("London 1", "London 1"),
            ("Zürich 東京 🎉", "Zürich 東京 🎉"),
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{1b}]0;title\u{7}node", "node"),
            ("\u{1b}]0;title\u{1b}\\node", "node"),
            ("\u{9b}2Jnode", "node"),
            ("a\nb\r\tc", "a b  c"),
            ("\u{202e}edon\u{202c}", "edon"),
            ("\u{1b}]0;no end", "0;no end"),
            ("\u{0}\u{8}\u{7f}x", "x"),
            ("\u{1b}", ""),
            ("a\u{61c}b\u{ad}c\u{180e}d\u{fff9}e", "abcde"),
            ("one\u{2028}two", "one two"),
        ];
        for (text, says) in table {
            assert_eq!(clean(text), says, "{text:?}");
        }
    }
}
