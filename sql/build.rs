//! Builds the program anew when a migration was added: it carries them inside.

fn main() {
    println!("cargo::rerun-if-changed=sql/migrations");
}
