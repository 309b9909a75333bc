//! The `shipctl` binary: arguments in, exit status out. Everything else is in the library.

fn main() -> std::process::ExitCode {
    shipctl::main().into()
}
