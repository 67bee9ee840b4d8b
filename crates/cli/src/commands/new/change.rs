//! Changes to the files of a checkout: all of them, or none.
//!
//! The new texts are first written beside their places, then renamed into them, so that a full disk or
//! an interruption leaves no half of a file.

use crate::failure::Failure;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Files that identify a checkout.
const LANDMARKS: [&str; 3] = ["Cargo.toml", "crates/collectors/src/lib.rs", "workloads/src/lib.rs"];

/// The root of the checkout that contains `start`.
pub(crate) fn root_of(start: &Path) -> Result<PathBuf, Failure> {
    let place = start.canonicalize().map_err(|error| {
        let path = start.display();
        Failure::Usage(format!("cannot find {path}: {error}; name a directory with --dir"))
    })?;
    let is_checkout = |root: &&Path| LANDMARKS.iter().all(|file| root.join(file).is_file());
    place.ancestors().find(is_checkout).map(Path::to_owned).ok_or_else(|| {
        Failure::Usage(format!(
            "{} is not in a checkout of the workbench; go to one, or name it with --dir \
             (its crates/cli/examples/out-of-tree shows a collector in a crate of its own)",
            place.display()
        ))
    })
}

/// A file to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// From the root of the checkout.
    pub(crate) path: String,
    /// The present text; `None` for a new file.
    pub(crate) before: Option<String>,
    pub(crate) after: String,
}

impl Change {
    /// Writes the text beside its place, unless the change cannot be made.
    fn stage(&self, root: &Path) -> io::Result<Staged> {
        let place = root.join(&self.path);
        match fs::metadata(&place) {
            Ok(_) if self.before.is_none() => {
                return Err(io::Error::other("there is one already: choose another name"));
            }
            Ok(file) if file.permissions().readonly() => {
                return Err(io::Error::other("it is read-only: make it writable and try again"));
            }
            _ => {}
        }
        let beside = root.join(format!("{}.new-{}", self.path, std::process::id()));
        let mut file = File::create_new(&beside)?;
        let staged = Staged { beside, place };
        file.write_all(self.after.as_bytes())?;
        if self.before.is_some() {
            let old = OpenOptions::new().append(true).open(&staged.place)?;
            file.set_permissions(old.metadata()?.permissions())?;
        }
        file.sync_all()?;
        Ok(staged)
    }

    fn undo(&self, root: &Path) -> io::Result<()> {
        let place = root.join(&self.path);
        self.before.as_ref().map_or_else(|| fs::remove_file(&place), |text| fs::write(&place, text))
    }
}

/// A text beside its place; removed unless it is renamed.
struct Staged {
    beside: PathBuf,
    place: PathBuf,
}

impl Drop for Staged {
    fn drop(&mut self) {
        // Fails after a rename, because nothing is there any more.
        let _ = fs::remove_file(&self.beside);
    }
}

/// Makes all changes, or none.
pub(crate) fn apply(root: &Path, changes: &[Change]) -> Result<(), Failure> {
    let refused = |Change { path, .. }: &Change, error: io::Error| {
        Failure::Usage(format!("cannot write {path}: {error}; nothing was written"))
    };
    let stage = |change: &Change| change.stage(root).map_err(|error| refused(change, error));
    let staged = changes.iter().map(stage).collect::<Result<Vec<_>, _>>()?;
    for (made, stage) in staged.iter().enumerate() {
        if let Err(error) = fs::rename(&stage.beside, &stage.place) {
            changes[..made].iter().try_for_each(|change| change.undo(root))?;
            return Err(refused(&changes[made], error));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use tempfile::TempDir;

    /// A directory with the landmarks of a checkout.
    fn checkout() -> (TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        for path in LANDMARKS {
            let place = directory.path().join(path);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, "old\n").unwrap();
        }
        let root = root_of(&directory.path().join("crates")).unwrap();
        (directory, root)
    }

    /// The files below a directory, with their texts.
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
        let before = Some("old\n".to_owned());
        Change { path: path.to_owned(), before, after: "old\nnew\n".to_owned() }
    }

    fn creation(path: &str) -> Change {
        Change { path: path.to_owned(), before: None, after: "text\n".to_owned() }
    }

    #[test]
    fn all_changes_are_made() {
        let (_directory, root) = checkout();
        let changes = [creation("workloads/src/a.rs"), addition("workloads/src/lib.rs")];
        apply(&root, &changes).unwrap();
        let files = files(&root);
        assert_eq!(files[&root.join("workloads/src/a.rs")], "text\n");
        assert_eq!(files[&root.join("workloads/src/lib.rs")], "old\nnew\n");
        assert_eq!(files.len(), 4, "{files:?}");
    }

    /// Checks that nothing is written if one of the changes cannot be made.
    fn check_refused(root: &Path, change: Change, words: &str) {
        let before = files(root);
        let fine = [creation("workloads/src/b.rs"), addition("Cargo.toml")];
        let result = apply(root, &[&fine[..], &[change]].concat());
        let Err(Failure::Usage(message)) = result else { panic!("{result:?}") };
        assert!(message.contains(words) && message.contains("nothing was written"), "{message}");
        assert_eq!(files(root), before);
    }

    #[test]
    fn nothing_is_half_written() {
        let (_directory, root) = checkout();
        check_refused(&root, creation("workloads/src/lib.rs"), "there is one already");
        check_refused(&root, addition("workloads/gone.toml"), "No such file");
        check_refused(&root, creation("nowhere/a.rs"), "nowhere/a.rs");
        let place = root.join("crates/collectors/src/lib.rs");
        let mut permissions = fs::metadata(&place).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&place, permissions).unwrap();
        check_refused(&root, addition("crates/collectors/src/lib.rs"), "read-only");
    }

    #[test]
    fn a_change_that_cannot_be_staged_leaves_nothing_behind() {
        let (_directory, root) = checkout();
        // The second file of this name cannot be staged, because the first is.
        check_refused(&root, creation("workloads/src/b.rs"), "workloads/src/b.rs");
    }

    #[test]
    fn a_change_is_taken_back() {
        let (_directory, root) = checkout();
        let before = files(&root);
        for change in [creation("workloads/src/b.rs"), addition("Cargo.toml")] {
            apply(&root, std::slice::from_ref(&change)).unwrap();
            assert_ne!(files(&root), before);
            change.undo(&root).unwrap();
            assert_eq!(files(&root), before);
        }
    }
}
