#!/bin/sh
# Install npm's oidc-provider (MIT) into .oidc-provider, which git ignores, for the tests of sign-in.
set -eu
cd "$(dirname "$0")/.."
test -d .oidc-provider/node_modules/oidc-provider ||
  npm install --prefix .oidc-provider --no-package-lock --no-audit --no-fund --silent oidc-provider@9.13.3 >&2
