//! The name of a new collector or workload, in its three spellings.

/// Longest name that fits the columns of tables and charts.
const LENGTH_MAX: usize = 32;

/// Words that cannot name a module: keywords (the Rust reference, "Keywords"; edition 2024), then names
/// that would shadow a crate or be a program to cargo.
const RESERVED: &str = "abstract as async await become box break const continue crate do dyn else \
    enum extern false final fn for gen if impl in let loop macro match mod move mut override priv pub \
    ref return self static struct super trait true try type typeof unsafe unsized use virtual where \
    while yield alloc core heap main std";

/// A name that can be a file, a module and a type; holds its spelling with hyphens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name(String);

impl Name {
    /// Parses a name such as `my-gc`.
    ///
    /// # Errors
    /// The problem with it, and how it could be spelt.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let is_word = |word: &str| !word.is_empty() && word.chars().all(is_part);
        let starts_well = text.starts_with(|c: char| c.is_ascii_lowercase());
        if !starts_well || !text.split('-').all(is_word) {
            let better = Some(hyphenated(text)).filter(|b| b != text && Self::parse(b).is_ok());
            let hint = better.map_or("a name such as 'my-gc'".to_owned(), |b| format!("'{b}'"));
            return Err(format!(
                "a name is words of small letters and digits, joined by hyphens, and begins with a \
                 letter; write {hint}"
            ));
        }
        if RESERVED.split_whitespace().any(|word| word == text) {
            return Err(format!("'{text}' is a Rust keyword or crate; add a word to it"));
        }
        if text.len() > LENGTH_MAX {
            return Err(format!("a name has at most {LENGTH_MAX} characters, to fit in columns"));
        }
        Ok(Self(text.to_owned()))
    }

    /// As a type, as a module and file, as users see it: `MyGc`, `my_gc`, `my-gc`.
    pub(crate) fn spellings(&self) -> [String; 3] {
        let capitalised = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
        [self.0.split('-').map(capitalised).collect(), self.0.replace('-', "_"), self.0.clone()]
    }

    /// The text with this name in the place of `stand_in`, in all spellings.
    pub(crate) fn instead_of(&self, stand_in: &str, text: &str) -> String {
        let pairs = Self(stand_in.to_owned()).spellings().into_iter().zip(self.spellings());
        pairs.fold(text.to_owned(), |text, (old, new)| text.replace(&old, &new))
    }
}

/// `MyGc`, `my_gc` or `my gc` as `my-gc`.
fn hyphenated(text: &str) -> String {
    let mut spaced = String::new();
    for c in text.chars() {
        if !c.is_ascii_lowercase() && !c.is_ascii_digit() {
            spaced.push(' ');
        }
        if c.is_ascii_alphanumeric() {
            spaced.push(c.to_ascii_lowercase());
        }
    }
    spaced.split_whitespace().collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_written_in_three_ways() {
        for (kebab, module, type_name) in
            [("my-gc", "my_gc", "MyGc"), ("rc2", "rc2", "Rc2"), ("g1-like", "g1_like", "G1Like")]
        {
            assert_eq!(Name::parse(kebab).unwrap().spellings(), [type_name, module, kebab]);
        }
    }

    #[test]
    fn an_invalid_name_is_refused_with_a_valid_one() {
        for (text, words) in [
            ("MyGc", "write 'my-gc'"),
            ("my_gc", "write 'my-gc'"),
            ("a/b", "write 'a-b'"),
            ("../evil", "write 'evil'"),
            ("-my--gc-", "write 'my-gc'"),
            ("", "a name such as 'my-gc'"),
            ("9lives", "a name such as 'my-gc'"),
            ("größe", "letters"),
            ("loop", "'loop' is a Rust keyword"),
            ("gen", "keyword"),
            ("Loop", "a name such as"),
            ("std", "or crate"),
            ("a-name-that-is-longer-than-any-column", "at most 32"),
        ] {
            let error = Name::parse(text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn a_name_takes_the_place_of_another_in_all_its_forms() {
        let yours = Name::parse("my-gc-2").unwrap();
        let text = yours.instead_of("my-gc", "mod my_gc: \"my-gc\" => MyGc");
        assert_eq!(text, "mod my_gc_2: \"my-gc-2\" => MyGc2");
    }
}
