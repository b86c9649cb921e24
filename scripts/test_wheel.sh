#!/bin/sh
# Install a wheel with every extra in an empty environment, and run the tests on it, away from the checkout:
#   make wheel && PYTHON=python3.12 scripts/test_wheel.sh dist/*.whl [option of pytest …]
# The tests run in a copy of the checkout without the package, so that nothing but the wheel can be imported.
set -eu
[ $# -ge 1 ] || { sed -n '2,4s/^# //p' "$0" >&2; exit 2; }
wheel=$(realpath "$1")
shift
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

"$python" -m venv "$folder/venv"
pip="$folder/venv/bin/pip install --quiet --disable-pip-version-check --constraint $PWD/constraints.txt"
scripts/install_torch.sh "$folder/venv/bin/pip"
$pip "$wheel[dev]"

mkdir "$folder/checkout"
git ls-files -z | grep --null-data --invert-match '^podcast_pipeline/' \
  | tar --create --null --files-from - | tar --extract --directory "$folder/checkout"
for part in .venv-archiver .venv-localstripe node_modules; do
  [ ! -e "$part" ] || ln -s "$PWD/$part" "$folder/checkout/$part"
done
cd "$folder/checkout"
"$folder/venv/bin/python" -c 'import podcast_pipeline as p, sys; print("Python", sys.version.split()[0], p.__file__)'
"$folder/venv/bin/pytest" -p no:cacheprovider --ignore tests/end_to_end/test_wheel.py "$@"
