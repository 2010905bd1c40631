//! Splits a SOQL query into tokens.

/// A token and the column where it begins (1-based).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoqlToken {
    pub kind: SoqlTokenKind,
    pub column: usize,
}

/// The kinds of tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SoqlTokenKind {
    /// A name, keyword, number or date-time: whatever is written without quotes.
    Word(String),
    /// A quoted text, unescaped.
    Text(String),
    Symbol(&'static str),
}

impl SoqlTokenKind {
    /// As quoted in an error message.
    pub fn quoted(&self) -> String {
        match self {
            Self::Word(text) | Self::Text(text) => text.clone(),
            Self::Symbol(text) => (*text).to_owned(),
        }
    }
}

/// Splits a query into tokens.
///
/// # Errors
/// The column of an unclosed quote, or of a character that begins no token.
pub fn tokenize(query: &str) -> Result<Vec<SoqlToken>, usize> {
    let characters: Vec<char> = query.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(&character) = characters.get(at) {
        let column = at + 1;
        if character.is_whitespace() {
            at += 1;
            continue;
        }
        if character == '\'' {
            let mut text = String::new();
            at += 1;
            loop {
                match (characters.get(at), characters.get(at + 1)) {
                    (Some('\''), _) => break,
                    (Some('\\'), Some(escaped)) => {
                        text.push(match escaped {
                            'n' => '\n',
                            'r' => '\r',
                            't' => '\t',
                            other => *other,
                        });
                        at += 2;
                    }
                    (Some(&plain), Some(_)) => {
                        text.push(plain);
                        at += 1;
                    }
                    _ => return Err(column),
                }
            }
            at += 1;
            found.push(SoqlToken { kind: SoqlTokenKind::Text(text), column });
            continue;
        }
        let two: String = characters[at..characters.len().min(at + 2)].iter().collect();
        let symbol = match two.as_str() {
            "!=" => Some("!="),
            "<>" => Some("<>"),
            "<=" => Some("<="),
            ">=" => Some(">="),
            _ => None,
        }
        .or(match character {
            '(' => Some("("),
            ')' => Some(")"),
            ',' => Some(","),
            '=' => Some("="),
            '<' => Some("<"),
            '>' => Some(">"),
            _ => None,
        });
        if let Some(symbol) = symbol {
            at += symbol.len();
            found.push(SoqlToken { kind: SoqlTokenKind::Symbol(symbol), column });
            continue;
        }
        // Signs and colons are parts of date-times and numbers.
        let start = at;
        while characters.get(at).is_some_and(|&next| next.is_alphanumeric() || matches!(next, '_' | '.' | ':' | '-' | '+')) {
            at += 1;
        }
        if at == start {
            return Err(column);
        }
        found.push(SoqlToken { kind: SoqlTokenKind::Word(characters[start..at].iter().collect()), column });
    }
    Ok(found)
}
