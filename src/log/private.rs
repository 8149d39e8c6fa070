//! Files that only the user who runs the node can read: what the store holds includes secrets and tokens in the clear.

use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io::{Error, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, lchown};
use std::path::Path;

use super::LogError;

/// Mode of a folder: its owner's alone.
const FOLDER_MODE: u32 = 0o700;
/// Mode of a file: its owner's alone.
const FILE_MODE: u32 = 0o600;
/// The bits that let group and others in.
const OTHERS: u32 = 0o077;
/// The bit of folders that everybody may write to, as /tmp.
const STICKY: u32 = 0o1000;
/// Names of which one at least is in a folder that a node has used.
const OURS: [&str; 4] = ["store", "store.new", "store.state", "lock"];
/// A folder that file systems put into folders of their own accord.
const RESCUE: &str = "lost+found";

/// Every file the process makes from here on is its user's alone, whatever umask it was started with. For the start of a program.
pub fn make_files_private() {
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
}

/// Makes a data folder if there is none, and lets nobody but its owner into it. Refuses one that others can read and whose mode
/// cannot, or should not, be changed.
pub(super) fn own_folder(folder: &Path) -> Result<(), LogError> {
    let unusable = |error: Error| LogError::Store(format!("{}: {error}", folder.display()));
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder).map_err(unusable)?;
    let known = std::fs::metadata(folder).map_err(unusable)?;
    if known.mode() & OTHERS == 0 {
        return Ok(());
    }
    let refused = |why: &str| {
        let (name, mode, owner) = (folder.display(), known.mode() & 0o7777, known.uid());
        LogError::Store(format!(
            "{name} can be read by other users (mode {mode:04o}, owner {owner}), and the store holds secrets: {why}; give the node a \
             folder of its own, such as {name}/chatroom-data, or make this one its user's with mode 0700"
        ))
    };
    if known.mode() & STICKY != 0 {
        return Err(refused("everybody may write to it"));
    }
    if !is_ours_or_new(folder).map_err(unusable)? {
        return Err(refused("it holds other folders than a node's, so its mode is left alone"));
    }
    narrow_one(folder, &known).map_err(|error| refused(&format!("its mode could not be changed ({error})")))
}

/// Takes what group and others may do with everything below a folder that is the owner's alone. Links are left alone, and so is what a
/// file system rescues: the folder for that is root's.
pub(super) fn narrow(folder: &Path) -> Result<(), LogError> {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            entries => entries.map_err(|error| LogError::Store(format!("{}: {error}", folder.display())))?,
        };
        for entry in entries {
            let entry = entry.map_err(|error| LogError::Store(format!("{}: {error}", folder.display())))?;
            let path = entry.path();
            // The store's own threads may remove a file meanwhile.
            let Ok(known) = entry.metadata() else { continue };
            if known.is_dir() && entry.file_name() == RESCUE {
                continue;
            }
            if known.is_dir() {
                folders.push(path.clone());
            }
            match narrow_one(&path, &known) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                done => done.map_err(|error| {
                    let (name, mode) = (path.display(), known.mode() & 0o7777);
                    LogError::Store(format!(
                        "{name} can be read by other users (mode {mode:04o}), which cannot be changed: {error}"
                    ))
                })?,
            }
        }
    }
    Ok(())
}

/// Gives what root has made in somebody else's folder to its owner, by whom the node runs: it could not read it otherwise. For commands
/// that open a folder while no node does.
pub fn give_to_owner(folder: &Path) -> std::io::Result<()> {
    let owner = std::fs::metadata(folder)?;
    let own = rustix::process::geteuid().as_raw();
    if own != 0 || owner.uid() == own {
        return Ok(());
    }
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let known = entry.metadata()?;
            if known.is_dir() && entry.file_name() == RESCUE {
                continue;
            }
            if known.is_dir() {
                folders.push(entry.path());
            }
            if known.uid() == own && (known.is_dir() || known.is_file()) {
                lchown(entry.path(), Some(owner.uid()), Some(owner.gid()))?;
            }
        }
    }
    Ok(())
}

/// Opens a file for reading and writing, made for the owner alone if there is none.
pub(super) fn open_file(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(FILE_MODE).open(path)
}

fn narrow_one(path: &Path, known: &Metadata) -> std::io::Result<()> {
    let is_plain = known.is_dir() || known.is_file();
    if known.mode() & OTHERS == 0 || !is_plain {
        return Ok(());
    }
    std::fs::set_permissions(path, Permissions::from_mode(known.mode() & 0o7700))
}

/// True if a node has used a folder, or nothing speaks against it: one with folders in it is likely to be somebody else's.
fn is_ours_or_new(folder: &Path) -> std::io::Result<bool> {
    let mut is_new = true;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if OURS.iter().any(|ours| name == *ours) {
            return Ok(true);
        }
        is_new &= !entry.file_type()?.is_dir() || name == RESCUE;
    }
    Ok(is_new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().mode() & 0o7777
    }

    fn set(path: &Path, mode: u32) {
        std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_folder_of_ours_and_all_in_it_become_the_owners_alone() {
        let home = tempfile::tempdir().unwrap();
        let (data, inner) = (home.path().join("data"), home.path().join("data/store/deep"));
        own_folder(&data).unwrap();
        assert_eq!(mode(&data), 0o700);
        set(&data, 0o755);
        own_folder(&data).unwrap();
        assert_eq!(mode(&data), 0o700, "an empty folder");
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::write(inner.join("file"), b"secret").unwrap();
        set(&inner.join("file"), 0o644);
        set(&inner, 0o755);
        set(&data, 0o2775);
        own_folder(&data).unwrap();
        narrow(&data).unwrap();
        assert_eq!((mode(&data), mode(&inner), mode(&inner.join("file"))), (0o2700, 0o700, 0o600));
    }

    #[test]
    fn what_root_makes_in_the_folder_of_a_node_is_given_to_the_nodes_user() {
        const NODE: u32 = 65_534;
        let home = tempfile::tempdir().unwrap();
        let (data, inner, rescue) =
            (home.path().join("data"), home.path().join("data/store"), home.path().join("data").join(RESCUE));
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::create_dir(&rescue).unwrap();
        std::fs::write(inner.join("file"), b"").unwrap();
        if lchown(&data, Some(NODE), Some(NODE)).is_err() {
            return; // Only root can give anything away.
        }
        give_to_owner(&data).unwrap();
        let owners = [&inner, &inner.join("file"), &rescue].map(|path| std::fs::metadata(path).unwrap().uid());
        assert_eq!(owners, [NODE, NODE, 0]);
    }

    #[test]
    fn what_a_file_system_rescues_is_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let (data, rescue) = (home.path().join("data"), home.path().join("data").join(RESCUE));
        std::fs::create_dir_all(&rescue).unwrap();
        std::fs::write(rescue.join("#12"), b"").unwrap();
        set(&rescue.join("#12"), 0o644);
        set(&rescue, 0o755);
        own_folder(&data).unwrap();
        narrow(&data).unwrap();
        assert_eq!((mode(&data), mode(&rescue), mode(&rescue.join("#12"))), (0o700, 0o755, 0o644));
    }

    #[test]
    fn a_folder_for_everybody_and_one_with_other_folders_are_refused_and_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let data = home.path().join("data");
        std::fs::create_dir(&data).unwrap();
        set(&data, 0o1777);
        let words = own_folder(&data).unwrap_err().to_string();
        assert!(words.contains("mode 1777") && words.contains("everybody"), "{words}");
        set(&data, 0o755);
        std::fs::create_dir(data.join("photos")).unwrap();
        let words = own_folder(&data).unwrap_err().to_string();
        assert!(words.contains("mode 0755") && words.contains("other folders"), "{words}");
        assert_eq!(mode(&data), 0o755);
    }
}
