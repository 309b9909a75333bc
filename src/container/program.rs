//! What it takes to run this program in any image.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::Mount;

/// Where things of ours lie in a container that are not where they are here.
const PLACE: &str = "/run/shipctl";

/// This program, as a container has it.
pub struct Program {
    /// What is mounted for it.
    pub mounts: Vec<Mount>,
    /// The command that runs it.
    pub command: Vec<OsString>,
    /// A script that runs it, and where scripts find that; `None` if that is the program itself.
    pub script: Option<String>,
}

impl Program {
    /// A program that needs nothing but the kernel. It lies at each of these paths.
    pub fn fixed(program: &Path, paths: &[PathBuf]) -> Program {
        let mounts = paths.iter().map(|path| Mount {
            source: program.to_owned(),
            target: path.clone(),
            writable: false,
        });
        let command = paths.first().map_or_else(|| program.into(), |path| path.clone().into_os_string());
        Program { mounts: mounts.collect(), command: vec![command], script: None }
    }

    /// A program that is linked to these libraries, of which one is the loader that starts it: an image may have others, or
    /// none. `script` is a file that will hold [`Program::script`].
    pub fn linked(
        program: &Path,
        paths: &[PathBuf],
        libraries: &BTreeSet<PathBuf>,
        script: &Path,
    ) -> Option<Program> {
        let is_loader =
            |path: &&PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("ld-"));
        let loader = libraries.iter().find(is_loader)?;
        let directories: BTreeSet<&Path> = libraries.iter().filter_map(|library| library.parent()).collect();
        let mount =
            |source: &Path, target: PathBuf| Mount { source: source.to_owned(), target, writable: false };
        let place = |directory: &Path| {
            let number = directories.iter().position(|known| *known == directory).unwrap_or_default();
            Path::new(PLACE).join(format!("lib{number}"))
        };
        let mut mounts: Vec<_> =
            directories.iter().map(|directory| mount(directory, place(directory))).collect();
        let target = Path::new(PLACE).join("shipctl");
        mounts.push(mount(program, target.clone()));
        mounts.extend(paths.iter().map(|path| mount(script, path.clone())));
        let loader = place(loader.parent()?).join(loader.file_name()?);
        let along: Vec<_> =
            directories.iter().map(|directory| place(directory).display().to_string()).collect();
        let command: Vec<OsString> =
            vec![loader.into(), "--library-path".into(), along.join(":").into(), target.into()];
        let words: Vec<_> = command.iter().map(|word| word.to_string_lossy()).collect();
        let script = format!("#!/bin/sh\nexec {} \"$@\"\n", words.join(" "));
        Some(Program { mounts, command, script: Some(script) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linked_program_brings_its_loader() {
        let libraries = ["/lib64/ld-linux-x86-64.so.2", "/lib/x/libc.so.6"].map(PathBuf::from).into();
        let paths = [PathBuf::from("/usr/bin/shipctl")];
        let program =
            Program::linked(Path::new("/b/shipctl"), &paths, &libraries, Path::new("/p/s")).unwrap();
        assert_eq!(
            program.script.as_deref(),
            Some(
                "#!/bin/sh\nexec /run/shipctl/lib1/ld-linux-x86-64.so.2 --library-path \
                 /run/shipctl/lib0:/run/shipctl/lib1 /run/shipctl/shipctl \"$@\"\n"
            )
        );
        let targets: Vec<_> = program.mounts.iter().map(|mount| mount.target.to_str().unwrap()).collect();
        assert_eq!(
            targets,
            ["/run/shipctl/lib0", "/run/shipctl/lib1", "/run/shipctl/shipctl", "/usr/bin/shipctl"]
        );
        assert!(Program::linked(Path::new("/b"), &paths, &BTreeSet::new(), Path::new("/p")).is_none());
    }
}
