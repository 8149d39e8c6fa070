//! Where C and C++ programs are made and run: compilers, sanitizers, Valgrind, and the shared library laid out as an installation is.
//!
//! What a machine lacks is not passed over: the failure says what to install.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Server, Setup};

/// Valgrind runs a program some fifty times slower, and the machine may have other work.
pub const PROGRAM_PATIENCE: Duration = Duration::from_secs(300);

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The shared library that was built for this test.
pub fn library() -> PathBuf {
    let this = std::env::current_exe().expect("a running test has a path");
    let library = this.with_file_name("libchatroom.so");
    assert!(library.exists(), "{} is not there: cargo builds it with the tests", library.display());
    library
}

/// Runs a tool to its end; `what` says what to install when it is absent.
pub fn run(command: &mut Command) -> Output {
    let program = command.get_program().to_string_lossy().into_owned();
    match command.stdin(Stdio::null()).output() {
        Ok(output) => output,
        Err(error) => panic!(
            "{program} cannot be run ({error}): `make setup` installs gcc, g++, clang, valgrind, binutils and abigail-tools"
        ),
    }
}

pub fn must(command: &mut Command) -> String {
    let output = run(command);
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{said}", output.status);
    said
}

/// A folder with what a program links against and finds at run time, laid out as an installation is.
pub struct Workshop {
    folder: tempfile::TempDir,
}

#[derive(Clone, Copy)]
pub enum How {
    /// With this compiler and language, no instruments.
    Plain(&'static str, &'static str),
    /// With this compiler and language, under AddressSanitizer and UndefinedBehaviorSanitizer.
    Sanitized(&'static str, &'static str),
}

impl Workshop {
    pub fn new() -> Workshop {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        for name in ["libchatroom.so", "libchatroom.so.0"] {
            std::os::unix::fs::symlink(library(), folder.path().join(name)).expect("a link can be made");
        }
        Workshop { folder }
    }

    /// Where something of this name stands in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Compiles a program.
    pub fn compile(&self, source: &str, how: How) -> PathBuf {
        self.compile_with(&root().join("include"), source, how)
    }

    /// Compiles a program against the header in this folder.
    pub fn compile_with(&self, include: &Path, source: &str, how: How) -> PathBuf {
        let (How::Plain(compiler, language) | How::Sanitized(compiler, language)) = how;
        let stem = Path::new(source).file_stem().expect("a source has a name").to_string_lossy();
        let sanitized = matches!(how, How::Sanitized(..));
        let program = self.folder.path().join(format!("{stem}-{compiler}-{language}-{sanitized}"));
        let mut command = Command::new(compiler);
        command.arg(format!("-std={language}")).args(["-Wall", "-Wextra", "-Werror", "-g", "-O1"]);
        if !language.starts_with("c++") {
            command.arg("-pedantic");
        }
        if sanitized {
            command.args(["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]);
        }
        command.arg("-I").arg(include).arg(root().join(source)).arg("-o").arg(&program);
        command.arg("-L").arg(self.folder.path()).args(["-lchatroom", "-pthread"]);
        command.arg(format!("-Wl,-rpath,{}", self.folder.path().display()));
        must(&mut command);
        program
    }
}

/// Runs a program and expects success, within [`PROGRAM_PATIENCE`].
pub fn succeeds(command: &mut Command) {
    let what = format!("{command:?}");
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child =
        child.unwrap_or_else(|error| panic!("{what} cannot be run ({error}): `make setup` installs what the tests need"));
    let (said, success) = finish(child, PROGRAM_PATIENCE);
    assert!(success, "{what} failed:\n{said}");
}

/// Waits for a program, and ends it when it takes too long: what it said, and whether it succeeded.
pub fn finish(mut child: Child, patience: Duration) -> (String, bool) {
    let mut pipes: Vec<Box<dyn Read + Send>> = Vec::new();
    pipes.extend(child.stdout.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>));
    pipes.extend(child.stderr.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>));
    let readers: Vec<_> = pipes
        .into_iter()
        .map(|mut pipe| {
            std::thread::spawn(move || {
                let mut said = Vec::new();
                // What was said before an error is what there is to show.
                let _ = pipe.read_to_end(&mut said);
                String::from_utf8_lossy(&said).into_owned()
            })
        })
        .collect();
    let deadline = Instant::now() + patience;
    let success = loop {
        match child.try_wait().expect("a child can be waited for") {
            Some(status) => break status.success(),
            None if Instant::now() > deadline => {
                child.kill().expect("our own child can be killed");
                child.wait().expect("a child can be waited for");
                break false;
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    (readers.into_iter().map(|reader| reader.join().expect("a reader does not panic")).collect(), success)
}

pub fn valgrind(program: &Path) -> Command {
    let mut command = Command::new("valgrind");
    // As anybody runs it, with the suppressions that come with an installation.
    command.args(["--quiet", "--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite,indirect,possible"]);
    command.arg(format!("--suppressions={}", root().join("packaging/chatroom.supp").display()));
    command.args(["--fair-sched=yes", "--child-silent-after-fork=yes"]).arg(program);
    command
}

/// Runs a program under the sanitizers and under Valgrind.
pub fn instrumented(source: &str, arguments: &[String]) {
    let workshop = Workshop::new();
    succeeds(Command::new(compiled(&workshop, source)).args(arguments));
    succeeds(valgrind(&workshop.compile(source, How::Plain("gcc", "c99"))).args(arguments));
}

/// Runs a program in all its builds: as each C by each compiler, under the sanitizers, and under Valgrind.
pub fn in_all_builds(source: &str, arguments: &dyn Fn() -> Vec<String>) {
    let workshop = Workshop::new();
    let c = [How::Plain("gcc", "c99"), How::Plain("gcc", "c11"), How::Plain("clang", "c99"), How::Sanitized("clang", "c11")];
    let cpp = [How::Plain("g++", "c++17"), How::Sanitized("clang++", "c++17")];
    let builds: &[How] = if source.ends_with(".cpp") { &cpp } else { &c };
    for how in builds {
        let program = workshop.compile(source, *how);
        succeeds(Command::new(&program).args(arguments()));
    }
    let plain = workshop.compile(source, builds[0]);
    succeeds(valgrind(&plain).args(arguments()));
}

/// A program, compiled once as C99.
pub fn compiled(workshop: &Workshop, source: &str) -> PathBuf {
    workshop.compile(source, How::Sanitized("clang", "c99"))
}

/// Runs a program to its end, which must be a success; what it said.
pub fn says(program: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    let child = command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let (said, success) = finish(child.expect("the program that was just compiled runs"), PROGRAM_PATIENCE);
    assert!(success, "{said}");
    said
}

/// A server without limits on rates, because a program runs once per build against it.
pub fn server() -> Server {
    Server::start(Setup { config: crate::support::process::UNLIMITED.into(), memory: true, ..Setup::default() })
}
