//! The `shipctl` binary: arguments in, exit status out. Everything else is in the library.

/// musl's own allocator maps and unmaps memory piece by piece, which takes a short command a quarter of its time.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> std::process::ExitCode {
    shipctl::main().into()
}
