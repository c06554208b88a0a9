//! Compiles the few lines of C++ by which `src/vector/faiss` reaches FAISS, against the headers that faiss-sys built.

fn main() {
    println!("cargo:rerun-if-changed=src/vector/faiss/shim.cpp");
    let root = std::env::var("DEP_FAISS_C_ROOT").expect("faiss-sys says where it has put FAISS's headers");
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        .flag("-fopenmp")
        .warnings(true)
        .flag("-isystem")
        .flag(format!("{root}/include"))
        .file("src/vector/faiss/shim.cpp")
        .compile("strata_faiss");
}
