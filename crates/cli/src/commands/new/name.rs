//! The name of something new, and the three ways in which it is written.

/// Longest name: tables and charts have a column for it.
const LENGTH_MAX: usize = 32;

/// Words that cannot name a module (the Rust reference, "Keywords"; edition 2024).
const KEYWORDS: &str = "abstract as async await become box break const continue crate do dyn else \
    enum extern false final fn for gen if impl in let loop macro match mod move mut override priv pub \
    ref return self static struct super trait true try type typeof unsafe unsized use virtual where \
    while yield";

/// Modules of these names would hide a crate, or be taken by cargo for a program.
const MEANT_OTHERWISE: [&str; 5] = ["alloc", "core", "heap", "main", "std"];

/// A name that can be a file, a module and a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    kebab: String,
}

impl Name {
    /// Reads a name such as `my-gc`.
    ///
    /// # Errors
    /// What is wrong with it, and how it could be written.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let is_word = |word: &str| {
            !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        };
        let starts_well = text.starts_with(|c: char| c.is_ascii_lowercase());
        if !starts_well || !text.split('-').all(is_word) {
            let kebab = kebab(text);
            let hint = match kebab != text && Self::parse(&kebab).is_ok() {
                true => format!("write '{kebab}'"),
                false => "write a name such as 'my-gc'".to_owned(),
            };
            return Err(format!(
                "a name is words of small letters and digits, joined by hyphens, and begins with a \
                 letter; {hint}"
            ));
        }
        if KEYWORDS.split_whitespace().any(|keyword| keyword == text) {
            return Err(format!("'{text}' is a Rust keyword; add a word to it"));
        }
        if MEANT_OTHERWISE.contains(&text) {
            return Err(format!("'{text}' already means something to Rust; add a word to it"));
        }
        if text.len() > LENGTH_MAX {
            return Err(format!(
                "a name has at most {LENGTH_MAX} characters, for it heads columns"
            ));
        }
        Ok(Self { kebab: text.to_owned() })
    }

    /// As users see it: `my-gc`.
    pub(crate) fn kebab(&self) -> &str {
        &self.kebab
    }

    /// As a module and a file: `my_gc`.
    pub(crate) fn module(&self) -> String {
        self.kebab.replace('-', "_")
    }

    /// As a type: `MyGc`.
    pub(crate) fn type_name(&self) -> String {
        self.kebab.split('-').map(capitalised).collect()
    }

    /// A text in which this name stands for `stand_in`, however written.
    pub(crate) fn instead_of(&self, stand_in: &Self, text: &str) -> String {
        text.replace(&stand_in.type_name(), &self.type_name())
            .replace(&stand_in.module(), &self.module())
            .replace(&stand_in.kebab, &self.kebab)
    }
}

fn capitalised(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_ascii_uppercase() + rest
}

/// `MyGc`, `my_gc` or `my gc` as `my-gc`.
fn kebab(text: &str) -> String {
    let mut kebab = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            if c.is_ascii_uppercase() && kebab.ends_with(|c: char| !c.is_ascii_punctuation()) {
                kebab.push('-');
            }
            kebab.push(c.to_ascii_lowercase());
        } else if !kebab.is_empty() && !kebab.ends_with('-') {
            kebab.push('-');
        }
    }
    kebab.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_written_in_three_ways() {
        for (kebab, module, type_name) in
            [("my-gc", "my_gc", "MyGc"), ("rc2", "rc2", "Rc2"), ("g1-like", "g1_like", "G1Like")]
        {
            let name = Name::parse(kebab).unwrap();
            assert_eq!((name.module(), name.type_name()), (module.into(), type_name.into()));
        }
    }

    #[test]
    fn what_cannot_be_a_name_is_refused_with_one_that_can() {
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
            ("std", "already means"),
            ("a-name-that-is-longer-than-any-column", "at most 32"),
        ] {
            let error = Name::parse(text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn a_name_takes_the_place_of_another_in_all_its_forms() {
        let (mine, yours) = (Name::parse("my-gc").unwrap(), Name::parse("my-gc-2").unwrap());
        let text = yours.instead_of(&mine, "mod my_gc: \"my-gc\" => MyGc");
        assert_eq!(text, "mod my_gc_2: \"my-gc-2\" => MyGc2");
    }
}
