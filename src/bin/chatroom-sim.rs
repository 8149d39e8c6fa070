//! `chatroom-sim`: runs simulated worlds from seeds.

fn main() -> std::process::ExitCode {
    chatroom::sim::main()
}
