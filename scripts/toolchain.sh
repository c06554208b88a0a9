# Sourced by ./run and ./test: installs what a build needs where it is missing.

# Runs a command as root: directly, or by sudo.
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Installs the Debian packages that are missing among those named.
install_packages() {
  local missing=() package
  for package in "$@"; do
    dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  if ! command -v apt-get >/dev/null; then
    echo "please install: ${missing[*]}" >&2
    return 1
  fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# Rustup, by its script, or where that cannot be fetched by the program that the script would fetch.
install_rustup() {
  local folder options=(-y --profile minimal --default-toolchain none) fetch=(curl --proto '=https' --tlsv1.2 -fsSL)
  folder=$(mktemp -d)
  if "${fetch[@]}" -o "$folder/rustup.sh" https://sh.rustup.rs; then
    sh "$folder/rustup.sh" "${options[@]}"
  else
    "${fetch[@]}" -o "$folder/rustup-init" \
      "https://static.rust-lang.org/rustup/dist/$(uname -m)-unknown-linux-gnu/rustup-init"
    chmod +x "$folder/rustup-init"
    "$folder/rustup-init" "${options[@]}"
  fi
  rm -rf "$folder"
}

# A C compiler, mold, what FAISS is built with (a C++ compiler, cmake and make, a BLAS), and the Rust toolchain that
# rust-toolchain.toml names.
install_toolchain() {
  install_packages gcc g++ libc6-dev mold cmake make libopenblas-dev ca-certificates curl
  if [ -d "$HOME/.cargo/bin" ]; then PATH="$HOME/.cargo/bin:$PATH"; fi
  if ! command -v cargo >/dev/null; then
    install_rustup
    PATH="$HOME/.cargo/bin:$PATH"
    rustup toolchain install
  fi
}
