//! Changes to the files of a checkout: all of them, or none.
//!
//! Everything is checked before anything is written. The new texts are first written beside their
//! places, then put there by renaming, so that a full disk or an interruption leaves no half of a file.

use super::checkout::Checkout;
use crate::failure::Failure;
use std::fmt::{self, Display};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// One file that is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// From the root of the checkout.
    path: String,
    /// What the file holds before; `None` for a new file.
    before: Option<String>,
    /// What it is to hold.
    after: String,
    /// What the change is, for the user.
    summary: String,
}

impl Change {
    /// A new file.
    pub(crate) fn create(path: String, text: String, summary: &str) -> Self {
        Self { path, before: None, after: text, summary: summary.to_owned() }
    }

    /// More in a file that is there.
    pub(crate) fn add(path: &str, before: String, after: String, summary: &str) -> Self {
        Self { path: path.to_owned(), before: Some(before), after, summary: summary.to_owned() }
    }

    /// Why it cannot be made, as far as can be told without making it.
    fn obstacle(&self, root: &Path) -> Option<String> {
        let place = root.join(&self.path);
        if self.before.is_none() {
            return place.exists().then(|| "there is one already; choose another name".to_owned());
        }
        match fs::metadata(&place) {
            Err(error) => Some(error.to_string()),
            Ok(file) if file.permissions().readonly() => {
                Some("it is read-only; make it writable and try again".to_owned())
            }
            Ok(_) => OpenOptions::new().append(true).open(&place).err().map(|e| e.to_string()),
        }
    }

    /// Takes it back.
    fn undo(&self, root: &Path) -> io::Result<()> {
        let place = root.join(&self.path);
        match &self.before {
            None => fs::remove_file(place),
            Some(text) => fs::write(place, text),
        }
    }
}

impl Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.before.is_none() { "wrote" } else { "added" };
        write!(f, "{word} {}: {}", self.path, self.summary)
    }
}

/// Makes all changes, or none.
pub(crate) fn write(checkout: &Checkout, changes: &[Change]) -> Result<(), Failure> {
    let root = checkout.root();
    let refused = |change: &Change, why: &dyn Display| {
        Failure::Usage(format!("cannot write {}: {why}; nothing was written", change.path))
    };
    for change in changes {
        if let Some(why) = change.obstacle(root) {
            return Err(refused(change, &why));
        }
    }
    let mut staged = Vec::new();
    for change in changes {
        let stage = Staged::write(&root.join(&change.path), &change.after);
        staged.push(stage.map_err(|error| refused(change, &error))?);
    }
    for (made, stage) in staged.iter().enumerate() {
        if let Err(error) = fs::rename(&stage.beside, &stage.place) {
            for change in &changes[..made] {
                change.undo(root)?;
            }
            return Err(refused(&changes[made], &error));
        }
    }
    Ok(())
}

/// A new text beside the place that it is for; removed unless it has been put there.
struct Staged {
    beside: PathBuf,
    place: PathBuf,
}

impl Staged {
    fn write(place: &Path, text: &str) -> io::Result<Self> {
        let mut beside = place.as_os_str().to_owned();
        beside.push(format!(".new-{}", std::process::id()));
        let staged = Self { beside: beside.into(), place: place.to_owned() };
        let mut file = File::create_new(&staged.beside)?;
        file.write_all(text.as_bytes())?;
        if let Ok(old) = fs::metadata(place) {
            file.set_permissions(old.permissions())?;
        }
        file.sync_all()?;
        Ok(staged)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // Nothing is left there after a rename; otherwise a second failure is of no interest.
        let _ = fs::remove_file(&self.beside);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use tempfile::TempDir;

    /// A checkout in miniature, with these landmarks.
    fn checkout() -> (TempDir, Checkout) {
        let directory = tempfile::tempdir().unwrap();
        for path in ["Cargo.toml", "crates/collectors/src/lib.rs", "workloads/src/lib.rs"] {
            let place = directory.path().join(path);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, "old\n").unwrap();
        }
        let checkout = Checkout::find(&directory.path().join("crates")).unwrap();
        (directory, checkout)
    }

    /// All files below a directory, with their texts.
    fn files(root: &Path) -> BTreeMap<PathBuf, String> {
        let mut files = BTreeMap::new();
        let mut directories = vec![root.to_owned()];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    directories.push(path);
                } else {
                    let text = fs::read_to_string(&path).unwrap();
                    files.insert(path, text);
                }
            }
        }
        files
    }

    fn addition(path: &str) -> Change {
        Change::add(path, "old\n".to_owned(), "old\nnew\n".to_owned(), "a line")
    }

    fn creation(path: &str) -> Change {
        Change::create(path.to_owned(), "text\n".to_owned(), "a file")
    }

    #[test]
    fn all_changes_are_made() {
        let (_directory, checkout) = checkout();
        let changes = [creation("workloads/src/a.rs"), addition("workloads/src/lib.rs")];
        write(&checkout, &changes).unwrap();
        let files = files(checkout.root());
        assert_eq!(files[&checkout.root().join("workloads/src/a.rs")], "text\n");
        assert_eq!(files[&checkout.root().join("workloads/src/lib.rs")], "old\nnew\n");
        assert_eq!(files.len(), 4, "{files:?}");
    }

    /// Nothing is written if one of the changes cannot be made.
    fn check_refused(checkout: &Checkout, change: Change, words: &str) {
        let before = files(checkout.root());
        let fine = [creation("workloads/src/b.rs"), addition("Cargo.toml")];
        let result = write(checkout, &[&fine[..], &[change]].concat());
        let Err(Failure::Usage(message)) = result else { panic!("{result:?}") };
        assert!(message.contains(words) && message.contains("nothing was written"), "{message}");
        assert_eq!(files(checkout.root()), before);
    }

    #[test]
    fn nothing_is_half_written() {
        let (_directory, checkout) = checkout();
        check_refused(&checkout, creation("workloads/src/lib.rs"), "there is one already");
        check_refused(&checkout, addition("workloads/gone.toml"), "No such file");
        check_refused(&checkout, creation("nowhere/a.rs"), "nowhere/a.rs");
        let place = checkout.root().join("crates/collectors/src/lib.rs");
        let mut permissions = fs::metadata(&place).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&place, permissions).unwrap();
        check_refused(&checkout, addition("crates/collectors/src/lib.rs"), "read-only");
    }

    #[test]
    fn what_cannot_be_staged_leaves_nothing_behind() {
        let (_directory, checkout) = checkout();
        // A second file of one name: only when the first lies beside its place is there an obstacle.
        check_refused(&checkout, creation("workloads/src/b.rs"), "workloads/src/b.rs");
    }

    #[test]
    fn a_change_is_taken_back() {
        let (_directory, checkout) = checkout();
        let before = files(checkout.root());
        for change in [creation("workloads/src/b.rs"), addition("Cargo.toml")] {
            write(&checkout, std::slice::from_ref(&change)).unwrap();
            assert_ne!(files(checkout.root()), before);
            change.undo(checkout.root()).unwrap();
            assert_eq!(files(checkout.root()), before);
        }
    }
}
