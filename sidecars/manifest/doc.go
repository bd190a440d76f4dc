// Package manifest reads Kubernetes manifests, lets sidecars decide about the
// pods that they make, and adds to their text, or takes out of it, nothing else.
//
// # One file, file by file
//
//   - Text becomes values: stream.go (documents), document.go (one of them), yaml.go, json.go and scalar.go (what it says),
//     node.go and measure.go (where each value starts and ends).
//   - Values become pods: object.go, template.go; set.go has what streams share, such as Namespaces.
//   - What is added: inject.go, as growths (growth.go), which edit.go finds and insert.go makes edits of the text of, in its
//     style (render.go, flow.go, lengthen.go).
//   - What is taken out: remove.go, names.go. What changed, for readers: diff.go.
//   - What is said: mistake.go, mistyped.go, repeated.go, unread.go, problems.go.
//
// # Decisions
//
// ## The text is edited, not encoded again
//
// A parser says where values stand; what is added is inserted there, in the
// style of what is around it, and all other bytes stay. Refused: encoding the
// document again, even as nodes, which loses blank lines, line ends, the folding
// of texts and, for JSON, the format. The edited document is read again and
// compared with what was planned: a text that is laid out in a way that is not
// understood ends in an error, never in a wrong document.
//
// ## Taking out restores the bytes
//
// Where an addition could have been made to something empty, its style says what
// was there: brackets with blanks inside were empty ones, brackets behind a key
// in block style stand for no value, a commented null for null. Aliases of maps
// are merged into a map of their own; those of what is edited are written out, with
// the alias in a comment or, between brackets, in an anchor.
//
// ## What asks for nothing passes
//
// A document that cannot be read, or has values of wrong types, is an error only
// if it may ask for something. Documents made to use up memory are refused.
//
// ## Pod templates are known by their shape
//
// Kubernetes' own kinds say where their template is. In any other kind each map
// called template, or something-template, with containers that have names is
// one: its pods will reach the webhook. A template is decided
// on as the pod that its controller makes from it, with an owner and a generated
// name. Scalars mean what they mean to kubectl, which reads YAML 1.1.
package manifest
