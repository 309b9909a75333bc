#!/usr/bin/env bash
# Writes the Homebrew formula of a release to stdout: packaging/homebrew.sh RELEASES DIRECTORY
#
# RELEASES is the URL below which the archives lie, DIRECTORY has them with their checksums; a platform without an archive is left
# out.
set -euo pipefail
releases=$1 directory=$2
cd "$(dirname "$0")/.."

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
checksum() { cut -d ' ' -f 1 "$directory/shipctl-$version-$1.tar.gz.sha256"; }
archive() {
    [ -f "$directory/shipctl-$version-$1.tar.gz.sha256" ] || return 0
    cat <<RUBY
    on_$2 do
      url "$releases/shipctl-$version-$1.tar.gz"
      sha256 "$(checksum "$1")"
    end
RUBY
}
platform() {
    local archives
    archives=$(archive "x86_64-$2" intel && archive "aarch64-$2" arm)
    [ -z "$archives" ] || printf '  on_%s do\n%s\n  end\n' "$1" "$archives"
}
cat <<RUBY
class Shipctl < Formula
  desc "Job runner and environment injector"
  homepage "${HOMEPAGE:-$releases}"
  version "$version"
  license any_of: ["MIT", "Apache-2.0"]

$(platform linux unknown-linux-musl)
$(platform macos apple-darwin)

  depends_on "bash"

  def install
    bin.install "shipctl"
    man1.install "shipctl.1"
    bash_completion.install "completions/shipctl.bash" => "shipctl"
    zsh_completion.install "completions/shipctl.zsh" => "_shipctl"
    fish_completion.install "completions/shipctl.fish"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/shipctl --version")
  end
end
RUBY
