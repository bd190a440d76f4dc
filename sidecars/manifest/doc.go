// Package manifest reads Kubernetes manifests, lets sidecars decide about the
// pods that they make, and writes them back with little else changed.
//
// # Decisions
//
// Documents are edited as YAML nodes and never re-encoded from Go types:
// comments, the order of keys and fields that are newer than our types stay.
// The nodes are those of kustomize's kyaml, which also keeps how lists are
// indented; refused: go-yaml alone, which indents every list anew, and edits of
// the text, which would be a YAML parser of our own. Blank lines and the
// folding of long strings are not kept.
//
// An object is looked at where its kind is known to hold a pod template and its
// API group is Kubernetes' own. Everything else, custom resources included,
// passes through: a template in an unknown kind may be merged or generated
// later, and what is in it is not what becomes a pod.
//
// A template is decided on as the pod that its controller makes from it, with
// an owner and a generated name.
package manifest
